# s3cmd: uploads in parts, syncs, copies and signed addresses, with both signature versions.

source "$(dirname "$0")/steps.sh"

configuration="$work_directory/s3cfg"
cat >"$configuration" <<CONFIGURATION
[default]
access_key = $AWS_ACCESS_KEY_ID
secret_key = $AWS_SECRET_ACCESS_KEY
host_base = ${HOLDFAST_ENDPOINT#http://}
host_bucket = ${HOLDFAST_ENDPOINT#http://}
use_https = False
bucket_location = us-east-1
progress_meter = False
max_retries = 1
CONFIGURATION
signature_options=()
s3cmd() { command s3cmd --config "$configuration" "${signature_options[@]}" "$@"; }

make_bucket() {
  s3cmd mb "$bucket"
  assert_contains "$(s3cmd ls)" "$bucket"
}

put_and_get() {
  s3cmd put "$sample_files/tree/odd.bin" "$bucket/put/odd.bin"
  s3cmd get --force "$bucket/put/odd.bin" odd.bin
  cmp odd.bin "$sample_files/tree/odd.bin"
  s3cmd put "$sample_files/tree/empty" "$bucket/put/empty"
  s3cmd get --force "$bucket/put/empty" empty
  cmp empty "$sample_files/tree/empty"
  s3cmd put --mime-type text/x-odd --add-header 'Cache-Control: max-age=5' \
    --add-header 'x-amz-meta-colour: blue' "$sample_files/tree/small.txt" "$bucket/put/small.txt"
}

put_in_parts() {
  s3cmd put --multipart-chunk-size-mb=5 "$sample_files/big/twenty-mebibytes.bin" "$bucket/big.bin"
  s3cmd get --force "$bucket/big.bin" big.bin
  cmp big.bin "$sample_files/big/twenty-mebibytes.bin"
  s3cmd put --multipart-chunk-size-mb=5 - "$bucket/piped.bin" <"$sample_files/big/above-multipart.bin"
  s3cmd get "$bucket/piped.bin" - | cmp - "$sample_files/big/above-multipart.bin"
}

put_same_file_in_parts_again() {
  s3cmd put --continue-put --multipart-chunk-size-mb=5 "$sample_files/big/twenty-mebibytes.bin" \
    "$bucket/big.bin"
  assert_equal "$(s3cmd multipart "$bucket" | grep -c 'big.bin' || true)" 0
}

continue_download() {
  head -c 3000000 "$sample_files/big/twenty-mebibytes.bin" >continued.bin
  s3cmd get --continue "$bucket/big.bin" continued.bin
  cmp continued.bin "$sample_files/big/twenty-mebibytes.bin"
}

sync_both_ways() {
  s3cmd sync "$sample_files/tree/" "$bucket/tree/"
  rm -rf down-tree && mkdir down-tree
  s3cmd sync "$bucket/tree/" down-tree/
  diff --recursive "$sample_files/tree" down-tree
  rm -rf changed-tree && cp -r "$sample_files/tree" changed-tree
  rm -r changed-tree/nested/deeper
  echo changed >changed-tree/small.txt
  s3cmd sync --delete-removed changed-tree/ "$bucket/tree/"
  s3cmd sync --delete-removed "$bucket/tree/" down-tree/
  diff <(cd changed-tree && find . -type f | sort) <(cd down-tree && find . -type f | sort)
  cmp changed-tree/small.txt down-tree/small.txt
}

list_and_describe() {
  assert_equal "$(s3cmd ls --recursive "$bucket/tree/" | wc -l)" "$(find changed-tree -type f | wc -l)"
  assert_contains "$(s3cmd ls "$bucket/tree/")" "DIR"
  assert_contains "$(s3cmd du "$bucket/put/")" 66537
  local described
  described=$(s3cmd info "$bucket/put/small.txt")
  assert_contains "$described" "text/x-odd"
  assert_contains "$described" "$(md5sum <"$sample_files/tree/small.txt" | cut -c -32)"
  assert_contains "$described" "blue"
  assert_contains "$(s3cmd info "$bucket")" "us-east-1"
}

copy_and_move() {
  s3cmd cp "$bucket/put/small.txt" "$bucket/put/copied ü.txt"
  assert_contains "$(s3cmd info "$bucket/put/copied ü.txt")" "blue"
  s3cmd mv "$bucket/put/copied ü.txt" "$bucket/moved.txt"
  s3cmd get --force "$bucket/moved.txt" moved.txt
  cmp moved.txt "$sample_files/tree/small.txt"
  assert_equal "$(s3cmd ls "$bucket/put/copied")" ""
  s3cmd modify --add-header 'x-amz-meta-colour: green' "$bucket/moved.txt"
  assert_contains "$(s3cmd info "$bucket/moved.txt")" "green"
}

sign_address() {
  local url
  url=$(s3cmd signurl "$bucket/put/odd.bin" +60)
  curl --silent --fail --output signed.bin "$url"
  cmp signed.bin "$sample_files/tree/odd.bin"
  assert_equal "$(curl --silent --output /dev/null --write-out '%{http_code}' "${url}0")" 403
}

delete_everything() {
  s3cmd del "$bucket/put/odd.bin"
  assert_equal "$(s3cmd ls "$bucket/put/odd.bin")" ""
  assert_fails_with BucketNotEmpty s3cmd rb "$bucket"
  s3cmd del --recursive --force "$bucket"
  s3cmd rb "$bucket"
  assert_fails_with NoSuchBucket s3cmd ls "$bucket"
}

for version in 4 2; do
  bucket="s3://$bucket_name-v$version"
  [ $version = 2 ] && signature_options=(--signature-v2)
  step "v$version: mb" make_bucket
  step "v$version: put, get" put_and_get
  step "v$version: put in parts" put_in_parts
  step "v$version: put --continue-put" put_same_file_in_parts_again
  step "v$version: get --continue" continue_download
  step "v$version: sync both ways" sync_both_ways
  step "v$version: ls, du, info" list_and_describe
  step "v$version: cp, mv, modify" copy_and_move
  step "v$version: signurl" sign_address
  step "v$version: del, rb" delete_everything
done
finish_steps
