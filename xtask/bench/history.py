"""Time and memory of `gate` and `history` on the last runs of a history, as Markdown; called by scripts/bench --history.
Ends with 1 where the whole takes 10 s or 500 MB."""

import os, shutil, sys, tempfile

from measured import measured

PROGRAM, RUNS = sys.argv[1:3]
LIMITS = (10.0, 500.0)

names = sorted(os.listdir(RUNS))
print("# A long history, read and judged\n")
print(f"Made by `scripts/bench --history`: runs of 30 cells and 300 samples each, {os.cpu_count()} processors, files in "
      "memory, the best of three calls.\n")
print("| runs | samples | `gate` | processors | memory | `history` | processors | memory |")
print("|" + " --- |" * 8)
late = False
for count in (1_000, 2_500, 5_000, 10_000):
    if count > len(names):
        break
    with tempfile.TemporaryDirectory(dir=os.path.dirname(os.path.abspath(RUNS))) as folder:
        for name in names[-count:]:
            shutil.copytree(os.path.join(RUNS, name), os.path.join(folder, name), copy_function=os.link)
        gate = measured([PROGRAM, "gate", os.path.join(folder, names[-1])], ends=(0, 3))
        history = measured([PROGRAM, "history", folder])
    late |= any(value >= limit for pair in (gate, history) for value, limit in zip(pair[::2], LIMITS))
    cells = [f"{s:.2f} s | {cpu:.2f} s | {mb:.0f} MB" for s, cpu, mb in (gate, history)]
    print(f"| {count:,} | {count * 300:,} | {cells[0]} | {cells[1]} |", flush=True)
print(f"\n{'MISSED' if late else 'met'}: under {LIMITS[0]:.0f} s and {LIMITS[1]:.0f} MB.")
sys.exit(late)
