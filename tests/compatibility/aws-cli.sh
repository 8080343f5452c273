# The AWS command line: `aws s3` on whole trees, and `aws s3api` operation by operation.

source "$(dirname "$0")/steps.sh"

aws() { command aws --endpoint-url "$HOLDFAST_ENDPOINT" --no-cli-pager "$@"; }
# The first version has no --no-cli-pager; the wrapper must fit whichever is installed.
command aws --version 2>&1 | grep -q '^aws-cli/1' &&
  aws() { command aws --endpoint-url "$HOLDFAST_ENDPOINT" "$@"; }
s3api() { aws s3api "$@"; }
query() { s3api "$1" --bucket "$bucket_name" --output text --query "$2" "${@:3}"; }

make_bucket() {
  aws s3 mb "s3://$bucket_name"
  assert_contains "$(aws s3 ls)" "$bucket_name"
  s3api head-bucket --bucket "$bucket_name"
  assert_equal "$(query get-bucket-location LocationConstraint)" None
}

make_bucket_twice() {
  # In us-east-1 S3 answers success to the owner of the bucket.
  s3api create-bucket --bucket "$bucket_name"
  assert_fails_with InvalidBucketName s3api create-bucket --bucket 127.0.0.1
}

copy_small() {
  aws s3 cp "$sample_files/tree/small.txt" "s3://$bucket_name/copied/small.txt"
  aws s3 cp "s3://$bucket_name/copied/small.txt" down-small.txt
  cmp "$sample_files/tree/small.txt" down-small.txt
  assert_contains "$(query head-object ContentType --key copied/small.txt)" text/plain
}

copy_big() {
  aws s3 cp "$sample_files/big/twenty-mebibytes.bin" "s3://$bucket_name/big.bin" --no-progress
  assert_contains "$(query head-object ETag --key big.bin)" -3
  aws s3 cp "s3://$bucket_name/big.bin" down-big.bin --no-progress
  cmp "$sample_files/big/twenty-mebibytes.bin" down-big.bin
}

copy_streams() {
  aws s3 cp - "s3://$bucket_name/stream.bin" <"$sample_files/big/above-multipart.bin"
  aws s3 cp "s3://$bucket_name/stream.bin" - | cmp - "$sample_files/big/above-multipart.bin"
}

copy_inside() {
  aws s3 cp "s3://$bucket_name/big.bin" "s3://$bucket_name/copied/big copy.bin" --no-progress
  aws s3 cp "s3://$bucket_name/copied/big copy.bin" - | cmp - "$sample_files/big/twenty-mebibytes.bin"
}

sync_up_and_down() {
  aws s3 sync "$sample_files/tree" "s3://$bucket_name/tree" --no-progress
  aws s3 sync "s3://$bucket_name/tree" down-tree --no-progress
  diff --recursive "$sample_files/tree" down-tree
  assert_equal "$(aws s3 sync "$sample_files/tree" "s3://$bucket_name/tree")" ""
}

sync_with_delete() {
  cp -r "$sample_files/tree" changed-tree
  rm -r changed-tree/nested/deeper
  echo changed and longer >changed-tree/small.txt
  echo new >changed-tree/new.txt
  aws s3 sync changed-tree "s3://$bucket_name/tree" --delete --no-progress
  aws s3 sync "s3://$bucket_name/tree" down-tree --delete --no-progress
  find down-tree -type d -empty -delete
  diff --recursive changed-tree down-tree
}

list_recursively() {
  local listed
  listed=$(aws s3 ls --recursive --summarize "s3://$bucket_name/tree/")
  assert_contains "$listed" "tree/names/ümläut-日本語-😀.txt"
  assert_contains "$listed" "Total Objects: $(find changed-tree -type f | wc -l)"
  assert_contains "$(aws s3 ls "s3://$bucket_name/tree/")" "PRE names/"
}

list_in_pages() {
  local count
  count=$(s3api list-objects-v2 --bucket "$bucket_name" --page-size 3 --query 'length(Contents)')
  assert_equal "$count" "$(s3api list-objects --bucket "$bucket_name" --query 'length(Contents)')"
}

move() {
  cp "$sample_files/tree/odd.bin" moving.bin
  aws s3 mv moving.bin "s3://$bucket_name/moved/up.bin"
  [ ! -e moving.bin ]
  aws s3 mv "s3://$bucket_name/moved/up.bin" "s3://$bucket_name/moved/inside.bin"
  aws s3 mv "s3://$bucket_name/moved/inside.bin" moving.bin
  cmp moving.bin "$sample_files/tree/odd.bin"
  assert_equal "$(query list-objects-v2 'Contents' --prefix moved/)" None
}

presign() {
  local url
  url=$(aws s3 presign "s3://$bucket_name/copied/big copy.bin" --expires-in 60)
  curl --silent --fail --output presigned.bin "$url"
  cmp presigned.bin "$sample_files/big/twenty-mebibytes.bin"
  assert_equal "$(curl --silent --output /dev/null --write-out '%{http_code}' "${url}0")" 403
  assert_equal "$(curl --silent --output /dev/null --write-out '%{http_code}' "${url%%\?*}")" 403
}

put_with_everything() {
  s3api put-object --bucket "$bucket_name" --key put/everything --body "$sample_files/tree/odd.bin" \
    --content-type application/x-odd --content-encoding identity --content-language de \
    --content-disposition 'attachment; filename="o.bin"' --cache-control max-age=7 \
    --expires 2031-01-01T00:00:00Z --metadata 'colour=blue,shape=round' \
    --storage-class STANDARD_IA --website-redirect-location /elsewhere
  assert_equal "$(query head-object \
    '[ContentType,ContentEncoding,ContentLanguage,CacheControl,Metadata.colour,StorageClass]' \
    --key put/everything)" "$(printf 'application/x-odd\tidentity\tde\tmax-age=7\tblue\tSTANDARD_IA')"
  s3api get-object --bucket "$bucket_name" --key put/everything --range bytes=100-199 range.bin
  cmp range.bin <(tail -c +101 "$sample_files/tree/odd.bin" | head -c 100)
  s3api get-object --bucket "$bucket_name" --key put/everything suffix.bin --range bytes=-5 \
    --response-content-type text/override --query ContentType --output text | grep text/override
  cmp suffix.bin <(tail -c 5 "$sample_files/tree/odd.bin")
  assert_fails_with InvalidRange s3api get-object --bucket "$bucket_name" --key put/everything \
    --range bytes=70000- nothing.bin
}

conditional_reads() {
  local etag
  etag=$(query head-object ETag --key put/everything)
  s3api get-object --bucket "$bucket_name" --key put/everything --if-match "$etag" match.bin
  assert_fails_with 304 s3api get-object --bucket "$bucket_name" --key put/everything \
    --if-none-match "$etag" nothing.bin
  assert_fails_with PreconditionFailed s3api get-object --bucket "$bucket_name" \
    --key put/everything --if-match '"0123"' nothing.bin
  assert_fails_with 304 s3api head-object --bucket "$bucket_name" --key put/everything \
    --if-modified-since 2040-01-01T00:00:00Z
}

conditional_writes() {
  local etag
  s3api put-object --bucket "$bucket_name" --key conditional --if-none-match '*' --body "$0"
  assert_fails_with PreconditionFailed s3api put-object --bucket "$bucket_name" \
    --key conditional --if-none-match '*' --body "$0"
  etag=$(query head-object ETag --key conditional)
  s3api put-object --bucket "$bucket_name" --key conditional --if-match "$etag" \
    --body "$sample_files/tree/small.txt"
  assert_fails_with PreconditionFailed s3api put-object --bucket "$bucket_name" \
    --key conditional --if-match "$etag" --body "$0"
  assert_fails_with NoSuchKey s3api put-object --bucket "$bucket_name" \
    --key absent --if-match "$etag" --body "$0"
  assert_fails_with PreconditionFailed s3api delete-object --bucket "$bucket_name" \
    --key conditional --if-match "$etag"
  s3api delete-object --bucket "$bucket_name" --key conditional \
    --if-match "$(query head-object ETag --key conditional)"
}

checksum_of() {
  local algorithm=$1 member=$2 put_value
  put_value=$(query put-object "$member" --key "checksum/$algorithm" \
    --body "$sample_files/tree/odd.bin" --checksum-algorithm "$algorithm")
  [ "$put_value" != None ]
  assert_equal "$(query head-object "$member" --key "checksum/$algorithm" \
    --checksum-mode ENABLED)" "$put_value"
  assert_equal "$(query get-object-attributes "Checksum.$member" --key "checksum/$algorithm" \
    --object-attributes Checksum)" "$put_value"
  s3api get-object --bucket "$bucket_name" --key "checksum/$algorithm" --checksum-mode ENABLED \
    "checksum-$algorithm.bin"
  cmp "checksum-$algorithm.bin" "$sample_files/tree/odd.bin"
}

wrong_checksums() {
  assert_fails_with BadDigest s3api put-object --bucket "$bucket_name" --key checksum/wrong \
    --body "$sample_files/tree/odd.bin" --checksum-sha256 "$(printf 'wrong' | openssl sha256 -binary | base64)"
  assert_fails_with BadDigest s3api put-object --bucket "$bucket_name" --key checksum/wrong \
    --body "$sample_files/tree/odd.bin" --content-md5 "$(printf 'wrong' | openssl md5 -binary | base64)"
  assert_fails_with 404 s3api head-object --bucket "$bucket_name" --key checksum/wrong
}

copy_object() {
  s3api copy-object --bucket "$bucket_name" --key put/copy \
    --copy-source "$bucket_name/put/everything"
  assert_equal "$(query head-object Metadata.shape --key put/copy)" round
  s3api copy-object --bucket "$bucket_name" --key put/copy --metadata-directive REPLACE \
    --copy-source "$bucket_name/put/everything" --metadata shape=square
  assert_equal "$(query head-object Metadata.shape --key put/copy)" square
  assert_fails_with InvalidRequest s3api copy-object --bucket "$bucket_name" --key put/copy \
    --copy-source "$bucket_name/put/copy"
  assert_fails_with PreconditionFailed s3api copy-object --bucket "$bucket_name" --key put/third \
    --copy-source "$bucket_name/put/copy" --copy-source-if-match '"0123"'
}

multipart_by_hand() {
  local key=multipart/hand upload first second
  upload=$(query create-multipart-upload UploadId --key $key --metadata a=b \
    --checksum-algorithm CRC32C --checksum-type FULL_OBJECT)
  upload_part() {
    query upload-part ETag --key $key --upload-id "$upload" --part-number "$1" --body "$2" \
      --checksum-algorithm CRC32C
  }
  first=$(upload_part 1 "$sample_files/big/five-mebibytes.bin")
  second=$(upload_part 2 "$sample_files/tree/odd.bin")
  assert_equal "$(query list-parts 'Parts[].PartNumber' --key $key --upload-id "$upload")" "$(printf '1\t2')"
  assert_equal "$(query list-multipart-uploads 'Uploads[].Key')" $key
  s3api complete-multipart-upload --bucket "$bucket_name" --key $key --upload-id "$upload" \
    --multipart-upload "{\"Parts\":[{\"PartNumber\":1,\"ETag\":${first}},{\"PartNumber\":2,\"ETag\":${second}}]}"
  s3api get-object --bucket "$bucket_name" --key $key hand.bin --checksum-mode ENABLED
  cat "$sample_files/big/five-mebibytes.bin" "$sample_files/tree/odd.bin" | cmp - hand.bin
  s3api get-object --bucket "$bucket_name" --key $key --part-number 2 part.bin
  cmp part.bin "$sample_files/tree/odd.bin"
  assert_equal "$(query get-object-attributes \
    '[Checksum.ChecksumType,ObjectParts.TotalPartsCount,ObjectSize]' --key $key \
    --object-attributes Checksum ObjectParts ObjectSize)" "$(printf 'FULL_OBJECT\t2\t5308417')"
}

multipart_copy_and_abort() {
  local key=multipart/copied upload part
  upload=$(query create-multipart-upload UploadId --key $key)
  part=$(query upload-part-copy CopyPartResult.ETag --key $key --upload-id "$upload" \
    --part-number 1 --copy-source "$bucket_name/big.bin" --copy-source-range bytes=1000-6000000)
  s3api complete-multipart-upload --bucket "$bucket_name" --key $key --upload-id "$upload" \
    --multipart-upload "{\"Parts\":[{\"PartNumber\":1,\"ETag\":${part}}]}"
  aws s3 cp "s3://$bucket_name/$key" - |
    cmp - <(tail -c +1001 "$sample_files/big/twenty-mebibytes.bin" | head -c 5999001)
  upload=$(query create-multipart-upload UploadId --key $key)
  s3api abort-multipart-upload --bucket "$bucket_name" --key $key --upload-id "$upload"
  assert_fails_with NoSuchUpload s3api list-parts --bucket "$bucket_name" --key $key \
    --upload-id "$upload"
}

versions() {
  local first second
  assert_equal "$(query get-bucket-versioning Status)" None
  s3api put-bucket-versioning --bucket "$bucket_name" --versioning-configuration Status=Enabled
  assert_equal "$(query get-bucket-versioning Status)" Enabled
  first=$(query put-object VersionId --key versioned --body "$sample_files/tree/small.txt")
  second=$(query put-object VersionId --key versioned --body "$sample_files/tree/odd.bin")
  [ "$first" != "$second" ]
  assert_equal "$(query delete-object DeleteMarker --key versioned)" True
  assert_fails_with NoSuchKey s3api get-object --bucket "$bucket_name" --key versioned nothing.bin
  assert_equal "$(query list-object-versions 'Versions[].VersionId' --prefix versioned)" \
    "$(printf '%s\t%s' "$second" "$first")"
  assert_equal "$(query list-object-versions 'DeleteMarkers[].IsLatest' --prefix versioned)" True
  s3api get-object --bucket "$bucket_name" --key versioned --version-id "$first" first.bin
  cmp first.bin "$sample_files/tree/small.txt"
  s3api delete-object --bucket "$bucket_name" --key versioned --version-id "$(query \
    list-object-versions 'DeleteMarkers[0].VersionId' --prefix versioned)"
  assert_equal "$(query head-object VersionId --key versioned)" "$second"
  s3api put-bucket-versioning --bucket "$bucket_name" --versioning-configuration Status=Suspended
}

delete_many() {
  s3api delete-objects --bucket "$bucket_name" \
    --delete 'Objects=[{Key=put/copy},{Key=put/everything},{Key=never-there}],Quiet=false' \
    --query 'sort(Deleted[].Key)' --output text >deleted.txt
  assert_equal "$(cat deleted.txt)" "$(printf 'never-there\tput/copy\tput/everything')"
}

remove_everything() {
  aws s3 rm --recursive "s3://$bucket_name" --quiet
  assert_equal "$(aws s3 ls --recursive "s3://$bucket_name")" ""
  assert_fails_with BucketNotEmpty s3api delete-bucket --bucket "$bucket_name"
  s3api list-object-versions --bucket "$bucket_name" --output json \
    --query '{Objects: [Versions, DeleteMarkers][] | [].{Key:Key,VersionId:VersionId}}' >rest.json
  s3api delete-objects --bucket "$bucket_name" --delete file://rest.json
  aws s3 rb "s3://$bucket_name"
  assert_fails_with 404 s3api head-bucket --bucket "$bucket_name"
}

step "make a bucket" make_bucket
step "make it again, and one with a bad name" make_bucket_twice
step "cp a small file up and down" copy_small
step "cp 20 MiB in parts up and down" copy_big
step "cp from and to a pipe" copy_streams
step "cp inside the bucket, in parts" copy_inside
step "sync a tree up and down" sync_up_and_down
step "sync with --delete both ways" sync_with_delete
step "ls --recursive" list_recursively
step "list in pages" list_in_pages
step "mv up, inside and down" move
step "presign, fetched by curl" presign
step "put-object with every header, ranges" put_with_everything
step "conditional reads" conditional_reads
step "conditional writes and deletes" conditional_writes
for pair in CRC32:ChecksumCRC32 CRC32C:ChecksumCRC32C CRC64NVME:ChecksumCRC64NVME \
  SHA1:ChecksumSHA1 SHA256:ChecksumSHA256 SHA512:ChecksumSHA512 XXHASH64:ChecksumXXHASH64 \
  XXHASH3:ChecksumXXHASH3 XXHASH128:ChecksumXXHASH128; do
  step "checksum ${pair%%:*}" checksum_of "${pair%%:*}" "${pair##*:}"
done
step "wrong checksums are refused" wrong_checksums
step "copy-object" copy_object
step "multipart by hand" multipart_by_hand
step "multipart from a copy, and an abort" multipart_copy_and_abort
step "versions and delete markers" versions
step "delete-objects" delete_many
step "rm --recursive, rb" remove_everything
finish_steps
