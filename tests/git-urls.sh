#!/usr/bin/env bash
# Contexts from git over HTTPS and SSH, against servers on this machine: with what git users have set up (an authority of
# their own, a credential helper, an agent with a key) they are fetched, and without it the message says what is missing.
# As root, with git, openssl, python3 and a Debian package archive. Takes the program of the tests.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/lib.sh
. scripts/lib.sh

program=$PWD/target/debug/layerbench
work=$(mktemp -d)
servers=()
stop() {
  # Outright: an unshare that waits for its child takes no other signal, and its child goes with it.
  for pid in "${servers[@]}"; do kill -KILL "$pid" 2>/dev/null || :; done
  wait 2>/dev/null || :
  rm -rf "$work"
}
trap stop EXIT
export HOME=$work/home GIT_CONFIG_NOSYSTEM=1 XDG_CONFIG_HOME=$work/home
unset GIT_SSL_CAINFO GIT_SSH_COMMAND SSH_AUTH_SOCK DISPLAY SSH_ASKPASS GIT_ASKPASS
mkdir "$HOME"
port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
wait_for() { for _ in $(seq 100); do (: < "/dev/tcp/127.0.0.1/$1") 2>/dev/null && return; sleep 0.1; done; cat "${2:-/dev/null}" >&2; fail "nothing listens on $1"; }

# A repository with two branches.
git_() { git -c user.name=t -c user.email=t@example.org "$@"; }
git init -q -b main "$work/app"
printf 'FROM scratch\nCOPY main.py /\n' > "$work/app/Dockerfile"
echo 'print(1)' > "$work/app/main.py"
git_ -C "$work/app" add . && git_ -C "$work/app" commit -qm one
git -C "$work/app" checkout -qb next && echo 'print(2)' > "$work/app/main.py" && git_ -C "$work/app" commit -qam two
mkdir "$work/served"
git clone -q --bare "$work/app" "$work/served/app.git"
touch "$work/served/app.git/git-daemon-export-ok"

# expect CODE WORDS URL: what a dry run on that context says and how it ends.
expect() {
  local code=$1 words=$2 url=$3 status=0
  timeout 60 setsid "$program" run --context "$url" --change deps=ref:next --dry-run --reps 1 > "$work/out" 2>&1 < /dev/null || status=$?
  if [ "$status" != "$code" ] || ! grep -qE "$words" "$work/out"; then
    cat "$work/out" >&2
    fail "$url: ended with $status, expected $code and: $words"
  fi
  echo "git-urls: $url: $(grep -m1 -oE ".*($words).*" "$work/out")"
}

# HTTPS: git's own program behind a small server; with a password for what lies below /private.
cd "$work"
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=authority -keyout ca.key -out ca.crt 2> /dev/null
openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout server.key -out server.csr 2> /dev/null
printf 'subjectAltName=DNS:localhost' > names
openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -days 2 -extfile names -out server.crt 2> /dev/null
cat > server.py <<'PY'
import base64, http.server, os, ssl, subprocess, sys

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # each answer with its length: TLS that is cut off is an error
    def do_GET(self):
        given = self.headers.get("Authorization", "")
        wanted = "Basic " + base64.b64encode(b"who:secret").decode()
        if self.path.startswith("/private/") and given != wanted:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.send_header("Content-Length", "0")
            return self.end_headers()
        path, _, query = self.path.removeprefix("/private").partition("?")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        environment = dict(os.environ, GIT_PROJECT_ROOT=sys.argv[2], PATH_INFO=path, QUERY_STRING=query, REMOTE_USER="who",
            REQUEST_METHOD=self.command, CONTENT_TYPE=self.headers.get("Content-Type", ""), CONTENT_LENGTH=str(len(body)),
            GIT_PROTOCOL=self.headers.get("Git-Protocol", ""), HTTP_CONTENT_ENCODING=self.headers.get("Content-Encoding", ""))
        answer = subprocess.run(["git", "http-backend"], input=body, env=environment, capture_output=True).stdout
        head, _, content = answer.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        fields["Content-Length"] = str(len(content))
        self.send_response(int(fields.pop("Status", "200").split()[0]))
        for name, value in fields.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)
    do_POST = do_GET
    def log_message(self, *_): pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("server.crt", "server.key")
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
PY
https=$(port)
python3 server.py "$https" "$work/served" 2> server.log &
servers+=($!)
wait_for "$https"
expect 2 'certificate' "https://localhost:$https/app.git#main"
git config --global http.sslCAInfo "$work/ca.crt"
expect 0 'Dockerfile +deps' "https://localhost:$https/app.git#main"
expect 2 'nowhere' "https://localhost:$https/app.git#nowhere"
expect 2 'not found' "https://localhost:$https/other.git#main"
expect 2 'could not read Username' "https://localhost:$https/private/app.git#main"
git config --global credential.helper '!f() { echo username=who; echo password=secret; }; f'
expect 0 'Dockerfile +deps' "https://localhost:$https/private/app.git#main"

# SSH: the distribution's server, unpacked here if it is not installed, in namespaces where its user and folder exist.
sshd=$(PATH=$PATH:/usr/sbin command -v sshd || :)
if [ -z "$sshd" ]; then
  (mkdir deb && cd deb && apt-get download openssh-server libwrap0 > log 2>&1 && for deb in *.deb; do dpkg -x "$deb" .; done) ||
    { cat deb/log >&2; fail "no sshd"; }
  sshd=$work/deb/usr/sbin/sshd
fi
mkdir -m 700 "$HOME/.ssh"
ssh-keygen -q -t ed25519 -N '' -f host
ssh-keygen -q -t ed25519 -N '' -f key
ssh=$(port)
cat > sshd_config <<CONFIG
Port $ssh
ListenAddress 127.0.0.1
HostKey $work/host
AuthorizedKeysFile $work/key.pub
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin yes
StrictModes no
UsePAM no
PidFile none
CONFIG
cp /etc/passwd passwd
grep -q '^sshd:' passwd || echo 'sshd:x:65533:65534::/run/sshd:/usr/sbin/nologin' >> passwd
# shellcheck disable=SC2016 # the inner shell's
unshare --mount --propagation private --pid --fork --kill-child --mount-proc sh -euc '
  mount --bind "$1/passwd" /etc/passwd
  mount -t tmpfs tmpfs /run && mkdir -m 755 /run/sshd
  export LD_LIBRARY_PATH="$(echo "$1"/deb/usr/lib/*/ "$1"/deb/lib/*/ | tr " " :)"
  exec "$2" -D -e -f "$1/sshd_config"' sshd "$work" "$sshd" 2> sshd.log &
servers+=($!)
wait_for "$ssh" sshd.log
user=$(id -un)
# ssh takes the home folder from the user's entry, not from HOME: what users have in ~/.ssh is given here in the open.
printf '[127.0.0.1]:%s %s\n' "$ssh" "$(cat host.pub)" > known_hosts
export GIT_SSH_COMMAND="ssh -F none -o UserKnownHostsFile=$work/known_hosts -o IdentityFile=none -p $ssh"
expect 2 'Permission denied' "ssh://$user@127.0.0.1$work/served/app.git#main"
eval "$(ssh-agent)" > /dev/null
servers+=("$SSH_AGENT_PID")
ssh-add -q key
expect 0 'Dockerfile +deps' "ssh://$user@127.0.0.1$work/served/app.git#main"
expect 0 'Dockerfile +deps' "$user@127.0.0.1:$work/served/app.git#main"
: > known_hosts
expect 2 'Host key verification failed' "ssh://$user@127.0.0.1$work/served/app.git#main"
echo "git-urls: all as it should be"
