"""What the candidate takes, as evidence for the gates and as limits for its containers.

What needs a library of a model is imported where it is used: promotion waits for the answer whether
the candidate was measured as it is now.
"""

import math
import os
import platform
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from .. import team
from ..bounds import Hosting
from ..checksums import file_hash, read_with_checksum, write_with_checksum
from ..config import Config, load_config
from ..errors import ProjectError
from . import MODEL

REPORT = Path("reports", "profile.json")

RESOURCES = Path("docker", "resources.env")

HEADROOM = 1.5
"""Times the measured memory: what was measured is one run on one machine."""

MEMORY_STEP_MB = 256
"""Limits are multiples of it, so that they do not change with every measurement."""

MAX_UTILIZATION = 0.7
"""Of a core: nearer to 1, requests wait for each other ever longer."""

WORTHWHILE_COST = 0.5
"""Times the cost of a row, which a batch ten times as large must not exceed to be worth it."""


console = Console()


def profile(
    missing: Annotated[
        bool, typer.Option("--missing", help="Only if this model was not measured yet.")
    ] = False,
) -> None:
    """Measure what training and prediction take, and recommend resources."""
    root = Path.cwd()
    config = load_config(root)
    if missing and is_measured(config, root):
        return
    if not missing:
        profile_command(config, root, console)
        return
    # On the way to a promotion the gates judge what was measured: nothing is shown here.
    with console.status("measuring the candidate", spinner="line"):
        measure(config, root)


def is_measured(config: Config, root: Path) -> bool:
    """Say whether reports/profile.json is of this model, these tables and this code.

    Args:
        config: Names the tables.
        root: The project's folder.

    Returns:
        False where measuring would help: the report is of something else, or the measurement
        failed. True also where something is missing or was edited, which the gates refuse.
    """
    try:
        expected = fingerprint(config, root) | {"failure": None}
        # Asked second, because without a model or its tables there is nothing to measure.
        if not (root / REPORT).exists():
            return False
        report = read_with_checksum(root / REPORT)
    except ProjectError:
        return True
    return expected.items() <= report.items()


def fingerprint(config: Config, root: Path) -> dict[str, str | None]:
    """Hash everything that the measurements depend on.

    Args:
        config: Names the tables.
        root: The project's folder.

    Returns:
        The sha256 of the `model`, of the tables `train` and `test`, and of the `package`.

    Raises:
        ProjectError: One of them is missing.
    """
    paths = {
        "model": MODEL,
        "train": config.table("processed", "train"),
        "test": config.table("processed", "test"),
    }
    hashes: dict[str, str | None] = {}
    for name, path in paths.items():
        if not (root / path).exists():
            raise ProjectError(f"{path} is missing: `make pipeline` makes it")
        hashes[name] = file_hash(root / path)
    # All of the code: any module may be on the way from a row to a prediction.
    code = b"\0".join(path.read_bytes() for path in sorted(team.PACKAGE.rglob("*.py")))
    hashes["package"] = sha256(code).hexdigest()
    return hashes


def measure(config: Config, root: Path) -> dict[str, Any]:
    """Measure the candidate and write reports/profile.json.

    Args:
        config: The settings.
        root: The project's folder.

    Returns:
        What was written: what the report is about, what `retrain_twice` and `serve` found, and
        `failure`, which says why the measurement was not possible and is None if it was.

    Raises:
        ProjectError: There is no model or no table yet.
    """
    from .latency import serve
    from .retraining import retrain_twice

    facts: dict[str, Any] = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        **fingerprint(config, root),
        "machine": f"{platform.platform()}, {os.cpu_count()} cores",
        "failure": None,
    }
    try:
        facts |= retrain_twice(config, root)
        facts |= serve(config, root)
    except ProjectError as error:
        # A failure is evidence too: the gates refuse it with this sentence.
        facts["failure"] = str(error)
    write_with_checksum(root / REPORT, facts)
    return facts


def recommend(
    profile: dict[str, Any], config: Config, load: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Recommend limits for the containers that train and serve, and say what serving costs.

    A request is one row. What HTTP adds to it is known once a load test has measured it.

    Args:
        profile: What `measure` found.
        config: Names the requests per second and the prices.
        load: What `make load-test` found about this model, if it did.

    Returns:
        For training and serving the cores and the memory in MB; `serve_batch_rows`, how many rows
        to predict at once in bulk; `serve_replicas`; `requests_per_second` of one core; and
        `month_cost` in `currency`.
    """
    batches = profile["batches"]
    # The first batch is one row, and its seconds are for 1,000 of them.
    requests_per_core = 1000 / batches[0]["cpu_seconds"]
    serve_memory = profile["predict_memory_mb"]
    if load:
        requests_per_core = load["requests_per_core"]
        # A service is several processes.
        serve_memory = max(serve_memory, load["memory_mb"])
    needed_cores = config.hosting.requests_per_second / (requests_per_core * MAX_UTILIZATION)
    replicas = math.ceil(needed_cores)
    busy_cores = profile["train_cpu_seconds"] / profile["train_seconds"]
    serve_memory_mb = _memory_limit(serve_memory)
    return {
        # As many cores as training kept busy, one at least; 1.02 are rounded first, to be no two.
        "train_cpus": math.ceil(round(busy_cores, 1) or 1),
        "train_memory_mb": _memory_limit(profile["train_memory_mb"]),
        # Each replica predicts on one thread, as it was measured.
        "serve_cpus": 1,
        "serve_memory_mb": serve_memory_mb,
        "serve_batch_rows": _batch_rows(batches),
        "serve_replicas": replicas,
        "requests_per_second": round(requests_per_core, 1),
        "month_cost": round(replicas * _month_cost(serve_memory_mb, config.hosting), 2),
        "currency": config.hosting.currency,
    }


def _batch_rows(batches: list[dict[str, Any]]) -> int:
    """The largest batch that is worth waiting for; each is ten times as large as the one before."""
    best = batches[0]
    for larger in batches[1:]:
        # Stop growing the batch when ten times the rows no longer halve the cost of a row.
        if larger["cpu_seconds"] > WORTHWHILE_COST * best["cpu_seconds"]:
            break
        best = larger
    return int(best["rows"])


def _month_cost(memory_mb: int, hosting: Hosting) -> float:
    """Of one replica, which has one core."""
    return hosting.core_month + memory_mb / 1024 * hosting.gb_month


def _memory_limit(measured_mb: float) -> int:
    return math.ceil(measured_mb * HEADROOM / MEMORY_STEP_MB) * MEMORY_STEP_MB


def write_resources(root: Path, recommendation: dict[str, Any]) -> None:
    """Write docker/resources.env, which compose.yaml reads, in a project that has docker/.

    Args:
        root: The project's folder.
        recommendation: What `recommend` returned.
    """
    if not (root / RESOURCES.parent).is_dir():
        return
    lines = [f"# Written by `make profile`: {HEADROOM} times the memory that was measured."]
    for name, value in recommendation.items():
        if not name.startswith(("train_", "serve_")):
            continue
        if name.endswith("_mb"):
            # Compose wants the unit with the number.
            lines.append(f"{name.removesuffix('_mb').upper()}={value}m")
        else:
            lines.append(f"{name.upper()}={value}")
    (root / RESOURCES).write_text("\n".join(lines) + "\n", encoding="utf-8")


def profile_command(config: Config, root: Path, console: Console) -> None:
    """Measure, write and show.

    Args:
        config: The settings.
        root: The project's folder.
        console: Where to show it.

    Raises:
        ProjectError: Measuring is not possible, or a budget is broken.
    """
    from ..evaluation.card import load_report, write_card
    from ..gates.budget import broken

    with console.status("training twice and predicting, on one thread"):
        profile = measure(config, root)
    if profile["failure"]:
        raise ProjectError(profile["failure"])
    limits = recommend(profile, config, load_report(root, profile["model"]))
    write_resources(root, limits)
    console.print(_table(profile, config))
    console.print(
        f"For {config.hosting.requests_per_second:g} requests a second: {limits['serve_replicas']} "
        f"x {limits['serve_cpus']} core, {limits['serve_memory_mb']} MB, "
        f"{limits['month_cost']:.2f} {escape(limits['currency'])} a month; "
        f"in bulk {limits['serve_batch_rows']:,} rows at once",
        highlight=False,
    )
    # The card shows the limits, so it would be stale.
    write_card(config, root)
    # Last, so that what broke the budget has been shown.
    problems = broken(profile, config.gates.budget)
    if problems:
        raise ProjectError(f"gates.budget: {'; '.join(problems)}")


def _table(profile: dict[str, Any], config: Config) -> Table:
    from ..gates.budget import MEANING

    table = Table("on one thread", "measured", "budget")
    for name, budget in config.gates.budget:
        what, unit = MEANING[name]
        table.add_row(what, f"{profile[name]:g} {unit}", f"{budget:g} {unit}")
    for batch in profile["batches"]:
        took = f"{batch['median_ms']:g} ms, 95 % in {batch['p95_ms']:g} ms"
        table.add_row(f"a batch of {batch['rows']:,}", took, "")
    return table
