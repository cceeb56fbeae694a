#!/usr/bin/env bash
# rabbitmq.sh PORT FOLDER: Debian's RabbitMQ with its MQTT plugin, on a loopback port, its data in FOLDER. For root.
# lacks: mqtt5 qos2 accounts rules tls inflight websocket log
set -euo pipefail
port=$1 home=$2/rabbitmq
mkdir -p "$home"
echo '[rabbitmq_mqtt].' >"$home/plugins"
cat >"$home/rabbitmq.conf" <<END
listeners.tcp = none
mqtt.listeners.tcp.1 = 127.0.0.1:$port
mqtt.allow_anonymous = true
mqtt.default_user = guest
mqtt.default_pass = guest
log.console = true
log.console.level = warning
END
export HOME=$home RABBITMQ_NODENAME=hark-$port@localhost RABBITMQ_CONFIG_FILE=$home/rabbitmq.conf
export RABBITMQ_ENABLED_PLUGINS_FILE=$home/plugins RABBITMQ_FEATURE_FLAGS_FILE=$home/flags
export RABBITMQ_MNESIA_BASE=$home/database RABBITMQ_LOG_BASE=$home/log RABBITMQ_GENERATED_CONFIG_DIR=$home/generated
export RABBITMQ_DIST_PORT=$((port < 40000 ? port + 20000 : port - 20000))
# Its start script is no exec: the broker has to end with it.
exec unshare --pid --fork --kill-child=KILL /usr/lib/rabbitmq/bin/rabbitmq-server > >(sed -un "s/^ *completed with .*/running/p" >&2)
