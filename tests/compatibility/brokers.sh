#!/usr/bin/env bash
# Tests the delivery of notifications against real brokers: RabbitMQ, Mosquitto, NATS, Redis and
# PostgreSQL of Debian's packages, and Kafka from Maven Central. Installs what is missing, starts each
# on ports of its own on the loopback interface, and ends them all.

set -u
# The password is not all ASCII, and Java takes its arguments in the locale's encoding.
export LC_ALL=C.UTF-8
script_directory=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$script_directory/server.sh"
source "$script_directory/install.sh"
source "$script_directory/broker-certificates.sh"

kafka_version=3.9.1
kafka_directory="$cache_directory/kafka-$kafka_version"
node="$project_directory/node_modules/.bin/node"
directory=$(mktemp -d -t holdfast-brokers-XXXXXX)
processes=()

clean_up() {
  local process
  # The name server of Erlang nodes leaves their group.
  [ -z "${epmd_port:-}" ] || epmd -port "$epmd_port" -kill >/dev/null 2>&1
  for process in "${processes[@]}"; do
    kill -TERM -- "-$process" 2>/dev/null
  done
  for _ in $(seq 50); do
    pgrep -g "$(IFS=,; echo "${processes[*]}")" >/dev/null 2>&1 || break
    sleep 0.1
  done
  for process in "${processes[@]}"; do
    kill -KILL -- "-$process" 2>/dev/null
  done
  rm -rf "$directory"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

install_brokers() {
  PATH="$PATH:/usr/sbin"
  install_debian_packages openssl rabbitmq-server mosquitto nats-server redis-server
  # The server's programs are not in the path.
  [ -n "$(find_postgresql)" ] || install_debian_packages postgresql
  if [ ! -e "$kafka_directory/complete" ]; then
    command -v mvn >/dev/null || install_debian_packages maven
    echo "installing kafka $kafka_version"
    mkdir -p "$kafka_directory"
    cat >"$kafka_directory/pom.xml" <<POM
<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>holdfast</groupId><artifactId>kafka</artifactId><version>1</version>
  <dependencies><dependency>
    <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>$kafka_version</version>
  </dependency></dependencies>
</project>
POM
    mvn -q -B -f "$kafka_directory/pom.xml" dependency:copy-dependencies \
      -DoutputDirectory="$kafka_directory/lib" >"$directory/maven.log" 2>&1 ||
      { cat "$directory/maven.log"; return 1; }
    touch "$kafka_directory/complete"
  fi
}

find_postgresql() {
  find /usr/lib/postgresql -path '*/bin/initdb' 2>/dev/null | sort -V | tail -n 1 | xargs -r dirname
}

free_ports() {
  "$node" -e '
    const { createServer } = require("node:net");
    const servers = Array.from({ length: Number(process.argv[1]) }, () => createServer().listen(0, "127.0.0.1"));
    setTimeout(() => {
      console.log(servers.map((each) => each.address().port).join(" "));
      for (const each of servers) each.close();
    }, 100);' "$1"
}

# start NAME COMMAND...: in a group of its own, with a log.
start() {
  local name=$1
  shift
  setsid "$@" >"$directory/$name.log" 2>&1 </dev/null &
  processes+=("$!")
}

# Each broker takes a password over clear text, and over TLS a password from clients with a certificate.
start_brokers() {
  read -ra ports <<<"$(free_ports 18)"
  tls="$directory/tls"
  # What must be escaped in URLs and configurations, and letters beyond ASCII.
  export BROKER_PASSWORD='pass:w0rd/@%ü'
  make_certificates "$tls" || return 1
  export BROKER_CERTIFICATES="$tls"
  start_redis && start_nats && start_mosquitto && start_rabbitmq && start_postgresql && start_kafka
}

start_redis() {
  export REDIS_PORT=${ports[0]} REDIS_TLS_PORT=${ports[1]}
  start redis redis-server --port "$REDIS_PORT" --bind 127.0.0.1 --requirepass "$BROKER_PASSWORD" \
    --dir "$directory" --save "" --tls-port "$REDIS_TLS_PORT" --tls-auth-clients yes \
    --tls-cert-file "$tls/server.pem" --tls-key-file "$tls/server.key" --tls-ca-cert-file "$tls/ca.pem" \
    --user notifier on ">$BROKER_PASSWORD" '~events-*' '&events-*' +@all
}

# One server for each way to know its clients.
start_nats() {
  export NATS_PORT=${ports[2]} NATS_TLS_PORT=${ports[3]} NATS_TOKEN_PORT=${ports[4]}
  export NATS_OPERATOR_PORT=${ports[5]} NATS_DIRECTORY="$directory/nats"
  mkdir "$NATS_DIRECTORY"
  "$node" "$script_directory/nats-operator.ts" "$NATS_DIRECTORY" || return 1
  local encryption="tls { timeout: 20, cert_file: '$tls/server.pem', key_file: '$tls/server.key'"
  local users="{ user: notifier, password: '$BROKER_PASSWORD' }"
  printf '%s\n' "authorization { users: [ $users ] }" \
    "jetstream { store_dir: '$NATS_DIRECTORY/clear' }" >"$NATS_DIRECTORY/clear.conf"
  printf '%s\n' "$encryption, ca_file: '$tls/ca.pem', verify: true }" \
    "authorization { users: [ $users, { nkey: $(cat "$NATS_DIRECTORY/user.nkey") } ] }" \
    "jetstream { store_dir: '$NATS_DIRECTORY/tls' }" >"$NATS_DIRECTORY/tls.conf"
  printf '%s\n' "$encryption }" "authorization { token: '$BROKER_PASSWORD' }" >"$NATS_DIRECTORY/token.conf"
  echo "$encryption }" >>"$NATS_DIRECTORY/operator.conf"
  start nats nats-server -a 127.0.0.1 -p "$NATS_PORT" -c "$NATS_DIRECTORY/clear.conf"
  start nats-tls nats-server -a 127.0.0.1 -p "$NATS_TLS_PORT" -c "$NATS_DIRECTORY/tls.conf"
  start nats-token nats-server -a 127.0.0.1 -p "$NATS_TOKEN_PORT" -c "$NATS_DIRECTORY/token.conf"
  start nats-operator nats-server -a 127.0.0.1 -p "$NATS_OPERATOR_PORT" -c "$NATS_DIRECTORY/operator.conf"
}

start_mosquitto() {
  export MQTT_PORT=${ports[6]} MQTT_TLS_PORT=${ports[7]}
  mosquitto_passwd -b -c "$directory/mosquitto.passwords" notifier "$BROKER_PASSWORD" 2>/dev/null
  printf '%s\n' "listener $MQTT_PORT 127.0.0.1" "password_file $directory/mosquitto.passwords" \
    "user $(id -un)" "listener $MQTT_TLS_PORT 127.0.0.1" "cafile $tls/ca.pem" \
    "certfile $tls/server.pem" "keyfile $tls/server.key" "require_certificate true" \
    >"$directory/mosquitto.conf"
  start mosquitto mosquitto -c "$directory/mosquitto.conf"
}

start_rabbitmq() {
  export AMQP_PORT=${ports[8]} AMQP_TLS_PORT=${ports[9]}
  epmd_port=${ports[10]}
  mkdir "$directory/rabbitmq"
  echo '[].' >"$directory/rabbitmq/enabled_plugins"
  # Its configuration knows no letters beyond ASCII.
  cat >"$directory/rabbitmq/definitions.json" <<JSON
{ "vhosts": [{ "name": "/" }],
  "users": [{ "name": "notifier", "password": "$BROKER_PASSWORD", "tags": "" }],
  "permissions": [{ "user": "notifier", "vhost": "/", "configure": ".*", "write": ".*", "read": ".*" }] }
JSON
  printf '%s\n' "listeners.tcp.1 = 127.0.0.1:$AMQP_PORT" \
    "load_definitions = $directory/rabbitmq/definitions.json" "listeners.ssl.1 = 127.0.0.1:$AMQP_TLS_PORT" \
    "ssl_options.cacertfile = $tls/ca.pem" "ssl_options.certfile = $tls/server.pem" \
    "ssl_options.keyfile = $tls/server.key" "ssl_options.verify = verify_peer" \
    "ssl_options.fail_if_no_peer_cert = true" >"$directory/rabbitmq/rabbitmq.conf"
  start rabbitmq env HOME="$directory/rabbitmq" ERL_EPMD_RELAXED_COMMAND_CHECK=1 ERL_EPMD_PORT="$epmd_port" \
    ERL_EPMD_ADDRESS=127.0.0.1 RABBITMQ_NODENAME="holdfast-$AMQP_PORT@localhost" \
    RABBITMQ_CONFIG_FILE="$directory/rabbitmq/rabbitmq.conf" \
    RABBITMQ_ENABLED_PLUGINS_FILE="$directory/rabbitmq/enabled_plugins" \
    RABBITMQ_MNESIA_BASE="$directory/rabbitmq" RABBITMQ_LOG_BASE="$directory/rabbitmq" \
    RABBITMQ_DIST_PORT="${ports[11]}" RABBITMQ_PID_FILE="$directory/rabbitmq/pid" \
    /usr/lib/rabbitmq/bin/rabbitmq-server
}

start_postgresql() {
  export POSTGRESQL_PORT=${ports[12]}
  local as_user=() programs data="$directory/postgresql"
  programs=$(find_postgresql)
  if [ "$(id -u)" -eq 0 ]; then
    as_user=(runuser -u postgres --)
    chmod 711 "$directory"
    install -d -o postgres "$data"
    # It wants its key for itself.
    install -o postgres -m 600 "$tls/server.key" "$data/server.key"
  else
    mkdir "$data"
    install -m 600 "$tls/server.key" "$data/server.key"
  fi
  echo "$BROKER_PASSWORD" >"$data/password"
  (cd / && "${as_user[@]}" "$programs/initdb" -D "$data/data" -U notifier \
    --pwfile="$data/password" -A scram-sha-256 --no-sync) \
    >"$directory/initdb.log" 2>&1 || { cat "$directory/initdb.log"; return 1; }
  printf '%s\n' "hostnossl all notifier 127.0.0.1/32 scram-sha-256" \
    "hostssl all secured 127.0.0.1/32 scram-sha-256 clientcert=verify-ca" >"$data/hba.conf"
  start postgresql "${as_user[@]}" "$programs/postgres" -D "$data/data" \
    -p "$POSTGRESQL_PORT" -h 127.0.0.1 -k "$data" -c fsync=off -c hba_file="$data/hba.conf" \
    -c ssl=on -c ssl_cert_file="$tls/server.pem" -c ssl_key_file="$data/server.key" \
    -c ssl_ca_file="$tls/ca.pem"
}

start_kafka() {
  export KAFKA_PORT=${ports[13]} KAFKA_SASL_PORT=${ports[14]} KAFKA_TLS_PORT=${ports[15]}
  local controller="127.0.0.1:${ports[16]}" user="username=notifier password=\"$BROKER_PASSWORD\""
  local login="org.apache.kafka.common.security"
  cat "$tls/server.key" "$tls/server.pem" >"$tls/server-with-key.pem"
  cat >"$directory/kafka.properties" <<PROPERTIES
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@$controller
listeners=PLAINTEXT://127.0.0.1:$KAFKA_PORT,SASL_SSL://127.0.0.1:$KAFKA_SASL_PORT,SSL://127.0.0.1:$KAFKA_TLS_PORT,CONTROLLER://$controller
advertised.listeners=PLAINTEXT://127.0.0.1:$KAFKA_PORT,SASL_SSL://localhost:$KAFKA_SASL_PORT,SSL://localhost:$KAFKA_TLS_PORT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL,SSL:SSL,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
ssl.keystore.type=PEM
ssl.keystore.location=$tls/server-with-key.pem
ssl.truststore.type=PEM
ssl.truststore.location=$tls/ca.pem
listener.name.ssl.ssl.client.auth=required
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
listener.name.sasl_ssl.plain.sasl.jaas.config=$login.plain.PlainLoginModule required user_notifier="${BROKER_PASSWORD/ü/\\u00fc}";
listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config=$login.scram.ScramLoginModule required;
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=$login.scram.ScramLoginModule required;
log.dirs=$directory/kafka
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
PROPERTIES
  java -Xmx128m -cp "$kafka_directory/lib/*" kafka.tools.StorageTool format \
    -t aG9sZGZhc3QtYnJva2Vycw -c "$directory/kafka.properties" \
    --add-scram "SCRAM-SHA-256=[name=notifier,password=$BROKER_PASSWORD]" \
    --add-scram "SCRAM-SHA-512=[name=notifier,password=$BROKER_PASSWORD]" >"$directory/kafka-format.log" 2>&1 ||
    { cat "$directory/kafka-format.log"; return 1; }
  start kafka java -Xmx384m -cp "$kafka_directory/lib/*" kafka.Kafka "$directory/kafka.properties"
}

install_brokers || exit 1
start_brokers || exit 1
cd "$project_directory"
"$node" --test --test-timeout=120000 "$script_directory/notification-brokers.test.ts" \
  "$script_directory/secured-brokers.test.ts"
result=$?
if [ $result -ne 0 ]; then
  for log in "$directory"/*.log; do
    echo "──── $(basename "$log")"
    tail -n 15 "$log"
  done
fi
exit $result
