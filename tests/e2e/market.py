"""A project whose champions are contested: what a candidate is, and what `make promote` says."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import yaml
from e2e.real import run, succeed
from support import commit

Settings = dict[str, object]
GATES = {
    *("artefact", "tree", "provenance", "freshness", "schema", "leakage", "reproducible"),
    *("budget", "numerics", "floor", "simpler", "features", "champion", "slices", "groups"),
}


def settle(project: Path, **sections: Settings) -> None:
    """Write settings into params.yaml, merged into the sections that are there."""
    path = project / "params.yaml"
    params = yaml.safe_load(path.read_text(encoding="utf-8"))
    for name, settings in sections.items():
        params[name] = params.get(name, {}) | settings
    path.write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")


def edit(project: Path, name: str, old: str, new: str) -> None:
    """Replace a passage of a module, which must be there."""
    path = project / "src" / "churn_radar" / name
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{old!r} is not in {name}"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def record(project: Path) -> None:
    """Let DVC take the files as they are for what the stages made, and commit all."""
    succeed(project, "uv", "run", "--no-sync", "dvc", "commit", "--quiet", "--force")
    commit(project, "Next candidate")


def build(project: Path, *stages: str) -> None:
    """Make a candidate: the stages in one process, then the records."""
    succeed(project, "uv", "run", "--no-sync", "churn-radar", "pipeline", *stages)
    record(project)


FORGE = """
from pathlib import Path
from churn_radar.config import load_config
from churn_radar.gates.seal import read_sealed, write_sealed
from churn_radar.profiling.profile import REPORT, _measured
write_sealed(REPORT, read_sealed(REPORT) | _measured(load_config(Path()), Path()) | CHANGES)
"""


def measured_as_before(project: Path, **changes: object) -> None:
    """Say of the candidate what was measured of the champion, to save the time of measuring."""
    script = FORGE.replace("CHANGES", repr(changes))
    succeed(project, "uv", "run", "--no-sync", "python", "-c", script)


def promote(project: Path, *more: str) -> tuple[int, dict[str, str], str]:
    """Run `make promote`: its status, the gates that refused with their reasons, all it printed."""
    status, output = run(project, "make", "promote", *more)
    refused = dict(re.findall(r"(?m)^refused +(\w+) +(.+)$", output))
    if status and not refused:
        raise AssertionError(output)
    return status, refused, output


def aliases(project: Path) -> dict[str, int]:
    """What the registry's aliases point to."""
    with sqlite3.connect(project / "models" / "mlflow.db") as store:
        return dict(store.execute("SELECT alias, version FROM registered_model_aliases"))


def verdicts(project: Path) -> dict[str, dict[str, object]]:
    """What reports/promotion.json says of each gate."""
    text = (project / "reports" / "promotion.json").read_text(encoding="utf-8")
    return dict(json.loads(text)["verdicts"])


class Shelf:
    """Keeps what git does not, so that each test begins with the same candidate."""

    KEPT = ("models", "reports", "data", "src", "params.yaml")

    def __init__(self, project: Path, shelf: Path) -> None:
        """Take a copy."""
        self.project, self.shelf = project, shelf
        for name in self.KEPT:
            self._copy(project / name, shelf / name)

    def restore(self) -> None:
        """Put the copy back."""
        for name in self.KEPT:
            path = self.project / name
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
            self._copy(self.shelf / name, path)

    @staticmethod
    def _copy(source: Path, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if source.is_dir() else shutil.copy2)(source, target)


Plant = Callable[[Path], None]
