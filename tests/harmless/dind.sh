# Engines inside the user's engine: a whole run, and one that is killed. Docker's own image for that cannot be had here:
# a stand-in of the machine's programs keeps to what it promises, /certs/client and TLS at port 2376.
stand_in() { # FOLDER
  local program library
  mkdir -p "$1"/{bin,sbin,tmp,proc,sys,dev,run,etc,var/run,certs,server}
  cp "$(command -v busybox)" "$1/bin/busybox"
  for program in sh mount mkdir cat ls ip kmod; do ln -s busybox "$1/bin/$program"; done
  for program in dockerd containerd containerd-shim-runc-v2 runc docker-proxy docker-init iptables; do
    program=$(command -v "$program") || continue
    cp -L "$program" "$1/bin/$(basename "$program")"
    for library in $(ldd "$program" 2>/dev/null | grep -o '/[^ )]*'); do
      mkdir -p "$1$(dirname "$library")"
      cp -nL "$library" "$1$library"
    done
  done
  ln -s iptables "$1/bin/ip6tables"
  cp -r --parents /usr/lib/*/xtables "$1/"
  printf 'root:x:0:0:root:/:/bin/sh\n' >"$1/etc/passwd"
  printf 'root:x:0:\n' >"$1/etc/group"
  cp -r "$work/certificates/client" "$1/certs/"
  cp "$work/certificates/ca.pem" "$work/certificates/server-cert.pem" "$work/certificates/server-key.pem" "$1/server/"
  cat >"$1/start" <<'SH'
#!/bin/sh
exec dockerd -H unix:///var/run/docker.sock -H tcp://0.0.0.0:2376 --tlsverify --tlscacert /server/ca.pem \
  --tlscert /server/server-cert.pem --tlskey /server/server-key.pem "$@"
SH
  chmod +x "$1/start"
}

# Older engines give a privileged container all capabilities that the kernel knows, even those that they lack
# themselves, as on machines that have no CAP_SYS_RESOURCE; the container then does not start.
if ! "$docker" run --rm --privileged mine:1 /bin/sh -c : 2>/dev/null; then
  cat >"$work/user/bin/runc" <<SH
#!/bin/sh
for word; do
  [ "\$last" != --bundle ] || sed -i 's/"CAP_SYS_RESOURCE",//g' "\$word/config.json"
  last=\$word
done
exec $(command -v runc) "\$@"
SH
  chmod +x "$work/user/bin/runc"
fi

stand_in "$work/user/dind"
tar -C "$work/user/dind" -c . | "$docker" import --change 'ENTRYPOINT ["/start"]' --change 'ENV PATH=/bin:/sbin' \
  --change 'LABEL org.layerbench.stand-in=docker:dind' - dind-stand-in:1 >/dev/null
rm -rf "$work/user/dind"

# A base image in a registry that the engines inside can ask: each cold build must.
cat >"$work/user/registry.yml" <<YML
version: 0.1
log: {level: info, accesslog: {disabled: false}}
storage: {filesystem: {rootdirectory: $work/user/registry}}
http: {addr: 172.17.0.1:5000}
YML
docker-registry serve "$work/user/registry.yml" >"$work/user/registry.log" 2>&1 </dev/null &
registry=$!
for _ in $(seq 200); do { : >/dev/tcp/172.17.0.1/5000; } 2>/dev/null && break; sleep 0.05; done
"$docker" tag mine:1 172.17.0.1:5000/base:1
"$docker" push -q 172.17.0.1:5000/base:1 >/dev/null || die "the base image could not be pushed"
"$docker" rmi 172.17.0.1:5000/base:1 >/dev/null
inventory before
pushed=$(wc -l <"$work/user/registry.log")

study
printf 'FROM 172.17.0.1:5000/base:1\nCOPY main /main\nRUN echo built >>/main\nCMD ["/bin/sh","-c","echo hello"]\n' >"$work/study/quick"
status=0
layerbench run "$work/study" --engine dind --approach quick || status=$?
[ "$status" = 1 ] && grep -q 'docker pull docker:dind' "$work/out.err" || die "without the image: $status $(cat "$work/out.err")"
whole run "$work/study" --engine dind --dind-image dind-stand-in:1 --approach quick --reps 2 --out "$work/results"
[ "$(statuses)" = "6 ok;" ] || die "unexpected rows: $(statuses)"
grep -q '(dind). Cold: pristine' "$work/results/latest/report.md" || die "the report does not speak of dind: $(cat "$work/out")"
pulled=$(tail -n +"$((pushed + 1))" "$work/user/registry.log" | grep 'GET /v2/base/blobs/' | grep -c 'HTTP/1.1" 200\|status=200' || :)
layers=$("$docker" image inspect --format '{{len .RootFS.Layers}}' mine:1)
[ "$pulled" -ge "$((2 * layers))" ] || die "two cold builds fetched $pulled blobs: $(tail -n 5 "$work/user/registry.log")"
unharmed "dind, a whole run"

# Somebody without root who may use the engine: `auto` builds inside it, or on it, and says why.
somebody=$work/user/somebody
install -d -o 65534 -g 65534 "$somebody"
cp "$program" "$somebody/layerbench"
chmod 711 "$work"
chmod 666 "$work/user.sock"
as_somebody() {
  HOME=$somebody TMPDIR=$somebody LAYERBENCH_HOME=$somebody/home setpriv --reuid=65534 --regid=65534 --clear-groups "$somebody/layerbench" "$@" \
    >"$work/out" 2>"$work/out.err"
}
lacks='a private engine lacks root rights (run it with sudo)'
as_somebody run "$work/study" --dind-image dind-stand-in:1 --approach quick --scenario cold --reps 1 --out "$somebody/results" || disturbed ||
  die "auto, without root: $(cat "$work/out.err")"
grep -qF "engine: an engine inside $DOCKER_HOST (dind-stand-in:1 with a volume of its own, empty for each chain, removed after it) — $lacks" \
  "$work/out.err" || die "auto does not say that it builds inside the engine, and why: $(cat "$work/out.err")"
grep -q '(dind). Cold: pristine' "$somebody/results/latest/report.md" || die "the report does not speak of dind: $(cat "$work/out")"
as_somebody doctor "$work/study" --only engine || die "auto, without the image: $(cat "$work/out" "$work/out.err")"
grep -qF "engine: the engine at $DOCKER_HOST (only what this run makes is removed) — $lacks; an engine inside Docker (dind): $DOCKER_HOST has no image docker:dind: docker pull docker:dind" \
  "$work/out" || die "auto does not say that it builds on the engine, and why: $(cat "$work/out")"
chmod 600 "$work/user.sock"
chmod 700 "$work"
rm -rf "$somebody"
unharmed "auto without root"

study 30
layerbench_background() { "$program" "$@" >"$work/out" 2>"$work/out.err" & }
layerbench_background run "$work/study" --engine dind --dind-image dind-stand-in:1 --reps 1 --approach slow --out "$work/results"
run=$!
wait_for_step
kill -KILL "$run"
wait "$run" 2>/dev/null || :
[ "$("$docker" ps -q --filter label=org.layerbench.engine | wc -l)" = 1 ] || die "the engine inside is not there"
layerbench clean --wait 10
grep -q 'removed what' "$work/out" || die "clean found nothing: $(cat "$work/out" "$work/out.err")"
unharmed "dind, killed"

kill "$registry"
wait "$registry" || :
"$docker" rmi dind-stand-in:1 >/dev/null
rm -rf "$work/user/registry" "$work/user/registry.yml" "$work/user/registry.log"
inventory before
