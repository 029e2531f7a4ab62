# A whole run on the user's own engine.
study
whole run "$work/study" --engine host --reps 2 --out "$work/results"
[ "$(statuses)" = "12 ok;" ] || die "unexpected rows: $(statuses)"
