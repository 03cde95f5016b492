"""Candidates and champions of a project: how one is made, and what `make promote` says of it."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from pathlib import Path

import yaml
from e2e.copier_runs import run, succeed
from support import commit, git

Settings = dict[str, object]
GATES = {
    *("artifact", "working_tree", "provenance", "freshness", "schema", "drift", "leakage"),
    "reproducible",
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


REUSE_MEASUREMENT = """
from pathlib import Path
from churn_radar.mlops.config import load_config
from churn_radar.mlops.profiling.profile import REPORT, fingerprint
from churn_radar.mlops.checksums import read_with_checksum, write_with_checksum
root = Path()
of_this_candidate = fingerprint(load_config(root), root)
write_with_checksum(REPORT, read_with_checksum(REPORT) | of_this_candidate | CHANGES)
"""


def measured_as_before(project: Path, **changes: object) -> None:
    """Say of the candidate what was measured of the champion, to save the time of measuring."""
    script = REUSE_MEASUREMENT.replace("CHANGES", repr(changes))
    succeed(project, "uv", "run", "--no-sync", "python", "-c", script)


def say_verified(project: Path) -> None:
    """Say that `make verify` passed with what is committed, to save the time of doing it."""
    tree = git(project, "rev-parse", "HEAD^{tree}").strip()
    report = project / "reports" / "verification.json"
    report.write_text(json.dumps({"passed": True, "tree": tree}), encoding="utf-8")


def promote(project: Path, *more: str) -> tuple[int, dict[str, str], str]:
    """Run `make promote` on what is said to be verified.

    Returns:
        Its status, the gates that refused with their reasons, all it printed.
    """
    say_verified(project)
    return _outcome(*run(project, "make", "promote", "WHY=a try", *more))


def promote_measured(project: Path, *, measured: bool) -> tuple[int, dict[str, str], str]:
    """Promote as `promote` does; unless `measured`, it is said to take what the one before took."""
    if not measured:
        measured_as_before(project)
    return promote(project)


def _outcome(status: int, output: str) -> tuple[int, dict[str, str], str]:
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


class Snapshot:
    """A copy of what git does not keep, so that each test begins with the same candidate."""

    KEPT = ("models", "reports", "data", "src", "params.yaml")

    def __init__(self, project: Path, copy: Path) -> None:
        """Take a copy of the project's files."""
        self.project = project
        self.copy = copy
        for name in self.KEPT:
            self._copy(project / name, copy / name)

    def restore(self) -> None:
        """Put the copy back."""
        for name in self.KEPT:
            path = self.project / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
            self._copy(self.copy / name, path)

    @staticmethod
    def _copy(source: Path, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copy2(source, target)
