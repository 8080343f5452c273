# restic: a backup repository in a bucket, from its first snapshot to its last prune.

source "$(dirname "$0")/steps.sh"

export RESTIC_REPOSITORY="s3:$HOLDFAST_ENDPOINT/$bucket_name/backups"
export RESTIC_PASSWORD=compatibility RESTIC_CACHE_DIR="$work_directory/cache"

initialize() {
  restic init
  assert_contains "$(restic cat config)" chunker_polynomial
}

back_up() {
  cp -r "$sample_files" source
  (cd source && restic backup --host one .)
  assert_equal "$(restic snapshots --json | jq length)" 1
}

back_up_changes() {
  rm -r source/tree/nested
  head -c 3000000 /dev/urandom >source/big/random.bin
  (cd source && restic backup --host one .)
  restic diff "$(restic snapshots --json | jq -r '.[0].id')" \
    "$(restic snapshots --json | jq -r '.[1].id')" | grep 'random.bin'
}

check_data() {
  restic check --read-data
}

restore() {
  restic restore "$(restic snapshots --json | jq -r '.[0].id')" --target restored-first
  diff --recursive "$sample_files" restored-first
  restic restore latest --target restored-last
  diff --recursive source restored-last
  restic dump latest /big/twenty-mebibytes.bin | cmp - "$sample_files/big/twenty-mebibytes.bin"
}

without_cache() {
  rm -rf "$RESTIC_CACHE_DIR"
  restic --no-cache ls latest | grep 'random.bin'
}

lock_and_unlock() {
  assert_equal "$(restic list locks --no-lock | wc -l)" 0
  restic unlock --remove-all
}

forget_and_prune() {
  restic forget --keep-last 1 --prune
  assert_equal "$(restic snapshots --json | jq length)" 1
  restic check --read-data
  restic restore latest --target restored-pruned
  diff --recursive source restored-pruned
}

step "init" initialize
step "backup" back_up
step "backup of changes" back_up_changes
step "check --read-data" check_data
step "restore" restore
step "work without a cache" without_cache
step "locks" lock_and_unlock
step "forget --prune, check, restore" forget_and_prune
finish_steps
