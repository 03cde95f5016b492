"""Runs a stage and records what it took; the last one logs the whole run."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import file_digest, md5
from pathlib import Path
from typing import Any

from ..config import Config, tuned
from ..errors import ProjectError
from ..hashing import file_hash
from ..tracking import runs
from ..tracking.records import RECORD, Run, read_record, run_name, write_json

OTHERS = {"ml_test_score", "profile", "promotion", "verification"}
"""What other commands than the pipeline write to reports/."""

MADE = ("dvc.lock", "models", "reports")
"""What the pipeline changes itself: it makes no run dirty."""


@contextmanager
def measured(name: str, root: Path) -> Iterator[None]:
    """Record the seconds and the peak memory of a stage in reports/runs.json."""
    wall, cpu = time.perf_counter(), _cpu_seconds()
    yield
    took = {
        "seconds": round(time.perf_counter() - wall, 3),
        "cpu_seconds": round(_cpu_seconds() - cpu, 3),
        "peak_mb": round(_peak_mb(), 1),
    }
    record = read_record(root)
    record["stages"] = record.get("stages", {}) | {name: took}
    write_json(root / RECORD, record)


def log_run(config: Config, root: Path) -> Run:
    """Log the run of the pipeline with its tuned settings, and remember of which model it is."""
    run = described(tuned(config, root), root)
    facts = {"run": runs.log(root, run), "sha256": run.tags["sha256"]}
    write_json(root / RECORD, read_record(root) | facts)
    return run


def described(config: Config, root: Path) -> Run:
    """The run of the pipeline, from what its stages wrote."""
    reports, manifest = root / "reports", root / "models" / "manifest.json"
    selection, facts = _read(reports / "selection.json"), _read(manifest)
    if facts.get("sha256") != file_hash(root / "models" / "model.skops"):
        raise ProjectError(
            "models/manifest.json is not about models/model.skops: `dvc repro --force train` "
            "writes both anew"
        )
    figures = {
        "selection": selection["means"],
        **read_record(root).get("stages", {}),
        **_read(reports / "metrics.json"),
    }
    commit = _git(root, "rev-parse", "HEAD") or "0" * 40
    changes = _git(root, "status", "--porcelain", "--", ".", *(f":!{made}" for made in MADE))
    versions = {"python": facts["python"]} | facts["libraries"]
    files = (path for path in sorted(reports.rglob("*")) if path.is_file())
    return Run(
        experiment=f"{config.model.name}/pipeline",
        name=run_name(selection["chosen"], commit),
        params={
            name: value if isinstance(value, str) else json.dumps(value)
            for name, value in _flat(config.model_dump(mode="json"))
        },
        metrics={n: float(v) for n, v in _flat(figures) if isinstance(v, int | float)},
        tags={
            "git_commit": commit,
            "git_dirty": str(bool(changes)).lower(),
            "sha256": facts["sha256"],
        }
        | {f"dvc_{step}": digest for step, digest in _data(config, root)}
        | {f"library.{name}": version for name, version in versions.items()},
        files=[*(path for path in files if path.stem not in OTHERS), manifest],
    )


def _data(config: Config, root: Path) -> Iterator[tuple[str, str]]:
    """The MD5 of each table that is there: the name that DVC has for it."""
    tables = {step: config.table("processed", step) for step in ("train", "test")}
    for step, table in {"raw": config.data.raw, **tables}.items():
        if (root / table).is_file():
            with (root / table).open("rb") as file:
                yield step, file_digest(file, lambda: md5(usedforsecurity=False)).hexdigest()


def _flat(facts: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Nested facts by dotted names; a mapping of names that no store takes is one value."""
    for key, value in facts.items():
        if isinstance(value, dict) and value and all(re.fullmatch(r"[\w.-]+", k) for k in value):
            yield from _flat(value, f"{above}{key}.")
        else:
            yield above + key, value


def _git(root: Path, *arguments: str) -> str:
    """What git says; nothing where there is no git, no repository or no commit."""
    try:
        command = ["git", "-C", str(root), *arguments]
        done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    except FileNotFoundError:
        return ""
    return "" if done.returncode else done.stdout.strip()


def _cpu_seconds() -> float:
    """What this process and the children that it waited for have used."""
    return sum(os.times()[:4])


def _peak_mb() -> float:
    """The most memory that this process had; where the system says so, one of its children."""
    if sys.platform == "win32":
        import psutil

        return float(psutil.Process().memory_info().peak_wset) / 1e6
    from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage

    peak = max(getrusage(who).ru_maxrss for who in (RUSAGE_SELF, RUSAGE_CHILDREN))
    return peak * (1 if sys.platform == "darwin" else 1024) / 1e6


def _read(path: Path) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    return facts
