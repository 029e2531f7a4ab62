# First process (pid 1) inside the namespaces of a private engine; run as `sh -c "$(this)" layerbench-init DIR`.
#
# It shadows /etc and /run so that nothing an engine writes there reaches the host, waits for the network, starts
# a registry for each DIR/registry*.yml and dockerd, and then obeys orders on its standard input, a line each, until
# that ends. When it ends, by a closed pipe or by any death of the program that holds the other side, the kernel kills
# every process in the namespace and takes all its mounts and links away.
#
# Orders: stop, start (the engine); fresh (an empty data-root); save NAME, restore NAME (the data-root as it is, while
# the engine is stopped). Each is answered with "done" or "failed"; what it said is in DIR/orders.log.
set -eu
dir=$1
engine=
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
# The engine's own sockets lie deep in its exec-root, and the path of a socket is at most 107 bytes long.
mkdir -p "$dir/exec" /run/layerbench
mount -n --bind "$dir/exec" /run/layerbench

# With checkpoints, the data-root is DIR/store/data: a subvolume of a btrfs image file, or else a plain folder.
store=$dir/store
[ ! -e "$store.img" ] || mount -n -o loop "$store.img" "$store" || fail "cannot mount $store.img"
subvolumes() { [ -e "$store.img" ]; }
drop() { if subvolumes; then btrfs -q subvolume delete "$1"; else rm -rf "$1"; fi; }
copy() { if subvolumes; then btrfs -q subvolume snapshot "$1" "$2"; else cp -a --reflink=auto "$1" "$2"; fi; }
empty() { if subvolumes; then btrfs -q subvolume create "$1"; else mkdir "$1"; fi; }
away() { [ ! -e "$1" ] || drop "$1"; }
fresh() { away "$store/data" && empty "$store/data"; }
save() { away "$store/$1" && copy "$store/data" "$store/$1"; }
restore() { [ -e "$store/$1" ] && drop "$store/data" && copy "$store/$1" "$store/data"; }

read -r link address gateway mtu || exit 0
ip link set lo up
if [ "$link" != none ]; then
    ip link set "$link" name eth0 mtu "$mtu" up || fail "cannot bring up the private network"
    ip address add "$address" dev eth0
    ip route add default via "$gateway"
fi

# A containerd that hung writes its stacks into the folder for temporary files.
mkdir -p "$dir/tmp"
export TMPDIR="$dir/tmp"

start() {
    dockerd --config-file "$dir/daemon.json" --pidfile "$dir/docker.pid" >>"$dir/dockerd.log" 2>&1 </dev/null &
    engine=$!
}

stop() {
    kill -TERM "$engine" 2>/dev/null || :
    wait "$engine" || :
    rm -f "$dir/engine.sock" "$dir/docker.pid"
}

for config in "$dir"/registry*.yml; do
    [ ! -e "$config" ] || docker-registry serve "$config" >"${config%.yml}.log" 2>&1 </dev/null &
done
[ ! -d "$store" ] || fresh
start

while read -r order name; do
    case $order in
    start | stop | fresh | save | restore)
        if "$order" "$name" >"$dir/orders.log" 2>&1; then echo "done"; else echo "failed"; fi
        ;;
    esac
done
