#!/usr/bin/env bash
# bench.sh BUILD [--quick] [--record]: hark beside a hand-written libmosquitto program, through one mosquitto, in
# turns, so that what disturbs the machine disturbs both. Prints a table of medians; --record keeps it in
# RESULTS.md; --quick is for seeing that it works.
set -euo pipefail
# shellcheck source=tests/broker.sh
source tests/broker.sh
build=$1
programs=$build/tests/bench
rounds=5 seconds=3 cold_starts=20 start_rounds=60 record=no
work=$(mktemp -d -t hark-bench.XXXXXX)
pids=()
declare -A pid_of # of the subjects, by name

die() {
  echo "bench: $*" >&2
  exit 1
}

stop_all() {
  local pid
  for pid in "${pids[@]}"; do
    kill "$pid" 2>/dev/null || true
    "$programs/bench_process_tree" settle "$pid" 1 10 || kill -9 "$pid"
  done
  pids=()
}

clean_up() {
  stop_all
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# start_subject NAME READY COMMAND...: runs until stop_all; returns once it says READY.
start_subject() {
  local name=$1 ready=$2 line log
  shift 2
  : >"$work/$name.log"
  exec {log}< <(exec "$programs/bench_process_tree" run "$@" 2>&1)
  pid_of[$name]=$!
  pids=("$!" "${pids[@]}")
  while read -r -t 20 -u "$log" line; do
    echo "$line" >>"$work/$name.log"
    [[ $line =~ $ready ]] || continue
    cat <&"$log" >>"$work/$name.log" &
    exec {log}<&-
    return 0
  done
  die "$name does not come up: $(cat "$work/$name.log")"
}

manifest() { # manifest NAME INSTANCES
  cat <<END
function: $1
handler: bench_echo.so
triggers: [ { topic: "bench/$1/in/{n}", qos: 1 } ]
publishes: [ "bench/$1/out/{n}" ]
order: none
instances: $2
limits: { queue: 8192 }
config: { out: bench/$1/out }
END
}

start_hark() {
  rm -rf "$work/inbox" "$work/state"
  mkdir "$work/inbox" "$work/state"
  cp "$programs/bench_echo.so" "$work/inbox/"
  manifest hark '{ min: 1, max: 1 }' >"$work/inbox/warm.yaml"
  manifest cold '{ max: 1, idle: 1s }' >"$work/inbox/cold.yaml"
  start_subject hark '^hark: ready: 2 ' \
    "$build/bin/hark" run --broker "mqtt://127.0.0.1:$broker_port" --state "$work/state" "$work/inbox"
}

start_peer() {
  start_subject peer '^ready$' "$programs/bench_peer_libmosquitto" "$broker_port" 0
}

# start_all WINDOW: a broker that lets WINDOW messages to one client wait for their acknowledgement.
start_all() {
  start_broker "$work" "max_inflight_messages $1" 'max_queued_messages 0' 'set_tcp_nodelay true'
  pids=("$broker_pid")
  start_peer
  start_hark
}

cpu_ms() {
  "$programs/bench_process_tree" cpu "${pid_of[$1]}"
}

# measure ROW SUBJECT OPTION...: adds a line to ROW.SUBJECT: per second, CPU µs per message, p50 µs, p99 µs, lost.
measure() {
  local row=$1 subject=$2 before after answered rate p50 p99 lost
  shift 2
  before=$(cpu_ms "$subject")
  read -r answered _ rate p50 p99 lost < <("$programs/bench_load" --port "$broker_port" --subject "$subject" \
    --seconds "$seconds" "$@") || die "$row, $subject: the load generator failed"
  after=$(cpu_ms "$subject")
  ((answered > 0)) || die "$row, $subject: no answer; its log: $(tail -5 "$work/$subject.log")"
  echo "$rate $(((after - before) * 1000000 / answered))e-3 $p50 $p99 $lost" >>"$work/$row.$subject"
}

# compare ROW OPTION...
compare() {
  local subject
  for subject in peer hark; do
    measure "$1" "$subject" "${@:2}"
  done
}

# Without a broker's work: a script floods the subject and counts. What it used up to its first message is in its CPU.
measure_scripted() { # ROW SUBJECT OPTION...
  local row=$1 subject=$2 script answered rate lost
  shift 2
  exec {script}< <(exec "$programs/bench_scripted_broker" --filter "bench/$subject/in/+" --seconds "$seconds" "$@")
  pids=("$!")
  read -r -t 20 -u "$script" _ broker_port || die "$row: the scripted broker does not come up"
  "start_$subject"
  read -r -t $((seconds + 20)) -u "$script" answered rate lost _ || die "$row, $subject: the scripted broker failed"
  echo "$rate $(($(cpu_ms "$subject") * 1000000 / answered))e-3 0 0 $lost" >>"$work/$row.$subject"
  stop_all
  exec {script}<&-
}

compare_scripted() { # ROW OPTION...
  local subject
  for subject in peer hark; do
    measure_scripted "$1" "$subject" "${@:2}"
  done
}

# Time from publish to answer in µs when the function has no worker, and again at once, when it has one.
one_cold_start() {
  local cold warm
  read -r _ _ _ cold _ _ < <(single_message)
  read -r _ _ _ warm _ _ < <(single_message)
  echo "$cold" >>"$work/cold"
  echo "$warm" >>"$work/warm"
  "$programs/bench_process_tree" gone "${pid_of[hark]}" hark:cold 20
}

single_message() {
  "$programs/bench_load" --port "$broker_port" --subject cold --qos 1 --rate 1 --seconds 0.001
}

# median FILE [COLUMN]
median() {
  awk -v column="${2-1}" '{ print $column }' "$1" | sort -g |
    awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

# line TEXT PEER HARK: a line of the table, with their ratio.
line() {
  awk -v text="$1" -v peer="$2" -v hark="$3" '
    function figure(value) { return sprintf(value < 100 ? "%.1f" : "%.0f", value) }
    BEGIN { printf "| %s | %s | %s | %.2f |\n", text, figure(peer), figure(hark), (peer > 0 ? hark / peer : 0) }'
}

# compared_line TEXT ROW COLUMN
compared_line() {
  line "$1" "$(median "$work/$2.peer" "$3")" "$(median "$work/$2.hark" "$3")"
}

throughput_lines() { # TEXT ROW
  compared_line "$1: messages/s" "$2" 1
  compared_line "$1: CPU µs per message" "$2" 2
}

latency_lines() { # TEXT ROW
  compared_line "$1: median, µs" "$2" 3
  compared_line "$1: 99th percentile, µs" "$2" 4
}

table() {
  local cold warm spawn
  cold=$(median "$work/cold") warm=$(median "$work/warm") spawn=$(median "$work/spawn")
  echo "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1), $(nproc) cores, Linux $(uname -r)," \
    "$(mosquitto -h | head -1), $(dpkg-query -W -f 'libmosquitto ${Version}' libmosquitto1);" \
    "medians of $rounds rounds of $seconds s. The load, the broker and what is measured share the cores."
  printf '\n%s\n%s\n' '| 64 B, one answer each, through mosquitto | libmosquitto program | hark | hark / program |' \
    '|---|--:|--:|--:|'
  throughput_lines 'QoS 1, 256 under way, the broker lets 20 wait' narrow
  throughput_lines 'QoS 1, 256 under way, the broker lets 256 wait' wide
  throughput_lines 'QoS 1, the same on 16 topics' topics
  throughput_lines 'QoS 0, 4096 under way' qos0
  latency_lines 'Latency at 100/s, QoS 1' pace100
  latency_lines 'Latency at 1,000/s, QoS 1' pace1000
  printf '\n%s\n%s\n' '| 64 B, one answer each, from a script in place of a broker | libmosquitto program | hark | hark / program |' \
    '|---|--:|--:|--:|'
  throughput_lines 'QoS 1, 1 under way' script1
  throughput_lines 'QoS 1, 16 under way' script16
  throughput_lines 'QoS 1, 256 under way' script256
  throughput_lines 'QoS 0, 4096 under way' script4096
  printf '\n%s\n%s\n' '| Cold start: from publish to answer | spawn and end of /bin/true, µs | hark, µs | ratio |' \
    '|---|--:|--:|--:|'
  line 'A spare worker is up' "$spawn" "$cold"
  line 'A worker of the function is up' "$spawn" "$warm"
  line 'What the start adds' "$spawn" "$(awk "BEGIN { print $cold - $warm }")"
  awk '{ lost += $5 } END { printf "\nAnswers lost, of both: %d\n", lost }' "$work"/*.peer "$work"/*.hark
}

# The budgets of a worker. Programs that run the dispatcher's own code, hence the worker's path.
export HARK_WORKER=$build/libexec/hark/hark-worker

# of_starts NAME COMMAND...: keeps the five figures of bench_start_time, one a line.
of_starts() {
  "${@:2}" "$programs/bench_start_time" "$programs/bench_stamp.so" "$start_rounds" >"$work/starts.$1"
}

measure_workers() {
  local count round
  of_starts all env
  of_starts one taskset -c 0
  for ((round = 1; round <= rounds; round++)); do
    "$programs/bench_filter_time" "$programs/bench_syscalls.so" waived 2>/dev/null | xargs >>"$work/filter.waived"
    "$programs/bench_filter_time" "$programs/bench_syscalls.so" sealed | xargs >>"$work/filter.sealed"
  done
  for count in 1 10 50; do
    "$programs/bench_idle_memory" "$programs/bench_stamp.so" "$count" | xargs >"$work/memory.$count" ||
      [[ ${PIPESTATUS[0]} == 77 ]] || die 'cannot weigh idle workers'
  done
}

start_line() { # TEXT FILE LINE
  line "$1" "$(sed -n 1p "$work/starts.$2")" "$(sed -n "$3p" "$work/starts.$2")"
}

start_lines() { # WHERE FILE
  start_line "From a spare worker, $1: to READY" "$2" 2
  start_line "From a spare worker, $1: to the handler" "$2" 3
  start_line "No worker and no spare, $1: to READY" "$2" 4
  start_line "No worker and no spare, $1: to the handler" "$2" 5
}

filter_line() { # TEXT COLUMN
  line "$1" "$(median "$work/filter.waived" "$2")" "$(median "$work/filter.sealed" "$2")"
}

memory_line() { # COUNT
  local pss private
  if read -r pss private <"$work/memory.$1"; then
    echo "| $1 | $pss | $private |"
  else
    echo "| $1 | only root may look | only root may look |"
  fi
}

workers_table() {
  local count
  printf '\n%s\n%s\n' \
    '| A worker: from a message without one | spawn and end of /bin/true, µs | hark, µs | ratio |' '|---|--:|--:|--:|'
  start_lines "on $(nproc) cores" all
  start_lines 'on one core' one
  printf '\n%s\n%s\n' '| A system call of a worker | without the filter, ns | with it, ns | ratio |' '|---|--:|--:|--:|'
  filter_line 'allowed by its number: getppid' 1
  filter_line 'allowed by its arguments: fcntl' 2
  printf '\n%s\n%s\n' '| Idle workers of one function | PSS of each, KiB | private to each, KiB |' '|--:|--:|--:|'
  for count in 1 10 50; do
    memory_line "$count"
  done
}

results() {
  printf '# What hark costs beside a hand-written client\n\nWritten by ./dev bench --record.\n\n'
  cat "$work/table"
}

for option in "${@:2}"; do
  case $option in
  --quick) rounds=1 seconds=1 cold_starts=3 start_rounds=5 ;;
  --record) record=yes ;;
  *) die "unknown option '$option'" ;;
  esac
done
[[ $record == no || $rounds -gt 1 ]] || die 'a quick run is not worth recording'

start_all 20
for ((round = 1; round <= rounds; round++)); do
  compare narrow --qos 1 --window 256
done
stop_all
start_all 256
for ((round = 1; round <= rounds; round++)); do
  compare wide --qos 1 --window 256
  compare topics --qos 1 --window 256 --topics 16
  compare qos0 --qos 0 --window 4096
  compare pace100 --qos 1 --rate 100
  compare pace1000 --qos 1 --rate 1000
  "$programs/bench_spawn_time" 100 >>"$work/spawn"
done
for ((i = 1; i <= cold_starts; i++)); do
  one_cold_start
done
stop_all
for ((round = 1; round <= rounds; round++)); do
  compare_scripted script1 --qos 1 --window 1
  compare_scripted script16 --qos 1 --window 16
  compare_scripted script256 --qos 1 --window 256
  compare_scripted script4096 --qos 0 --window 4096
done
measure_workers
{ table && workers_table; } >"$work/table"
cat "$work/table"
[[ $record == no ]] || results >tests/bench/RESULTS.md
