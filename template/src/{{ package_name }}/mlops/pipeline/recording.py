"""Runs a stage and records what it took; the last one logs the whole run."""

import getpass
import json
import os
import re
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import file_digest, md5
from pathlib import Path
from typing import Any

from ..checksums import file_hash
from ..config import Config
from ..errors import ProjectError
from ..git import MADE, author, branch_of, commit_of, git, tree_hash
from ..modeling import with_tuned_settings
from ..tracking import RECORD, Run, Table, read_record, run_name, runs, write_json

OTHERS = {"compare", "ml_test_score", "profile", "promotion", "verification"}
"""What other commands than the pipeline write to reports/."""

NO_COMMIT = "0" * 40
"""Recorded where there is no repository, or no commit in it."""

BYTES_PER_MB = 1 << 20
"""As the limits of containers count."""

STATUS = Path("/proc/self/status")
"""Linux only."""


@contextmanager
def measure_stage(name: str, root: Path) -> Iterator[None]:
    """Record the seconds and the peak memory of a stage in reports/runs.json.

    Args:
        name: Of the stage.
        root: The project's folder.
    """
    wall_before = time.perf_counter()
    cpu_before = cpu_seconds()
    yield
    took = {
        "seconds": round(time.perf_counter() - wall_before, 3),
        "cpu_seconds": round(cpu_seconds() - cpu_before, 3),
        "peak_mb": round(peak_memory_mb(), 1),
    }
    # Read only now: a stage may have written to the record itself.
    record = read_record(root)
    record["stages"] = record.get("stages", {}) | {name: took}
    write_json(root / RECORD, record)


def log_run(config: Config, root: Path) -> Run:
    """Log the run of the pipeline, and record of which model it is.

    Args:
        config: The settings; those that were tuned replace them.
        root: The project's folder.

    Returns:
        The run as it was logged.

    Raises:
        ProjectError: The store does not answer, or the manifest is about another model.
    """
    run = describe_run(with_tuned_settings(config, root), root)
    logged = {"run": runs.log(root, run), "sha256": run.tags["sha256"]}
    write_json(root / RECORD, read_record(root) | logged)
    return run


def describe_run(config: Config, root: Path) -> Run:
    """Describe the run of the pipeline, from what its stages wrote.

    Args:
        config: The settings, with those that were tuned.
        root: The project's folder.

    Returns:
        The run, not logged yet.

    Raises:
        ProjectError: The manifest is about another model.
    """
    reports = root / "reports"
    manifest_path = root / "models" / "manifest.json"
    manifest = _read(manifest_path)
    if manifest.get("sha256") != file_hash(root / "models" / "model.skops"):
        raise ProjectError(
            "models/manifest.json is not about models/model.skops: `uv run dvc repro --force "
            "train` writes both again"
        )
    selection = _read(reports / "selection.json")
    chosen = selection["chosen"]
    tables = list(_tables(config, root))
    files = []
    for path in sorted(reports.rglob("*")):
        # What other commands wrote is about a model from before this run.
        if path.is_file() and path.stem not in OTHERS:
            files.append(path)
    return Run(
        experiment=f"{config.model.name}/pipeline",
        name=run_name(chosen, branch_of(root)),
        params=_params(config, chosen),
        metrics=_metrics(root, selection["means"]),
        tags=_tags(root, manifest, chosen) | {f"dvc_{table.step}": table.md5 for table in tables},
        files=[*files, manifest_path],
        tables=tables,
        model=chosen,
        seconds=sum(took["seconds"] for took in read_record(root).get("stages", {}).values()),
    )


def _params(config: Config, chosen: str) -> dict[str, str]:
    """The settings of the chosen model by their own names, and all others by sections."""
    sections = config.model_dump(mode="json")
    # Only a setting of the model has a name without a dot.
    plain = ("task", "seed", "defaults", "behaviours")
    sections["pipeline"] = {name: sections.pop(name) for name in plain}
    found = {}
    for name, value in _flat(config.model.settings(chosen) | sections):
        # Stores take text alone, and JSON can be read back.
        found[name] = value if isinstance(value, str) else json.dumps(value)
    return found


def _metrics(root: Path, means: dict[str, float]) -> dict[str, float]:
    measured_facts = {"selection": means}
    measured_facts |= read_record(root).get("stages", {})
    measured_facts |= _read(root / "reports" / "metrics.json")
    found = {}
    for name, value in _flat(measured_facts):
        # A metric is a number: what is text or missing has no curve.
        if isinstance(value, int | float):
            found[name] = float(value)
    return found


def _tags(root: Path, manifest: dict[str, Any], chosen: str) -> dict[str, str]:
    commit = commit_of(root) or NO_COMMIT
    # Git's way to say all but these: the pipeline's own results are no change to the code.
    outside = [f":!{made}" for made in MADE]
    changes = ""
    if commit != NO_COMMIT:
        changes = git(root, "status", "--porcelain", "--", ".", *outside)
    # Together these say how to make the model again: code, data and libraries.
    tags = {
        "git_commit": commit,
        "git_dirty": str(bool(changes)).lower(),
        "git_tree": tree_hash(root),
        "chosen": chosen,
        "sha256": manifest["sha256"],
        # What MLflow shows in columns of its own.
        "mlflow.user": author(root) or getpass.getuser(),
        "mlflow.source.name": "dvc.yaml",
        "mlflow.source.type": "LOCAL",
        "mlflow.source.git.branch": branch_of(root),
    }
    # Of files that are not committed, `make runs` finds the commit later.
    if commit != NO_COMMIT and not changes:
        tags[runs.COMMIT] = commit
    tags["library.python"] = manifest["python"]
    for name, version in manifest["libraries"].items():
        tags[f"library.{name}"] = version
    return tags


def _tables(config: Config, root: Path) -> Iterator[Table]:
    """The tables that are there, each with its MD5: the name that DVC has for it."""
    tables = {
        "raw": config.data.raw,
        "train": config.table("processed", "train"),
        "test": config.table("processed", "test"),
    }
    for step, table in tables.items():
        if not (root / table).is_file():
            continue
        with (root / table).open("rb") as file:
            # DVC names content by MD5, and nothing here has to withstand an attack.
            digest = file_digest(file, lambda: md5(usedforsecurity=False))
        yield Table(step, table, digest.hexdigest())


def _flat(facts: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Nested facts by dotted names."""
    for key, value in facts.items():
        if isinstance(value, dict) and _are_names(value):
            yield from _flat(value, f"{above}{key}.")
        else:
            yield above + key, value


def _are_names(facts: dict[str, Any]) -> bool:
    """Whether there are keys, and a store takes all of them; else the whole is one value."""
    return bool(facts) and all(re.fullmatch(r"[\w.-]+", key) for key in facts)


def _read(path: Path) -> dict[str, Any]:
    # A manifest that is missing is not about the model, which is what `described` asks.
    if not path.exists():
        return {}
    facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return facts


def cpu_seconds() -> float:
    """Return the CPU time of this process and of the children that it waited for, in seconds."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def peak_memory_mb() -> float:
    """Return the most memory that this process has held at once, in MB of 1,048,576 bytes.

    Where the system says so, and it was more, that of one of the children that it waited for.
    """
    if sys.platform == "win32":
        import psutil

        return float(psutil.Process().memory_info().peak_wset) / BYTES_PER_MB
    from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage

    # macOS counts bytes here, and other systems kilobytes.
    unit = 1 if sys.platform == "darwin" else 1024
    own = _peak_resident_bytes() or getrusage(RUSAGE_SELF).ru_maxrss * unit
    of_children = getrusage(RUSAGE_CHILDREN).ru_maxrss * unit
    return max(own, of_children) / BYTES_PER_MB


def _peak_resident_bytes() -> int:
    """The peak as Linux keeps it in /proc; 0 where there is no such file."""
    # On Linux ru_maxrss is at least what the starting process held when it started this one: a
    # small process that a large one starts would look large. This number is the process's own.
    if not STATUS.exists():
        return 0
    for line in STATUS.read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM:"):
            _, kilobytes, _ = line.split()
            return int(kilobytes) * 1024
    return 0
