#!/usr/bin/env bash
# demo.sh BUILD: a broker, hark and the example functions at work, told as a story. Everything it starts is
# private, in a folder of its own and on a free loopback port, and is gone when it ends. An answer that does not
# come in time ends it with an error, so that it serves as a test as well.
set -euo pipefail
# shellcheck source=tests/broker.sh
source tests/broker.sh
build=$(realpath --relative-to=. "$1")
functions=$build/functions
misbehave=$build/tests/functions/misbehave.so
patience=20 # seconds that anything may take
home=$(mktemp -d -t hark-demo.XXXXXX)
inbox=$home/inbox
pids=() # the youngest first
scene=''    # what happened since the scene began

bold='' dim='' green='' red='' plain=''
if [[ -t 1 ]]; then
  bold=$'\e[1m' dim=$'\e[2m' green=$'\e[32m' red=$'\e[31m' plain=$'\e[0m'
fi

clean_up() {
  local pid
  for pid in "${pids[@]}"; do
    kill "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  rm -rf "$home"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

fail() {
  echo "${red}demo: $*${plain}" >&2
  exit 1
}

# A pause for the reader; a script does not need one.
breathe() {
  if [[ -t 0 && -t 1 ]]; then
    read -r -s -n 1 -t 1.5 || true
  fi
}

tell() {
  breathe
  printf '\n%s%s%s\n' "$bold" "$*" "$plain"
  scene=''
}

show() {
  case $1 in
  '<-'*) echo "   $green$1$plain" ;;
  *) echo "   $dim$1$plain" ;;
  esac
}

# await PATTERN: shows what hark and the subscriber say until a line of this scene matches.
await() {
  local line deadline=$((SECONDS + patience))
  until grep -qE -- "$1" <<<"$scene"; do
    if ((SECONDS > deadline)) || ! read -r -t $((deadline + 1 - SECONDS)) line <&3; then
      fail "'$1' did not come within $patience s"
    fi
    show "$line"
    scene+=$line$'\n'
  done
}

# run COMMAND...: shows it as one would type it, also where its output is caught.
run() {
  local word line='   $'
  for word; do
    [[ $word =~ ^[A-Za-z0-9_./:=+-]+$ ]] || word=${word@Q}
    line+=" $word"
  done
  echo "$line" >&5
  "$@"
}

device_says() {
  run mosquitto_pub -p "$port" -q 1 -t "$1" -m "$2"
}

# The retained message tells when the subscription stands.
start_subscriber() {
  mosquitto_pub -p "$port" -r -t demo/note -m 'replies are shown like this'
  mosquitto_sub -p "$port" -V mqttv5 -q 1 -F '<- %t  %p' -t demo/note -t 'home/+/heater' -t 'home/+/alarm' \
    -t home/digest -t 'hark/dead/#' >&3 2>&1 &
  pids=("$!" "${pids[@]}")
  await '<- demo/note '
}

start_hark() {
  mkdir "$inbox" "$home/state"
  "$build/bin/hark" run --broker "mqtt://127.0.0.1:$port" --state "$home/state" "$inbox" >&3 2>&1 &
  pids=("$!" "${pids[@]}")
  await '^hark: ready: '
}

# deploy NAME: the .so first, since the manifest is what makes it a function.
deploy() {
  run cp "$functions/$1.so" "$functions/$1.yaml" "$inbox/"
  await "^hark: deployed $1 "
}

scene_start() {
  tell "A broker on port $port, and hark watching an empty folder"
  start_hark
  start_subscriber
}

scene_thermostat() {
  tell 'Dropped into the folder, a thermostat is a function'
  deploy thermostat
  device_says home/kitchen/temperature 19.0
  await '<- home/kitchen/heater  on'
  device_says home/kitchen/temperature 23.5
  await '<- home/kitchen/heater  off'
}

scene_calculator() {
  local answer
  tell 'A calculator answers whoever asks (MQTT 5 request and response)'
  deploy calculator
  answer=$(run mosquitto_rr -p "$port" -V mqttv5 -q 1 -W "$patience" -t calc/mul -e demo/answer \
    -m '6 7')
  show "<- $answer"
  [[ $answer == 42 ]] || fail "the calculator says '$answer'"
}

scene_alarm() {
  tell 'An alarm remembers: it rings until the air was clear three times in a row'
  deploy alarm
  device_says home/cellar/smoke 1
  await '<- home/cellar/alarm  on'
  device_says home/cellar/smoke 0
  device_says home/cellar/smoke 0
  device_says home/cellar/smoke 0
  await '<- home/cellar/alarm  off'
}

scene_digest() {
  tell 'A timer beside its topic: a digest of all temperatures, here every second'
  sed 's/every: 1m/every: 1s/' "$functions/digest.yaml" >"$home/digest.yaml"
  run cp "$functions/digest.so" "$home/digest.yaml" "$inbox/"
  await '^hark: deployed digest '
  device_says home/hall/temperature 20.5
  await '<- home/digest  {"readings":'
}

scene_redeploy() {
  tell 'Edited in the folder, the thermostat changes while it runs: 19 degrees are warm enough now'
  run sed -i 's/setpoint: "[^"]*"/setpoint: "17.0"/' "$inbox/thermostat.yaml"
  await '^hark: deployed thermostat '
  device_says home/kitchen/temperature 19.0
  await '<- home/kitchen/heater  off'
}

scene_crash() {
  tell 'A function that crashes harms nobody: its message is set aside, the others go on'
  printf '%s\n' 'function: misbehave' 'handler: misbehave.so' 'triggers: [ { topic: demo/misbehave } ]' \
    'retry: { attempts: 1 }' >"$home/misbehave.yaml"
  run cp "$misbehave" "$home/misbehave.yaml" "$inbox/"
  await '^hark: deployed misbehave '
  device_says demo/misbehave crash
  await '<- hark/dead/misbehave  crash'
  device_says home/attic/temperature 12.5
  await '<- home/attic/heater  on'
}

scene_end() {
  tell 'That was it. Next, with a broker of its own:'
  printf '   %s\n' "$build/bin/hark dev --port 1884 $functions" \
    'mosquitto_pub -p 1884 -t home/kitchen/temperature -m 19.0      # in another terminal'
  [[ -t 0 && -t 1 ]] || return 0
  printf '\nUntil you press Enter, port %s is yours: mosquitto_pub -p %s -t home/hall/temperature -m 12\n' "$port" "$port"
  while read -r line <&3; do show "$line"; done &
  pids=("$!" "${pids[@]}")
  read -r || true
}

[[ -f $misbehave ]] || fail "$misbehave is not built"
mkfifo "$home/events"
exec 3<>"$home/events" 5>&1
start_broker "$home"
pids+=("$broker_pid")
port=$broker_port
scene_start
scene_thermostat
scene_calculator
scene_alarm
scene_digest
scene_redeploy
scene_crash
scene_end
