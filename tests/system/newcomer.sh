#!/usr/bin/env bash
# newcomer.sh BUILD [LANGUAGE]: what somebody types who has just installed hark: from nothing to a tested, deployed
# function of their own, out of hark's tree, with what `cmake --install` puts into an empty prefix. BUILD may be
# `installed`: then hark is in /usr already, by its packages.
set -euo pipefail
build=$1
language=${2-c}
guard=60 # seconds that anything may take
home=$(mktemp -d -t hark-newcomer.XXXXXX)
chmod 755 "$home"
umask 002 # where each user has a group of its own, that is the usual one
hark=''

clean_up() {
  [[ -z $hark ]] || { kill "$hark" && wait "$hark"; } 2>/dev/null || true
  rm -rf "$home"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

fail() {
  echo "newcomer: $*" >&2
  exit 1
}

# type COMMAND...: shows it, and does it.
type_() {
  echo "\$ $*"
  "$@"
}

# expect WANTED COMMAND...: its standard output is exactly that.
expect() {
  local wanted=$1 got
  shift
  echo "\$ $*"
  got=$("$@")
  echo "$got"
  [[ $got == "$wanted" ]] || fail "'$wanted' was expected"
}

# await PATTERN: waits for a line of `hark dev`; $line is it.
await() {
  local deadline=$((SECONDS + guard))
  while ((SECONDS <= deadline)) && read -r -t $((deadline + 1 - SECONDS)) line <&3; do
    echo "$line"
    [[ ! $line =~ $1 ]] || return 0
  done
  fail "'$1' did not come"
}

install_hark() {
  local prefix=/usr
  if [[ $build != installed ]]; then
    prefix=$home/prefix
    cmake --install "$build" --prefix "$prefix" >"$home/install.log" || fail "$(<"$home/install.log")"
    # Others may have installed from the same build meanwhile.
    grep -q "^ExecStart=$prefix/bin/hark " "$prefix/lib/systemd/system/hark.service" ||
      fail "the service is not of this prefix"
    export PATH=$prefix/bin:$PATH PKG_CONFIG_PATH=$prefix/share/pkgconfig
  fi
  # A compiler launcher, flags and the like of whoever runs the tests are no newcomer's.
  unset "${!CMAKE_@}" CFLAGS CXXFLAGS LDFLAGS
  [[ $(command -v hark) == "$prefix/bin/hark" ]] || fail "another hark is first on PATH"
}

# build_in FOLDER
build_in() {
  case $language in
  c | cpp)
    type_ cmake -S "$1" -B "$1/build"
    type_ cmake --build "$1/build"
    ;;
  rust) type_ make -C "$1" ;;
  esac
}

# tests_in FOLDER: all of them, as its README says.
tests_in() {
  case $language in
  c | cpp) type_ ctest --test-dir "$1/build" --output-on-failure ;;
  rust) type_ make -k -C "$1" test ;;
  *) type_ hark test "$1" ;;
  esac
}

make_it() {
  type_ cd "$home"
  type_ hark new --lang "$language" hello
  type_ cd hello
  build_in .
}

test_it() {
  tests_in .
  type_ hark test
  type_ hark check
  expect 'hello/kitchen/out Hello, Ada' hark invoke hello.yaml --topic hello/kitchen/in --payload Ada
}

# break_in FOLDER: the comma between greeting and name is another character from now on.
break_in() {
  case $language in
  c) sed -i 's/"%s, %s"/"%s; %s"/' "$1/hello.c" ;;
  rust) sed -i 's/b", "/b"; "/' "$1/src/lib.rs" ;;
  *) sed -i 's/greeting \(+\|\.\.\) ", "/greeting \1 "; "/' "$1/hello.$language" ;;
  esac
}

# What the tests said of a broken function: each kind of them failed.
each_kind_failed() {
  local said
  said=$(<"$home/broken.log")
  case $language in
  c | cpp) [[ $said == *'0% tests passed, 2 tests failed out of 2'* ]] ;;
  rust) [[ $said == *'test result: FAILED. 2 passed; 1 failed;'* ]] ;;
  *) [[ $said == *'1 passed, 2 failed'* ]] ;;
  esac
}

# A test that cannot fail is none: the scaffold's notice when the function is broken. And the folder may be elsewhere.
break_it() {
  cp -r "$home/hello" "$home/broken"
  rm -rf "$home/broken/build" "$home/broken/target"
  break_in "$home/broken"
  ! diff -r "$home/hello" "$home/broken" >/dev/null || fail "the function was not changed"
  build_in "$home/broken" >"$home/broken.log" 2>&1 || fail "$(<"$home/broken.log")"
  ! tests_in "$home/broken" >>"$home/broken.log" 2>&1 || fail "the broken function passed its tests"
  each_kind_failed || fail "$(<"$home/broken.log")"
  ! hark test "$home/broken" >"$home/broken.log" || fail "the broken function passed its cases"
}

# Into the folder that a running hark watches, beside a real mosquitto.
deploy_it() {
  local url
  type_ mkdir -m 755 "$home/house"
  echo "\$ hark dev $home/house &"
  mkfifo "$home/says"
  hark dev "$home/house" >"$home/says" 2>&1 &
  hark=$!
  exec 3<"$home/says"
  await '^hark: broker '
  url=${line#hark: broker }
  await '^hark: ready: 0 functions'
  type_ cp "$(sed -n 's/^handler: //p' hello.yaml)" hello.yaml "$home/house"
  await '^hark: deployed hello '
  expect 'Hello, Ada' mosquitto_rr -p "${url##*:}" -q 1 -W "$guard" -t hello/kitchen/in -e hello/kitchen/out -m Ada
  kill "$hark"
  wait "$hark" || fail "hark dev ended with $?"
  hark=''
}

# Without CMake.
compile_it() {
  local flags libraries
  [[ $language == c ]] || return 0
  read -ra flags < <(pkg-config --cflags hark)
  read -ra libraries < <(pkg-config --variable=flags hark)
  rm hello.so
  type_ umask 022 # or the .so would be refused
  type_ gcc "${flags[@]}" -o "hello$(pkg-config --variable=suffix hark)" hello.c "${libraries[@]}"
  type_ hark test
}

install_hark
make_it
test_it
break_it
deploy_it
compile_it
echo "newcomer: all of it works"
