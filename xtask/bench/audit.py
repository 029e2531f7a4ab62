"""Time and memory of auditing an image of a gigabyte, as a row of a Markdown table; called inside a private engine by
scripts/bench --audit: LAYERBENCH WORK BUSYBOX. Ends with 1 where it takes 5 s more than the engine's own export of the image, or
64 MB."""

import json, os, shutil, subprocess, sys

from measured import measured

LAYERBENCH, WORK, BUSYBOX = sys.argv[1:]
LIMITS = (5.0, 64.0)
LAYERS, FILES, SIZE = 4, 2500, 100_000


def docker(*words):
    return subprocess.run(["docker", *words], check=True, capture_output=True, text=True).stdout.strip()


def build():
    """Contents that no compression makes smaller: a store that keeps layers packed has a gigabyte to unpack."""
    context = os.path.join(WORK, "context")
    lines = ["FROM scratch", "COPY tool /bin/sh"]
    os.makedirs(context, exist_ok=True)
    subprocess.run(["cp", BUSYBOX, os.path.join(context, "tool")], check=True)
    for layer in range(LAYERS):
        folder = os.path.join(context, f"layer{layer}")
        if not os.path.isdir(folder):
            os.mkdir(folder)
            for number in range(FILES):
                with open(os.path.join(folder, f"file{number}"), "wb") as file:
                    file.write(os.urandom(SIZE))
        lines.append(f"COPY layer{layer} /layer{layer}")
    lines.append('ENTRYPOINT ["/bin/sh", "-c", "true"]')
    with open(os.path.join(context, "Dockerfile"), "w") as file:
        file.write("\n".join(lines) + "\n")
    subprocess.run([LAYERBENCH, "build", "-q", "-t", "gigabyte", context], check=True, stdout=subprocess.DEVNULL)


build()
container = docker("create", "gigabyte")
client = shutil.which("docker")
export, _, _ = measured([client, "export", container])
save, _, _ = measured([client, "save", "gigabyte"])
docker("rm", container)
result = os.path.join(WORK, "card.json")
audit, used, megabytes = measured(
    [LAYERBENCH, "audit", "--engine", os.environ["DOCKER_HOST"], "--format", "json", "--out", result, "gigabyte"])
with open(result) as file:
    figures = json.load(file)["images"][0]["criteria"][0]["figures"]
expected = LAYERS * FILES * SIZE + os.path.getsize(BUSYBOX)
if figures["file_bytes"] != expected or figures.get("layers") != LAYERS + 1:
    sys.exit(f"the audit is wrong: {figures}; expected {expected} bytes in {LAYERS + 1} layers")
store = "containerd" if "io.containerd" in docker("info", "--format", "{{.DriverStatus}}") else "graphdriver"
print(f"| {docker('version', '--format', '{{.Server.Version}}')} | {store} | {export:.2f} s | {save:.2f} s "
      f"| {audit:.2f} s | {audit - save:+.2f} s | {used:.2f} s | {megabytes:.0f} MB |")
sys.exit(audit - save >= LIMITS[0] or megabytes >= LIMITS[1])
