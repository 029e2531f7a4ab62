# SIGKILL on the user's own engine: while an image is run to see what it prints; then in the middle of a build, after
# the end of which the user builds something. Each time `layerbench clean` takes away what was left, and nothing else.
study 0
sed -i 's/"echo hello"/"sleep 30; echo hello"/' "$work/study/quick"
"$program" run "$work/study" --engine host --reps 1 --approach quick --out "$work/results" >"$work/out" 2>"$work/out.err" &
run=$!
wait_for_step
kill -KILL "$run"
wait "$run" 2>/dev/null || :
layerbench clean || die "clean failed: $(cat "$work/out" "$work/out.err")"
unharmed "killed while an image was run"
rm -rf "$work/results"

study 30
"$program" run "$work/study" --engine host --reps 1 --approach slow --out "$work/results" >"$work/out" 2>"$work/out.err" &
run=$!
wait_for_step
kill -KILL "$run"
wait "$run" 2>/dev/null || :
wait_until_let_go
printf 'FROM mine:1\nRUN echo later >/later\n' | DOCKER_BUILDKIT=1 "$docker" build -q -t later:1 - >/dev/null
layerbench clean
grep -q 'removed what' "$work/out" || die "clean found nothing: $(cat "$work/out" "$work/out.err")"
layerbench clean
grep -q 'nothing to clean' "$work/out" || die "clean is not done: $(cat "$work/out")"
"$docker" system df -v --format '{{range .BuildCache}}{{println .Description}}{{end}}' | grep 'echo later' >/dev/null ||
  die "what the user built later is gone from the build cache"
only_later_is_new
