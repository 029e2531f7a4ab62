# Random sequences of runs, kills, interruptions and cleans, from a seed. Whatever the order, the user's things are
# there at every moment, and after a clean nothing else is. LAYERBENCH_RANDOM="STEPS SEED" makes a longer one.
read -r steps seed <<<"${LAYERBENCH_RANDOM:-4 1}"
RANDOM=$seed
study 1
done_so_far=

# The user's images, containers, volumes, networks and cache records are all there.
nothing_lost() {
  engine_inventory | sort >"$work/after-now"
  local lost
  lost=$(sed '/^---$/,$d' "$work/before" | sort | comm -23 - "$work/after-now")
  [ -z "$lost" ] || die "seed $seed,$done_so_far: lost: $lost"
}

all_as_before() {
  inventory after
  diff "$work/before" "$work/after" | head -n 20 >&2 || die "seed $seed,$done_so_far: something is not as it was before (above)"
}

start_run() { # a run of one approach on some engine, in the background
  local engines=(private private host) chains=(article article checkpoint) approaches=(quick slow) n=$((RANDOM % 3))
  local engine=${engines[RANDOM % 3]} chain=${chains[n]}
  [ "$engine" = private ] || chain=article
  done_so_far+=" $1 $engine/$chain"
  "$program" run "$work/study" --engine "$engine" --chain "$chain" --reps 1 --approach "${approaches[RANDOM % 2]}" \
    --out "$work/results" >"$work/out" 2>"$work/out.err" &
  run=$!
}

for step in $(seq "$steps"); do
  case $((RANDOM % 8)) in
    0) start_run whole
       wait "$run" || disturbed || { cat "$work/out.err" >&2; die "seed $seed,$done_so_far: the run failed"; } ;;
    1 | 2) start_run interrupted
       sleep "$((RANDOM % 3)).$((RANDOM % 10))"
       kill -INT "$run" 2>/dev/null || :
       wait "$run" || : ;;
    3) done_so_far+=" user"
       printf 'FROM mine:1\nRUN echo %s >/step\n' "$step-$RANDOM" | DOCKER_BUILDKIT=1 "$docker" build -q -t "mine:step-$step" - >/dev/null
       layerbench clean || die "seed $seed,$done_so_far: clean failed: $(cat "$work/out.err")"
       inventory before ;;
    4) start_run beside # and the user builds something meanwhile
       sleep "$((RANDOM % 3)).$((RANDOM % 10))"
       printf 'FROM mine:1\nRUN echo later >/later\n' | DOCKER_BUILDKIT=1 "$docker" build -q -t later:1 - >/dev/null
       signals=(INT KILL 0)
       kill "-${signals[RANDOM % 3]}" "$run" 2>/dev/null || :
       wait "$run" 2>/dev/null || :
       layerbench clean --wait 10 || die "seed $seed,$done_so_far: clean failed: $(cat "$work/out.err")"
       "$docker" image inspect later:1 >/dev/null || die "seed $seed,$done_so_far: the user's new image is gone"
       only_later_is_new ;;
    *) start_run killed
       sleep "$((RANDOM % 3)).$((RANDOM % 10))"
       kill -KILL "$run" 2>/dev/null || :
       wait "$run" 2>/dev/null || :
       nothing_lost
       [ $((RANDOM % 4)) != 0 ] || continue # the next one finds what this one left
       sleep 0.5 ;;
  esac
  nothing_lost
  layerbench clean --wait 10 || die "seed $seed,$done_so_far: clean failed: $(cat "$work/out.err")"
  all_as_before
done
layerbench clean --wait 10 || die "seed $seed,$done_so_far: clean failed: $(cat "$work/out.err")"
all_as_before
say "random:$done_so_far"
mkdir -p "$work/results" # all runs may have been stopped before they had any
[ -e "$work/results/latest" ] || ln -s none-none "$work/results/latest"
