# A user's engine reached in the ways that the docker client knows: TLS by variables, a context, and ssh.
study
remote() { # WHAT ADDRESS
  rm -rf "$work/results"
  layerbench run "$work/study" --engine "$2" --reps 1 --approach quick --out "$work/results" || disturbed ||
    { cat "$work/out.err" >&2; die "the run over $1 failed"; }
  [ "$(statuses)" = "3 ok;" ] || die "$1: unexpected rows: $(statuses)"
}

DOCKER_TLS_VERIFY=1 DOCKER_CERT_PATH=$work/certificates/client remote "TLS" tcp://127.0.0.1:2376

mkdir "$work/certificates/stranger"
cp "$work/certificates/client/"* "$work/certificates/stranger"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=other -keyout /dev/null \
  -out "$work/certificates/stranger/ca.pem" 2>/dev/null
! DOCKER_TLS_VERIFY=1 DOCKER_CERT_PATH=$work/certificates/stranger layerbench run "$work/study" --engine tcp://127.0.0.1:2376 \
  --out "$work/results" || die "an engine with a certificate of somebody else was trusted"
grep -qi 'certificate' "$work/out.err" || die "the message does not speak of the certificate: $(cat "$work/out.err")"

export DOCKER_CONFIG=$work/config
mkdir "$DOCKER_CONFIG"
"$docker" --config "$DOCKER_CONFIG" context create away \
  --docker "host=tcp://127.0.0.1:2376,ca=$work/certificates/client/ca.pem,cert=$work/certificates/client/cert.pem,key=$work/certificates/client/key.pem" >/dev/null
remote "a context" context:away

# No ssh server is needed to see that what ssh is asked to do is right: it must be the docker client's dial-stdio.
mkdir "$work/bin"
cat >"$work/bin/ssh" <<SSH
#!/bin/sh
while [ "\$1" != -- ]; do shift; done
[ "\$2" = me@away ] || { echo "ssh: unknown \$2" >&2; exit 255; }
shift 2
[ "\$*" = "docker system dial-stdio" ] || { echo "ssh: unexpected command \$*" >&2; exit 1; }
exec /usr/bin/docker --host unix://$work/user.sock system dial-stdio
SSH
chmod +x "$work/bin/ssh"
PATH=$work/bin:$PATH remote "ssh" ssh://me@away
rm -rf "$work/bin" "$DOCKER_CONFIG"
rm -r "$work/certificates/stranger"
unset DOCKER_CONFIG
