# A whole run on private engines.
study
layerbench run "$work/study" --engine private --reps 1 --out "$work/results" || { cat "$work/out.err" >&2; die "the run failed"; }
[ "$(statuses)" = "6 ok;" ] || die "unexpected rows: $(statuses)"
