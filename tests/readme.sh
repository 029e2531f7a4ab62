#!/usr/bin/env bash
# Runs every command of the README, in order, as it stands there. Only two things are taken smaller: a run builds one
# approach once, and where no registry has the official base images, the study is the one on stand-ins.
# The program is that of the tests, not a release build. `scripts/test` is not called again from itself.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export LAYERBENCH_PROFILE=dev
PATH=$PWD/target/debug:$PATH
SMALL='--reps 1 --approach 06-final-slim-build'
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

commands() { awk '/^```sh$/ {on = 1; next} /^```$/ {on = 0} on && !/^#/ && NF' README.md; }

smaller() { # COMMAND: the same with less to build
  local command=$1
  case $command in
    *' --dry-run'* | *' --context '*) ;;
    scripts/reproduce* | 'layerbench run'*) command="$(sed -E 's/ --reps [0-9]+//' <<<"$command") $SMALL" ;;
  esac
  if [ -d target/stand-ins/article ]; then command=${command//scenarios\/article/target/stand-ins/article}; fi
  printf '%s\n' "$command"
}

count=0
while IFS= read -r line; do
  command=$(sed -E 's/ +#.*//' <<<"$line")
  [ "$command" != scripts/test ] || continue
  command=$(smaller "$command")
  echo "readme: $command" >&2
  if ! bash -euo pipefail -c "$command" >"$work/out" 2>"$work/err" </dev/null; then
    tail -n 20 "$work/out" "$work/err" >&2
    echo "readme: this command of the README fails: $line" >&2
    exit 1
  fi
  count=$((count + 1))
done < <(commands)
[ "$count" -ge 5 ] || { echo "readme: only $count commands were found" >&2; exit 1; }

# The smoke of the real study: what the run of a whole chain must show.
article=$(find results/article -name samples.csv | sort | tail -n 1)
awk -F, 'NR > 1 && $5 != "ok" {bad = 1} NR > 1 && $4 == "cold" && $13 != 0 {bad = 1}
  NR > 1 && $4 == "warm" && $13 != $12 {bad = 1} END {exit bad || NR != 6}' "$article" ||
  { cat "$article" >&2; echo "readme: the real study's samples are not as they should be" >&2; exit 1; }

# What is shown of the reference run is what the program makes of its samples.
LAYERBENCH_PROGRAM=target/debug/layerbench scripts/reference --check
echo "readme: $count commands ran"
