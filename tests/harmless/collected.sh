# An engine that collects its garbage by itself, which it does a minute after it was last used: in the middle of a build
# here, whose sample says so.
sed 's/^{/{"builder":{"gc":{"enabled":true,"policy":[{"keepStorage":"1kB","all":true}]}},/' "$work/daemon.json" >"$work/user/collecting.json"
far_engine "$work/user/collecting.json"
study
printf 'FROM scratch\nCOPY busybox /bin/sh\nCOPY main /main\nRUN sleep "$(cat /main)"\nCMD ["/bin/sh","-c","echo hello"]\n' >"$work/study/quick"
echo 0 >"$work/study/project/main"
echo 75 >"$work/study/sources/main"
status=0
layerbench run "$work/study" --engine "unix://$work/user/far.sock" --reps 1 --approach quick --out "$work/results" || status=$?
[ "$status" = 1 ] || die "exit code $status, expected 1: $(cat "$work/out.err")"
grep '^1,[0-9]*,quick,sources,invalid,.*build cache records vanished during the build (garbage collection?)' "$work/results/latest/samples.csv" >/dev/null ||
  die "the sample does not say why: $(cat "$work/results/latest/samples.csv")"
end_far_engine
rm "$work/user/collecting.json"
