# The AWS command line against IAM and STS: an administrator's session, and the ways in which the
# command line finds temporary credentials by itself.

source "$(dirname "$0")/steps.sh"

aws() { command aws --endpoint-url "$HOLDFAST_ENDPOINT" --no-cli-pager "$@"; }
# The first version has no --no-cli-pager; the wrapper must fit whichever is installed.
command aws --version 2>&1 | grep -q '^aws-cli/1' &&
  aws() { command aws --endpoint-url "$HOLDFAST_ENDPOINT" "$@"; }
text() { aws "$1" "$2" --output text --query "$3" "${@:4}"; }

suffix=$$
user_name="user-$suffix"
group_name="group-$suffix"
role_name="role-$suffix"
policy_name="policy-$suffix"
account_id=$(text sts get-caller-identity Account)

document() { printf '{"Version":"2012-10-17","Statement":[%s]}' "$1"; }
allow() { printf '{"Effect":"Allow","Action":"%s","Resource":"%s"}' "$1" "$2"; }

# Profiles of their own beside the root's keys in the environment.
export AWS_CONFIG_FILE="$work_directory/config" AWS_SHARED_CREDENTIALS_FILE="$work_directory/credentials"
# Of a profile, not of the root: the environment would win over the file. The endpoint comes from the
# profile, as people write it down: what the command line asks of STS by itself goes there too.
with_profile() {
  env -u AWS_ACCESS_KEY_ID -u AWS_SECRET_ACCESS_KEY AWS_ENDPOINT_URL="$HOLDFAST_ENDPOINT" \
    AWS_PROFILE="$1" aws "${@:2}"
}

identify() {
  assert_equal "$(text sts get-caller-identity Arn)" "arn:aws:iam::$account_id:root"
  assert_equal "$(text iam get-user User.Arn)" "arn:aws:iam::$account_id:root"
  AWS_SECRET_ACCESS_KEY=wrong assert_fails_with SignatureDoesNotMatch aws sts get-caller-identity
  AWS_ACCESS_KEY_ID=AKIANOBODY assert_fails_with InvalidClientTokenId aws sts get-caller-identity
}

make_user() {
  aws iam create-user --user-name "$user_name" --path /people/ --tags Key=team,Value=storage
  assert_fails_with EntityAlreadyExists aws iam create-user --user-name "$user_name"
  assert_equal "$(text iam get-user User.Path --user-name "$user_name")" /people/
  assert_equal "$(text iam list-user-tags 'Tags[0].Value' --user-name "$user_name")" storage
  assert_contains "$(text iam list-users 'Users[].UserName' --path-prefix /people/)" "$user_name"
  aws iam wait user-exists --user-name "$user_name"
}

make_key() {
  local access_key_id secret
  read -r access_key_id secret < <(text iam create-access-key \
    'AccessKey.[AccessKeyId,SecretAccessKey]' --user-name "$user_name")
  command aws configure set aws_access_key_id "$access_key_id" --profile user
  command aws configure set aws_secret_access_key "$secret" --profile user
  assert_equal "$(with_profile user sts get-caller-identity --output text --query Arn)" \
    "arn:aws:iam::$account_id:user/people/$user_name"
  assert_equal "$(text iam list-access-keys 'AccessKeyMetadata[0].Status' --user-name "$user_name")" Active
  assert_fails_with AccessDenied with_profile user s3 ls
}

make_policy() {
  local policy_arn="arn:aws:iam::$account_id:policy/$policy_name"
  aws iam create-policy --policy-name "$policy_name" \
    --policy-document "$(document "$(allow s3:ListAllMyBuckets '*')")"
  aws iam create-policy-version --policy-arn "$policy_arn" --set-as-default \
    --policy-document "$(document "$(allow 's3:*' '*')")"
  assert_equal "$(text iam list-policy-versions 'Versions[].VersionId' --policy-arn "$policy_arn")" \
    "$(printf 'v2\tv1')"
  assert_equal "$(text iam get-policy-version 'PolicyVersion.Document.Statement[0].Action' \
    --policy-arn "$policy_arn" --version-id v2)" 's3:*'
  assert_fails_with MalformedPolicyDocument aws iam create-policy --policy-name bad \
    --policy-document '{}'
}

use_group() {
  aws iam create-group --group-name "$group_name"
  aws iam attach-group-policy --group-name "$group_name" \
    --policy-arn "arn:aws:iam::$account_id:policy/$policy_name"
  aws iam add-user-to-group --group-name "$group_name" --user-name "$user_name"
  with_profile user s3 mb "s3://$bucket_name"
  with_profile user s3 cp "$sample_files/tree/small.txt" "s3://$bucket_name/small.txt"
  assert_equal "$(text iam list-groups-for-user 'Groups[].GroupName' --user-name "$user_name")" \
    "$group_name"
  assert_equal "$(text iam list-entities-for-policy 'PolicyGroups[].GroupName' \
    --policy-arn "arn:aws:iam::$account_id:policy/$policy_name")" "$group_name"
}

simulate() {
  assert_equal "$(text iam simulate-principal-policy 'EvaluationResults[].EvalDecision' \
    --policy-source-arn "arn:aws:iam::$account_id:user/people/$user_name" \
    --action-names s3:GetObject iam:CreateUser)" "$(printf 'allowed\timplicitDeny')"
}

assume_role_by_profile() {
  aws iam create-role --role-name "$role_name" --assume-role-policy-document "$(document \
    "{\"Effect\":\"Allow\",\"Action\":\"sts:AssumeRole\",\"Principal\":{\"AWS\":\"arn:aws:iam::$account_id:user/people/$user_name\"}}")"
  aws iam put-role-policy --role-name "$role_name" --policy-name read \
    --policy-document "$(document "$(allow 's3:GetObject' "arn:aws:s3:::$bucket_name/*")")"
  cat >>"$AWS_CONFIG_FILE" <<PROFILE
[profile role]
role_arn = arn:aws:iam::$account_id:role/$role_name
source_profile = user
role_session_name = by-profile
PROFILE
  assert_equal "$(with_profile role sts get-caller-identity --output text --query Arn)" \
    "arn:aws:sts::$account_id:assumed-role/$role_name/by-profile"
  with_profile role s3 cp "s3://$bucket_name/small.txt" read.txt
  cmp "$sample_files/tree/small.txt" read.txt
  assert_fails_with AccessDenied with_profile role s3 cp read.txt "s3://$bucket_name/written.txt"
}

assume_role_by_hand() {
  local access_key_id secret token
  read -r access_key_id secret token < <(with_profile user sts assume-role --output text \
    --role-arn "arn:aws:iam::$account_id:role/$role_name" --role-session-name by-hand \
    --policy "$(document "$(allow 's3:GetObject' "arn:aws:s3:::$bucket_name/nothing")")" \
    --query 'Credentials.[AccessKeyId,SecretAccessKey,SessionToken]')
  export AWS_ACCESS_KEY_ID=$access_key_id AWS_SECRET_ACCESS_KEY=$secret AWS_SESSION_TOKEN=$token
  assert_fails_with 403 aws s3 cp "s3://$bucket_name/small.txt" nothing.txt
  assert_contains "$(text sts get-caller-identity Arn)" "/by-hand"
}

session_token() {
  local access_key_id secret token
  read -r access_key_id secret token < <(with_profile user sts get-session-token --output text \
    --query 'Credentials.[AccessKeyId,SecretAccessKey,SessionToken]')
  export AWS_ACCESS_KEY_ID=$access_key_id AWS_SECRET_ACCESS_KEY=$secret AWS_SESSION_TOKEN=$token
  aws s3 ls "s3://$bucket_name"
  export AWS_SESSION_TOKEN="${token}x"
  assert_fails_with InvalidClientTokenId aws sts get-caller-identity
}

# A workload whose token lies in a file, as Kubernetes puts it there; python3 is the identity provider.
assume_role_by_web_identity() {
  local issuer provider_arn
  python3 "$(dirname "$0")/identity_provider.py" "$work_directory/issuer" \
    "$work_directory/token" >provider.log 2>&1 &
  provider_process=$!
  # Not local: the trap runs when the function is over.
  trap 'kill "$provider_process"' EXIT
  for _ in $(seq 50); do [ -s "$work_directory/token" ] && break || sleep 0.1; done
  issuer=$(cat "$work_directory/issuer")
  provider_arn=$(text iam create-open-id-connect-provider OpenIDConnectProviderArn --url "$issuer" \
    --client-id-list sts.amazonaws.com)
  assert_contains "$provider_arn" "oidc-provider/${issuer#http://}"
  aws iam create-role --role-name "web-$role_name" --assume-role-policy-document "$(document \
    "{\"Effect\":\"Allow\",\"Action\":\"sts:AssumeRoleWithWebIdentity\",\"Principal\":{\"Federated\":\"$provider_arn\"},\"Condition\":{\"StringEquals\":{\"${issuer#http://}:sub\":\"system:serviceaccount:default:reader\"}}}")"
  aws iam attach-role-policy --role-name "web-$role_name" \
    --policy-arn arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess
  cat >>"$AWS_CONFIG_FILE" <<PROFILE
[profile web]
role_arn = arn:aws:iam::$account_id:role/web-$role_name
web_identity_token_file = $work_directory/token
role_session_name = workload
PROFILE
  assert_equal "$(with_profile web sts get-caller-identity --output text --query Arn)" \
    "arn:aws:sts::$account_id:assumed-role/web-$role_name/workload"
  with_profile web s3 cp "s3://$bucket_name/small.txt" web.txt
  cmp "$sample_files/tree/small.txt" web.txt
  assert_fails_with AccessDenied with_profile web s3 rm "s3://$bucket_name/small.txt"
  aws iam delete-open-id-connect-provider --open-id-connect-provider-arn "$provider_arn"
}

show_account() {
  assert_contains "$(text iam get-account-authorization-details 'UserDetailList[].UserName')" "$user_name"
  [ "$(text iam get-account-summary SummaryMap.Users)" -ge 1 ]
  aws iam create-account-alias --account-alias "alias-$suffix"
  assert_equal "$(text iam list-account-aliases 'AccountAliases[0]')" "alias-$suffix"
  aws iam delete-account-alias --account-alias "alias-$suffix"
}

clean_up() {
  local key
  aws s3 rb --force "s3://$bucket_name"
  assert_fails_with DeleteConflict aws iam delete-user --user-name "$user_name"
  aws iam remove-user-from-group --group-name "$group_name" --user-name "$user_name"
  for key in $(text iam list-access-keys 'AccessKeyMetadata[].AccessKeyId' --user-name "$user_name"); do
    aws iam delete-access-key --user-name "$user_name" --access-key-id "$key"
  done
  aws iam delete-user --user-name "$user_name"
  aws iam detach-group-policy --group-name "$group_name" \
    --policy-arn "arn:aws:iam::$account_id:policy/$policy_name"
  aws iam delete-group --group-name "$group_name"
  aws iam delete-policy-version --version-id v1 \
    --policy-arn "arn:aws:iam::$account_id:policy/$policy_name"
  aws iam delete-policy --policy-arn "arn:aws:iam::$account_id:policy/$policy_name"
  aws iam delete-role-policy --role-name "$role_name" --policy-name read
  aws iam delete-role --role-name "$role_name"
  assert_fails_with NoSuchEntity aws iam get-role --role-name "$role_name"
}

step "who am I" identify
step "a user with a path and tags" make_user
step "an access key and its profile" make_key
step "a managed policy with versions" make_policy
step "a group gives its members what it may" use_group
step "simulation" simulate
step "a profile with role_arn and source_profile" assume_role_by_profile
step "assume-role with a session policy" assume_role_by_hand
step "get-session-token" session_token
step "a profile with a web identity token file" assume_role_by_web_identity
step "the account as a whole" show_account
step "everything is taken away again" clean_up
finish_steps
