#!/usr/bin/env bash
# Pages and pictures of runs, looked at in headless Chromium: the article's published repetitions as an import, a run
# with steps and layers if one is named, and the pages that the unit tests keep.
#
#   tests/browser.sh [--shots DIR] [RUN...]
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

main() {
  local shots=() run files work place=0
  if [ "${1:-}" = --shots ]; then
    shots=(--shots "$2")
    shift 2
  fi
  work=$(mktemp -d)
  # shellcheck disable=SC2064 # the folder as it is now
  trap "rm -rf '$work'" EXIT
  layerbench import results/article/published-raw.csv --sizes results/article/published-sizes.csv \
    --out "$work/results" >/dev/null 2>&1
  for run in "$work/results/latest" "$@"; do
    place=$((place + 1))
    mkdir "$work/$place"
    layerbench report "$run" --format html --out "$work/$place/report.html" --charts "$work/$place"
  done
  files=("$work"/*/*.html "$work"/*/*.svg tests/golden/report.snap.html tests/golden/hostile.snap.html)
  python3 tests/browser/check.py "${shots[@]}" "${files[@]}"
}

layerbench() { "${LAYERBENCH:-target/debug/layerbench}" "$@"; }

main "$@"
