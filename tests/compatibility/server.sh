# Starts one Holdfast server for a test run and stops it again; sourced by the scripts beside it.
# It knows nothing of clients: it only gives them an endpoint and a pair of keys.

project_directory=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cache_directory="$project_directory/.cache"

export HOLDFAST_ROOT_ACCESS_KEY=HOLDFASTCOMPATIBILITY
export HOLDFAST_ROOT_SECRET_KEY=compatibility/secret+key-not-for-use
export AWS_DEFAULT_REGION=us-east-1

started_servers=()

find_free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# start_server DIRECTORY LOG [ARGUMENT...]: sets server_port and server_process, or fails with the
# server's log. Each server leads a process group of its own, so that its workers stop with it.
start_server() {
  local data_directory=$1 log=$2 admin_port
  shift 2
  server_port=$(find_free_port)
  admin_port=$(find_free_port)
  setsid node "$project_directory/bin/holdfast.mjs" serve --data "$data_directory" \
    --host 127.0.0.1 --port "$server_port" --admin-port "$admin_port" "$@" >"$log" 2>&1 </dev/null &
  server_process=$!
  started_servers+=("$server_process")
  for _ in $(seq 300); do
    if curl --silent --fail --output /dev/null "http://127.0.0.1:$admin_port/health/ready"; then
      return 0
    fi
    kill -0 "$server_process" 2>/dev/null || break
    sleep 0.1
  done
  echo "the server did not become ready:" >&2
  tail -n 40 "$log" >&2
  return 1
}

# Asks every started server to drain, and after 20 seconds ends what is left of its process group.
stop_servers() {
  local process
  for process in "${started_servers[@]}"; do
    kill -TERM "$process" 2>/dev/null || continue
    for _ in $(seq 200); do
      kill -0 "$process" 2>/dev/null || break
      sleep 0.1
    done
    kill -KILL -- "-$process" 2>/dev/null || true
  done
  started_servers=()
}
