# shellcheck shell=bash
# Base images from the distribution's packages: file systems to layers, layers to the storage of a local registry. To be
# sourced by `stand-ins`, which sets `images` (the folder), `tmp`, `children` and `index_settings`.
# shellcheck disable=SC2016 # what stands in single quotes is for other shells, and for apt

SUITE=trixie # the oldest with a Python that satisfies the article's ^3.12

SLIM_PACKAGES=(ca-certificates netbase passwd python3 python3-venv tzdata)
# After buildpack-deps, on which the official full image stands.
FULL_PACKAGES=(
  "${SLIM_PACKAGES[@]}"
  autoconf automake bzip2 curl default-libmysqlclient-dev dpkg-dev file g++ gcc git gnupg imagemagick
  libbz2-dev libc6-dev libcurl4-openssl-dev libdb-dev libevent-dev libffi-dev libgdbm-dev libglib2.0-dev
  libgmp-dev libjpeg-dev libkrb5-dev liblzma-dev libmagickcore-dev libmagickwand-dev libmaxminddb-dev
  libncurses-dev libpng-dev libpq-dev libreadline-dev libsqlite3-dev libssl-dev libtool libwebp-dev
  libxml2-dev libxslt1-dev libyaml-dev make openssh-client patch procps python3-dev subversion tk-dev
  unzip uuid-dev wget xz-utils zlib1g-dev
)
RUST_PACKAGES=(ca-certificates cargo gcc libc6-dev passwd rustc)
NODE_PACKAGES=(ca-certificates nodejs npm passwd)
DEBIAN_PACKAGES=(passwd)
GO_PACKAGES=(ca-certificates golang-go passwd)

# What each stand-in stands for. Only `full` and what builds native code keeps headers and the like.
declare -A OFFICIAL=(
  [slim]=python:3.12-slim-bookworm [full]=python:3.12-bookworm [poetry]=poetry-build:1.8.3
  [rust]=rust:1-slim-trixie [node]=node:20-trixie-slim [debian]=debian:trixie-slim
  [go]=golang:1-trixie
)

# needed_parts STUDY-FOLDER: the stand-ins that its Dockerfiles build from; other bases need a registry.
needed_parts() {
  local part
  for part in "${!OFFICIAL[@]}"; do
    if grep -qsE "^(FROM|COPY --from=) ?${OFFICIAL[$part]//./\\.}( |$)" "$1"/dockerfiles/*.Dockerfile; then echo "$part"; fi
  done | sort
}

# The mirror and how to reach it, as this machine's apt is set up.
read_apt_settings() {
  local format='$(ORIGIN)|$(LABEL)|$(REPO_URI)'
  find_mirror() { apt-get indextargets --format "$format" 'Created-By: Packages' | sed -n 's/^Debian|Debian|//p' | head -n 1; }
  mirror=$(find_mirror)
  [ -n "$mirror" ] || { apt-get update > /dev/null 2>&1 || true; mirror=$(find_mirror); }
  [ -n "$mirror" ] || fail "apt knows no Debian mirror here, and the stand-ins are made of Debian packages"
  apt_options=()
  local line
  while read -r line; do apt_options+=("--aptopt=$line"); done < <(
    apt-config dump | grep -E '^Acquire::(https?::.*|Check-Valid-Until|Check-Date) "' || true)
}

# A registry on a free port of the loopback interface, over the storage; it dies with this process.
start_registry() {
  local pid
  for _ in 1 2 3 4 5; do
    port=$((20000 + RANDOM))
    ! (: < "/dev/tcp/127.0.0.1/$port") 2>/dev/null || continue
    cat > "$tmp/registry.yml" <<YML
version: 0.1
log: {level: error, accesslog: {disabled: true}}
storage: {filesystem: {rootdirectory: "$images/registry"}}
http: {addr: "127.0.0.1:$port"}
YML
    OTEL_TRACES_EXPORTER=none setpriv --pdeathsig KILL docker-registry serve "$tmp/registry.yml" > "$tmp/registry.log" 2>&1 7>&- 9>&- &
    pid=$!
    children+=("$pid")
    for _ in $(seq 50); do
      kill -0 "$pid" 2>/dev/null || break
      if (: < "/dev/tcp/127.0.0.1/$port") 2>/dev/null; then return; fi
      sleep 0.1
    done
  done
  fail "docker-registry does not start: $(tail -n 1 "$tmp/registry.log")"
}

# The line of a tool's log that says most: apt's last error, or else the last line.
problem_in() { { grep '^E: ' "$1" || grep '[^[:space:]]' "$1"; } | tail -n 1; }

# make_image PART: packages to a file system, to layers, to the registry.
make_image() {
  local part=$1 official=${OFFICIAL[$1]} root=$tmp/$1.root log=$tmp/$1.log packages
  say "making the $part stand-in of $official from Debian $SUITE"
  packages=${part^^}_PACKAGES[*]
  packages=${!packages}
  # The official slim image leaves these out as well.
  local slim_options=(
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*'
    --dpkgopt='path-include=/usr/share/doc/*/copyright' --dpkgopt='path-exclude=/usr/share/locale/*'
    --dpkgopt='path-exclude=/usr/share/info/*')
  [ "$part" != full ] || slim_options=()
  # Python as in the official image: pip that the distribution does not manage.
  local python=()
  case $part in slim | full) python=(--customize-hook='chroot "$1" python3 -m venv --copies /usr/local') ;; esac
  # In a mount namespace of its own, nothing that is mounted meanwhile can stay behind.
  unshare --mount --pid --fork --kill-child mmdebstrap --quiet --mode=root --variant=minbase \
    --include="${packages// /,}" "${slim_options[@]}" "${apt_options[@]}" \
    --customize-hook='! [ -d /usr/local/share/ca-certificates ] || cp -rL /usr/local/share/ca-certificates "$1/usr/local/share/"' \
    --customize-hook='! [ -x "$1/usr/sbin/update-ca-certificates" ] || chroot "$1" update-ca-certificates' \
    "${python[@]}" \
    --customize-hook='rm -f "$1/etc/resolv.conf" "$1/etc/hostname"; find "$1/var/log" -type f -delete' \
    "$SUITE" "$root" "$mirror" > "$log" 2>&1 9>&- ||
    fail "mmdebstrap could not make the $part stand-in: $(problem_in "$log")"

  # As in the official images: several layers, Python in the last one.
  start_layers "$part"
  local tools=(./usr/include ./usr/lib/gcc ./usr/libexec ./usr/share)
  if [ "$part" = full ]; then
    add_layer "$root" --exclude=./usr/local "${tools[@]/#/--exclude=}" .
    add_layer "$root" "${tools[@]}"
  else
    add_layer "$root" --exclude=./usr/local .
  fi
  case $part in slim | full) add_layer "$root" ./usr/local ;; esac
  store "$part"
}

# On the slim stand-in, what scenarios/beyond/images/poetry-build.Dockerfile does on the official image.
make_poetry() {
  local root=$tmp/poetry.root log=$tmp/poetry.log digest diff
  say "making the poetry stand-in of ${OFFICIAL[poetry]} on the slim one"
  unpack_slim "$root"
  in_slim "$root" /bin/sh -euc "python3 -m venv /opt/poetry
    /opt/poetry/bin/pip install --quiet --no-cache-dir poetry==$POETRY
    ln -s /opt/poetry/bin/poetry /usr/local/bin/poetry" > "$log" 2>&1 9>&- ||
    fail "Poetry could not be installed in the poetry stand-in: $(problem_in "$log")"
  start_layers poetry
  while read -r digest diff; do
    cp "$(blob "$digest")" "$oci/blobs/sha256/$digest"
    list_layer "$digest" "$diff"
  done < "$images/.done/slim.layers"
  add_layer "$root" ./opt/poetry ./usr/local/bin/poetry
  store poetry
}

POETRY=1.8.3 # what the article's last approaches pin
POETRY_SETTINGS=(POETRY_VIRTUALENVS_CREATE=true POETRY_VIRTUALENVS_IN_PROJECT=true POETRY_CACHE_DIR=/tmp/poetry_cache)

blob() { echo "$images/registry/docker/registry/v2/blobs/sha256/${1:0:2}/$1/data"; } # DIGEST

# unpack_slim FOLDER: the slim stand-in's files.
unpack_slim() {
  local digest rest
  mkdir "$1"
  while read -r digest rest; do tar -C "$1" -xzf "$(blob "$digest")"; done < "$images/.done/slim.layers"
  cp -L /etc/resolv.conf "$1/etc/resolv.conf"
}

# in_slim FOLDER COMMAND...: carries out a command in these files, with this machine's network.
in_slim() {
  unshare --mount --pid --fork --kill-child bash -euc '
    mount -t proc proc "$1/proc"
    mount --bind /dev "$1/dev"
    exec chroot "$@"' in-slim "$1" /usr/bin/env -i "${index_settings[@]}" \
    PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 HOME=/root PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_CERT=/etc/ssl/certs/ca-certificates.crt REQUESTS_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt \
    SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt "${@:2}"
}

start_layers() { # PART
  oci=$tmp/$1.oci
  layers='' diff_ids='' layer_files=()
  mkdir -p "$oci/blobs/sha256"
}

# store PART: what was gathered, as an image in the registry.
store() {
  local part=$1 official=${OFFICIAL[$1]} log=$tmp/$1.log
  rm -rf "$tmp/$part.root"
  write_image "$part" "$official"
  skopeo copy --quiet --dest-tls-verify=false "oci:$oci:image" \
    "docker://127.0.0.1:$port/stand-in/$official" 2> "$log" ||
    fail "skopeo could not store the $part stand-in: $(problem_in "$log")"
  printf '%s\n' "${layer_files[@]}" > "$images/.done/$part.layers"
  rm -rf "$oci"
  mark_done "$part" "$(part_key "$part")"
  say "the $part stand-in is made"
}

# add_layer ROOT TAR-ARGUMENT...: a compressed layer into the image, its digests into the lists.
add_layer() {
  local root=$1 file=$oci/layer
  shift
  tar -C "$root" --numeric-owner --sort=name -cf - "$@" |
    tee >(sha256sum > "$oci/diff") | pigz -5 --no-name > "$file"
  local digest diff
  digest=$(sha256sum "$file" | cut -c1-64)
  until [ -s "$oci/diff" ]; do sleep 0.05; done
  diff=$(cut -c1-64 "$oci/diff")
  rm "$oci/diff"
  mv "$file" "$oci/blobs/sha256/$digest"
  list_layer "$digest" "$diff"
}

list_layer() { # DIGEST DIFF-ID, of a layer that is there
  local digest=$1 diff=$2
  layer_files+=("$digest $diff")
  layers+="${layers:+,}$(descriptor application/vnd.oci.image.layer.v1.tar+gzip "$digest")"
  diff_ids+="${diff_ids:+,}\"sha256:$diff\""
}

descriptor() { # MEDIA-TYPE DIGEST
  printf '{"mediaType":"%s","digest":"sha256:%s","size":%s}' "$1" "$2" "$(stat -c %s "$oci/blobs/sha256/$2")"
}

add_blob() { # from standard input; prints the digest
  cat > "$oci/blob"
  local digest
  digest=$(sha256sum "$oci/blob" | cut -c1-64)
  mv "$oci/blob" "$oci/blobs/sha256/$digest"
  echo "$digest"
}

# write_image PART OFFICIAL-NAME: configuration, manifest and index of an OCI layout.
write_image() {
  local config manifest env variable
  env='"PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin","LANG=C.UTF-8"'
  if ls /usr/local/share/ca-certificates/*.crt > /dev/null 2>&1; then
    for variable in PIP_CERT REQUESTS_CA_BUNDLE SSL_CERT_FILE NODE_EXTRA_CA_CERTS CARGO_HTTP_CAINFO; do
      env+=",\"$variable=/etc/ssl/certs/ca-certificates.crt\""
    done
  fi
  for variable in "${index_settings[@]}"; do env+=",\"$variable\""; done
  case $1 in
    poetry) for variable in "${POETRY_SETTINGS[@]}"; do env+=",\"$variable\""; done ;;
    rust) env+=',"CARGO_HOME=/usr/local/cargo"' ;;
  esac
  config=$(printf '{"created":"%s","architecture":"%s","os":"linux","config":{"Env":[%s],"Cmd":["sh"],"Labels":{"org.layerbench.stand-in":"%s"}},"rootfs":{"type":"layers","diff_ids":[%s]}}' \
    "$(date -u +%FT%TZ)" "$(architecture)" "$env" "$2" "$diff_ids" | add_blob)
  manifest=$(printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":%s,"layers":[%s]}' \
    "$(descriptor application/vnd.oci.image.config.v1+json "$config")" "$layers" | add_blob)
  local entry
  entry=$(descriptor application/vnd.oci.image.manifest.v1+json "$manifest")
  printf '{"schemaVersion":2,"manifests":[%s]}' \
    "${entry%\}},\"annotations\":{\"org.opencontainers.image.ref.name\":\"image\"}}" > "$oci/index.json"
  echo '{"imageLayoutVersion":"1.0.0"}' > "$oci/oci-layout"
}

architecture() {
  case $(dpkg --print-architecture) in
    i386) echo 386 ;;
    armhf) echo arm ;;
    *) dpkg --print-architecture ;;
  esac
}

