# Certificates of an authority of our own for the brokers of a test run; sourced by brokers.sh.

# make_certificates DIRECTORY: an authority (ca.pem), the brokers' certificate, which is for the name
# localhost and not for the address 127.0.0.1 (server.pem, server.key), a client's (client.pem,
# client.key), and an authority that has issued none of them (other-ca.pem).
make_certificates() {
  local directory=$1
  mkdir -p "$directory"
  make_authority "$directory/ca" "Brokers" &&
    make_authority "$directory/other-ca" "Others" &&
    make_certificate "$directory" server localhost \
      "subjectAltName=DNS:localhost" "extendedKeyUsage=serverAuth,clientAuth" &&
    make_certificate "$directory" client notifier "extendedKeyUsage=clientAuth" &&
    chmod -R a+rX "$directory"
}

make_authority() {
  new_key "$1.key" && openssl req -x509 -new -key "$1.key" -subj "/CN=$2" -days 2 \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign -out "$1.pem"
}

# make_certificate DIRECTORY NAME COMMON-NAME EXTENSION...
make_certificate() {
  local directory=$1 name=$2 common_name=$3
  shift 3
  new_key "$directory/$name.key" &&
    openssl req -new -key "$directory/$name.key" -subj "/CN=$common_name" -out "$directory/$name.csr" &&
    openssl x509 -req -in "$directory/$name.csr" -CA "$directory/ca.pem" -CAkey "$directory/ca.key" \
      -CAcreateserial -days 2 -extfile <(printf '%s\n' "$@") -out "$directory/$name.pem" 2>/dev/null
}

# In PKCS #8, which Kafka wants.
new_key() {
  openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1"
}
