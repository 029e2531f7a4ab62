# A whole run on the user's own engine.
study
whole run "$work/study" --engine host --reps 2 --out "$work/results"
[ "$(statuses)" = "12 ok;" ] || die "unexpected rows: $(statuses)"
unharmed "host, a whole run"

# What the user builds and names while a build of the run is under way is nobody's but the user's.
study 2.19
"$program" run "$work/study" --engine host --reps 1 --approach slow --out "$work/results" >"$work/out" 2>"$work/out.err" &
run=$!
for _ in $(seq 300); do pgrep -f '^sleep 2[.]19' >/dev/null && break; sleep 0.05; done
printf 'FROM mine:1\nRUN echo later >/later\n' | DOCKER_BUILDKIT=1 "$docker" build -q -t later:1 - >/dev/null
wait "$run" || :
"$docker" image inspect later:1 >/dev/null || die "an image that the user built during the run is gone"
only_later_is_new
