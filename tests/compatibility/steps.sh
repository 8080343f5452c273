# The frame of a client written in shell: numbered files to work with, and `step`, which runs one
# function and prints one line. A client sources this file, defines functions and calls `step`.

set -u
client_name=$(basename "$0" .sh)
bucket_name="$client_name-$$"
work_directory="$COMPATIBILITY_DIRECTORY/$client_name"
sample_files="$COMPATIBILITY_DIRECTORY/samples"
mkdir -p "$work_directory"
cd "$work_directory" || exit 1

failed_steps=0

# step NAME FUNCTION [ARGUMENT...]: the function runs in a shell of its own that stops at the first
# failing command; what it printed is shown only when it fails.
step() {
  local name=$1 output status
  shift
  # Not in a condition: there, `set -e` would have no effect inside the function.
  output=$(
    set -e -o pipefail
    "$@" 2>&1
  )
  status=$?
  if [ $status -eq 0 ]; then
    echo "ok    $client_name: $name"
  else
    failed_steps=$((failed_steps + 1))
    echo "FAIL  $client_name: $name"
    printf '%s\n' "$output" | tail -n 30 | sed 's/^/      | /'
  fi
}

finish_steps() {
  [ "$failed_steps" -eq 0 ]
  exit
}

fail() {
  echo "$*"
  return 1
}

assert_equal() {
  [ "$1" = "$2" ] || fail "expected: $2
actual:   $1"
}

assert_contains() {
  case $1 in
    *"$2"*) ;;
    *) fail "'$2' is missing from: $1" ;;
  esac
}

# assert_fails_with TEXT COMMAND...: the command must fail and say TEXT.
assert_fails_with() {
  local text=$1 output
  shift
  if output=$("$@" 2>&1); then
    fail "succeeded, but should have failed with $text: $output"
  else
    assert_contains "$output" "$text"
  fi
}
