#!/usr/bin/env bash
# Runs those parts of minio/mint that need neither a container nor a build of their own, against a
# started server, and prints each case's outcome.
#   tests/compatibility/mint.sh CHECKOUT-OF-MINIO-MINT [suite...]
# Suites: awscli and s3cmd (scripts of the checkout), minio-py (the functional tests in the source
# archive of the package on PyPI); minio-go and mc (those in the modules, with a Go toolchain); and
# versioning and aws-sdk-go-v2 where their programs lie built in the checkout. It informs: mint tests MinIO's own extensions too, so that not every case that
# fails is a fault. Exits non-zero only when a suite could not run.

set -u
script_directory=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$script_directory/server.sh"
source "$script_directory/install.sh"
minio_py_version=7.2.20
minio_go_version=v7.4.1
mc_version=v0.0.0-20250313080218-cf909e1063a9

if [ $# -lt 1 ] || [ ! -f "$1/run/core/awscli/test.sh" ]; then
  echo "usage: mint.sh CHECKOUT-OF-MINIO-MINT [suite...]" >&2
  exit 2
fi
checkout=$(cd "$1" && pwd)
shift
suites=("$@")
[ $# -gt 0 ] || suites=(awscli s3cmd minio-py minio-go mc versioning aws-sdk-go-v2)

work_directory=$(mktemp -d -t holdfast-mint-XXXXXX)
clean_up() {
  stop_servers
  rm -rf "$work_directory"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

install_clients || exit 1
# As the suites suppose: access control lists, public policies, customers' keys over plain HTTP.
start_server "$work_directory/data" "$work_directory/server.log" \
  --default-object-ownership ObjectWriter --default-public-access-block off --sse-c anywhere || exit 1

# The names that mint gives its settings.
export SERVER_ENDPOINT="127.0.0.1:$server_port" SERVER_REGION=us-east-1 ENABLE_HTTPS=0
export ACCESS_KEY=$HOLDFAST_ROOT_ACCESS_KEY SECRET_KEY=$HOLDFAST_ROOT_SECRET_KEY
export AWS_ACCESS_KEY_ID=$ACCESS_KEY AWS_SECRET_ACCESS_KEY=$SECRET_KEY
export MINT_MODE=full MINT_DATA_DIR="$work_directory/files" DATA_DIR="$work_directory/files"
export ENABLE_VIRTUAL_STYLE=0 RUN_ON_FAIL=1 HOME="$work_directory" AWS_PAGER=''
unset AWS_CA_BUNDLE REQUESTS_CA_BUNDLE

write_data_files() {
  local entry
  mkdir -p "$MINT_DATA_DIR"
  for entry in 0-b:0 1-b:1 1-kB:1K 10-kB:10K 33-kB:33K 100-kB:100K 1-MB:1M 1.03-MB:1056K 5-MB:5M \
    5243880-b:5243880 6-MB:6M 10-MB:10M 11-MB:11M 65-MB:65M; do
    head -c "${entry#*:}" /dev/urandom >"$MINT_DATA_DIR/datafile-${entry%%:*}"
  done
}

run_awscli() {
  # It appends to this file of its own.
  rm -f /tmp/lifecycle.json
  # The script stops at its first failure; here its functions run one by one.
  local script="$work_directory/awscli.sh" case
  grep -v '^_init "\$@" && main' "$checkout/run/core/awscli/test.sh" >"$script"
  for case in $(grep -o '^function test_[a-z0-9_]*' "$script" | cut -d ' ' -f 2); do
    bash -c "source $script; _init http://$SERVER_ENDPOINT; $case" awscli ||
      echo "{\"function\": \"$case\", \"status\": \"FAIL\", \"error\": \"see above\"}"
  done
}

run_s3cmd() {
  (cd "$work_directory" && bash "$checkout/run/core/s3cmd/test.sh")
}

run_minio_py() {
  local source="$work_directory/minio-py"
  install_python_packages mint-minio-py "minio==$minio_py_version" faker==40.54.0 >&2
  pip download --quiet --no-deps --no-binary :all: --dest "$source" "minio==$minio_py_version" >&2
  tar -xzf "$source/minio-$minio_py_version.tar.gz" -C "$source"
  (cd "$source" &&
    "$cache_directory/mint-minio-py/bin/python" \
      "minio-$minio_py_version/tests/functional/tests.py")
}

run_minio_go() {
  local directory="$cache_directory/mint-minio-go-$minio_go_version" module
  if [ ! -x "$directory/minio-go" ]; then
    mkdir -p "$directory"
    (
      cd "$directory" || exit 1
      [ -f go.mod ] || go mod init functional-tests
      go get "github.com/minio/minio-go/v7@$minio_go_version"
      module=$(go list -m -f '{{.Dir}}' github.com/minio/minio-go/v7)
      sed '/^\/\/go:build/d' "$module/functional_tests.go" >main.go
      go mod tidy && CGO_ENABLED=0 go build -o minio-go .
    ) >&2 || return 1
  fi
  # The checksums that it expects are those of its own data.
  env -u MINT_DATA_DIR "$directory/minio-go"
}

run_mc() {
  local directory="$cache_directory/mint-mc-$mc_version" module
  if [ ! -x "$directory/mc" ]; then
    GOBIN="$directory" CGO_ENABLED=0 go install "github.com/minio/mc@$mc_version" >&2 || return 1
  fi
  module=$(go mod download -json "github.com/minio/mc@$mc_version" | jq -r .Dir)
  mkdir -p "$work_directory/mc"
  cp "$directory/mc" "$module/functional-tests.sh" "$work_directory/mc/"
  (cd "$work_directory/mc" && bash functional-tests.sh)
}

run_program() {
  if [ ! -x "$1" ]; then
    echo "not built in the checkout: ${1#"$checkout/"}" >&2
    return 1
  fi
  "$1"
}

write_data_files
unable=0
for suite in "${suites[@]}"; do
  log="$work_directory/$suite.log"
  case $suite in
    awscli) run_awscli ;;
    s3cmd) run_s3cmd ;;
    minio-py) run_minio_py ;;
    minio-go) run_minio_go ;;
    mc) run_mc ;;
    versioning) run_program "$checkout/run/core/versioning/tests" ;;
    aws-sdk-go-v2) run_program "$checkout/run/core/aws-sdk-go-v2/aws-sdk-go-v2" ;;
    *) echo "no such suite: $suite" && false ;;
  esac >"$log" 2>"$log.errors"
  # Every case is a JSON object on a line; whatever else a suite prints is its own talk.
  passed=$(grep -c '"status": *"PASS"' "$log")
  failed=$(grep -c '"status": *"FAIL"' "$log")
  echo "$suite: $passed passed, $failed failed"
  # One line for each case, however often it fails.
  grep '"status": *"FAIL"' "$log" | awk '{
    match($0, /"name": *"[^"]*"/); name = substr($0, RSTART, RLENGTH)
    match($0, /"function": *"[^"]*"/); if (!seen[name substr($0, RSTART, RLENGTH)]++) print
  }' | cut -c 1-600
  if [ "$((passed + failed))" -eq 0 ]; then
    unable=$((unable + 1))
    tail -n 20 "$log" "$log.errors"
  fi
done
[ "$unable" -eq 0 ]
