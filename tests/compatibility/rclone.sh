# rclone with its S3 backend: copies, syncs, checks and moves whole trees.

source "$(dirname "$0")/steps.sh"

export RCLONE_CONFIG="$work_directory/rclone.conf"
cat >"$RCLONE_CONFIG" <<CONFIGURATION
[store]
type = s3
provider = Other
env_auth = true
endpoint = $HOLDFAST_ENDPOINT
region = us-east-1
force_path_style = true
acl = bucket-owner-full-control
CONFIGURATION
# Debian's release sends the ACL "private" otherwise, which buckets refuse whose ACLs are off: all new
# ones, as at S3.
# Retries of whole operations would hide a failure that the next attempt does not meet.
export RCLONE_RETRIES=1 RCLONE_STATS=0
remote="store:$bucket_name"

make_bucket() {
  rclone mkdir "$remote"
  assert_contains "$(rclone lsd store:)" "$bucket_name"
}

copy_and_check() {
  rclone copy "$sample_files/tree" "$remote/tree"
  rclone check "$sample_files/tree" "$remote/tree"
  rclone check --download "$sample_files/tree" "$remote/tree"
  rclone copy "$remote/tree" down-tree
  diff --recursive "$sample_files/tree" down-tree
}

times_and_types() {
  # rclone keeps the time of a file in metadata, and changes it by copying the object onto itself.
  touch -d '2019-05-06T07:08:09.123456789Z' dated.txt
  rclone copyto dated.txt "$remote/dated.txt"
  assert_contains "$(TZ=UTC rclone lsl "$remote/dated.txt")" '2019-05-06 07:08:09.123456789'
  rclone touch --timestamp 2021-01-02T03:04:05 "$remote/dated.txt"
  assert_contains "$(TZ=UTC rclone lsl "$remote/dated.txt")" '2021-01-02 03:04:05'
  assert_contains "$(rclone lsf --format pm "$remote/tree/small.txt")" 'text/plain'
}

copy_in_parts() {
  rclone copy --s3-upload-cutoff 5Mi --s3-chunk-size 5Mi --s3-upload-concurrency 3 \
    "$sample_files/big" "$remote/big"
  rclone check --download "$sample_files/big" "$remote/big"
  rclone copy --multi-thread-cutoff 1Mi --multi-thread-streams 4 "$remote/big" down-big
  diff --recursive "$sample_files/big" down-big
}

stream_in() {
  rclone rcat --streaming-upload-cutoff 100k --s3-chunk-size 5Mi "$remote/piped" \
    <"$sample_files/big/above-multipart.bin"
  rclone cat "$remote/piped" | cmp - "$sample_files/big/above-multipart.bin"
  rclone cat --offset 1000 --count 500 "$remote/piped" |
    cmp - <(tail -c +1001 "$sample_files/big/above-multipart.bin" | head -c 500)
}

sync_both_ways() {
  cp -r "$sample_files/tree" changed-tree
  rm -r changed-tree/nested/deeper
  echo changed >changed-tree/small.txt
  rclone sync changed-tree "$remote/tree"
  rclone check --one-way "$remote/tree" changed-tree
  rclone sync "$remote/tree" down-tree
  diff --recursive changed-tree down-tree
  rclone sync --checksum -v changed-tree "$remote/tree" 2>&1 | tee again.log
  if grep -q 'Copied' again.log; then fail "the second sync copied again"; fi
}

list_in_many_ways() {
  assert_equal "$(rclone lsf --recursive --files-only "$remote/tree" | sort)" \
    "$(cd changed-tree && find . -type f | sed 's/^\.\///' | sort)"
  assert_contains "$(rclone lsf "$remote/tree")" "names/"
  assert_equal "$(rclone size --json "$remote/tree" | jq .count)" "$(find changed-tree -type f | wc -l)"
  rclone lsjson --hash "$remote/tree/small.txt" |
    jq --exit-status --arg md5 "$(md5sum <changed-tree/small.txt | cut -c -32)" '.[0].Hashes.md5 == $md5'
}

list_many_keys() {
  mkdir many
  (cd many && for number in $(seq 1203); do echo "$number" >"file-$number"; done)
  rclone copy --transfers 16 many "$remote/many"
  assert_equal "$(rclone lsf "$remote/many" | wc -l)" 1203
  assert_equal "$(rclone lsf --s3-list-chunk 100 --s3-list-version 1 "$remote/many" | wc -l)" 1203
}

server_side() {
  rclone copy "$remote/big" "$remote/copied" --s3-copy-cutoff 6Mi
  rclone check "$remote/big" "$remote/copied"
  rclone move "$remote/copied" "$remote/moved"
  assert_equal "$(rclone lsf "$remote/copied")" ""
  rclone check --download "$sample_files/big" "$remote/moved"
  rclone moveto "$remote/tree/names/ümläut-日本語-😀.txt" "$remote/tree/renamed 日本.txt"
  rclone cat "$remote/tree/renamed 日本.txt" | cmp - "$sample_files/tree/names/ümläut-日本語-😀.txt"
}

public_link() {
  curl --silent --fail "$(rclone link --expire 60s "$remote/big/five-mebibytes.bin")" |
    cmp - "$sample_files/big/five-mebibytes.bin"
}

old_versions() {
  rclone backend versioning "$remote" Enabled
  echo one >versioned && rclone copyto versioned "$remote/versioned"
  echo two, longer >versioned && rclone copyto versioned "$remote/versioned"
  assert_equal "$(rclone lsf --files-only --s3-versions "$remote" --include 'versioned*' | wc -l)" 2
  rclone deletefile "$remote/versioned"
  rclone backend cleanup-hidden "$remote"
  assert_equal "$(rclone lsf --files-only --s3-versions "$remote" --include 'versioned*')" ""
  rclone backend versioning "$remote" Suspended
}

delete_and_purge() {
  rclone deletefile "$remote/piped"
  assert_equal "$(rclone lsf "$remote/piped")" ""
  rclone delete "$remote/many"
  assert_equal "$(rclone lsf "$remote/many")" ""
  rclone cleanup "$remote"
  rclone backend cleanup-hidden "$remote"
  rclone purge "$remote"
  if rclone lsd store: | grep -q "$bucket_name"; then fail "the bucket is still there"; fi
}

step "mkdir" make_bucket
step "copy, check, copy back" copy_and_check
step "times and types" times_and_types
step "copy in parts, download in parts" copy_in_parts
step "rcat, cat, ranges" stream_in
step "sync both ways" sync_both_ways
step "lsf, size, hashes" list_in_many_ways
step "more keys than a page" list_many_keys
step "copy and move on the server" server_side
step "link" public_link
step "versions" old_versions
step "deletefile, delete, purge" delete_and_purge
finish_steps
