#!/usr/bin/env bash
# A machine inside the machine, for tests of what a run leaves behind: namespaces of its own for processes, mounts and
# network, and in them a user's own Docker Engine with images, containers, a volume, a network and build cache.
# Everything ends with this script. Run as root: unshare --mount --net --pid --fork --kill-child --mount-proc \
#   --propagation private bash sandbox.sh LAYERBENCH TEST...
set -euo pipefail
program=$1
shift
work=$(mktemp -d)
leave() { quit_user_engine; rm -rf "$work"; }
trap leave EXIT
export LAYERBENCH_HOME=$work/home LAYERBENCH_LOCK=$work/user/lock DOCKER_HOST=unix://$work/user.sock DOCKER_CLI_HINTS=false
docker=/usr/bin/docker
[ -x "$docker" ] || docker=docker

say() { echo "harmless: $*" >&2; }
die() { say "$*"; exit 1; }

make_network() { # a way out that leads nowhere: what is built here needs none
  ip link set lo up
  ip link add up0 type veth peer name up1
  ip address add 192.0.2.2/24 dev up0
  ip link set up0 up
  ip link set up1 up
  ip route add default via 192.0.2.1
}

make_certificates() { # for an engine that is reached over TLS, as `docker --tlsverify` wants them
  mkdir "$work/certificates"
  (
    cd "$work/certificates"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=ca -keyout ca-key.pem -out ca.pem
    for who in server client; do
      openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$who" -keyout "$who-key.pem" -out "$who.csr"
      printf 'subjectAltName=IP:127.0.0.1,IP:198.51.100.2,DNS:localhost\nextendedKeyUsage=%sAuth\n' "$who" >"$who.ext"
      openssl x509 -req -in "$who.csr" -CA ca.pem -CAkey ca-key.pem -CAcreateserial -days 2 -extfile "$who.ext" -out "$who-cert.pem"
    done
    mkdir client
    cp ca.pem client/
    cp client-cert.pem client/cert.pem
    cp client-key.pem client/key.pem
  ) 2>/dev/null
}

start_user_engine() {
  mount -t tmpfs tmpfs /run
  mkdir -p "$work/user/bin"
  local features # as the machine's own configuration has them: the kind of image store
  features=$(sed -n 's/.*\("features":{[^}]*}\).*/,\1/p' /etc/docker/daemon.json 2>/dev/null) || :
  echo "{\"insecure-registries\":[\"172.17.0.1:5000\"]$features}" >"$work/daemon.json"
  PATH=$work/user/bin:$PATH dockerd --config-file "$work/daemon.json" --data-root "$work/user/data" --exec-root "$work/user/exec" \
    --pidfile "$work/user.pid" -H "$DOCKER_HOST" -H tcp://127.0.0.1:2376 --tlsverify --tlscacert "$work/certificates/ca.pem" \
    --tlscert "$work/certificates/server-cert.pem" --tlskey "$work/certificates/server-key.pem" >"$work/user.log" 2>&1 </dev/null &
  user_engine=$!
  for _ in $(seq 200); do "$docker" info >/dev/null 2>&1 && return; sleep 0.05; done
  tail -n 5 "$work/user.log" >&2
  die "the user's engine did not start"
}

quit_user_engine() {
  "$docker" ps -q 2>/dev/null | xargs -r "$docker" kill >/dev/null 2>&1 || :
  [ -z "${far:-}" ] || { kill "$far" 2>/dev/null; wait "$far" 2>/dev/null; } || :
  [ -z "${user_engine:-}" ] || { kill "$user_engine" 2>/dev/null; wait "$user_engine" 2>/dev/null; } || :
}

far_engine() { # CONFIGURATION: a second engine, in a network of its own, reached over TLS and at a socket
  ip netns add far
  ip link add far0 type veth peer name far1 netns far
  ip address add 198.51.100.1/30 dev far0
  ip link set far0 up
  nsenter --net=/run/netns/far sh -c 'ip link set lo up && ip address add 198.51.100.2/30 dev far1 && ip link set far1 up'
  mkdir "$work/user/far"
  nsenter --net=/run/netns/far dockerd --config-file "$1" --data-root "$work/user/far/data" \
    --exec-root "$work/user/far/exec" --pidfile "$work/user/far/pid" -H "unix://$work/user/far.sock" \
    -H tcp://198.51.100.2:2376 --tlsverify --tlscacert "$work/certificates/ca.pem" \
    --tlscert "$work/certificates/server-cert.pem" --tlskey "$work/certificates/server-key.pem" \
    >"$work/user/far.log" 2>&1 </dev/null &
  far=$!
  for _ in $(seq 200); do on_far info >/dev/null 2>&1 && return; sleep 0.05; done
  die "the far engine did not start: $(tail -n 5 "$work/user/far.log")"
}
on_far() { env -u DOCKER_TLS_VERIFY -u DOCKER_CERT_PATH "$docker" --host "unix://$work/user/far.sock" "$@"; }
end_far_engine() {
  kill "$far"
  wait "$far" || :
  far=
  ip link delete far0
  ip netns delete far
  rmdir /run/netns 2>/dev/null || { umount -n /run/netns && rmdir /run/netns; }
  rm -rf "$work/user/far" "$work/user/far.sock"
}

fill_user_engine() { # what users have
  mkdir "$work/mine"
  cp "$(command -v busybox)" "$work/mine/busybox"
  printf 'FROM scratch\nCOPY busybox /bin/sh\nRUN echo mine >/mine\nCMD ["/bin/sh","-c","sleep 3600"]\n' >"$work/mine/Dockerfile"
  DOCKER_BUILDKIT=1 "$docker" build -q -t mine:1 "$work/mine" >/dev/null
  printf 'FROM mine:1\nRUN echo untagged >/untagged\n' | DOCKER_BUILDKIT=1 "$docker" build -q - >/dev/null
  "$docker" volume create treasure >/dev/null
  "$docker" network create friends >/dev/null
  "$docker" run -d --name busy -v treasure:/t mine:1 /bin/sh -c 'echo gold >/t/gold; exec sleep 3600' >/dev/null
  "$docker" create --name idle --network friends mine:1 >/dev/null
  "$docker" run --name ended mine:1 /bin/sh -c 'exit 3' >/dev/null 2>&1 || :
}

engine_inventory() {
  "$docker" images -a --no-trunc --digests --format '{{.ID}} {{.Repository}}:{{.Tag}} {{.Size}}' | sort
  "$docker" ps -a --no-trunc --format '{{.ID}} {{.Names}} {{.State}} {{.Image}}' | sort
  "$docker" volume ls -q | sort
  "$docker" network ls --no-trunc --format '{{.ID}} {{.Name}}' | sort
  "$docker" system df -v --format '{{range .BuildCache}}{{println .ID .CacheType .Size .Description}}{{end}}' | sort
  "$docker" exec busy /bin/sh -c 'cat /t/gold /mine'
}

machine_inventory() {
  iptables-save | sed 's/\[[0-9]*:[0-9]*\]//; /^#/d'
  ip -brief link | awk '{print $1}' | sed 's/@.*//' | sort
  ip -4 -brief address | sort
  ip route | sort
  nft list tables
  cat /proc/sys/net/ipv4/ip_forward
  grep -v " $work/user/" /proc/mounts | sort
  # shellcheck disable=SC2009 # names of processes with their number, which pgrep does not give
  ps -eo comm= | grep -E '^(dockerd|containerd|docker-registry|docker-proxy|unshare|sh)$' | sort | uniq -c
  find "$work" /run /etc /opt -xdev | grep -vE "^$work/(user|study|results|before|after|out)" | sort
}

inventory() { { engine_inventory; echo ---; machine_inventory; } >"$work/$1"; }

unharmed() {
  inventory after
  diff "$work/before" "$work/after" | head -n 40 >&2 || die "$1: something is not as it was before (above)"
  local run
  run=$(readlink "$work/results/latest")
  [ -z "$(find /sys/fs/cgroup -type d -name "layerbench-${run##*-}*")" ] || die "$1: a control group is left"
  "$docker" run --rm mine:1 /bin/sh -c 'ping -c 1 -W 2 172.17.0.1' >/dev/null || die "$1: docker0 does not work any more"
  say "$1: everything is as it was"
}

# What the user built meanwhile as later:1 is the only difference now: take it into the inventory.
only_later_is_new() {
  "$docker" rmi later:1 >/dev/null
  inventory after
  local lost left
  lost=$(diff "$work/before" "$work/after" | grep '^<' || :)
  [ -z "$lost" ] || die "lost: $lost"
  left=$(diff "$work/before" "$work/after" | grep '^>' | grep -vE 'echo later|from local|local source' || :)
  [ -z "$left" ] || die "left behind: $left"
  cp "$work/after" "$work/before"
}

study() { # a study of two approaches without a base image; the second one takes its time
  mkdir -p "$work/study/project" "$work/study/sources"
  cp "$(command -v busybox)" "$work/study/project/busybox"
  echo one >"$work/study/project/main"
  echo two >"$work/study/sources/main"
  printf 'FROM scratch\nCOPY busybox /bin/sh\nRUN --mount=type=cache,target=/cache echo x >>/cache/x\nCOPY main /main\nRUN echo built >>/main\nCMD ["/bin/sh","-c","echo hello"]\n' >"$work/study/quick"
  printf 'FROM scratch\nCOPY busybox /bin/sh\nRUN sleep %s\nCOPY main /main\nRUN echo built >>/main\nCMD ["/bin/sh","-c","echo hello"]\n' "${1:-0.2}" >"$work/study/slow"
  cat >"$work/study/study.toml" <<'TOML'
schema = "layerbench.study/1"
name = "tiny"
[project]
path = "project"
[[state]]
id = "base"
[[state]]
id = "sources"
after = "base"
overlay = "sources"
[[scenario]]
id = "cold"
cache = "cold"
state = "base"
[[scenario]]
id = "warm"
cache = "warm"
state = "base"
[[scenario]]
id = "sources"
cache = "changed"
state = "sources"
[[approach]]
id = "quick"
dockerfile = "quick"
[[approach]]
id = "slow"
dockerfile = "slow"
[check]
stdout = "hello\n"
TOML
}

# A run that must go well, but for builds that others on the machine spoiled.
whole() { layerbench "$@" || disturbed || { cat "$work/out.err" >&2; die "the run failed"; }; }
disturbed() { grep -q 'invalid: .*held the processor back' "$work/out.err"; }

layerbench() { "$program" "$@" 2>"$work/out.err" >"$work/out"; }

statuses() { # how many rows of each status the last run has; what others on the machine spoiled is as good as any here
  sed 's/,invalid,[^,]*held the processor back[^,]*/,ok,/' "$work"/results/latest/samples.csv | cut -d, -f5 | tail -n +2 | sort | uniq -c | sed 's/^ *//' | tr '\n' ';'
}

wait_for_step() { # until the slow build is in its RUN
  for _ in $(seq 300); do pgrep -f '^sleep 3[0]' >/dev/null && return; sleep 0.05; done
  cat "$work/out.err" >&2
  die "the slow build did not start"
}

# `grep -q` ends at the first line that fits; who still writes then fails of a broken pipe, and pipefail makes it the answer.
wait_until_let_go() { # until no build holds anything of the user's engine any more
  for _ in $(seq 400); do
    "$docker" system df -v --format '{{range .BuildCache}}{{println .InUse}}{{end}}' | grep true >/dev/null || return 0
    sleep 0.05
  done
  die "the engine does not let go of a build that has lost its client"
}

make_network
make_certificates
start_user_engine
fill_user_engine
inventory before
for test in "$@"; do
  rm -rf "$work/study" "$work/results"
  # shellcheck source=/dev/null
  . "$(dirname "$0")/$test.sh"
  unharmed "$test"
done
