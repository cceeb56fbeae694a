# shellcheck shell=bash disable=SC2154,SC2034 # what the files of bench.sh need is set by another of them
# What is measured, each a program that answers bench/NAME/in/N on bench/NAME/out/N, and the two brokers: source
# this. Needs build, programs, work.
shopt -s extglob
pids=()
declare -A pid_of # of the subjects that run, by name
script_from='' script_to=''

declare -A called=([libmosquitto]='libmosquitto' [pipe]='libmosquitto with a pipe' [paho]='paho Python'
  [mqttjs]='mqtt.js' [nodered]='Node-RED' [floor]='floor: no library, no isolation'
  [apart]='floor with a second process' [hark]='hark')

die() {
  echo "bench: $*" >&2
  exit 1
}

stop_all() {
  local pid
  [[ -z $script_to ]] || exec {script_to}>&- {script_from}<&-
  script_to='' script_from=''
  for pid in "${pids[@]}"; do
    kill "$pid" 2>/dev/null || true
    "$programs/bench_process_tree" settle "$pid" 1 20 || kill -9 "$pid"
  done
  pids=() pid_of=()
}

# start NAME READY COMMAND...: runs until stop_all; returns once it says READY.
start() {
  local name=$1 ready=$2 line log
  shift 2
  : >"$work/$name.log"
  exec {log}< <(exec "$programs/bench_process_tree" run "$@" 2>&1)
  pid_of[$name]=$!
  pids=("$!" "${pids[@]}")
  while read -r -t 60 -u "$log" line; do
    echo "$line" >>"$work/$name.log"
    [[ $line =~ $ready ]] || continue
    cat <&"$log" >>"$work/$name.log" &
    exec {log}<&-
    return 0
  done
  die "$name does not come up: $(cat "$work/$name.log")"
}

# manifest NAME INSTANCES [HANDLER]: of a function that answers each message, with its payload unless HANDLER does else.
manifest() {
  cat <<END
function: $1
handler: ${3-bench_echo.so}
triggers: [ { topic: "bench/$1/in/{n}", qos: 1 } ]
publishes: [ "bench/$1/out/{n}" ]
order: none
instances: $2
limits: { queue: 8192, payload: 1MiB }
config: { out: bench/$1/out }
END
}

# start_hark PORT: with the function `hark`; one that has nothing to do, one that keeps no worker, one that is replaced.
start_hark() {
  rm -rf "$work/inbox" "$work/state"
  mkdir "$work/inbox" "$work/state"
  cp "$programs/bench_echo.so" "$work/inbox/"
  manifest hark '{ min: 1, max: 1 }' >"$work/inbox/warm.yaml"
  manifest quiet '{ min: 1, max: 1 }' >"$work/inbox/quiet.yaml"
  manifest cold '{ max: 1, idle: 1s }' >"$work/inbox/cold.yaml"
  cp "$programs/bench_version_1.so" "$work/inbox/version.so"
  manifest version '{ min: 1, max: 1 }' version.so >"$work/inbox/version.yaml"
  start hark '^hark: ready: 4 ' "$build/bin/hark" run --broker "mqtt://127.0.0.1:$1" --state "$work/state" "$work/inbox"
  "$programs/bench_process_tree" sealed "${pid_of[hark]}" hark:hark 20 || die 'what is measured must be sealed'
}

python_with_paho() {
  local python
  for python in python3 /usr/bin/python3; do
    "$python" -c 'import paho.mqtt.client' 2>/dev/null && echo "$python" && return 0
  done
  return 1
}

node_has() {
  command -v node >/dev/null && [[ -d tests/bench/peers/node_modules/$1 ]]
}

# Is it on this machine? What is not, is said to be missing, and never estimated.
has_subject() {
  case $1 in
  paho) python_with_paho >/dev/null ;;
  mqttjs) node_has mqtt ;;
  nodered) node_has node-red ;;
  *) return 0 ;;
  esac
}

# start_subject NAME PORT
start_subject() {
  local peers=tests/bench/peers
  case $1 in
  hark) start_hark "$2" ;;
  libmosquitto | neighbour) start "$1" '^ready$' "$programs/bench_peer_libmosquitto" "$2" "$1" ;;
  pipe) start pipe '^ready$' "$programs/bench_peer_libmosquitto" "$2" pipe pipe ;;
  floor) start floor '^ready$' "$programs/bench_floor" "$2" floor ;;
  apart) start apart '^ready$' "$programs/bench_floor" "$2" apart apart ;;
  paho) start paho '^ready$' "$(python_with_paho)" "$peers/paho_echo.py" "$2" ;;
  mqttjs) start mqttjs '^ready$' node "$peers/mqttjs.js" "$2" ;;
  nodered) start nodered 'Connected to broker' node "$peers/nodered.js" "$2" "$work/nodered" ;;
  esac
}

version_of() {
  case $1 in
  libmosquitto) dpkg-query -W -f 'libmosquitto ${Version}' libmosquitto1 ;;
  paho) "$(python_with_paho)" -c 'import importlib.metadata as m; print("paho-mqtt", m.version("paho-mqtt"))' ;;
  mqttjs) echo "mqtt.js $(node -p 'require("./tests/bench/peers/node_modules/mqtt/package.json").version'), Node $(node --version)" ;;
  nodered) echo "Node-RED $(node -p 'require("./tests/bench/peers/node_modules/node-red/package.json").version')" ;;
  hark) "$build/bin/hark" --version ;;
  esac
}

# start_mosquitto WINDOW: a broker that lets WINDOW messages to one client wait for their acknowledgement.
start_mosquitto() {
  start_broker "$work" "max_inflight_messages $1" 'max_queued_messages 0' 'set_tcp_nodelay true'
  pids=("$broker_pid" "${pids[@]}")
}

# Sets broker_port. Orders go to script_to, answers come from script_from.
start_script() {
  mkfifo "$work/orders"
  exec {script_from}< <(exec "$programs/bench_scripted_broker" <"$work/orders")
  pids=("$!" "${pids[@]}")
  exec {script_to}>"$work/orders"
  rm "$work/orders"
  read -r -t 20 -u "$script_from" _ broker_port || die 'the scripted broker does not come up'
}

# Of a subject that says it is ready before it is subscribed.
await_subscription() {
  local attempt answered
  for attempt in {1..50}; do
    read -r answered _ < <("$programs/bench_load" --port "$broker_port" --subject "$1" --qos 1 --rate 1 \
      --seconds 0.001 --patience 0.2)
    ((answered == 0)) || return 0
  done
  die "$1 does not answer, $attempt times; its log: $(tail -5 "$work/$1.log")"
}

# start_all mosquitto WINDOW|script NAME...: the broker and the subjects.
start_all() {
  local subject broker=$1
  if [[ $broker == script ]]; then
    start_script
  else
    start_mosquitto "$2"
    shift
  fi
  for subject in "${@:2}"; do
    start_subject "$subject" "$broker_port"
    [[ $broker == script ]] || await_subscription "$subject"
  done
}
