#!/usr/bin/env bash
# Runs the examples of docs/guide against the server. Arguments name pages; without any, all run.

set -eu
script_directory=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$script_directory/server.sh"
source "$script_directory/install.sh"

install_command_line
cd "$project_directory"
GUIDE_PAGES="$*" exec "$project_directory/node_modules/.bin/node" --test \
  "$script_directory/guide-page.test.ts" "$script_directory/guide.test.ts"
