"""Called by tests/oracles/check-exports: LAYERBENCH WORK HYPERFINE_SCRIPTS. WORK holds runs/ with one imported run and nights/
with 40 runs, of which the later half builds 05-final/cold 15 % slower. Ends with 1 if a program does not take what it
should, or reads other figures than summary.csv has."""

import csv, json, os, shutil, subprocess, sys

from junitparser import Error, Failure, JUnitXml, Skipped
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as older_text

LAYERBENCH, WORK, SCRIPTS = sys.argv[1:]
BIN = os.path.dirname(sys.executable)
RUN = os.path.realpath(os.path.join(WORK, "runs", "latest"))
HOSTILE = "<script>alert(1)</script> =cmd() | \"q\" 'a' & \\ \n#@x `y` \u202eright-to-left\u202c \u05d0\u05d1 ]]> " + "x" * 200


def call(*words, **options):
    done = subprocess.run(words, capture_output=True, text=True, **options)
    if done.returncode:
        sys.exit(f"{' '.join(words)}\nended with {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def export(run, form, *more):
    return call(LAYERBENCH, "export", run, "--format", form, *more)


def check(what, ok):
    print(f"  {'ok' if ok else 'NOT OK'}: {what}")
    if not ok:
        sys.exit(1)


def summary(run):
    """approach/scenario to its row of summary.csv."""
    with open(os.path.join(run, "summary.csv"), newline="") as file:
        return {f"{row['approach']}/{row['scenario']}": row for row in csv.DictReader(file)}


def near(a, b):
    return abs(float(a) - float(b)) <= 1e-9 * max(abs(float(b)), 1)


def otava(name, table):
    """Lets Otava analyse a table, and returns what it prints."""
    with open(table, newline="") as file:
        metrics = next(csv.reader(file))[3:]
    config = os.path.join(WORK, f"{name}.yaml")
    lines = ["tests:", f"  {name}:", "    type: csv", f"    file: {table}", "    time_column: time",
             "    attributes: [run, commit]", "    metrics:"]
    for metric in metrics:
        lines += [f"      {metric!r}:", f"        column: {metric!r}", "        direction: -1"]
    with open(config, "w") as file:
        file.write("\n".join(lines) + "\n")
    return call(os.path.join(BIN, "otava"), "analyze", name, "--since", "1990-01-01", "--config-file", config)


def check_otava():
    print("Otava:")
    for name, folder in [("one", RUN), ("nights", os.path.join(WORK, "nights"))]:
        table = os.path.join(WORK, f"{name}.csv")
        export(folder, "otava", "--out", table)
        printed = otava(name, table)
        with open(os.path.join(WORK, f"otava-{name}.txt"), "w") as file:
            file.write(printed)
        rows = len(list(csv.reader(open(table, newline="")))) - 1
        shown = sum("+0000" in line for line in printed.splitlines())
        check(f"{name}: a line for each of {rows} rows", shown == rows)
    changes = [word for line in printed.splitlines() for word in line.split() if word.endswith("%")]
    check(f"the injected change is found, alone: {', '.join(changes)}", len(changes) == 1 and 13 < float(changes[0][1:-1]) < 17)
    # A night in which a cell has no figure.
    lines = open(table).read().splitlines()
    cells = lines[5].split(",")
    cells[3] = "nan"
    lines[5] = ",".join(cells)
    with open(os.path.join(WORK, "gap.csv"), "w") as file:
        file.write("\n".join(lines) + "\n")
    printed = otava("gap", os.path.join(WORK, "gap.csv"))
    changes = [word for line in printed.splitlines() for word in line.split() if word.endswith("%")]
    check(f"a value that is missing stands in the way of nothing else: {', '.join(changes)}", len(changes) == 1)


def check_open_metrics(run, hostile=False):
    text = export(run, "openmetrics")
    families = {family.name: family for family in open_metrics(text)}
    older = {family.name: family for family in older_text(text)}
    check(f"OpenMetrics and the older text format: {len(families)} families", set(families) == set(older))
    wanted = summary(run)
    medians = {f"{s.labels['approach']}/{s.labels['scenario']}": s.value
               for s in families["layerbench_build_median_seconds"].samples}
    check(f"{len(medians)} medians as in summary.csv",
          all(near(medians[key], row["median_s"]) for key, row in wanted.items() if row["median_s"]))
    about = families["layerbench_run"].samples[0].labels
    check(f"about the run: {about['title'][:60]!r}", hostile == ("script" in about["title"]))


def check_junit(run, hostile=False):
    path = os.path.join(WORK, "junit.xml")
    export(run, "junit", "--out", path)
    suites = list(JUnitXml.fromfile(path))
    cases = [case for suite in suites for case in suite]
    bad = [case for case in cases if any(isinstance(r, (Failure, Error)) for r in case.result)]
    skipped = [case for case in cases if any(isinstance(r, Skipped) for r in case.result)]
    counted = sum(s.failures + s.errors for s in suites), sum(s.skipped for s in suites), sum(s.tests for s in suites)
    check(f"JUnit: {len(suites)} suites, {len(cases)} cases, {len(bad)} not well, {len(skipped)} skipped",
          counted == (len(bad), len(skipped), len(cases)) and len(cases) >= len(summary(run)))
    if hostile:
        check("… with the hostile reason readable in it", any("<script>" in (r.text or "") for c in bad for r in c.result))


def shape(value):
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else type(value).__name__


def check_hyperfine(run):
    print("hyperfine:")
    path, theirs = os.path.join(WORK, "ours.json"), os.path.join(WORK, "theirs.json")
    export(run, "hyperfine", "--out", path)
    call("hyperfine", "--runs", "3", "--export-json", theirs, "--parameter-list", "x", "0.01,0.02", "sleep {x}")
    ours, real = json.load(open(path)), json.load(open(theirs))
    mine, its = shape(ours["results"][0]), shape(real["results"][0])
    mine["parameters"] = its["parameters"] = sorted(set(mine["parameters"].values()) | set(its["parameters"].values()))
    check(f"keys and types are those of {call('hyperfine', '--version').strip()}: {', '.join(its)}",
          mine == its and list(ours["results"][0]) == list(real["results"][0]))
    wanted = summary(run)
    check(f"{len(ours['results'])} results with the figures of summary.csv", all(
        near(r["median"], wanted[r["command"]]["median_s"]) and near(r["min"], wanted[r["command"]]["min_s"])
        and len(r["times"]) == len(r["exit_codes"]) == int(wanted[r["command"]]["n"]) for r in ours["results"]))
    environment = os.environ | {"MPLBACKEND": "Agg"}
    python = lambda script, *more: call(sys.executable, os.path.join(SCRIPTS, script), *more, env=environment)
    for script in ["plot_whisker.py", "plot_histogram.py", "plot_progression.py"]:
        image = os.path.join(WORK, script.replace(".py", ".png"))
        python(script, path, "--output", image)
        check(f"{script} draws {os.path.getsize(image)} bytes", os.path.getsize(image) > 5000)
    printed = python("advanced_statistics.py", path)
    check("advanced_statistics.py: " + " ".join(printed.split()[:6]), printed.count("median:") == len(ours["results"]))
    two = os.path.join(WORK, "two.json")
    by_name = {r["command"]: r for r in ours["results"]}
    json.dump({"results": [by_name["01-simple/cold"], by_name["02-simple-slim/cold"]]}, open(two, "w"))
    printed = python("welch_ttest.py", two)
    check("welch_ttest.py: " + printed.strip().splitlines()[-1], "There is a difference" in printed)


def check_json(run):
    bmf = json.loads(export(run, "bencher"))
    numbers = [value for measures in bmf.values() for metric in measures.values() for value in metric.values()]
    check(f"Bencher: {len(bmf)} benchmarks, {len(numbers)} numbers", all(
        set(metric) <= {"value", "lower_value", "upper_value"} and "value" in metric and len(measure) <= 64
        for measures in bmf.values() for measure, metric in measures.items()) and all(type(n) in (int, float) for n in numbers))
    entries = json.loads(export(run, "customSmallerIsBetter"))
    text = lambda entry, key: isinstance(entry.get(key, ""), str)
    check(f"customSmallerIsBetter: {len(entries)} entries of different names", all(
        {"name", "unit", "value"} <= set(e) <= {"name", "unit", "value", "range", "extra"} and type(e["value"]) in (int, float)
        and text(e, "range") and text(e, "extra") for e in entries) and len({e["name"] for e in entries}) == len(entries))


def hostile():
    """A run with the worst text wherever text is free, one failed build, and a last row that is cut off."""
    run = os.path.join(WORK, "hostile")
    shutil.rmtree(run, ignore_errors=True)
    shutil.copytree(RUN, run)
    record = json.load(open(os.path.join(run, "run.json")))
    record["title"] = HOSTILE
    record["notes"] = [HOSTILE]
    record["engine"] = {"engine": HOSTILE, "kernel": HOSTILE}
    record["isolation"] = HOSTILE
    record["program"] = HOSTILE
    record["git"] = {"revision": HOSTILE, "dirty": True}
    for scenario in record["scenarios"]:
        scenario["title"] = HOSTILE
    for finding in record["findings"]:
        finding["claim"] = HOSTILE
    json.dump(record, open(os.path.join(run, "run.json"), "w"))
    path = os.path.join(run, "samples.csv")
    rows = list(csv.reader(open(path, newline="")))
    rows[1][4], rows[1][5] = "failed", HOSTILE.replace("\n", "⏎")
    with open(path, "w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
        file.write("9,9,01-sim")
    summary = call(LAYERBENCH, "report", run, "--format", "csv", "--out", os.path.join(run, "summary.csv"))
    return run


check_otava()
print("An imported run:")
check_open_metrics(RUN)
check_junit(RUN)
check_json(RUN)
check_hyperfine(RUN)
print("A run with hostile text:")
run = hostile()
check_open_metrics(run, hostile=True)
check_junit(run, hostile=True)
check_json(run)
table = os.path.join(WORK, "hostile.csv")
export(run, "otava", "--out", table)
check("Otava takes it", "+0000" in otava("hostile", table))
print("all exports are taken")
