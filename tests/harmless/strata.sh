# Two private engines at once, one Layerbench's own, the other far away: in a network of its own, reached over TLS, and
# said to be one that may be emptied. They share a run, and everything keeps them apart.
far_engine "$work/daemon.json"
address=tcp://198.51.100.2:2376
export DOCKER_TLS_VERIFY=1 DOCKER_CERT_PATH=$work/certificates/client
on_far_run() { layerbench run "$work/study" --engine private --engine "far=$address" "$@" --out "$work/results" --seed 4 || disturbed; }
study

# What is wrong is said at once, before anything is built.
status=0
layerbench run "$work/study" --engine private --engine private --engine moby --engine auto --may-empty "$address" || status=$?
[ "$status" = 2 ] && [ "$(grep -c '^layerbench: --\|^--' "$work/out.err")" = 4 ] ||
  die "four mistakes, exit code $status: $(cat "$work/out.err")"
status=0
layerbench run "$work/study" --engine "unix://$work/none.sock" --engine tcp://127.0.0.1:9 --engine private || status=$?
[ "$status" = 1 ] && grep -q none.sock "$work/out.err" && grep -q 127.0.0.1:9 "$work/out.err" ||
  die "two engines that are gone, exit code $status: $(cat "$work/out.err")"
status=0
layerbench run "$work/study" --engine "unix://$work/user.sock" --engine tcp://127.0.0.1:2376 || status=$?
[ "$status" = 2 ] && grep -q 'the same engine' "$work/out.err" || die "one engine twice: $(cat "$work/out.err")"

# An engine that holds a container is in use, whatever was said of it.
tar -C "$work/mine" -c busybox | on_far import - precious:1 >/dev/null
container=$(on_far create precious:1 /busybox)
! on_far_run --may-empty "$address" || die "an engine with a container was emptied"
grep -q 'it holds containers (1)' "$work/out.err" || die "no word of the container: $(cat "$work/out.err")"
on_far rm "$container" >/dev/null
on_far image inspect precious:1 >/dev/null || die "the far engine was emptied although it was refused"
# And so is the machine's own engine, whatever it is called.
! layerbench run "$work/study" --engine tcp://127.0.0.1:2376 --may-empty tcp://127.0.0.1:2376 || die "the user's engine was emptied"
grep -q "this machine's own engine" "$work/out.err" || die "no word of whose engine it is: $(cat "$work/out.err")"

on_far_run --may-empty "$address" --reps 2 --dry-run || die "no plan: $(cat "$work/out.err")"
cp "$work/out" "$work/out.plan"
on_far_run --may-empty "$address" --reps 2 || { cat "$work/out.err" >&2; die "the run failed"; }
grep -q 'warning: --may-empty: ALL images (1 now)' "$work/out.err" || die "no warning: $(cat "$work/out.err")"
! on_far image inspect precious:1 >/dev/null 2>&1 || die "the far engine was not emptied"
[ "$(statuses)" = "24 ok;" ] || die "unexpected rows: $(statuses)"

run=$work/results/latest
# The order is the printed one, whole blocks on one engine, two on each, never two builds at a time.
planned=$(awk '$1 ~ /^[0-9]+$/ && NF == 5 { print $2, $3, $4, $5 }' "$work/out.plan")
[ "$planned" = "$(tail -n +2 "$run/samples.csv" | awk -F, '{ print $1, $NF, $3, $4 }')" ] || die "not the printed order"
[ "$(tail -n +2 "$run/samples.csv" | awk -F, '{ print $1, $NF }' | sort -u | awk '{ print $2 }' | sort | uniq -c | tr -s ' \n' ' ')" = " 2 far 2 private " ] ||
  die "blocks are not shared out evenly: $(cut -d, -f1,17 "$run/samples.csv" | sort -u)"
tail -n +2 "$run/samples.csv" | awk -F, '{ split($16, t, /[T:Z]/); start = t[2] * 3600 + t[3] * 60 + t[4]
  if (start + 0.01 < end) exit 1; end = start + $7 }' || die "two builds at a time"

# Nothing mixes them: a table, a line of the summary and a fingerprint for each.
[ "$(grep -c ' on far$\| on private$' "$run/report.md")" = 2 ] || die "no table for each engine: $(cat "$run/report.md")"
grep -q 'Docker Engine .* (emptied). Cold: pristine' "$run/report.md" && grep -q 'Docker Engine .* (private). Cold: pristine' "$run/report.md" ||
  die "the heads do not name the engines: $(cat "$run/report.md")"
[ "$(awk -F, 'NR > 1 { print $1, $4 }' "$run/summary.csv" | sort | uniq -c | tr -s ' \n' ' ')" = " 6 far 2 6 private 2 " ] ||
  die "summary: $(cat "$run/summary.csv")"
layerbench report "$run" --format json && grep -q layerbench.strata/1 "$work/out" || die "report as JSON: $(cat "$work/out.err")"
layerbench explain "$run" far/quick/cold private/slow/cold || die "explain: $(cat "$work/out.err")"
first=$(readlink -f "$run")
on_far_run --may-empty "$address" --reps 2 || { cat "$work/out.err" >&2; die "the second run failed"; }
status=0
layerbench compare "$first" "$work/results/latest" --format json || status=$?
# The containerd image store tells sizes of packed layers, which differ by a few bytes from build to build: exit code 3.
[ "$status" = 0 ] || [ "$status" = 4 ] || { [ "$status" = 3 ] && ! grep -q '"verdict": "regression"' "$work/out"; } ||
  die "compare: $status $(cat "$work/out" "$work/out.err")"
grep -q '"engine": "far"' "$work/out" && grep -q '"engine": "private"' "$work/out" || die "not compared by engine: $(cat "$work/out")"
on_far_run --reps 1 --approach quick || { cat "$work/out.err" >&2; die "the run on an engine that must not be emptied failed"; }
status=0
layerbench compare "$first" "$work/results/latest" || status=$?
[ "$status" = 4 ] && grep -q 'kind of cold of far: pristine' "$work/out.err" || die "unlike strata compared: $(cat "$work/out.err")"

unset DOCKER_TLS_VERIFY DOCKER_CERT_PATH
end_far_engine
