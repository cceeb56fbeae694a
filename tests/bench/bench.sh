#!/usr/bin/env bash
# bench.sh BUILD [--quick | --record | --record-counts] [--rounds N]: hark beside what one would use instead, in one
# run, in turns, so that what disturbs the machine disturbs all. Prints tables of medians.
#   --quick          a short table, then counts.sh: fails when a message costs more than counts.txt says
#   --record         writes the tables to RESULTS.md and the chart of them beside it
#   --record-counts  writes counts.txt, and nothing else
# See docs/performance.md.
set -euo pipefail
umask 022
build=$1
programs=$build/tests/bench
windows='1 16 256 4096' payloads='4096 262144' rates='100 1000' function_counts='0 1 100 1000' where_all='all one'
everyone=(libmosquitto pipe paho mqttjs nodered floor apart hark)
rounds='' seconds=0.5 pace_seconds=2 start_rounds=40 cold_starts=10 is_quick=no is_recorded=no
load_before=$(cut -d' ' -f1-3 /proc/loadavg)
# shellcheck source=tests/broker.sh
source tests/broker.sh
# shellcheck source=tests/bench/subjects.sh
source tests/bench/subjects.sh
# shellcheck source=tests/bench/rows.sh
source tests/bench/rows.sh
# shellcheck source=tests/bench/table.sh
source tests/bench/table.sh

be_quick() {
  windows='1 256' payloads='' rates=1000 where_all=all everyone=(libmosquitto pipe floor apart hark)
  seconds=0.3 pace_seconds=1 is_quick=yes
}

take_options() {
  while (($#)); do
    case $1 in
    --quick) be_quick ;;
    --record) is_recorded=yes ;;
    --record-counts) exec tests/bench/counts.sh "$build" --record ;;
    --rounds)
      [[ ${2-} =~ ^[1-9][0-9]?$ ]] || die "--rounds '${2-}': a number from 1 to 99 must follow"
      rounds=$2
      shift
      ;;
    *) die "unknown option '$1'" ;;
    esac
    shift
  done
  [[ $is_recorded$is_quick != yesyes ]] || die 'a quick run is not worth recording'
  [[ $is_recorded == no || -w tests/bench/RESULTS.md && -w tests/bench/chart.svg ]] ||
    die 'tests/bench/RESULTS.md and chart.svg may not be written by this user'
  [[ -n $rounds ]] || rounds=$([[ $is_quick == yes ]] && echo 1 || echo 3)
}

clean_up() {
  stop_all
  rm -rf "$work"
}

say() {
  echo "bench: $* ($((SECONDS / 60)) min $((SECONDS % 60)) s)" >&2
}

# Whoever is started from here on runs on these.
keep_to_cores() { # LIST
  taskset -cp "$1" $$ >/dev/null
}

find_subjects() {
  local subject
  subjects=()
  for subject in "${everyone[@]}"; do
    if has_subject "$subject"; then
      subjects+=("$subject")
    else
      say "$subject is not installed: ./dev bench --peers installs it"
    fi
  done
}

# Of all cores or of one, $cores: throughput by both brokers, and latency.
measure_by_script() {
  local round
  start_all script "${subjects[@]}"
  for ((round = 1; round <= rounds; round++)); do
    say "scripted broker, cores: $cores, round $round of $rounds"
    windows_through script "${subjects[@]}"
    [[ $cores == one ]] || payloads_through script "${subjects[@]}"
  done
  stop_all
}

measure_through_mosquitto() {
  local round
  start_all mosquitto 4096 "${subjects[@]}"
  for ((round = 1; round <= rounds; round++)); do
    say "mosquitto, cores: $cores, round $round of $rounds"
    windows_through mosquitto "${subjects[@]}"
    latencies "${subjects[@]}"
    [[ $cores == one ]] || payloads_through mosquitto "${subjects[@]}"
  done
  stop_all
}

# With the limit that mosquitto has if nobody sets one.
measure_with_default_limit() {
  local round
  say "mosquitto's own limit"
  start_all mosquitto 20 "${subjects[@]}"
  for ((round = 1; round <= rounds; round++)); do
    throughput mosquitto 1 256 64 default "${subjects[@]}"
  done
  stop_all
}

measure_functions() {
  local i round count
  say 'neighbours, cold starts, redeploys'
  start_all mosquitto 256 libmosquitto neighbour hark
  for ((round = 1; round <= rounds; round++)); do
    neighbours
    "$programs/bench_spawn_time" 100 >>"$work/rows/spawn"
  done
  for ((i = 1; i <= cold_starts; i++)); do
    cold_start
  done
  redeploys "$cold_starts"
  stop_all
  for ((round = 1; round <= rounds; round++)); do
    say "many functions, round $round of $rounds"
    for count in $function_counts; do
      functions "$count"
    done
  done
}

measure_floor() {
  local round
  for ((round = 1; round <= rounds; round++)); do
    "$programs/bench_ping_pong" 5000 64 >>"$work/rows/ping.all"
    taskset -c "$first_core" "$programs/bench_ping_pong" 5000 64 >>"$work/rows/ping.one"
  done
}

record() {
  {
    printf '# What hark costs beside what one would use instead\n\nWritten by ./dev bench --record; '
    printf 'what it means is in [docs/performance.md](../../docs/performance.md).\n\n'
    cat "$work/table"
  } >tests/bench/RESULTS.md
  awk -f tests/bench/chart.awk tests/bench/RESULTS.md >tests/bench/chart.svg
  say 'wrote tests/bench/RESULTS.md and tests/bench/chart.svg'
}

take_options "${@:2}"
has_broker # or its half would be measured in vain
work=$(mktemp -d -t hark-bench.XXXXXX)
chmod 755 "$work"
mkdir "$work/rows"
trap clean_up EXIT
trap 'exit 130' INT TERM
all_cores=$(taskset -cp $$ | sed 's/.*: //')
first_core=${all_cores%%[,-]*}
find_subjects
for cores in $where_all; do
  [[ $cores == all ]] || keep_to_cores "$first_core"
  measure_by_script
  measure_through_mosquitto
done
keep_to_cores "$all_cores"
cores=all
if [[ $is_quick == no ]]; then
  measure_with_default_limit
  measure_functions
  measure_floor
  workers
fi
tables >"$work/table"
[[ $is_recorded == no ]] || record
cat "$work/table"
[[ $is_quick == no ]] || tests/bench/counts.sh "$build"
