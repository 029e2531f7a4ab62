"""Called by tests/oracles/check-audit inside a private engine: LAYERBENCH STUDY WORK BUSYBOX. Ends with 1 where an audit and the
independent reading differ."""

import io, json, os, re, shutil, subprocess, sys, tarfile

LAYERBENCH, STUDY, WORK, BUSYBOX = sys.argv[1:]
REGISTRY = f"{STUDY}/registry/docker/registry/v2"
SLIM, FULL = "python:3.12-slim-bookworm", "python:3.12-bookworm"
# What an engine puts into every export.
ADDED = [".dockerenv", "dev", "proc", "sys", "dev/pts", "dev/shm", "dev/console", "etc/mtab"]
MOUNTED = ["etc/hosts", "etc/hostname", "etc/resolv.conf"]


def call(*words):
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(words)}\nended with {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def inside(image, *words):
    """What a command in the image prints; None where it cannot be run."""
    entry, *rest = words
    done = subprocess.run(["docker", "run", "--rm", "--network", "none", "--user", "0", "--entrypoint", entry, image, *rest],
                          capture_output=True, text=True)
    return done.stdout if done.returncode == 0 else None


def load(name):
    """Gives the engine a stand-in out of the registry's files."""
    repository, tag = name.split(":")
    blob = lambda digest: "{0}/blobs/sha256/{1}/{2}/data".format(REGISTRY, digest[7:9], digest[7:])
    with open(f"{REGISTRY}/repositories/stand-in/{repository}/_manifests/tags/{tag}/current/link") as link:
        manifest = json.load(open(blob(link.read().strip())))
    path, layers = f"{WORK}/stand-in.tar", []
    with tarfile.open(path, "w") as tar:
        tar.add(blob(manifest["config"]["digest"]), "config.json")
        for number, layer in enumerate(manifest["layers"]):
            layers.append(f"{number}.tar.gz")
            tar.add(blob(layer["digest"]), layers[-1])
        text = json.dumps([{"Config": "config.json", "RepoTags": [name], "Layers": layers}]).encode()
        info = tarfile.TarInfo("manifest.json")
        info.size = len(text)
        tar.addfile(info, io.BytesIO(text))
    call("docker", "load", "-q", "-i", path)
    os.remove(path)


def build_all():
    """Five images: a base image as it is, three of the article's approaches, and one without an operating system."""
    load(SLIM)
    load(FULL)
    names = [SLIM]
    for approach in ["01-simple", "02-simple-slim", "06-final-slim-build"]:
        dockerfile = f"{STUDY}/dockerfiles/{approach}.Dockerfile"
        call(LAYERBENCH, "build", "-q", "-t", approach, "-f", dockerfile, f"{STUDY}/project")
        names.append(approach)
    context = f"{WORK}/tool"
    os.mkdir(context)
    shutil.copy(BUSYBOX, f"{context}/busybox")
    with open(f"{context}/Dockerfile", "w") as file:
        file.write("FROM scratch\nCOPY busybox /bin/busybox\nRUN [\"/bin/busybox\", \"chmod\", \"6755\", \"/bin/busybox\"]\n"
                   "COPY --chown=7:7 Dockerfile /srv/own\nUSER 7:7\nENTRYPOINT [\"/bin/busybox\", \"true\"]\n")
    call(LAYERBENCH, "build", "-q", "-t", "tool", context)
    return names + ["tool"]


def unpack(image):
    root = f"{WORK}/root"
    subprocess.run(["rm", "-rf", root], check=True)
    os.mkdir(root)
    container = call("docker", "create", image, "nothing").strip()
    export = subprocess.Popen(["docker", "export", container], stdout=subprocess.PIPE)
    subprocess.run(["tar", "-x", "-p", "--numeric-owner", "--xattrs", "--xattrs-include=*", "-C", root],
                   stdin=export.stdout, check=True)
    if export.wait():
        sys.exit(f"docker export of {image} failed")
    call("docker", "rm", container)
    return root


def user_of(image):
    """The configured user and its groups, as the engine starts it."""
    tool = ["/bin/busybox", "id"] if image == "tool" else ["id"]
    entry, *rest = tool
    ask = lambda option: call("docker", "run", "--rm", "--network", "none", "--entrypoint", entry, image, *rest, option)
    return int(ask("-u")), [int(group) for group in ask("-G").split()]


def packed(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def distributions(image, find):
    """Names and versions of the Python distributions of every interpreter in the image, as pip or Python itself says."""
    found = set()
    for path in find("-path", "*/bin/python3"):
        listed = inside(image, path, "-m", "pip", "freeze", "--all", "--disable-pip-version-check")
        if listed is None:
            listed = inside(image, path, "-c", "import importlib.metadata as m\n"
                            "for d in m.distributions(): print(d.name + '==' + d.version)") or ""
        found.update(packed(name) + " " + version for name, version in re.findall(r"^([^\s=]+)==(\S+)$", listed, re.M))
    return found


def reading(image):
    root = unpack(image)
    skip = []
    for path in ADDED + [path for path in MOUNTED if not os.path.islink(f"{root}/{path}")]:
        skip += ["!", "-path", f"{root}/{path}"]

    def find(*words):
        lines = call("find", root, "-mindepth", "1", *skip, *words, "-printf", "%P\\n").splitlines()
        return ["/" + line for line in lines]

    def by_inode(*words):
        lines = call("find", root, "-mindepth", "1", *skip, *words, "-printf", "%i %s\\n").splitlines()
        return {line.split()[0]: int(line.split()[1]) for line in lines}

    files = by_inode("-type", "f")
    uid, groups = user_of(image)
    kinds = ["(", "-type", "f", "-o", "-type", "d", ")"]
    if uid == 0:
        writable = by_inode(*kinds)
    else:
        mine = ["-gid", str(groups[0])]
        for group in groups[1:]:
            mine += ["-o", "-gid", str(group)]
        own, theirs = ["-uid", str(uid)], ["(", *mine, ")"]
        writable = by_inode(*kinds, "(", "(", *own, "-perm", "-200", ")", "-o", "(", "!", *own, *theirs, "-perm", "-020", ")",
                            "-o", "(", "!", *own, "!", *theirs, "-perm", "-002", ")", ")")
    able = [path for path in find("-type", "f") if "security.capability" in os.listxattr(root + path)]
    dpkg = inside(image, "dpkg", "-l") or ""
    return {
        "file_bytes": sum(files.values()),
        "files": len(files),
        "inspected_bytes": int(call("docker", "image", "inspect", "-f", "{{.Size}}", image)),
        "os_packages": len(re.findall(r"^[a-z]i ", dpkg, re.M)),
        "uid": uid,
        "set_id_files": len(find("-type", "f", "-perm", "/6000")),
        "capability_files": len(able),
        "world_writable": len(find("(", "-type", "f", "-o", "-type", "d", "!", "-perm", "-1000", ")", "-perm", "-002")),
        "writable_paths": len(writable),
        "volumes": 0,
        "distributions": distributions(image, find),
    }


def audit(image):
    host = os.environ["DOCKER_HOST"]
    card = json.loads(call(LAYERBENCH, "audit", "--engine", host, "--format", "json", image))["images"][0]
    figures = {name: value for criterion in card["criteria"] for name, value in criterion["figures"].items()}
    lists = [evidence for evidence in card["criteria"][1]["evidence"]
             if evidence["what"] in ("Python distributions that the build added", "Python distributions of the base image")]
    figures["distributions"] = {item for evidence in lists for item in evidence["items"]}
    figures.setdefault("volumes", 0)
    return figures


print("| image | figure | audit | export, find, dpkg, pip |  |\n| --- | --- | --- | --- | --- |")
wrong = 0
for image in build_all():
    audited, read = audit(image), reading(image)
    for name, expected in read.items():
        found = audited[name]
        same = found == expected
        wrong += not same
        if isinstance(expected, set):
            more = "" if same else f" (only audit: {sorted(found - expected)}; only pip: {sorted(expected - found)})"
            found, expected = len(found), f"{len(expected)}{more}"
        print(f"| {image} | {name} | {found} | {expected} | {'same' if same else 'DIFFERS'} |", flush=True)
print(f"\n{wrong} figures differ")
sys.exit(wrong > 0)
