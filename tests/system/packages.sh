#!/usr/bin/env bash
# packages.sh BUILD: the Debian packages, installed, used and removed, in a root of their own: an overlay over this
# machine's in a mount namespace, of which nothing stays. Exit code 77: skipped, and it says why.
set -euo pipefail
guard=60 # seconds that anything may take

fail() {
  echo "packages: $*" >&2
  exit 1
}

skip() {
  echo "packages: skipped: $*"
  exit 77
}

# ---- this machine ----

outside() {
  local build=$1 work status=0
  ((EUID == 0)) || skip "installing packages takes root"
  command -v dpkg-shlibdeps >/dev/null || skip "dpkg-dev is not installed"
  command -v ip >/dev/null || skip "iproute2 is not installed"
  ! dpkg-query -s hark >/dev/null 2>&1 || skip "hark is installed on this machine"
  unshare --mount --net --pid --fork true 2>/dev/null || skip "this machine gives no namespaces"
  work=$(mktemp -d -t hark-packages.XXXXXX)
  # shellcheck disable=SC2064 # that folder
  trap "rm -rf '$work'" EXIT
  chmod 755 "$work"
  cpack -G DEB --config "$build/CPackConfig.cmake" -B "$work/packages" >"$work/log" 2>&1 || fail "$(<"$work/log")"
  unshare --mount --net --pid --fork --kill-child "$0" inside "$work" || status=$?
  return "$status"
}

# ---- the root of its own ----

# Of a small disk in memory, so that overlayfs may lay it over whatever this machine's root is.
enter_root() {
  local work=$1 here
  here=$(dirname "$(realpath "$0")")
  mount --make-rprivate /
  mount -t tmpfs -o mode=755 tmpfs "$work"/disk && mkdir "$work"/disk/{upper,work,root}
  mount -t overlay overlay -o "lowerdir=/,upperdir=$work/disk/upper,workdir=$work/disk/work" "$work/disk/root" ||
    skip "this machine lets no overlay be laid over its root"
  mkdir "$work/disk/root/tmp/packages"
  cp "$work"/packages/*.deb "$here/newcomer.sh" "$work/disk/root/tmp/packages"
  mount -t proc proc "$work/disk/root/proc"
  mount --rbind /dev "$work/disk/root/dev"
  mount -t tmpfs tmpfs "$work/disk/root/run"
  cd "$work/disk/root"
  mkdir -p run/old
  pivot_root . run/old
  cd /
  umount -l /run/old
  ip link set lo up
}

dpkg_() {
  dpkg "$@" >/tmp/packages/log 2>&1 || fail "dpkg $*: $(</tmp/packages/log)"
}

# What a package or its scripts could leave behind.
survey() {
  cat /etc/passwd /etc/group
  find /usr /etc /var/lib /lib -xdev \( -path '/var/lib/dpkg/*' -o -path /usr/share/mime -prune -o -iname '*hark*' -print \) |
    sort
}

they_install() {
  dpkg_ -i /tmp/packages/hark_*.deb /tmp/packages/hark-dev_*.deb
  [[ $(hark --version) == "hark "* ]] || fail "hark does not say its version"
  id hark >/dev/null || fail "there is no user hark"
  [[ $(stat -c '%U %a' /var/lib/hark/functions) == 'root 755' ]] || fail "the folder of functions is not root's"
  [[ -e /etc/hark/hark.yaml ]] || fail "there are no settings"
  hark check --config /etc/hark/hark.yaml /var/lib/hark/functions
}

a_newcomer_works_with_them() {
  local language
  for language in c lua rust; do
    [[ $language != rust ]] || command -v cargo >/dev/null || continue
    [[ $language != lua || -e /usr/libexec/hark/hark-lua.so ]] || continue
    bash /tmp/packages/newcomer.sh installed "$language"
  done
}

# Where Debian's shells look.
shells_complete() {
  [[ -e /usr/share/bash-completion/completions/hark ]] || fail "bash does not complete"
  [[ -e /usr/share/zsh/vendor-completions/_hark ]] || fail "zsh does not complete"
  [[ ! -e /usr/share/zsh/site-functions/_hark ]] || fail "zsh's completion is where Debian has none"
  ! command -v zsh >/dev/null ||
    [[ $(zsh -fc 'autoload -Uz compinit && compinit -u -d /tmp/packages/zcompdump && echo ${_comps[hark]}') == _hark ]] ||
    fail "zsh does not find its completion"
}

settings_survive_an_upgrade() {
  echo 'node: mine' >>/etc/hark/hark.yaml
  dpkg_ -i /tmp/packages/hark_*.deb
  [[ $(</etc/hark/hark.yaml) == *'node: mine' ]] || fail "the settings were written over"
}

# value KEY: of the unit.
value() {
  sed -n "s/^$1=//p" /usr/lib/systemd/system/hark.service
}

the_unit_is_well_formed() {
  local said code
  for code in 64 65 77; do # what is wrong then is so at the next try
    [[ " $(value RestartPreventExitStatus) " == *" $code "* ]] || fail "the unit is started again after exit code $code"
  done
  if ! command -v systemd-analyze >/dev/null; then
    echo "packages: the unit is not verified: systemd is not installed"
    return
  fi
  said=$(SYSTEMD_LOG_LEVEL=warning systemd-analyze verify /usr/lib/systemd/system/hark.service 2>&1) || true
  [[ $said != *hark.service* ]] || fail "$said"
}

# await PATTERN: a line of hark's.
await() {
  local line deadline=$((SECONDS + guard))
  while ((SECONDS <= deadline)) && read -r -t $((deadline + 1 - SECONDS)) line <&3; do
    echo "$line"
    [[ ! $line =~ $1 ]] || return 0
  done
  fail "'$1' did not come"
}

# as_the_service COMMAND...: as systemd would start the unit: its user, no new privileges, everything read-only but its
# state, and a /tmp and /home of its own.
as_the_service() {
  # shellcheck disable=SC2016 # the inner shell's
  exec unshare --mount bash -euc 'mount --bind / /mnt && mount -o remount,bind,ro /mnt
    mount --bind /var/lib/hark/state /mnt/var/lib/hark/state
    for folder in proc dev run; do mount --rbind "/$folder" "/mnt/$folder"; done
    for folder in tmp home root; do mount -t tmpfs tmpfs "/mnt/$folder"; done
    cd /mnt && mkdir tmp/old && pivot_root . tmp/old && cd / && umount -l /tmp/old && rmdir /tmp/old
    exec setpriv --reuid hark --regid hark --init-groups --no-new-privs --bounding-set -all -- "$@"' service "$@"
}

the_unit_takes_no_layer_from_the_seal() {
  [[ $(value User) == hark && $(value StateDirectory) == hark/state ]] || fail "the unit is not as this test takes it"
  [[ $(value ProtectSystem) == strict && $(value NoNewPrivileges) == yes ]] || fail "nor is it hardened"
  install -d -m 700 -o hark -g hark /var/lib/hark/state
  setpriv --reuid hark --regid hark --init-groups hark doctor >/tmp/packages/plain || true
  (as_the_service hark doctor) >/tmp/packages/hardened || true
  grep -q '^enforced  *seccomp' /tmp/packages/plain || fail "$(</tmp/packages/plain)"
  diff /tmp/packages/plain /tmp/packages/hardened || fail "the unit takes that away"
}

the_service_serves() {
  local command service mosquitto says=/tmp/packages/says
  read -ra command <<<"$(value ExecStart)"
  mosquitto -p 1883 >/tmp/packages/broker.log 2>&1 &
  mosquitto=$!
  mkfifo "$says"
  (as_the_service "${command[@]}") >"$says" 2>&1 &
  service=$!
  exec 3<"$says"
  await '^hark: ready: 0 functions'
  cp /tmp/packages/hello/hello.so /tmp/packages/hello/hello.yaml /var/lib/hark/functions
  await '^hark: deployed hello '
  [[ $(mosquitto_rr -q 1 -W "$guard" -t hello/kitchen/in -e hello/kitchen/out -m Ada) == 'Hello, Ada' ]] ||
    fail "the service gave no answer"
  kill "$service"
  wait "$service" || fail "the service ended with $?"
  kill "$mosquitto"
  wait "$mosquitto" || true
}

make_a_function() {
  cd /tmp/packages
  hark new hello >/dev/null
  cmake -S hello -B hello/build >/dev/null
  cmake --build hello/build >/dev/null
  cd /
}

they_are_removed() {
  dpkg_ --remove hark hark-dev
  [[ ! -e /usr/bin/hark && ! -e /usr/include/hark ]] || fail "the programs are there still"
  [[ -e /etc/hark/hark.yaml && -e /var/lib/hark/functions/hello.so ]] || fail "what is not the package's is gone"
  rm /var/lib/hark/functions/hello.*
  dpkg_ --purge hark hark-dev
  diff /tmp/packages/before <(survey) || fail "that is what they left behind"
}

inside() {
  unset "${!CMAKE_@}" CFLAGS CXXFLAGS LDFLAGS
  mkdir "$1/disk"
  enter_root "$1"
  survey >/tmp/packages/before
  they_install
  shells_complete
  a_newcomer_works_with_them
  settings_survive_an_upgrade
  the_unit_is_well_formed
  the_unit_takes_no_layer_from_the_seal
  make_a_function
  the_service_serves
  they_are_removed
  echo "packages: installed, used and removed; nothing was left behind"
}

umask 022
if [[ $1 == inside ]]; then
  inside "$2"
else
  outside "$(realpath "$1")"
fi
