#!/usr/bin/env bash
# Runs real S3 clients against a started server: each does its normal work on real files and
# verifies the bytes. Installs the clients where they are missing. Arguments name the clients to
# run (aws-cli, iam-cli, boto3, rclone, s3cmd, restic, curl-form); without any, all run.

set -u
script_directory=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$script_directory/server.sh"
source "$script_directory/install.sh"

declare -A client_commands=(
  [aws-cli]="bash $script_directory/aws-cli.sh"
  [iam-cli]="bash $script_directory/iam-cli.sh"
  [boto3]="python $script_directory/boto3_client.py"
  [rclone]="bash $script_directory/rclone.sh"
  [s3cmd]="bash $script_directory/s3cmd.sh"
  [restic]="bash $script_directory/restic.sh"
  [curl-form]="bash $script_directory/curl-form.sh"
)
clients=("$@")
[ $# -gt 0 ] || clients=(aws-cli iam-cli boto3 rclone s3cmd restic curl-form)
# A client that hangs is a failure, not a reason to wait for ever.
client_limit_seconds=480

COMPATIBILITY_DIRECTORY=$(mktemp -d -t holdfast-compatibility-XXXXXX)
export COMPATIBILITY_DIRECTORY
results="$COMPATIBILITY_DIRECTORY/results.log"
client_processes=()

clean_up() {
  local process
  for process in "${client_processes[@]}"; do
    kill -TERM -- "-$process" 2>/dev/null
  done
  stop_servers
  rm -rf "$COMPATIBILITY_DIRECTORY"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

start_servers() {
  start_server "$COMPATIBILITY_DIRECTORY/data" "$COMPATIBILITY_DIRECTORY/server.log" \
    --domain localhost || return 1
  export HOLDFAST_ENDPOINT="http://127.0.0.1:$server_port"
  export HOLDFAST_PORT="$server_port"

  export HOLDFAST_CERTIFICATE="$COMPATIBILITY_DIRECTORY/certificate.pem"
  openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost \
    -addext subjectAltName=IP:127.0.0.1,DNS:localhost \
    -keyout "$COMPATIBILITY_DIRECTORY/key.pem" -out "$HOLDFAST_CERTIFICATE" 2>/dev/null || return 1
  start_server "$COMPATIBILITY_DIRECTORY/tls-data" "$COMPATIBILITY_DIRECTORY/tls-server.log" \
    --tls-key "$COMPATIBILITY_DIRECTORY/key.pem" --tls-certificate "$HOLDFAST_CERTIFICATE" || return 1
  export HOLDFAST_TLS_ENDPOINT="https://127.0.0.1:$server_port"
}

isolate_clients() {
  # No client may see the machine's own profiles, proxies or caches.
  export HOME="$COMPATIBILITY_DIRECTORY/home"
  mkdir -p "$HOME"
  export AWS_ACCESS_KEY_ID=$HOLDFAST_ROOT_ACCESS_KEY
  export AWS_SECRET_ACCESS_KEY=$HOLDFAST_ROOT_SECRET_KEY
  export AWS_EC2_METADATA_DISABLED=true AWS_PAGER='' LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1
  unset AWS_PROFILE AWS_SESSION_TOKEN AWS_ENDPOINT_URL AWS_CONFIG_FILE AWS_CA_BUNDLE \
    REQUESTS_CA_BUNDLE http_proxy HTTP_PROXY
}

install_clients || exit 1
print_client_versions
isolate_clients
python3 "$script_directory/sample_files.py" "$COMPATIBILITY_DIRECTORY/samples" || exit 1
start_servers || exit 1

started_seconds=$SECONDS
for client in "${clients[@]}"; do
  # A process group of its own, so that an interrupted run takes the client's children with it.
  setsid timeout --kill-after=5 "$client_limit_seconds" ${client_commands[$client]} \
    >"$COMPATIBILITY_DIRECTORY/$client.log" 2>&1 </dev/null &
  client_processes+=("$!")
done
failed_clients=0
for index in "${!clients[@]}"; do
  client=${clients[$index]}
  wait "${client_processes[$index]}"
  status=$?
  cat "$COMPATIBILITY_DIRECTORY/$client.log"
  cat "$COMPATIBILITY_DIRECTORY/$client.log" >>"$results"
  if [ $status -ne 0 ]; then
    failed_clients=$((failed_clients + 1))
    # A client that ended without a failed step was stopped, or broke outside of its steps.
    grep -q '^FAIL' "$COMPATIBILITY_DIRECTORY/$client.log" ||
      echo "FAIL  $client: ended with status $status" | tee -a "$results"
  fi
done
client_processes=()

passed=$(grep -c '^ok ' "$results")
failed=$(grep -c '^FAIL ' "$results")
if [ "$failed" -gt 0 ] || [ "$failed_clients" -gt 0 ]; then
  for log in server.log tls-server.log; do
    echo "--- the end of $log"
    tail -n 60 "$COMPATIBILITY_DIRECTORY/$log"
  done
fi
echo "$passed passed, $failed failed in $((SECONDS - started_seconds)) seconds"
[ "$failed" -eq 0 ] && [ "$failed_clients" -eq 0 ] && [ "$passed" -gt 0 ]
