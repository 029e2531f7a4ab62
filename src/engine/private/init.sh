# First process (pid 1) inside the namespaces of a private engine; run as `sh -c "$(this)" layerbench-init DIR`.
#
# It shadows /etc and /run so that nothing an engine writes there reaches the host, waits for the network, starts
# the registry (if DIR/registry.yml exists) and dockerd, and then reads its standard input until that ends. When it
# ends, by a closed pipe or by any death of the program that holds the other side, the kernel kills every process in
# the namespace and takes all its mounts and links away.
set -eu
dir=$1
fail() { echo "failed: $*"; exit 1; }

# -n: mount would note its work in /run/mount, which is the host's until /run is shadowed.
for shadow in etc run; do
    mkdir -p "$dir/shadow/$shadow/upper" "$dir/shadow/$shadow/work"
    mount -n -t overlay layerbench -o "lowerdir=/$shadow,upperdir=$dir/shadow/$shadow/upper,workdir=$dir/shadow/$shadow/work" \
        "/$shadow" || fail "cannot lay an overlay over /$shadow with its upper side in $dir"
done
for hidden in containerd docker; do
    mkdir -p "/run/$hidden"
    mount -n -t tmpfs -o mode=711 layerbench "/run/$hidden"
done
rm -f /run/docker.sock /run/docker.pid

read -r link address gateway mtu || exit 0
ip link set lo up
if [ "$link" != none ]; then
    ip link set "$link" name eth0 mtu "$mtu" up || fail "cannot bring up the private network"
    ip address add "$address" dev eth0
    ip route add default via "$gateway"
fi

if [ -e "$dir/registry.yml" ]; then
    docker-registry serve "$dir/registry.yml" >"$dir/registry.log" 2>&1 </dev/null &
fi
dockerd --config-file "$dir/daemon.json" --pidfile "$dir/docker.pid" >"$dir/dockerd.log" 2>&1 </dev/null &
engine=$!
echo started

while read -r word; do
    case $word in
    stop)
        kill -TERM "$engine" 2>/dev/null || :
        wait "$engine" || :
        echo stopped
        ;;
    esac
done
