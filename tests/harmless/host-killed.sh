# SIGKILL in the middle of a build on the user's own engine; the user builds something; then `layerbench clean`.
study 30
"$program" run "$work/study" --engine host --reps 1 --approach slow --out "$work/results" >"$work/out" 2>"$work/out.err" &
run=$!
wait_for_step
kill -KILL "$run"
wait "$run" 2>/dev/null || :
sleep 0.5
printf 'FROM mine:1\nRUN echo later >/later\n' | DOCKER_BUILDKIT=1 "$docker" build -q -t later:1 - >/dev/null
layerbench clean
grep -q 'removed what' "$work/out" || die "clean found nothing: $(cat "$work/out" "$work/out.err")"
layerbench clean
grep -q 'nothing to clean' "$work/out" || die "clean is not done: $(cat "$work/out")"
"$docker" system df -v --format '{{range .BuildCache}}{{println .Description}}{{end}}' | grep -q 'echo later' ||
  die "what the user built later is gone from the build cache"
"$docker" rmi later:1 >/dev/null
# What the user built is the only difference now; take it into the inventory.
rest=$("$docker" system df -v --format '{{range .BuildCache}}{{println .Description}}{{end}}' | sort)
inventory after
lost=$(diff "$work/before" "$work/after" | grep '^<' || :)
[ -z "$lost" ] || die "lost: $lost"
[ "$(diff "$work/before" "$work/after" | grep -c '^>' || :)" = "$(diff "$work/before" "$work/after" | grep -cE 'echo later|from local|local source' || :)" ] ||
  die "left behind: $(diff "$work/before" "$work/after"); $rest"
cp "$work/after" "$work/before"
