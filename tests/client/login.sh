# shellcheck shell=bash
# A registry that asks for a login, beside a private engine: builds from it without a login, with one in config.json,
# and with one from a helper. Run as: DOCKER_HOST=unix://… bash login.sh LAYERBENCH
set -euo pipefail
program=$1
work=$(mktemp -d)
trap '[ -z "${registry:-}" ] || kill "$registry"; rm -rf "$work"' EXIT
die() { echo "login: $*" >&2; exit 1; }
address=127.0.0.1:5055
image=$address/private/base:1
engine=$(dirname "${DOCKER_HOST#unix://}")
pid=$(pgrep -f "^dockerd --config-file $engine/" | head -n 1)

# me, s3cret
echo 'me:$2y$05$abcdefghijklmnopqrstuuLK7U1u6pVRmL7L1BBM2aS35PSZnDXlK' > "$work/users"
cat > "$work/registry.yml" <<END
version: 0.1
log: {level: error}
storage: {filesystem: {rootdirectory: $work/storage}}
auth: {htpasswd: {realm: test, path: $work/users}}
http: {addr: $address}
END
nsenter --target "$pid" --net docker-registry serve "$work/registry.yml" > "$work/log" 2>&1 &
registry=$!

mkdir -p "$work"/{context,bin,none,file,helper,broken}
cp /bin/busybox "$work/context/"
echo '{}' > "$work/none/config.json"
printf '{"auths": {"%s": {"auth": "%s"}}}' "$address" "$(printf me:s3cret | base64)" > "$work/file/config.json"
printf '{"credHelpers": {"%s": "lbtest"}}' "$address" > "$work/helper/config.json"
printf '{"credsStore": "lbabsent"}' > "$work/broken/config.json"
cat > "$work/bin/docker-credential-lbtest" <<END
#!/bin/sh
read -r host
echo "\$1 \$host" >> $work/asked
printf '{"ServerURL": "%s", "Username": "me", "Secret": "s3cret"}' "\$host"
END
chmod +x "$work/bin/docker-credential-lbtest"
export PATH=$work/bin:$PATH

# The image comes into the registry by a login, and is then gone from the engine.
printf 'FROM scratch\nCOPY busybox /bin/sh\n' > "$work/context/Dockerfile"
DOCKER_CONFIG=$work/none "$program" build -q -t "$image" "$work/context" > /dev/null
DOCKER_CONFIG=$work/file docker push -q "$image" > /dev/null || die "the image cannot be pushed: $(cat "$work/log")"
printf 'FROM %s\nRUN echo built >/built\n' "$image" > "$work/context/Dockerfile"
forget() { docker image prune -af > /dev/null; docker builder prune -af > /dev/null; }

forget
[ ! -e "$work/asked" ] || die "a helper was asked before a registry wanted a login"
if DOCKER_CONFIG=$work/none "$program" build -q "$work/context" 2> "$work/said"; then die "built without a login"; fi
DOCKER_CONFIG=$work/file "$program" build -q "$work/context" > /dev/null || die "a login in config.json is not taken"
forget
DOCKER_CONFIG=$work/helper "$program" build -q "$work/context" > /dev/null || die "a helper's login is not taken"
grep -qx "get $address" "$work/asked" || die "the helper was asked for: $(cat "$work/asked")"
forget
if DOCKER_CONFIG=$work/broken "$program" build -q "$work/context" 2> "$work/said"; then die "built without a helper"; fi
grep -q docker-credential-lbabsent "$work/said" || die "the missing helper is not named: $(cat "$work/said")"
if grep -rqs s3cret "$work/said"; then die "a password was shown"; fi
