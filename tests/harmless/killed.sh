# SIGKILL in the middle of a build; then `layerbench clean`.
study 30
"$program" run "$work/study" --engine private --reps 1 --approach slow --out "$work/results" >"$work/out" 2>"$work/out.err" &
run=$!
wait_for_step
kill -KILL "$run"
wait "$run" 2>/dev/null || :
layerbench clean --wait 10
grep -q 'removed what' "$work/out" || die "clean found nothing: $(cat "$work/out")"
