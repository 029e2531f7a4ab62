"""Makes the locks of a study's project, in all its states, with the tools that its Dockerfiles pin.

    lock.py STUDY

STUDY is a folder with a study.toml, and is changed: each manifest gets the package index that pip uses as an explicit
source, for Poetry's default one may not answer where pip's does. Wants Python 3.11 with venv and pip, or cargo.
"""
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import tomllib

NAME = "index"


def call(*command, **options):
    """The command's own last line is the message; a traceback would hide it."""
    if subprocess.run([str(word) for word in command], **options).returncode:
        sys.exit(1)


def pinned(study):
    """The managers that the Dockerfiles install, as they name them: with the versions that they pin."""
    texts = [path.read_text() for path in sorted(study.rglob("*.Dockerfile"))]
    found = [shlex.split(line) for text in texts for line in re.findall(r"pip install (\w+==.*)", text)]
    return {words[0].split("==")[0]: words for words in found}


def source(kind, index):
    """The table by which a manager takes its packages from this index."""
    table = {
        "poetry": f'[[tool.poetry.source]]\nname = "{NAME}"\nurl = "{index}"\npriority = "primary"\n',
        "uv": f'[[tool.uv.index]]\nname = "{NAME}"\nurl = "{index}"\ndefault = true\n',
        "pdm": f'[[tool.pdm.source]]\nname = "pypi"\nurl = "{index}"\nverify_ssl = true\n',
    }
    return "\n" + table[kind]


def lock(work, tools, managers):
    """Locks a Python project in a folder. Keeps a lock's versions where the index has them, so that runs stay comparable."""
    made = ["poetry.lock"]
    keep = ["--no-update"] if "==1." in managers["poetry"][0] else []
    call(tools / "poetry/bin/poetry", "lock", *keep, "--no-interaction", "--directory", work)
    if "uv" in managers:
        call(tools / "uv/bin/uv", "lock", "--project", work, "--python", sys.executable)
        made += ["uv.lock", "requirements.txt"]
        export = ["--format", "requirements-txt", "--no-dev", "--no-emit-project", "--no-header", "--no-annotate"]
        with open(work / "requirements.txt", "w") as file:
            call(tools / "uv/bin/uv", "export", "--project", work, "--locked", *export, stdout=file)
    if "pdm" in managers:
        made.append("pdm.lock")
        call(tools / "pdm/bin/pdm", "lock", "--project", work, "--update-reuse")
    return made


def main():
    study = pathlib.Path(sys.argv[1]).resolve()
    described = tomllib.loads((study / "study.toml").read_text())
    states = {state["id"]: state for state in described["state"]}
    managers = pinned(study)

    def folders(state):
        """The folders that make up a state, the lowest first."""
        below = folders(states[state["after"]]) if "after" in state else [study / described["project"]["path"]]
        return below + ([study / state["overlay"]] if "overlay" in state else [])

    tops = {}
    for state in described["state"]:  # one without files of its own has those of the one below
        tops.setdefault(folders(state)[-1], state)

    def lock_all(name, locked):
        """Each manifest of this name, in each state, beside all else that the state has there."""
        for top, state in tops.items():
            for manifest in sorted(top.rglob(name)):
                with tempfile.TemporaryDirectory() as work:
                    for folder in folders(state):
                        inside = folder / manifest.parent.relative_to(top)
                        if inside.is_dir():
                            shutil.copytree(inside, work, dirs_exist_ok=True)
                    for made in locked(pathlib.Path(work), manifest):
                        shutil.copy(pathlib.Path(work, made), manifest.parent / made)

    def cargo(work, _):
        call("cargo", "generate-lockfile", "--manifest-path", work / "Cargo.toml")
        return ["Cargo.lock"]

    lock_all("Cargo.toml", cargo)
    if not managers:
        return
    with tempfile.TemporaryDirectory() as place:
        tools = pathlib.Path(place)
        for name, requirements in managers.items():  # apart, for they agree on few versions
            call(sys.executable, "-m", "venv", tools / name)
            call(tools / name / "bin/pip", "install", "--quiet", *requirements)
        os.environ.update(PDM_CHECK_UPDATE="false", PDM_IGNORE_SAVED_PYTHON="true", UV_PYTHON_DOWNLOADS="never")
        index = os.environ.get("PIP_INDEX_URL") or subprocess.check_output(
            [tools / "poetry/bin/python", "-c", "from pip._internal.models.index import PyPI; print(PyPI.simple_url)"], text=True
        ).strip()

        def python(work, manifest):
            text = manifest.read_text() + "".join(source(kind, index) for kind in managers)
            manifest.write_text(text)
            (work / manifest.name).write_text(text)
            return lock(work, tools, managers)

        lock_all("pyproject.toml", python)


main()
