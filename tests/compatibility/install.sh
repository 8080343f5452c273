# Installs the clients that the compatibility run drives, where they are missing; sourced by the
# scripts beside it. Python clients live in virtual environments under .cache/, pinned; rclone and
# restic come from Debian packages unless the machine has them already.

boto3_version=1.44.5
awscli_version=1.46.2
awscrt_version=0.38.1
s3cmd_version=2.4.0
# Readers of inventories.
pyarrow_version=26.0.1
duckdb_version=2.0.1
# A server that others test their S3 clients with, with the checksums that it leaves to other packages.
moto_version=5.2.5
flask_version=3.1.3
flask_cors_version=6.0.5
crc32c_version=2.9.post0
# The rclone that Debian ships speaks through the first AWS SDK for Go; with a Go toolchain the
# current release, which uses the second, is built instead (HOLDFAST_RCLONE=current).
rclone_version=v1.75.1

# install_python_packages ENVIRONMENT PACKAGE==VERSION...: runs pip only when the list has changed.
install_python_packages() {
  local environment="$cache_directory/$1" wanted
  shift
  wanted=$(printf '%s\n' "$@")
  if [ "$(cat "$environment/installed.txt" 2>/dev/null)" != "$wanted" ]; then
    echo "installing $*"
    python3 -m venv "$environment"
    "$environment/bin/pip" install --quiet --disable-pip-version-check "$@"
    printf '%s\n' "$@" >"$environment/installed.txt"
  fi
}

install_debian_packages() {
  local missing=() package
  for package in "$@"; do
    command -v "$package" >/dev/null || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  echo "installing ${missing[*]}"
  local as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(sudo)
  "${as_root[@]}" apt-get update -qq
  DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -qq -y \
    --no-install-recommends "${missing[@]}" >/dev/null
}

install_current_rclone() {
  local directory="$cache_directory/rclone-$rclone_version"
  if [ ! -x "$directory/rclone" ]; then
    echo "building rclone $rclone_version"
    GOBIN="$directory" go install -tags noselfupdate "github.com/rclone/rclone@$rclone_version"
  fi
  PATH="$directory:$PATH"
}

# The AWS command line with the other Python clients. Two runs may want it at the same time.
install_command_line() {
  mkdir -p "$cache_directory"
  exec {install_lock}>"$cache_directory/install.lock"
  flock "$install_lock"
  install_python_packages compatibility-clients "awscli==$awscli_version" \
    "boto3==$boto3_version" "awscrt==$awscrt_version" "s3cmd==$s3cmd_version"
  install_debian_packages curl openssl jq
  exec {install_lock}>&-
  PATH="$cache_directory/compatibility-clients/bin:$PATH"
  export PATH
}

install_report_readers() {
  mkdir -p "$cache_directory"
  exec {install_lock}>"$cache_directory/install.lock"
  flock "$install_lock"
  install_python_packages report-readers "pyarrow==$pyarrow_version" "duckdb==$duckdb_version"
  exec {install_lock}>&-
}

install_foreign_servers() {
  mkdir -p "$cache_directory"
  exec {install_lock}>"$cache_directory/install.lock"
  flock "$install_lock"
  install_python_packages foreign-servers "moto[s3]==$moto_version" "flask==$flask_version" \
    "flask-cors==$flask_cors_version" "awscrt==$awscrt_version" "crc32c==$crc32c_version"
  install_debian_packages curl
  exec {install_lock}>&-
}

install_clients() {
  install_command_line
  install_debian_packages restic
  if [ "${HOLDFAST_RCLONE:-}" = current ]; then
    install_current_rclone
  else
    install_debian_packages rclone
  fi
  export PATH
}

print_client_versions() {
  echo "aws-cli  $(aws --version 2>&1)"
  echo "boto3    $(python -c 'import boto3; print(boto3.__version__)')"
  echo "s3cmd    $(s3cmd --version)"
  echo "rclone   $(rclone version 2>/dev/null | head -n 1)"
  echo "restic   $(restic version)"
}
