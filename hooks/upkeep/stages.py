"""Which stages of the pipeline will run again, and what they took the last time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml
from messages import RefusalError
from steps import ask, environment

FINGERPRINTS = Path("reports", "code.json")
RUNS = Path("reports", "runs.json")

OF_THE_CODE = """
import json
from {package}.mlops.team import package_fingerprints
print(json.dumps(package_fingerprints()))
"""
"""What a project computes in the stage that looks at its code each time."""


def stages_to_run(place: Path, package: str) -> dict[str, float | None]:
    """Find the stages that `make pipeline` will run, of which later ones may find nothing changed.

    Args:
        place: The project's folder, which is the current one.
        package: The name of the Python package.

    Returns:
        The seconds that each took the last time, None if nobody measured it, in the order of
        dvc.yaml.

    Raises:
        RefusalError: DVC fails.
    """
    # The environment is as it is: doctor installs nothing.
    status, said = ask(environment(), "uv", "run", "--no-sync", "dvc", "status", "--json")
    if status:
        raise RefusalError(f"DVC cannot say which stages changed: {said.strip()}")
    # Before the JSON there may be a line of uv's or DVC's own.
    found = json.loads("{" + said.partition("{")[2])
    changed = set()
    for name, reasons in found.items():
        # The stage that looks at the code is listed each time, whether the code changed or not.
        if reasons != ["always changed"] or code_changed(place, package):
            changed.add(name)
    # DVC compares with the files of now: a stage after a changed one is not among them.
    stages = read(place / "dvc.yaml").get("stages", {})
    locked = read(place / "dvc.lock").get("stages", {})
    seconds = read(place / RUNS).get("stages", {})
    again = changed | followers(locked, changed)
    return {name: seconds.get(name, {}).get("seconds") for name in stages if name in again}


def code_changed(place: Path, package: str) -> bool:
    """Return whether the package's code does something else than when the pipeline ran.

    Args:
        place: The project's folder, which is the current one.
        package: The name of the Python package.
    """
    program = OF_THE_CODE.format(package=package)
    status, said = ask(environment(), "uv", "run", "--no-sync", "python", "-c", program)
    # Code that cannot be read is none that has run.
    return bool(status) or json.loads(said.splitlines()[-1]) != read(place / FINGERPRINTS)


def followers(locked: dict[str, Any], changed: set[str]) -> set[str]:
    """Return the stages that read what a changed one writes, directly or through others.

    Args:
        locked: The stages of dvc.lock, which has every path written out.
        changed: Names of stages.
    """
    found: set[str] = set()
    pending = set(changed)
    while pending:
        outs = {out["path"] for out in locked.get(pending.pop(), {}).get("outs", [])}
        for name, stage in locked.items():
            deps = {dep["path"] for dep in stage.get("deps", [])}
            if deps & outs and name not in found | changed:
                found.add(name)
                pending.add(name)
    return found


def read(path: Path) -> dict[str, Any]:
    """Read YAML or JSON, which is YAML too; nothing is there if the file is not."""
    if not path.exists():
        return {}
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (ValueError, yaml.YAMLError):
        raise RefusalError(f"{path.name} cannot be read: `git status` says why") from None
    return found if isinstance(found, dict) else {}
