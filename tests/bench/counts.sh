#!/usr/bin/env bash
# counts.sh BUILD [--record]: what one message costs, counted: instructions, allocations and system calls of
# the dispatcher and of a worker, on a fixed script; and those of the libmosquitto program, to compare. None of it is a
# time, so a loaded machine counts the same.
# Fails when a count is above the one in counts.txt by more than a tenth; --record writes that file anew.
#
# A figure is the difference between a long and a short run, over the difference of their messages: what start
# and end cost is in neither. A machine that interrupts can only add: the least of some runs counts.
set -euo pipefail
shopt -s inherit_errexit
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
build=$(cd "$1" && pwd)
tracked=tests/bench/counts.txt
programs=$build/tests/bench
work=$(mktemp -d -t hark-counts.XXXXXX)
subject_pid='' script_pid=''

die() {
  echo "counts: $*" >&2
  exit 1
}

clean_up() {
  [[ -z $subject_pid ]] || kill "$subject_pid" 2>/dev/null || true
  [[ -z $script_pid ]] || kill "$script_pid" 2>/dev/null || true
  wait
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

write_function() {
  mkdir "$work/inbox"
  cp "$programs/bench_echo.so" "$work/inbox/"
  cat >"$work/inbox/echo.yaml" <<'END'
function: hark
handler: bench_echo.so
triggers: [ { topic: "bench/hark/in/{n}", qos: 1 } ]
publishes: [ "bench/hark/out/{n}" ]
order: none
instances: { min: 1, max: 1 }
limits: { queue: 8192 }
config: { out: bench/hark/out }
END
}

# Each of who is counted takes QOS WINDOW MESSAGES COMMAND...: run by COMMAND, it sees that many messages and ends.
dispatcher() {
  answering hark "$@"
}

libmosquitto() {
  answering libmosquitto "$@"
}

# program_of SUBJECT PORT: sets program.
program_of() {
  case $1 in
  hark) program=("$build/bin/hark" run --broker "mqtt://127.0.0.1:$2" --state "$work/state" "$work/inbox") ;;
  libmosquitto) program=("$programs/bench_peer_libmosquitto" "$2" libmosquitto) ;;
  esac
}

answering() { # SUBJECT QOS WINDOW MESSAGES COMMAND...
  local subject=$1 order="march $1 $2 $3 64 1 $4" script to port answered lost program
  shift 4
  rm -rf "$work/state" && mkdir "$work/state"
  mkfifo "$work/orders"
  exec {script}< <(exec "$programs/bench_scripted_broker" <"$work/orders")
  script_pid=$!
  exec {to}>"$work/orders"
  rm "$work/orders"
  read -r -t 20 -u "$script" _ port || die 'the scripted broker does not come up'
  program_of "$subject" "$port"
  "$@" "${program[@]}" >"$work/log" 2>&1 {script}<&- {to}>&- &
  subject_pid=$!
  echo "$order" >&"$to"
  read -r -t 120 -u "$script" answered _ lost _ || die "$subject does not answer: $(cat "$work/log")"
  ((answered > 0 && lost == 0)) || die "$subject lost $lost messages"
  end_subject
  exec {to}>&- {script}<&-
  wait "$script_pid" || die 'the scripted broker failed'
  script_pid=''
}

# strace(1) keeps SIGTERM to itself: the subject is its child.
end_subject() {
  local child=''
  read -r child <"/proc/$subject_pid/task/$subject_pid/children" || true
  if [[ $(<"/proc/$subject_pid/comm") == strace ]]; then
    kill "${child%% *}"
  else
    kill "$subject_pid"
  fi
  wait "$subject_pid" || die "the subject did not end well: $(tail -3 "$work/log")"
  subject_pid=''
}

worker() {
  "${@:4}" "$programs/bench_counted_worker" "$programs/bench_echo.so" "$2" "$3" >"$work/log" 2>&1 ||
    die "the worker failed: $(cat "$work/log")"
}

# How often the functions that get memory are called, in what callgrind wrote.
allocations() {
  awk '
    /^c?fn=\(/ { id = $1; sub(/^c?fn=/, "", id); if (NF > 1) name[id] = $2; called = id }
    /^calls=/ { split($1, n, "="); if (name[called] ~ /^(malloc|calloc|realloc|aligned_alloc|posix_memalign)$/) sum += n[2] }
    END { print sum + 0 }' "$1"
}

# looked_into WHO QOS WINDOW MESSAGES: instructions and allocations of one run.
looked_into() {
  "$@" valgrind --tool=callgrind --callgrind-out-file="$work/callgrind"
  echo "$(sed -n 's/^totals: //p' "$work/callgrind") $(allocations "$work/callgrind")"
}

# Of the windows of one run, the median: whoever is interrupted needs more turns of its loop for one of them. A window
# begins where the dispatcher reads that many of the broker's messages. strace may not look at the bytes of who is not
# root, but knows how many they are; a message has some 92.
syscalls_of_dispatcher() { # QOS WINDOW MESSAGES
  dispatcher "$@" strace -o "$work/strace"
  awk -v window="$2" '
    /^(read|readv|recvfrom|recvmsg)\(/ && $NF / window > 85 && $NF / window < 100 {
      if (begun)
        print count
      begun = 1
      count = 0
    }
    { count++ }' "$work/strace" | sort -n |
    awk -v window="$2" -v messages="$3" '{ v[NR] = $1 }
      END { if (NR < messages / window / 2) exit 1; print v[int((NR + 1) / 2)] / window }' ||
    die 'cannot tell one window from the other in what strace saw'
}

syscalls_of_worker() { # QOS WINDOW MESSAGES
  syscalls_by_difference worker "$@"
}

syscalls_of_libmosquitto() {
  syscalls_by_difference libmosquitto "$@"
}

syscalls_by_difference() { # WHO QOS WINDOW MESSAGES
  local messages few
  for messages in "$3" $(($3 + $4)); do
    "$1" "$2" "$3" "$messages" strace -c -o "$work/strace"
    awk '$NF == "total" { if (NF > 5) print $4; else print $(NF - 1) }' "$work/strace"
  done | {
    read -r few
    read -r messages
    awk "BEGIN { print ($messages - $few) / $4 }"
  }
}

# per_message CASE WHO QOS WINDOW MESSAGES: lines of counts.txt.
per_message() {
  local name="$2 $1" few many syscalls
  shift
  few=$(looked_into "${@:1:3}" "$3")
  many=$(looked_into "${@:1:3}" $(($3 + $4)))
  syscalls=$("syscalls_of_$1" "${@:2}")
  awk -v name="$name" -v messages="$4" -v few="$few" -v many="$many" -v syscalls="$syscalls" '
    BEGIN {
      split(few, f); split(many, m)
      printf "%s instructions %.0f\n", name, (m[1] - f[1]) / messages
      printf "%s allocations %.3f\n", name, (m[2] - f[2]) / messages
      printf "%s syscalls %.3f\n", name, syscalls
    }'
}

count_all() {
  per_message qos1-window256 dispatcher 1 256 10240
  per_message qos0-window256 dispatcher 0 256 10240
  per_message qos1-window1 dispatcher 1 1 1000
  per_message window256 worker 1 256 10240
  per_message window1 worker 1 1 1000
}

# Beside which hark's are shown; not held to anything.
count_beside() {
  per_message qos1-window256 libmosquitto 1 256 10240
  per_message qos0-window256 libmosquitto 0 256 10240
}

# least FILE FILE: line by line.
least() {
  paste -d' ' "$1" "$2" | awk '{ print $1, $2, $3, $4 + 0 < $8 + 0 ? $4 : $8 }'
}

record() {
  cat <<'END'
# What one message costs, counted by tests/bench/counts.sh: who, on which script, what, how many.
# ./dev bench --quick fails when a count grows by more than a tenth. ./dev bench --record-counts writes this file.
END
  cat "$work/counts"
}

# Beside the tracked figures. Some slack for what is nearly nothing; fails when a count is above.
compare() {
  awk '
    BEGIN { slack["instructions"] = 5; slack["allocations"] = 0.01; slack["syscalls"] = 0.015
            print "| per message | tracked | now | |\n|---|--:|--:|---|" }
    /^#/ { next }
    NR == FNR { tracked[$1, $2, $3] = $4; missing++; next }
    {
      key = $1 SUBSEP $2 SUBSEP $3
      if (!(key in tracked)) { print "| " $1 " " $2 ": " $3 " | none | " $4 " | record it |"; failed = 1; next }
      missing--
      word = ""
      if ($4 > tracked[key] * 1.1 + slack[$3]) { word = "TOO MANY"; failed = 1 }
      else if ($4 < tracked[key] * 0.9 - slack[$3]) word = "fewer: ./dev bench --record-counts"
      print "| " $1 " " $2 ": " $3 " | " tracked[key] " | " $4 " | " word " |"
    }
    END { exit failed || missing }' "$tracked" "$work/counts"
}

show_beside() {
  sed -E 's/^(\S+) (\S+) (\S+) (\S+)$/| \1 \2: \3 | not held | \4 | |/' "$work/beside"
}

count_again() {
  echo 'counts: again, for the least' >&2
  count_all >"$work/more"
  least "$work/counts" "$work/more" >"$work/least"
  mv "$work/least" "$work/counts"
}

write_function
count_all >"$work/counts"
if [[ ${2-} == --record ]]; then
  count_again
  record | tee "$tracked"
  exit
fi
for _ in 2 3; do
  ! compare >/dev/null || break
  count_again
done
count_beside >"$work/beside"
failed=0
compare || failed=1
show_beside
((failed == 0)) || die "a message costs more than $tracked says: make it cheaper, or record it with ./dev bench --record-counts and say why"
