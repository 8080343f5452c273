# curl, as a browser posts forms: with policies that boto3 presigned.

source "$(dirname "$0")/steps.sh"

aws s3api create-bucket --endpoint-url "$HOLDFAST_ENDPOINT" --bucket "$bucket_name" >/dev/null

# presign KEY SIZE [SIGNATURE-VERSION]: writes the form's fields as a configuration of curl.
presign() {
  python3 - "$HOLDFAST_ENDPOINT" "$bucket_name" "$@" <<'PYTHON' >form.curl
import sys
import boto3
from botocore.config import Config

endpoint, bucket, key, size, *version = sys.argv[1:]
config = Config(signature_version=version[0] if version else "s3v4")
s3 = boto3.client("s3", endpoint_url=endpoint, config=config)
fields = {"Content-Type": "text/plain", "x-amz-meta-from": "curl", "success_action_status": "201"}
conditions = [{name: value} for name, value in fields.items()]
conditions.append(["content-length-range", 0, int(size)])
post = s3.generate_presigned_post(bucket, key, Fields=fields, Conditions=conditions)
print(f'url = "{post["url"]}"')
for name, value in post["fields"].items():
    print(f'form-string = "{name}={value}"')
PYTHON
}

post_file() {
  presign 'uploads/${filename}' 30000000 "$@"
  local file="$sample_files/big/twenty-mebibytes.bin" answer
  answer=$(curl --silent --config form.curl --form "file=@$file;filename=posted.bin")
  assert_contains "$answer" '<Key>uploads/posted.bin</Key>'
  aws s3api get-object --endpoint-url "$HOLDFAST_ENDPOINT" --bucket "$bucket_name" \
    --key uploads/posted.bin back.bin >head.json
  cmp back.bin "$file"
  assert_equal "$(jq -r .Metadata.from head.json)" curl
}

post_too_much() {
  presign too-much 10
  local answer
  answer=$(curl --silent --config form.curl --form "file=@$sample_files/big/twenty-mebibytes.bin")
  assert_contains "$answer" '<Code>EntityTooLarge</Code>'
}

step "a form signed with Signature Version 4" post_file
step "a form signed with Signature Version 2" post_file s3
step "a file that the policy does not allow" post_too_much
finish_steps
