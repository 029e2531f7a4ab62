"""A run of cached builds for hours: whether memory and descriptors stay what they were, in the program and in the engine;
as Markdown. Called inside a private engine by scripts/bench --endure: LAYERBENCH WORK BUSYBOX MINUTES.
Ends with 1 where something grew, a build was not ok, or the builds were too few."""

import collections, csv, glob, os, shutil, signal, statistics, subprocess, sys, time, http.client, socket

LAYERBENCH, WORK, BUSYBOX, MINUTES = sys.argv[1:4] + [float(sys.argv[4])]
SOCKET = os.environ["DOCKER_HOST"].removeprefix("unix://")
WARM = 99  # cached builds for each build that is not
PER_MINUTE = 1000  # more than any machine makes: the plan must not end before the time does
WANTED = MINUTES * 20_000 / 120  # builds
LOOKS = 120  # how often it is looked at
# What may be gained from the first twelfth of the time to the last: MB and descriptors.
LIMITS = {"program": (4, 0), "dockerd": (32, 5), "containerd": (16, 5)}


def study():
    folder = os.path.join(WORK, "study")
    os.makedirs(os.path.join(folder, "project"))
    shutil.copy(BUSYBOX, os.path.join(folder, "project", "busybox"))
    with open(os.path.join(folder, "Dockerfile"), "w") as file:
        file.write("FROM scratch\nCOPY busybox /bin/sh\nRUN echo one >/one\nRUN --mount=type=cache,target=/cache echo two >/two\n")
    scenarios = [("cold", "cold")] + [(f"warm-{number}", "warm") for number in range(1, WARM + 1)]
    with open(os.path.join(folder, "study.toml"), "w") as file:
        file.write('schema = "layerbench.study/1"\nname = "hours"\n\n[project]\npath = "project"\n\n[[state]]\nid = "base"\n')
        for name, cache in scenarios:
            file.write(f'\n[[scenario]]\nid = "{name}"\ncache = "{cache}"\nstate = "base"\n')
        file.write('\n[[approach]]\nid = "one"\ndockerfile = "Dockerfile"\n')
    return folder


def processes():
    """Ids of the engine that listens on the socket and of its containerd."""
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline") as file:
                words = file.read().split("\0")
        except OSError:
            continue
        name = os.path.basename(words[0])
        if name == "dockerd" and any(os.path.dirname(SOCKET) in word for word in words):
            found["dockerd"] = int(pid)
        elif name == "containerd":
            found.setdefault("others", []).append(int(pid))
    for pid in found.pop("others", []):
        with open(f"/proc/{pid}/stat") as file:
            if int(file.read().rsplit(")", 1)[1].split()[1]) == found["dockerd"]:
                found["containerd"] = pid
    return found


def held(pid):
    """MB of memory of its own, descriptors, MB of files that it has mapped (the engine's databases): pages that the kernel
    drops when it wants them, and that say how large the files are, not what the process holds."""
    with open(f"/proc/{pid}/status") as file:
        kilobytes = {line.split(":")[0]: int(line.split()[1]) for line in file if line.startswith("Rss")}
    return kilobytes["RssAnon"] * 1024 / 1e6, len(os.listdir(f"/proc/{pid}/fd")), (kilobytes["RssFile"] + kilobytes["RssShmem"]) * 1024 / 1e6


def live_heap():
    """MB that the engine holds after a collection: Go gives memory back late, so that what the kernel sees is more."""
    connection = http.client.HTTPConnection("docker")
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(SOCKET)
    connection.request("GET", "/debug/pprof/heap?gc=1&debug=1")
    text = connection.getresponse().read().decode()
    connection.close()
    return next(int(line.split()[-1]) for line in text.splitlines() if line.startswith("# HeapAlloc")) / 1e6


def rows_so_far(out):
    """Rows of samples.csv, none before there is one."""
    for path in glob.glob(os.path.join(out, "*", "*Z-*", "samples.csv")):
        with open(path, newline="") as file:
            yield from csv.DictReader(file)


def watch(program, out):
    """Rows of figures, taken at even intervals."""
    engine, looks, start = processes(), [], time.monotonic()
    for look in range(1, LOOKS + 1):
        time.sleep(max(0.0, start + look * MINUTES * 60 / LOOKS - time.monotonic()))
        if program.poll() is not None:
            sys.exit(f"the run ended with {program.returncode} before its time")
        row = {"minutes": (time.monotonic() - start) / 60, "heap": live_heap()}
        for name, pid in [("program", program.pid), *engine.items()]:
            row[name] = held(pid)
        row["builds"] = sum(1 for _ in rows_so_far(out))
        looks.append(row)
        print(f"{row['minutes']:.0f} of {MINUTES:.0f} minutes: {row['builds']} builds", file=sys.stderr, flush=True)
    return looks


out = os.path.join(WORK, "results")
blocks = max(1, round(MINUTES * PER_MINUTE / (WARM + 1)))
with open(os.path.join(WORK, "run.log"), "w") as log:
    program = subprocess.Popen(
        [LAYERBENCH, "run", study(), "--engine", os.environ["DOCKER_HOST"], "--reps", str(blocks), "--finish-build",
         "--out", out],
        stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    looks = watch(program, out)
    program.send_signal(signal.SIGINT)
    code = program.wait()

rows = list(rows_so_far(out))
others = collections.Counter((row["status"], row["reason"].split(" held ")[0]) for row in rows if row["status"] != "ok")
print("# Hours of cached builds\n")
print(f"Made by `scripts/bench --endure {MINUTES:g}`: one study of four steps, a build without cache and {WARM} from the cache, over and "
      f"over on one engine ({subprocess.run(['docker', 'version', '--format', '{{.Server.Version}}'], capture_output=True, text=True).stdout.strip()}), "
      f"then one Ctrl-C (exit code {code}). {len(rows):,} builds, {sum(others.values())} of them not ok; "
      f"median {statistics.median(float(row['seconds']) for row in rows if row['status'] == 'ok'):.3f} s.\n")
print("Memory is a process's own (RssAnon); *files* are the engine's databases and programs, as far as they are mapped; *live heap* "
      "is what the engine holds after a collection.\n")
print("| minutes | builds | program | descriptors | dockerd | live heap | files | descriptors | containerd | descriptors |")
print("|" + " --- |" * 10)
for row in [looks[0], *looks[LOOKS // 12 - 1 :: LOOKS // 12]]:
    print(f"| {row['minutes']:.0f} | {row['builds']:,} | {row['program'][0]:.1f} MB | {row['program'][1]} | {row['dockerd'][0]:.0f} MB "
          f"| {row['heap']:.1f} MB | {row['dockerd'][2]:.0f} MB | {row['dockerd'][1]} | {row['containerd'][0]:.0f} MB | {row['containerd'][1]} |")
first, last = looks[: LOOKS // 12], looks[-LOOKS // 12 :]
# Other guests of a hypervisor may make a sample invalid: that is right, and listed.
missed = ["builds failed"] if any(status != "invalid" for status, _ in others) else []
if len(rows) < WANTED:
    missed.append(f"{len(rows):,} builds are fewer than {WANTED:,.0f}")
print()
for name, limits in LIMITS.items():
    gains = [statistics.median(row[name][part] for row in last) - statistics.median(row[name][part] for row in first) for part in (0, 1)]
    print(f"- {name}: {gains[0]:+.1f} MB and {gains[1]:+.0f} descriptors between the medians of the first and of the last twelfth "
          f"(at most {limits[0]:+} and {limits[1]:+})")
    if any(gain > limit for gain, limit in zip(gains, limits)):
        missed.append(f"{name} grew")
for (status, reason), count in others.most_common(5):
    print(f"- {count} {status}: {reason}")
heap, files = (statistics.median(map(of, last)) - statistics.median(map(of, first))
               for of in (lambda row: row["heap"], lambda row: row["dockerd"][2]))
print(f"- live heap of dockerd: {heap:+.1f} MB; files that it has mapped: {files:+.1f} MB")
print(f"\n{'MISSED: ' + '; '.join(missed) if missed else 'met'}.")
sys.exit(bool(missed))
