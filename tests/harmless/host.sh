# A whole run on the user's own engine.
study
layerbench run "$work/study" --engine host --reps 2 --out "$work/results" || { cat "$work/out.err" >&2; die "the run failed"; }
[ "$(statuses)" = "12 ok;" ] || die "unexpected rows: $(statuses)"
