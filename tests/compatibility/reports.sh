#!/usr/bin/env bash
# Reads inventories back with pyarrow and DuckDB, which it installs where they are missing.

set -eu
script_directory=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$script_directory/server.sh"
source "$script_directory/install.sh"

install_report_readers
cd "$project_directory"
HOLDFAST_REPORT_READERS="$cache_directory/report-readers/bin/python" \
  exec "$project_directory/node_modules/.bin/node" --test "$script_directory/reports.test.ts"
