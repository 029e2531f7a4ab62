# shellcheck shell=bash
# Builds every context of cases.txt through both clients on the engine that DOCKER_HOST names, and compares what the
# builds saw: kind, mode, size, path and link target of every entry. A context that one client refuses must be refused
# by the other. Run as: DOCKER_HOST=unix://… bash compare.sh LAYERBENCH (docker with buildx on the PATH)
set -euo pipefail
program=$1
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
say() { echo "faithful: $*" >&2; }
export DOCKER_BUILDKIT=1 BUILDX_NO_DEFAULT_ATTESTATIONS=1 DOCKER_CLI_HINTS=false

make_lister() { # an image with a shell and GNU find
  local find library
  mkdir -p "$work/lister/bin"
  cp "$(command -v busybox)" "$work/lister/bin/sh"
  find=$(command -v find)
  cp "$find" "$work/lister/bin/find"
  ldd "$find" | grep -o '/[^ ]*' | while read -r library; do install -D "$library" "$work/lister$library"; done
  printf 'FROM scratch\nCOPY . /\n' > "$work/lister.Dockerfile"
  "$program" build -q -t lister:1 -f "$work/lister.Dockerfile" "$work/lister" > /dev/null
}

read_cases() { # one folder for each, and its name in $names
  local line name='' folder=''
  while IFS= read -r line; do
    case $line in
      'case '*)
        name=${line#case }
        folder=$work/cases/$name
        mkdir -p "$folder/context"
        : > "$folder/rules"
        echo . > "$folder/copy"
        names+=("$name")
        ;;
      '    '*) printf '%s\n' "${line#    }" >> "$folder/rules" ;;
      own | no-ignore) touch "$folder/$line" ;;
      'copy '*) echo "${line#copy }" > "$folder/copy" ;;
      'tree '*) echo "${line#tree }" > "$folder/tree" ;;
      '' | '#'*) ;;
      *) say "cases.txt: found $line; expected case, own, no-ignore, copy, tree or a rule"; exit 2 ;;
    esac
  done < "$here/cases.txt"
}

lay_out() { # FOLDER
  local folder=$1 tree=
  [ ! -e "$folder/tree" ] || tree=$(cat "$folder/tree")
  bash "$here/tree.sh" "$folder/context" "$tree"
  case $tree in
    crlf) sed -i 's/$/\r/' "$folder/rules" ;;
    bom) { printf '\xef\xbb\xbf'; cat "$folder/rules"; } > "$folder/rules.new"; mv "$folder/rules.new" "$folder/rules" ;;
  esac
  {
    echo 'FROM lister:1'
    echo "COPY $(cat "$folder/copy") /context/"
    # shellcheck disable=SC2028 # find reads the format
    echo "RUN cd /context && /bin/find . -printf '%y %m %s %P %l\\n' > /unsorted && sort /unsorted > /listing"
  } > "$folder/context/Dockerfile"
  if [ -e "$folder/own" ]; then
    cp "$folder/rules" "$folder/context/Dockerfile.dockerignore"
    echo 'a' > "$folder/context/.dockerignore"
  elif [ ! -e "$folder/no-ignore" ]; then
    cp "$folder/rules" "$folder/context/.dockerignore"
  fi
}

build() { # CLIENT NAME: the listing's image, or why there is none
  local folder=$work/cases/$2
  case $1 in
    ours) "$program" build -q --no-cache -t "ours:$2" "$folder/context" ;;
    docker) docker build -q --no-cache -t "docker:$2" "$folder/context" ;;
  esac > "$folder/$1.id" 2> "$folder/$1.error" || { touch "$folder/$1.refused"; }
}

gather() { # CLIENT: all listings in one image, and out of it
  local client=$1 name container
  mkdir -p "$work/empty" "$work/$client"
  {
    echo 'FROM scratch'
    for name in "${names[@]}"; do
      [ -e "$work/cases/$name/$client.refused" ] || echo "COPY --from=$client:$name /listing /$name"
    done
  } > "$work/$client.Dockerfile"
  "$program" build -q -t "$client:all" -f "$work/$client.Dockerfile" "$work/empty" > /dev/null
  container=$(docker create "$client:all" none)
  docker export "$container" | tar -x -C "$work/$client"
  docker rm "$container" > /dev/null
}

names=()
read_cases
make_lister
for name in "${names[@]}"; do
  lay_out "$work/cases/$name"
  build ours "$name" &
  build docker "$name"
  wait
done
gather ours
gather docker

different=0 refused=0 entries=0
for name in "${names[@]}"; do
  folder=$work/cases/$name
  if [ -e "$folder/ours.refused" ] && [ -e "$folder/docker.refused" ]; then
    refused=$((refused + 1))
    say "$name: both refuse it: $(head -n 1 "$folder/ours.error" | sed "s|$work/cases/||" | cut -c1-160)"
  elif [ -e "$folder/ours.refused" ] || [ -e "$folder/docker.refused" ]; then
    different=$((different + 1))
    say "$name: only one refuses it"
    tail -n 3 "$folder/ours.error" "$folder/docker.error" >&2
  elif ! diff -a "$work/docker/$name" "$work/ours/$name" > "$folder/diff"; then
    different=$((different + 1))
    say "$name: < docker, > layerbench"
    cat -v "$folder/diff" >&2
  else
    entries=$((entries + $(wc -l < "$work/ours/$name")))
  fi
done
say "engine $(docker version --format '{{.Server.Version}}'), docker $(docker version --format '{{.Client.Version}}')," \
  "$(docker buildx version | cut -d' ' -f1-2): ${#names[@]} contexts, $entries entries alike, $refused refused by both," \
  "$different different"
[ "$different" = 0 ] && [ "$entries" -gt 1000 ]
