"""Time and memory of reports and exports of one big run, as Markdown; called by scripts/bench --report.
Ends with 1 where one takes 3 s or 300 MB."""

import os, sys

from measured import measured

PROGRAM, RUN = sys.argv[1:3]
LIMITS = (3.0, 300.0)
REPORTS = ["text", "markdown", "csv", "json"]
EXPORTS = ["bencher", "customSmallerIsBetter", "hyperfine", "otava", "junit", "openmetrics"]

with open(os.path.join(RUN, "samples.csv"), "rb") as file:
    samples = sum(1 for _ in file) - 1
sizes = {name: os.path.getsize(os.path.join(RUN, name)) / 1e6 for name in ("samples.csv", "run.json")}
print("# A big run, reported\n")
print(f"Made by `scripts/bench --report`: {samples:,} samples in 30 cells (`samples.csv` {sizes['samples.csv']:.0f} MB, "
      f"`run.json` {sizes['run.json']:.0f} MB), {os.cpu_count()} processors, files in memory, the best of three calls. "
      "Steps were not made for it: none of these forms reads them.\n")
print("| call | time | processors | memory |")
print("|" + " --- |" * 4)
late = False
for command, form in [("report", form) for form in REPORTS] + [("export", form) for form in EXPORTS]:
    seconds, used, megabytes = measured([PROGRAM, command, RUN, "--format", form])
    late |= seconds >= LIMITS[0] or megabytes >= LIMITS[1]
    print(f"| `{command} --format {form}` | {seconds:.2f} s | {used:.2f} s | {megabytes:.0f} MB |", flush=True)
print(f"\n{'MISSED' if late else 'met'}: under {LIMITS[0]:.0f} s and {LIMITS[1]:.0f} MB.")
sys.exit(late)
