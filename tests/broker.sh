# shellcheck shell=bash disable=SC2034 # what it sets is for those who source it
# For scripts that need a private mosquitto on a free loopback port: source this.
PATH=$PATH:/usr/sbin:/usr/local/sbin # where it is, on Debian: not on the path of an ordinary user

has_broker() {
  command -v mosquitto >/dev/null && return 0
  echo 'mosquitto is not installed: ./dev build installs it' >&2
  return 1
}

# start_broker FOLDER [SETTING...]: sets broker_port and broker_pid. Settings are lines of mosquitto.conf.
start_broker() {
  local folder=$1 attempt
  shift
  has_broker || return 1
  for attempt in {1..20}; do
    broker_port=$((20000 + RANDOM % 12000))
    ! start_broker_at "$broker_port" "$folder" "$@" || return 0
  done
  echo "mosquitto does not start, in $attempt attempts; it says:" >&2
  timeout 5 mosquitto -c "$folder/mosquitto.conf" >&2
  return 1
}

# The broker itself says whether the port was free.
start_broker_at() {
  local line conf=$2/mosquitto.conf
  printf '%s\n' "listener $1 127.0.0.1" 'allow_anonymous true' 'persistence false' 'log_dest stderr' \
    'log_type error' 'log_type information' 'connection_messages false' "${@:3}" >"$conf"
  exec {broker_log}< <(exec mosquitto -c "$conf" 2>&1)
  broker_pid=$!
  while read -r -t 10 -u "$broker_log" line; do
    [[ $line != *' running' ]] || return 0
  done
  exec {broker_log}<&-
  return 1
}
