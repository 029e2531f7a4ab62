# shellcheck shell=bash
# Shared by the scripts here: messages, and packages of the distribution. To be sourced.

# Messages go to standard error: standard output belongs to results.
say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
fail() { say "$*"; exit 1; }

POLICY=/usr/sbin/policy-rc.d

# Invoked as root around an installation: no service of an installed package is started meanwhile.
# What stood there before comes back, even after a call that was killed in between.
forbid_service_starts() {
  allow_service_starts
  [ ! -e "$POLICY" ] || mv "$POLICY" "$POLICY.layerbench-kept"
  printf '#!/bin/sh\n# layerbench: for the time of an installation\nexit 101\n' > "$POLICY"
  chmod 755 "$POLICY"
}

allow_service_starts() {
  if grep -qs '^# layerbench:' "$POLICY"; then rm -f "$POLICY"; fi
  if [ -e "$POLICY.layerbench-kept" ]; then mv -f "$POLICY.layerbench-kept" "$POLICY"; fi
}

# install_packages WHY PACKAGE...: from the distribution, as root, after saying so.
install_packages() {
  local why=$1 log status=0
  shift
  [ "$(id -u)" = 0 ] || fail "$why needs the packages $*: install them, or call this as root"
  command -v apt-get >/dev/null || fail "$why needs $*, and there is no apt-get here: install them by hand"
  say "installing $* with apt-get: $why"
  log=$(mktemp)
  # A subshell of its own, so that its trap does not replace the caller's.
  (
    trap allow_service_starts EXIT
    trap 'exit 130' INT TERM HUP
    # One at a time: two would mistake each other's policy for the machine's.
    exec 8< "${POLICY%/*}"
    flock 8
    forbid_service_starts
    export DEBIAN_FRONTEND=noninteractive
    get() { apt-get -o DPkg::Lock::Timeout=120 -y --no-install-recommends install "$@" 8<&-; }
    # The package lists may be missing or old: ask for them only then.
    get "$@" || { apt-get -o DPkg::Lock::Timeout=120 update && get "$@"; }
  ) > "$log" 2>&1 < /dev/null || status=$?
  if [ "$status" != 0 ]; then
    grep -E '^(E|W|Err):' "$log" >&2 || tail -n 5 "$log" >&2
    rm -f "$log"
    fail "apt-get could not install $*"
  fi
  rm -f "$log"
}

# have COMMAND: also where root's tools are when the PATH lacks them.
have() { PATH="$PATH:/usr/sbin:/sbin" command -v "$1" >/dev/null 2>&1; }

# find_cargo: also where rustup puts it, for a shell that was open before it was installed.
find_cargo() {
  have cargo || PATH=$PATH:${CARGO_HOME:-${HOME:-/root}/.cargo}/bin
  have cargo && take_installed_toolchain
}

# rust-toolchain.toml names `stable`. Where rustup has toolchains under other names only, its default one is taken: it would
# download one, or refuse to work. (Asked outside of the repository, lest the question itself starts a download.)
take_installed_toolchain() {
  local installed default
  [ -z "${RUSTUP_TOOLCHAIN:-}" ] && have rustup && installed=$(cd / && rustup toolchain list 2>/dev/null) || return 0
  ! grep -q '^stable' <<<"$installed" || return 0
  default=$(sed -n 's/ (.*default.*//p' <<<"$installed")
  [ -z "$default" ] || export RUSTUP_TOOLCHAIN=$default
}

# use_memory: for this script, engines and temporary files are in memory, where there is enough of it. Engines write and
# throw away gigabytes, at which some disks are slow.
use_memory() {
  local free=0
  [ ! -d /dev/shm ] || free=$(df --output=avail -BG /dev/shm | tr -dc '0-9\n' | tail -n 1)
  [ "$free" -ge 8 ] && [ "$(awk '/^MemAvailable:/ {print int($2 / 1048576)}' /proc/meminfo)" -ge 12 ] || return 0
  ! findmnt -no OPTIONS -T /dev/shm | grep noexec >/dev/null || return 0
  memory=$(mktemp -d /dev/shm/layerbench.XXXXXX)
  chmod 711 "$memory"
  trap 'rm -rf "$memory"' EXIT
  export TMPDIR=$memory LAYERBENCH_HOME=$memory/home
}
