#!/usr/bin/env bash
# Tests replication to, and storage classes in, a bucket of somebody else's S3 server: Moto, which it
# installs where it is missing and starts for itself. Another server is tested instead where
# FOREIGN_ENDPOINT, FOREIGN_ACCESS_KEY and FOREIGN_SECRET_KEY name one, and FOREIGN_LACKS what it cannot
# do (the words are in foreign-target.ts). It gets buckets whose names begin with `foreign-` and `gated-`, and
# the whole contract of blob stores, which would take long with Moto.

set -u
script_directory=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$script_directory/server.sh"
source "$script_directory/install.sh"

moto_process=
clean_up() {
  [ -z "$moto_process" ] || kill -TERM -- "-$moto_process" 2>/dev/null
}
trap clean_up EXIT
trap 'exit 130' INT TERM

start_moto() {
  local port log=$1
  port=$(find_free_port)
  setsid "$cache_directory/foreign-servers/bin/moto_server" -H 127.0.0.1 -p "$port" \
    >"$log" 2>&1 </dev/null &
  moto_process=$!
  for _ in $(seq 300); do
    if curl --silent --output /dev/null "http://127.0.0.1:$port/moto-api/"; then
      export FOREIGN_ENDPOINT="http://127.0.0.1:$port"
      export FOREIGN_ACCESS_KEY=AKIAFOREIGN FOREIGN_SECRET_KEY=secret-of-somebody-else
      # It believes every signature.
      export FOREIGN_LACKS=signatures
      return 0
    fi
    kill -0 "$moto_process" 2>/dev/null || break
    sleep 0.1
  done
  echo "moto did not become ready:" >&2
  tail -n 40 "$log" >&2
  return 1
}

tests=("$script_directory/foreign-replication.test.ts" "$script_directory/foreign-tier.test.ts")
if [ -n "${FOREIGN_ENDPOINT:-}" ]; then
  tests+=("$script_directory/foreign-blob-store.test.ts")
else
  install_foreign_servers || exit 1
  start_moto "$cache_directory/moto.log" || exit 1
fi
cd "$project_directory"
"$project_directory/node_modules/.bin/node" --test --test-concurrency=1 --test-timeout=120000 "${tests[@]}"
