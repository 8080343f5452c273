#!/usr/bin/env bash
# Tests the delivery of notifications against real brokers: RabbitMQ, Mosquitto, NATS, Redis and
# PostgreSQL of Debian's packages, and Kafka from Maven Central. Installs what is missing, starts each
# on ports of its own on the loopback interface, and ends them all.

set -u
script_directory=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$script_directory/server.sh"
source "$script_directory/install.sh"

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
  install_debian_packages rabbitmq-server mosquitto nats-server redis-server
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

start_brokers() {
  local ports postgresql password=pass-word-1
  read -ra ports <<<"$(free_ports 10)"
  postgresql=$(find_postgresql)

  start redis redis-server --port "${ports[0]}" --bind 127.0.0.1 --requirepass "$password" \
    --dir "$directory" --save ""
  start nats nats-server -a 127.0.0.1 -p "${ports[1]}" -js -sd "$directory/nats" \
    --user notifier --pass "$password"

  mosquitto_passwd -b -c "$directory/mosquitto.passwords" notifier "$password" 2>/dev/null
  printf '%s\n' "listener ${ports[2]} 127.0.0.1" "password_file $directory/mosquitto.passwords" \
    "user $(id -un)" >"$directory/mosquitto.conf"
  start mosquitto mosquitto -c "$directory/mosquitto.conf"

  epmd_port=${ports[4]}
  mkdir "$directory/rabbitmq"
  echo '[].' >"$directory/rabbitmq/enabled_plugins"
  printf '%s\n' "listeners.tcp.1 = 127.0.0.1:${ports[3]}" "default_user = notifier" \
    "default_pass = $password" >"$directory/rabbitmq/rabbitmq.conf"
  start rabbitmq env HOME="$directory/rabbitmq" ERL_EPMD_RELAXED_COMMAND_CHECK=1 ERL_EPMD_PORT="$epmd_port" \
    ERL_EPMD_ADDRESS=127.0.0.1 RABBITMQ_NODENAME="holdfast-${ports[3]}@localhost" \
    RABBITMQ_CONFIG_FILE="$directory/rabbitmq/rabbitmq.conf" \
    RABBITMQ_ENABLED_PLUGINS_FILE="$directory/rabbitmq/enabled_plugins" \
    RABBITMQ_MNESIA_BASE="$directory/rabbitmq" RABBITMQ_LOG_BASE="$directory/rabbitmq" \
    RABBITMQ_DIST_PORT="${ports[5]}" RABBITMQ_PID_FILE="$directory/rabbitmq/pid" \
    /usr/lib/rabbitmq/bin/rabbitmq-server

  local as_user=()
  if [ "$(id -u)" -eq 0 ]; then
    as_user=(runuser -u postgres --)
    chmod 711 "$directory"
    install -d -o postgres "$directory/postgresql"
  else
    mkdir "$directory/postgresql"
  fi
  echo "$password" >"$directory/postgresql/password"
  (cd / && "${as_user[@]}" "$postgresql/initdb" -D "$directory/postgresql/data" -U notifier \
    --pwfile="$directory/postgresql/password" -A scram-sha-256 --no-sync) \
    >"$directory/initdb.log" 2>&1 || { cat "$directory/initdb.log"; return 1; }
  start postgresql "${as_user[@]}" "$postgresql/postgres" -D "$directory/postgresql/data" \
    -p "${ports[6]}" -h 127.0.0.1 -k "$directory/postgresql" -c fsync=off

  cat >"$directory/kafka.properties" <<PROPERTIES
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${ports[8]}
listeners=PLAINTEXT://127.0.0.1:${ports[7]},CONTROLLER://127.0.0.1:${ports[8]}
advertised.listeners=PLAINTEXT://127.0.0.1:${ports[7]}
controller.listener.names=CONTROLLER
log.dirs=$directory/kafka
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
PROPERTIES
  java -Xmx128m -cp "$kafka_directory/lib/*" kafka.tools.StorageTool format \
    -t aG9sZGZhc3QtYnJva2Vycw -c "$directory/kafka.properties" >"$directory/kafka-format.log" 2>&1 ||
    { cat "$directory/kafka-format.log"; return 1; }
  start kafka java -Xmx384m -cp "$kafka_directory/lib/*" kafka.Kafka "$directory/kafka.properties"

  export BROKER_PASSWORD=$password
  export REDIS_PORT=${ports[0]} NATS_PORT=${ports[1]} MQTT_PORT=${ports[2]} AMQP_PORT=${ports[3]}
  export POSTGRESQL_PORT=${ports[6]} KAFKA_PORT=${ports[7]}
}

install_brokers || exit 1
start_brokers || exit 1
cd "$project_directory"
"$node" --test --test-timeout=120000 "$script_directory/notification-brokers.test.ts"
result=$?
if [ $result -ne 0 ]; then
  for log in "$directory"/*.log; do
    echo "──── $(basename "$log")"
    tail -n 15 "$log"
  done
fi
exit $result
