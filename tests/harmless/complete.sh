# A whole run on private engines.
study
whole run "$work/study" --engine private --reps 1 --out "$work/results"
[ "$(statuses)" = "6 ok;" ] || die "unexpected rows: $(statuses)"
