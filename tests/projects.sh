#!/usr/bin/env bash
# What `init` writes for a project of each kind, built for real: on stand-ins for the official images, with the locks of
# the studies managers and languages. As root; several minutes. Maven and Gradle are not here: what they build with comes
# from a registry of their own, for which this has no stand-in.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/lib.sh
. scripts/lib.sh
program=$PWD/target/debug/layerbench
scripts/stand-ins --study managers
scripts/stand-ins --study languages
images=$PWD/target/stand-ins/images
python=$PWD/target/stand-ins/managers
others=$PWD/target/stand-ins/languages
use_memory
# On the file system of the images, which are linked into each study.
work=$(mktemp -d "$PWD/target/projects.XXXXXX")
trap 'rm -rf "$work" ${memory:+"$memory"}' EXIT

# check KIND BASE...: what init makes of the project in $work/KIND, built once in all its scenarios.
check() {
  local kind=$1 base dir=$work/$1
  shift
  (cd "$dir" && "$program" init . > "$work/said") || { cat "$work/said" >&2; fail "$kind: init has failed"; }
  cp -al "$images/registry" "$dir/layerbench/registry"
  {
    printf '\n[registry]\nstorage = "registry"\n'
    for base in "$@"; do printf '\n[[base]]\nfrom = "%s"\nto = "127.0.0.1:5000/stand-in/%s"\nstand_in = true\n' "$base" "$base"; done
  } >> "$dir/layerbench/study.toml"
  (cd "$dir" && "$program" run layerbench --reps 1 --engine private --out "$work/results") > "$work/table" 2> "$work/said" ||
    { tail -n 20 "$work/said" "$work/table" >&2; fail "$kind: the study that init wrote does not run"; }
  say "$kind: $(awk -F, 'NR > 1 && $5 == "ok" {printf "%s %.1f s  ", $4, $7}' "$work"/results/*/*/samples.csv)"
  rm -rf "$work/results" "${dir:?}"
}

SLIM=python:3.12-slim-bookworm
for manager in poetry uv pdm pip; do
  dir=$work/$manager
  mkdir "$dir"
  cp -a "$python/project/hello_world" "$dir/"
  case $manager in
    pip) cp "$python/project/requirements.txt" "$dir/" ;;
    *) cp "$python/project/pyproject.toml" "$python/project/$manager.lock" "$dir/" ;;
  esac
  cp "$python/dockerfiles/$manager.Dockerfile" "$dir/Dockerfile"
  check "$manager" "$SLIM"
done

NODE=node:20-trixie-slim
cp -a "$others/project/node" "$work/npm"
sed 's#node/##g' "$others/dockerfiles/node-ordered.Dockerfile" > "$work/npm/Dockerfile"
check npm "$NODE"
cp -a "$others/project/node" "$work/pnpm"
rm "$work/pnpm/package-lock.json"
printf "lockfileVersion: '9.0'\n" > "$work/pnpm/pnpm-lock.yaml"
cat > "$work/pnpm/Dockerfile" <<DOCKERFILE
FROM $NODE
RUN npm install --global pnpm@9.15.9
WORKDIR /usr/src/app
COPY package.json pnpm-lock.yaml ./
RUN pnpm install --prod --no-frozen-lockfile
COPY src ./src
CMD ["node", "src/main.js"]
DOCKERFILE
check pnpm "$NODE"

cp -a "$others/project/rust" "$work/cargo"
sed 's#rust/##g' "$others/dockerfiles/rust-ordered.Dockerfile" > "$work/cargo/Dockerfile"
check cargo rust:1-slim-trixie debian:trixie-slim

mkdir "$work/none"
echo '<p>hello</p>' > "$work/none/index.html"
printf 'FROM debian:trixie-slim\nWORKDIR /srv\nCOPY index.html ./\nRUN wc -c index.html > size\n' > "$work/none/Dockerfile"
check none debian:trixie-slim
scripts/stand-ins --images go
mkdir "$work/go"
printf 'module example.org/hello\n\ngo 1.23\n' > "$work/go/go.mod"
printf 'package main\n\nimport "fmt"\n\nfunc main() { fmt.Println("Hello, World!") }\n' > "$work/go/main.go"
cat > "$work/go/Dockerfile" <<'DOCKERFILE'
FROM golang:1-trixie AS build
WORKDIR /usr/src/app
COPY go.mod main.go ./
RUN --mount=type=cache,target=/root/.cache/go-build CGO_ENABLED=0 go build -o /hello .
FROM scratch
COPY --from=build /hello /hello
ENTRYPOINT ["/hello"]
DOCKERFILE
check go golang:1-trixie

say "all projects were built"
