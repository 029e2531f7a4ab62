# Ctrl-C in the middle of a build on the user's own engine.
study 30
"$program" run "$work/study" --engine host --reps 1 --approach slow --out "$work/results" >"$work/out" 2>"$work/out.err" &
run=$!
wait_for_step
kill -INT "$run"
status=0
wait "$run" || status=$?
[ "$status" = 130 ] || { cat "$work/out.err" >&2; die "exit code $status after Ctrl-C, expected 130"; }
