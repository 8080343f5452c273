#!/usr/bin/env bash
# Runs the public suite ceph/s3-tests against a started server and compares the outcome with the
# committed list of cases that are expected to fail.
#   tests/compatibility/s3-tests.sh CHECKOUT [pytest argument...]
# Environment: S3_TESTS_SCOPE=in-scope leaves out the capabilities that come later,
# S3_TESTS_PROCESSES (default 3), S3_TESTS_KEEP=FILE keeps the table of all outcomes and the logs.

set -u
script_directory=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$script_directory/server.sh"
source "$script_directory/install.sh"

if [ $# -lt 1 ] || [ ! -f "$1/s3tests/functional/test_s3.py" ]; then
  echo "usage: s3-tests.sh CHECKOUT-OF-CEPH-S3-TESTS [pytest argument...]" >&2
  exit 2
fi
checkout=$(cd "$1" && pwd)
shift

work_directory=$(mktemp -d -t holdfast-s3-tests-XXXXXX)
pytest_process=
clean_up() {
  [ -z "$pytest_process" ] || kill -TERM -- "-$pytest_process" 2>/dev/null
  stop_servers
  rm -rf "$work_directory"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# What the suite's requirements.txt asks for and its cases import, pinned.
install_python_packages s3-tests "boto3==$boto3_version" pytest==9.2.0 pytest-xdist==3.8.0 \
  pytest-timeout==2.4.0 PyYAML==6.0.3 munch==4.0.0 gevent==26.9.0 isodate==0.7.2 \
  requests==2.34.2 pytz==2026.6 httplib2==0.32.1 lxml==6.1.3 || exit 1
python="$cache_directory/s3-tests/bin/python"

export AWS_EC2_METADATA_DISABLED=true HOME="$work_directory" PYTHONDONTWRITEBYTECODE=1
export AWS_ACCESS_KEY_ID=$HOLDFAST_ROOT_ACCESS_KEY AWS_SECRET_ACCESS_KEY=$HOLDFAST_ROOT_SECRET_KEY

# The suite's users: its main one is the root account, the others are accounts of their own, declared
# with fixed ids because the suite's configuration names them. Cases of test_iam.py and test_sts.py
# take the alternative user for one in the account of [iam], named like its canonical id; the plugin
# gives them that one.
declare -A account_ids=([alt]=222222222222 [tenant]=333333333333 [iam]=444444444444
  [root]=555555555555 [alternative]=666666666666)
canonical_id_of() { printf '%064d' "${account_ids[$1]}"; }
secret_of() { printf 's3-tests/secret+of+%s' "$1"; }

write_accounts() {
  local name separator='' user='{"name": "%s", "policies": ["arn:aws:iam::aws:policy/AmazonS3FullAccess"],
    "accessKeys": [{"accessKeyId": "S3TESTSUSER", "secretAccessKey": "%s"}]}'
  printf '{"accounts": ['
  for name in "${!account_ids[@]}"; do
    printf '%s{"name": "%s", "id": "%s", "canonicalId": "%s", "email": "%s@example.com",\n' \
      "$separator" "$name" "${account_ids[$name]}" "$(canonical_id_of "$name")" "$name"
    # The suite supposes that a user may do everything with S3 until a policy denies it.
    # shellcheck disable=SC2059
    [ "$name" != iam ] ||
      printf "\"users\": [$user],\n" "$(canonical_id_of alt)" "$(secret_of user)"
    printf '"accessKeys": [{"accessKeyId": "S3TESTS%s", "secretAccessKey": "%s"}]}' \
      "${name^^}" "$(secret_of "$name")"
    separator=$',\n'
  done
  printf ']}\n'
}
write_accounts >"$work_directory/accounts.json"

# section NAME ACCESS-KEY SECRET-KEY CANONICAL-ID DISPLAY-NAME
section() {
  printf '\n[%s]\naccess_key = %s\nsecret_key = %s\nuser_id = %s\ndisplay_name = %s\n' "$@"
  printf 'email = %s@example.com\n' "$5"
}
account_section() {
  section "$1" "S3TESTS${2^^}" "$(secret_of "$2")" "$(canonical_id_of "$2")" "$2"
}

# write_configuration PORT FILE [STORAGE-CLASSES]
write_configuration() {
  # The suite compares owners with what its configuration says of its users.
  local owner_identity
  owner_identity=$("$python" -c "
import boto3
owner = boto3.client('s3', endpoint_url='http://127.0.0.1:$1').list_buckets()['Owner']
print(owner['ID'], owner.get('DisplayName', ''), sep='\t')") || return 1
  # Cases of SSE-KMS name two keys, and compare them with the ARNs that answers show.
  local kms_keys
  kms_keys=$("$python" -c "
import boto3
kms = boto3.client('kms', endpoint_url='http://127.0.0.1:$1')
for name in ('kms_keyid', 'kms_keyid2'):
    print(name, '=', kms.create_key()['KeyMetadata']['Arn'])") || return 1
  {
    printf '[DEFAULT]\nhost = 127.0.0.1\nport = %s\nis_secure = False\nssl_verify = False\n' "$1"
    printf '\n[fixtures]\nbucket prefix = s3-tests-{random}-\niam name prefix = s3-tests-\n'
    printf 'iam path prefix = /s3-tests/\n'
    section 's3 main' "$HOLDFAST_ROOT_ACCESS_KEY" "$HOLDFAST_ROOT_SECRET_KEY" \
      "${owner_identity%%$'\t'*}" "${owner_identity##*$'\t'}"
    printf 'api_name =\nlc_debug_interval = %s\n%s\n' "$short_day_seconds" "$kms_keys"
    [ $# -lt 3 ] || printf 'storage_classes = %s\n' "$3"
    account_section 's3 alt' alt
    account_section 's3 tenant' tenant
    printf 'tenant = testx\n'
    account_section iam iam
    # test_sts.py compares this id with the account's, test_iam.py grants to the next one.
    section 'iam root' S3TESTSROOT "$(secret_of root)" "${account_ids[root]}" root
    account_section 'iam alt root' alternative
    section 'iam user' S3TESTSUSER "$(secret_of user)" "$(canonical_id_of alt)" user
    # Without a Keycloak; every case that needs it expects ARNs of Ceph's besides.
    printf '\n[webidentity]\ntoken = none\naud = none\nsub = none\nazp = none\n'
    printf 'user_token = none\nthumbprint = none\nKC_REALM = none\n'
  } >"$2"
}

# A server for each process of the suite: some cases look at all buckets of their account. And one more
# for the cases that wait for lifecycle rules; those that read announced dates want days of the calendar.
short_day_seconds=3
# start_suite_server NAME [ARGUMENT...]
start_suite_server() {
  local name=$1 classes=()
  shift
  # Cases of transitions are skipped where there are no classes.
  [ $# -eq 0 ] || classes=("GLACIER_IR GLACIER")
  start_server "$work_directory/data-$name" "$work_directory/server-$name.log" --workers 1 \
    --config "$work_directory/accounts.json" --sse-c anywhere \
    --default-object-ownership ObjectWriter --default-public-access-block off "$@" &&
    write_configuration "$server_port" "$work_directory/s3tests-gw$name.conf" "${classes[@]}"
}
processes=${S3_TESTS_PROCESSES:-3}
for number in $(seq 0 $((processes - 1))); do
  start_suite_server "$number" || exit 1
  start_suite_server "$number-short-days" --lifecycle-day-seconds "$short_day_seconds" || exit 1
done

arguments=("$@")
[ $# -gt 0 ] || arguments=(s3tests/functional)
results="${S3_TESTS_KEEP:-$work_directory/results.tsv}"
rm -f "$results"
(
  cd "$checkout" || exit 1
  S3_TESTS_CONFIGURATIONS="$work_directory" S3TEST_CONF="$work_directory/s3tests-gw0.conf" \
    S3_TESTS_RESULTS="$results" PYTHONPATH="$script_directory" \
    exec setsid "$python" -m pytest -p s3_tests_plugin \
    -p no:cacheprovider -n "$processes" --timeout 120 --tb=short -q --no-header \
    --disable-warnings "${arguments[@]}"
) >"$work_directory/pytest.log" 2>&1 </dev/null &
pytest_process=$!
wait "$pytest_process"
pytest_status=$?
pytest_process=

# 0 and 1 mean that the suite ran; anything else that it could not.
if [ $pytest_status -gt 1 ] || [ ! -s "$results" ]; then
  tail -n 60 "$work_directory"/*.log
  echo "pytest ended with status $pytest_status"
  exit 1
fi
echo "ceph/s3-tests $(git -C "$checkout" rev-parse --short HEAD 2>/dev/null || echo 'of unknown version')"
if [ -n "${S3_TESTS_KEEP:-}" ]; then
  cp "$work_directory/pytest.log" "$S3_TESTS_KEEP.log"
  cat "$work_directory"/server-*.log >"$S3_TESTS_KEEP.server.log"
fi
"$project_directory/node_modules/.bin/node" "$script_directory/s3-tests-report.ts" "$results"
