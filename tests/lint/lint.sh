#!/usr/bin/env bash
# lint.sh BUILD: every check of the sources that needs no running program. Reports all findings, then fails.
# shellcheck disable=SC2317 # the checks are called by name
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
build=$1
# What cgo compiles includes a header that cgo makes.
mapfile -t sources < <(git ls-files '*.c' ':!tests/functions/gopher/*')
mapfile -t all_c < <(git ls-files '*.[ch]')
mapfile -t scripts < <(git ls-files dev .ci/run '*.sh')
failed=0

# check NAME COMMAND...: silent when it passes.
check() {
  local name=$1 output
  shift
  if ! output=$("$@" 2>&1); then
    printf '%s\nlint: %s failed\n' "$output" "$name" >&2
    failed=1
  fi
}

house_rules() {
  awk -f tests/lint/house.awk "${all_c[@]}"
}

# In C, and as a command of a script.
tests_wait_for_events() {
  git ls-files -z 'tests/*.[ch]' 'tests/*.sh' | grep -zvE '^tests/(lint|functions)/' |
    xargs -0 grep -HnE '\b(u|nano)?sleep\(|(^|[;&|]|\b(do|then|else))\s*sleep\s+[0-9$]' && return 1 || return 0
}

# pages PATTERN: what of the pages' text matches, as PAGE:MATCH.
pages() {
  grep -oHE "$1" README.md docs/*.md | sort -u
}

# Links, C files, and tests by their names: four words or more, which no setting of a broker has.
# shellcheck disable=SC2016 # the backticks are the pages'
docs_name_what_is_there() {
  local page name files bad=0
  files=$(git ls-files)
  while IFS=: read -r page name; do
    [[ $name == '](http'* || -e $(dirname "$page")/${name#](} ]] || { echo "$page: ${name#](} is not there" && bad=1; }
  done < <(pages '\]\([^)#:]+')
  while IFS=: read -r page name; do
    grep -qE "(^|/)${name//\`/}$" <<<"$files" || { echo "$page: no file is named $name" && bad=1; }
  done < <(pages '`[a-z0-9_/]+\.[ch]`')
  while IFS=: read -r page name; do
    git grep -qwF "${name//\`/}" -- tests runtime || { echo "$page: nothing is named $name" && bad=1; }
  done < <(pages '`[a-z0-9]+(_[a-z0-9]+){3,}`')
  return "$bad"
}

tidy() {
  printf '%s\0' "${sources[@]}" | xargs -0 -P "$(nproc)" -n 1 \
    clang-tidy -p "$build" --quiet --extra-arg=-Wno-unknown-warning-option 2>&1 |
    sed '/warnings generated\.$/d; /^Suppressed /d; /^Use -header-filter/d'
}

check format clang-format --dry-run -Werror "${all_c[@]}"
check 'house rules' house_rules
check 'no sleeping in tests' tests_wait_for_events
check 'docs name what is there' docs_name_what_is_there
check 'shell syntax' shellcheck -x "${scripts[@]}"
check clang-tidy tidy
((failed == 0)) && echo "lint: ${#all_c[@]} C files and ${#scripts[@]} scripts are clean"
exit "$failed"
