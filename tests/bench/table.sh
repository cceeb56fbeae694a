# shellcheck shell=bash disable=SC2154,SC2034 # what the files of bench.sh need is set by another of them
# Makes the tables of RESULTS.md from what rows.sh kept: source this.

# median FILE [COLUMN]: - where one of them is missing.
median() {
  awk -v column="${2-1}" '{ print $column }' "$1" | sort -g |
    awk '$1 == "-" { is_missing = 1 } { v[NR] = $1 }
      END { print is_missing ? "-" : NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

# A figure as it is shown, and - for what was not measured.
shown() {
  awk -v v="$1" 'BEGIN { print v == "-" ? v : sprintf(v < 10 ? "%.2f" : v < 100 ? "%.1f" : "%.0f", v) }'
}

ratio() { # HARK OTHER
  awk -v hark="$1" -v other="$2" 'BEGIN { print hark == "-" || other == "-" || other == 0 ? "-" : sprintf("%.2f", hark / other) }'
}

head_row() {
  printf '\n### %s\n\n| |' "$1"
  shift
  printf ' %s |' "$@"
  printf '\n|---|'
  printf '%0.s--:|' "$@"
  printf '\n'
}

# cell ROW SUBJECT COLUMN: the median, or - where there is none.
cell() {
  if [[ -s $work/rows/$1.$2 ]]; then
    median "$work/rows/$1.$2" "$3"
  else
    echo -
  fi
}

subjects_head() { # TITLE
  local subject names=()
  for subject in "${everyone[@]}"; do
    names+=("${called[$subject]}")
  done
  head_row "$1" "${names[@]}" 'hark / libmosquitto' 'hark / best peer'
}

# subjects_row TEXT ROW COLUMN most|least: which is better. Peers are who does hark's work in another way.
subjects_row() {
  local subject value best=- hark libmosquitto
  printf '| %s |' "$1"
  for subject in "${everyone[@]}"; do
    if [[ " ${subjects[*]} " != *" $subject "* ]]; then
      printf ' not installed |'
      continue
    fi
    value=$(cell "$2" "$subject" "$3")
    printf ' %s |' "$(shown "$value")"
    [[ $subject == @(hark|floor|apart) || $value == - ]] ||
      best=$(awk -v a="$best" -v b="$value" -v w="$4" 'BEGIN { print a == "-" || (w == "most" ? b > a : b < a) ? b : a }')
  done
  hark=$(cell "$2" hark "$3") libmosquitto=$(cell "$2" libmosquitto "$3")
  printf ' %s | %s |\n' "$(ratio "$hark" "$libmosquitto")" "$(ratio "$hark" "$best")"
}

throughput_tables() { # WHERE BROKER TEXT
  local metric qos window column better
  for metric in 'messages/s:1:most' 'CPU µs per message:2:least'; do
    IFS=: read -r metric column better <<<"$metric"
    subjects_head "$3: $metric"
    for qos in 1 0; do
      for window in $windows; do
        subjects_row "QoS $qos, window $window" "$1.$2.qos$qos-window$window" "$column" "$better"
      done
    done
    [[ $1.$2 != all.mosquitto || ! -s $work/rows/all.mosquitto.default.hark ]] ||
      subjects_row "QoS 1, window 256, mosquitto's own limit of 20" all.mosquitto.default "$column" "$better"
  done
}

latency_table() { # WHERE TEXT
  local rate what column
  subjects_head "$2"
  for rate in $rates; do
    for what in p50:3 p99:4 p99.9:5; do
      IFS=: read -r what column <<<"$what"
      subjects_row "$rate/s, $what, µs" "$1.pace.rate$rate" "$column" least
    done
  done
}

payload_tables() {
  local broker bytes
  for broker in script mosquitto; do
    subjects_head "Payloads, QoS 1, window 16, $(through "$broker"): messages/s"
    subjects_row '64 B' "all.$broker.qos1-window16" 1 most
    for bytes in $payloads; do
      subjects_row "$((bytes / 1024)) KiB" "all.$broker.bytes$bytes" 1 most
    done
  done
}

through() {
  if [[ $1 == script ]]; then echo 'scripted broker'; else echo 'mosquitto'; fi
}

neighbour_table() {
  local noisy what column alone beside
  head_row 'One flooded, the latency of another at 100/s, µs' 'alone' 'beside the flood' 'beside / alone'
  for noisy in libmosquitto hark; do
    for what in p50:3 p99:4; do
      IFS=: read -r what column <<<"$what"
      [[ $noisy == hark ]] && alone=quiet || alone=neighbour
      beside=$(cell "all.beside.$noisy" "$alone" "$column") alone=$(cell "all.alone.$noisy" "$alone" "$column")
      echo "| $([[ $noisy == hark ]] && echo 'two functions of one hark' || echo 'two libmosquitto programs'), $what |" \
        "$(shown "$alone") | $(shown "$beside") | $(ratio "$beside" "$alone") |"
    done
  done
}

# start_line TEXT SPAWN_US HARK_US
start_line() {
  echo "| $1 | $(shown "$2") | $(shown "$3") | $(ratio "$3" "$2") |"
}

# The Nth of the five figures of bench_start_time.
of_start() { # WHERE N
  median "$work/rows/starts.$1" "$2"
}

start_table() {
  local where text cold warm spawn
  head_row 'Starts' 'spawn and end of /bin/true, µs' 'hark, µs' 'ratio'
  for where in all one; do
    [[ $where == all ]] && text="$(nproc) cores" || text='one core'
    spawn=$(of_start "$where" 1)
    start_line "From zero, message to handler entered, $text" "$spawn" "$(of_start "$where" 5)"
    start_line "From zero, message to READY, $text" "$spawn" "$(of_start "$where" 4)"
    start_line "From the pool, message to handler entered, $text" "$spawn" "$(of_start "$where" 3)"
    start_line "From the pool, message to READY, $text" "$spawn" "$(of_start "$where" 2)"
  done
  spawn=$(median "$work/rows/spawn") cold=$(median "$work/rows/cold") warm=$(median "$work/rows/warm")
  start_line 'Through mosquitto, publish to answer, from the pool' "$spawn" "$cold"
  start_line 'Through mosquitto, publish to answer, a worker is up' "$spawn" "$warm"
  start_line 'Redeploy: new .so in its place to first answer of it' "$spawn" "$(median "$work/rows/redeploy")"
}

memory_table() {
  local count pss rss processes
  head_row 'Functions' 'start to ready, ms' 'PSS of all processes, KiB' 'RSS of all processes, KiB' 'processes' \
    'then messages/s to one of them' 'CPU µs per message'
  for count in $function_counts; do
    if [[ -s $work/rows/memory.$count ]]; then
      pss=$(median "$work/rows/memory.$count" 1) rss=$(median "$work/rows/memory.$count" 2)
      processes=$(median "$work/rows/memory.$count" 3)
    else
      pss='only root may look' rss=$pss processes=-
    fi
    echo "| $count, idle | $(shown "$(awk "BEGIN { print $(median "$work/rows/ready.$count") / 1000 }")") | $pss | $rss | $processes |" \
      "$(shown "$(cell "all.functions.n$count" f1 1)") | $(shown "$(cell "all.functions.n$count" f1 2)") |"
  done
  head_row 'Idle workers of one function' 'PSS of each, KiB' 'private to each, KiB'
  for count in 1 10 50; do
    read -r pss rss <"$work/rows/idle.$count" || pss='only root may look' rss=$pss
    echo "| $count | $pss | $rss |"
  done
}

floor_table() {
  local where
  head_row 'The floor of a second process, and the price of the filter' 'figure'
  for where in all one; do
    [[ $where == all ]] && text="$(nproc) cores" || text='one core'
    echo "| 64 B to another process and back, bare socketpair, $text, µs | $(shown "$(median "$work/rows/ping.$where")") |"
  done
  echo "| getppid, allowed by its number: without and with the filter, ns |" \
    "$(median "$work/rows/filter.waived" 1), $(median "$work/rows/filter.sealed" 1) |"
  echo "| fcntl, allowed by its arguments: without and with the filter, ns |" \
    "$(median "$work/rows/filter.waived" 2), $(median "$work/rows/filter.sealed" 2) |"
}

describe() {
  local subject versions=()
  for subject in "${subjects[@]}"; do
    [[ $subject == @(pipe|floor|apart) ]] || versions+=("$(version_of "$subject")")
  done
  echo "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1), $(nproc) cores," \
    "$(awk '/^MemTotal/ { printf "%.1f GiB", $2 / 1048576 }' /proc/meminfo), Linux $(uname -r);" \
    "$(mosquitto -h | head -1); $(printf '%s; ' "${versions[@]}")load when it began: $load_before."
  echo
  echo "One run of $((SECONDS / 60 + 1)) min: medians of $rounds round$([[ $rounds == 1 ]] || echo s) in turn, $seconds s for each throughput," \
    "$pace_seconds s for each latency. Messages of 64 B, one answer each; what sends them, the broker and what is" \
    'measured share the cores. hark runs each in a sealed worker and acknowledges it late.'
}

acknowledgements() {
  local subject early
  printf '\nAcknowledged before the broker had the answer, of the messages of the scripted broker at QoS 1: '
  for subject in "${subjects[@]}"; do
    early=$(awk '{ all += $1; early += $2 } END { printf "%.1f", all ? 100 * early / all : 0 }' "$work/acks.$subject")
    printf '%s %s %%%s' "${called[$subject]%%:*}" "$early" "$([[ $subject == "${subjects[-1]}" ]] && echo . || echo ', ')"
  done
  echo
}

tables() {
  local where text
  describe
  for where in $where_all; do
    [[ $where == all ]] && text="all $(nproc) cores" || text='all on one core'
    throughput_tables "$where" script "Scripted broker, $text"
    throughput_tables "$where" mosquitto "Through mosquitto, $text"
    latency_table "$where" "Latency through mosquitto, QoS 1, $text"
  done
  if [[ $is_quick == no ]]; then
    payload_tables
    neighbour_table
    start_table
    memory_table
    floor_table
  fi
  acknowledgements
  awk '{ lost += $6 } END { printf "\nAnswers lost, of all: %d\n", lost }' "$work"/rows/*.*.*.*
}
