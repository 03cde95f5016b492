"""Running Copier and a project's own commands as a person would."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support import git

MADE = ("data", "models", "reports", ".dvc/cache")
"""What the pipeline made, or brought, and git does not keep."""


@dataclass(frozen=True)
class Generated:
    """What `copier copy` left, and what it said."""

    path: Path
    status: int
    output: str
    steps: dict[str, str]


def run(folder: Path, *command: str, python: str = "") -> tuple[int, str]:
    """Run a command; return its status and all that it printed. `python` goes first on PATH."""
    path = [str(Path(python).parent)] if python else []
    env = dict(os.environ)
    # The second one is that of these tests: uv would warn of it in all that it prints.
    for name in ("PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV"):
        env.pop(name, None)
    env |= {"PATH": os.pathsep.join([*path, env["PATH"]]), "COLUMNS": "200"}
    # Threads that share a busy core wait for each other in loops: training takes ten times as long.
    env.setdefault("OMP_NUM_THREADS", "1")
    done = subprocess.run(
        command,
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    return done.returncode, done.stdout


def run_script(folder: Path, script: str, key: str, *arguments: str) -> dict[str, dict[str, Any]]:
    """Run a script beside this folder that prints lines of JSON; return them by one of their keys.

    Args:
        folder: Where to run it.
        script: Its name in tests/.
        key: The key whose values are unique.
        arguments: What to run it with.
    """
    path = Path(__file__).parent.with_name(script)
    _, output = run(folder, sys.executable, "-W", "ignore", str(path), *arguments)
    facts = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    assert facts, output
    return {line[key]: line for line in facts}


def succeed(folder: Path, *command: str) -> str:
    """Run a command that must succeed; return what it printed."""
    status, output = run(folder, *command)
    assert status == 0, f"{' '.join(command)} ended with {status}:\n{output}"
    return output


def copy(
    template: Path, target: Path, *, version: str = "v1.0.0", python: str = "", **answers: str
) -> Generated:
    """Run `copier copy` with the real hooks."""
    data = [f"--data={name}={answer}" for name, answer in answers.items()]
    copier = [sys.executable, "-m", "copier", "copy", "--trust", "--defaults", "--vcs-ref", version]
    target.parent.mkdir(parents=True, exist_ok=True)
    status, output = run(target.parent, *copier, *data, str(template), str(target), python=python)
    kept = target if target.exists() else target.with_name(f"{target.name}.failed")
    return Generated(kept, status, output, statuses(kept))


def clone(generated: Generated, root: Path) -> Path:
    """Make a project once more: its files, its data and what the pipeline made, up to date.

    The environment is its own, which takes two seconds, since uv links it to its cache.
    """
    assert generated.status == 0, generated.output
    project = root / "project"
    git(root, "clone", "--quiet", str(generated.path), "project")
    for name in MADE:
        shutil.copytree(generated.path / name, project / name, dirs_exist_ok=True)
    # Another interpreter than the one of the tests may be on no PATH.
    (python,) = generated.path.glob(".venv/*/python")
    succeed(project, "uv", "sync", "--quiet", "--locked", "--python", str(python))
    # Its packages are the same files: what was compiled of them is good here as well.
    for compiled in generated.path.glob(".venv/lib/*/site-packages/**/__pycache__"):
        target = project / compiled.relative_to(generated.path)
        shutil.copytree(compiled, target, dirs_exist_ok=True)
    return project


def statuses(project: Path) -> dict[str, str]:
    """Return the status of each step in the last verification; nothing if there was none."""
    path = project / "reports" / "verification.json"
    report = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"steps": []}
    return {step["name"]: step["status"] for step in report["steps"]}


def pythons() -> dict[str, str]:
    """Return every supported interpreter found on this machine, by its version.

    Those that pyenv keeps, and has not put on PATH, count too.
    """
    found: dict[str, str] = {}
    roots = [Path(folder) for folder in os.environ["PATH"].split(os.pathsep)]
    if root := os.environ.get("PYENV_ROOT"):
        roots += sorted(Path(root).glob("versions/3.*/bin"))
    for version in ("3.11", "3.12", "3.13"):
        code = f"import sys; sys.exit('%d.%d' % sys.version_info[:2] != '{version}')"
        for path in (folder / f"python{version}" for folder in roots):
            if (
                path.is_file()
                and subprocess.run([path, "-c", code], capture_output=True).returncode == 0
            ):
                found.setdefault(version, str(path))
    return found
