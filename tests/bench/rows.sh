# shellcheck shell=bash disable=SC2154,SC2034 # what the files of bench.sh need is set by another of them
# How a row of the table is measured: source this. Each measurement adds a line to $work/rows/ROW.SUBJECT:
#     PER_SECOND CPU_US P50_US P99_US P999_US LOST
# CPU_US is that of the whole process tree for one message; what was not measured is -. And of floods at QoS 1, to
# $work/acks.SUBJECT: ANSWERED EARLY, messages in all and those acknowledged before the broker had the answer.
cpu_ms_min=50 # the kernel counts it in hundredths of a second: of less than that, nothing is said

cpu_ms() {
  "$programs/bench_process_tree" cpu "${pid_of[$1]}"
}

# keep ROW SUBJECT CPU_MS_BEFORE ANSWERED PER_SECOND P50 P99 P999 LOST
keep() {
  local cpu_us=- cpu_ms=$(($(cpu_ms "$2") - $3))
  (($4 > 0)) || die "$1, $2: no answer; its log: $(tail -5 "$work/$2.log")"
  ((cpu_ms < cpu_ms_min)) || cpu_us=$((cpu_ms * 1000000 / $4))e-3
  echo "$5 $cpu_us $6 $7 $8 $9" >>"$work/rows/$1.$2"
}

# loaded ROW SUBJECT OPTION...: by the load generator, through mosquitto.
loaded() {
  local row=$1 subject=$2 before answered rate p50 p99 p999 lost
  shift 2
  before=$(cpu_ms "$subject")
  read -r answered _ rate p50 p99 p999 lost < <("$programs/bench_load" --port "$broker_port" --subject "$subject" "$@") ||
    die "$row, $subject: the load generator failed"
  keep "$row" "$subject" "$before" "$answered" "$rate" "$p50" "$p99" "$p999" "$lost"
}

# flooded ROW SUBJECT QOS WINDOW BYTES: by the scripted broker.
flooded() {
  local before answered rate lost early
  before=$(cpu_ms "$2")
  echo "flood $2 $3 $4 $5 1 $seconds" >&"$script_to"
  read -r -t 120 -u "$script_from" answered rate lost early || die "$1, $2: the scripted broker failed"
  [[ $2 != hark || $early == 0 ]] || die "$1: hark acknowledged $early of $answered messages early"
  (($3 == 0)) || echo "$answered $early" >>"$work/acks.$2"
  keep "$1" "$2" "$before" "$answered" "$rate" - - - "$lost"
}

# throughput BROKER QOS WINDOW BYTES NAME SUBJECT...: each subject once.
throughput() {
  local broker=$1 qos=$2 window=$3 bytes=$4 row="$cores.$1.$5" subject
  for subject in "${@:6}"; do
    if [[ $broker == script ]]; then
      flooded "$row" "$subject" "$qos" "$window" "$bytes"
    else
      loaded "$row" "$subject" --qos "$qos" --window "$window" --bytes "$bytes" --seconds "$seconds"
    fi
  done
}

# The windows of a table, from the narrowest.
windows_through() { # BROKER SUBJECT...
  local qos window
  for qos in 1 0; do
    for window in $windows; do
      throughput "$1" "$qos" "$window" 64 "qos$qos-window$window" "${@:2}"
    done
  done
}

payloads_through() { # BROKER SUBJECT...
  local bytes
  for bytes in $payloads; do
    throughput "$1" 1 16 "$bytes" "bytes$bytes" "${@:2}"
  done
}

latencies() { # SUBJECT...
  local rate subject
  for rate in $rates; do
    for subject in "$@"; do
      loaded "$cores.pace.rate$rate" "$subject" --qos 1 --rate "$rate" --seconds "$pace_seconds"
    done
  done
}

# One function is flooded, the latency of another one is measured; and the same of two programs. Beside it, the
# other one alone.
neighbours() {
  local noisy quiet load pair
  for pair in libmosquitto:neighbour hark:quiet; do
    noisy=${pair%:*} quiet=${pair#*:}
    pid_of["$quiet"]=${pid_of[$quiet]-${pid_of[$noisy]}}
    loaded "$cores.alone.$noisy" "$quiet" --qos 1 --rate 100 --seconds "$pace_seconds"
    "$programs/bench_load" --port "$broker_port" --subject "$noisy" --qos 1 --window 256 --seconds 60 >"$work/noise" &
    load=$!
    loaded "$cores.beside.$noisy" "$quiet" --qos 1 --rate 100 --seconds "$pace_seconds"
    kill "$load"
    wait "$load" || true # of a signal
  done
}

single_message() { # SUBJECT
  "$programs/bench_load" --port "$broker_port" --subject "$1" --qos 1 --rate 1 --seconds 0.001
}

# Time from publish to answer in µs when the function has no worker, and again at once, when it has one.
cold_start() {
  local cold warm
  read -r _ _ _ cold _ < <(single_message cold)
  read -r _ _ _ warm _ < <(single_message cold)
  echo "$cold" >>"$work/rows/cold"
  echo "$warm" >>"$work/rows/warm"
  "$programs/bench_process_tree" gone "${pid_of[hark]}" hark:cold 20
}

# A new version is put in the place of the old one while messages come: median of µs until its first answer.
redeploys() { # ROUNDS
  "$programs/bench_redeploy" "$broker_port" "$work/inbox/version.so" "$programs/bench_version_1.so" \
    "$programs/bench_version_2.so" "$1" >"$work/rows/redeploy"
}

# start_many N: a hark of N functions, at broker_port.
start_many() {
  rm -rf "$work/many.state"
  mkdir "$work/many.state"
  start hark "^hark: ready: $1 " "$build/bin/hark" run --broker "mqtt://127.0.0.1:$broker_port" \
    --state "$work/many.state" "$work/many"
}

# hark alone, of N functions: µs from its start to `ready`, PSS and RSS of all its processes in KiB. Then what a
# message to one of them costs; through the scripted broker, since mosquitto itself is slower with many clients.
functions() { # N
  local folder=$work/many i from_us
  rm -rf "$folder"
  mkdir "$folder"
  cp "$programs/bench_echo.so" "$folder/"
  for ((i = 1; i <= $1; i++)); do
    manifest "f$i" '{ max: 1 }' >"$folder/f$i.yaml"
  done
  start_mosquitto 20
  from_us=${EPOCHREALTIME/./}
  start_many "$1"
  echo $((${EPOCHREALTIME/./} - from_us)) >>"$work/rows/ready.$1"
  "$programs/bench_process_tree" memory "${pid_of[hark]}" >>"$work/rows/memory.$1" || [[ $? == 77 ]]
  stop_all
  (($1 > 0)) || return 0
  start_script
  start_many "$1"
  pid_of[f1]=${pid_of[hark]}
  flooded "all.functions.n$1" f1 1 256 64
  stop_all
}

# of_starts WHERE COMMAND...: the five figures of bench_start_time, a line for each round.
of_starts() {
  "${@:2}" "$programs/bench_start_time" "$programs/bench_stamp.so" "$start_rounds" | xargs >>"$work/rows/starts.$1"
}

# Single workers, by programs that run the dispatcher's own code, hence the worker's path.
workers() {
  local count round
  export HARK_WORKER=$build/libexec/hark/hark-worker
  for ((round = 1; round <= rounds; round++)); do
    of_starts all env
    of_starts one taskset -c "$first_core"
    "$programs/bench_filter_time" "$programs/bench_syscalls.so" waived 2>/dev/null | xargs >>"$work/rows/filter.waived"
    "$programs/bench_filter_time" "$programs/bench_syscalls.so" sealed | xargs >>"$work/rows/filter.sealed"
  done
  for count in 1 10 50; do
    "$programs/bench_idle_memory" "$programs/bench_stamp.so" "$count" | xargs >"$work/rows/idle.$count" ||
      [[ ${PIPESTATUS[0]} == 77 ]] || die 'cannot weigh idle workers'
  done
}
