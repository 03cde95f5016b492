"""What the candidate takes, as evidence for the gates and as limits for its containers."""

import math
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ..config import Config
from ..errors import ProjectError
from ..evaluation.card import write_card
from ..gates.budget import MEANING, broken
from ..promotion.checksums import write_with_checksum
from .freshness import REPORT, fingerprint
from .latency import serve
from .retraining import retrain_twice

HEADROOM = 1.5  # of memory: what was measured is one run on one machine
STEP = 256  # MB; limits do not change with every measurement
BUSY = 0.7  # of a core: nearer to 1, requests wait for each other ever longer
WORTH = 0.5  # of the cost of a row: what a batch ten times as large must save at least
RESOURCES = Path("docker", "resources.env")


def measure(config: Config, root: Path) -> dict[str, Any]:
    """Measure the candidate and write reports/profile.json; `failure` says why it was no use."""
    facts: dict[str, Any] = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        **fingerprint(config, root),
        "machine": f"{platform.platform()}, {os.cpu_count()} cores",
        "failure": None,
    }
    try:
        facts |= retrain_twice(config, root) | serve(config, root)
    except ProjectError as error:
        facts["failure"] = str(error)
    write_with_checksum(root / REPORT, facts)
    return facts


def recommend(profile: dict[str, Any], config: Config) -> dict[str, Any]:
    """Limits for containers that train and serve, how many serve, and what those cost a month.

    A batch grows tenfold as long as that at least halves what a row costs: after that whoever
    waits for it waits longer for little. A request is one row; what HTTP adds is not in it.
    """
    cost, (batch, *larger), seconds = config.cost, profile["batches"], profile["train_seconds"]
    a_core = 1000 / batch["cpu_seconds"]
    replicas = math.ceil(cost.requests_per_second / (a_core * BUSY))
    for next_batch in larger:
        if next_batch["cpu_seconds"] > WORTH * batch["cpu_seconds"]:
            break
        batch = next_batch
    memory = _limit(profile["predict_memory_mb"])
    month = replicas * (cost.core_month + memory / 1024 * cost.gb_month)
    return {
        # As many cores as training kept busy.
        "train_cpus": math.ceil(round(profile["train_cpu_seconds"] / seconds, 1) or 1),
        "train_memory_mb": _limit(profile["train_memory_mb"]),
        "serve_cpus": 1,
        "serve_memory_mb": memory,
        "serve_batch_rows": batch["rows"],
        "serve_replicas": replicas,
        "requests_per_second": round(a_core, 1),
        "month_cost": round(month, 2),
        "currency": cost.currency,
    }


def _limit(measured_mb: float) -> int:
    return math.ceil(measured_mb * HEADROOM / STEP) * STEP


def write_resources(root: Path, recommendation: dict[str, Any]) -> None:
    """Write docker/resources.env, which compose.yaml reads, in a project that has docker/."""
    if not (root / RESOURCES.parent).is_dir():
        return
    lines = [f"# Written by `make profile`: {HEADROOM} times the memory that was measured."]
    for name, value in recommendation.items():
        if name.startswith(("train_", "serve_")):
            lines.append(f"{name.removesuffix('_mb').upper()}={value}{'m' * name.endswith('_mb')}")
    (root / RESOURCES).write_text("\n".join(lines) + "\n", encoding="utf-8")


def profile_command(config: Config, root: Path, console: Console) -> None:
    """Measure, write, show; ProjectError if that is not possible or a budget is broken."""
    with console.status("training twice and predicting, on one thread"):
        profile = measure(config, root)
    if profile["failure"]:
        raise ProjectError(profile["failure"])
    limits = recommend(profile, config)
    write_resources(root, limits)
    table = Table("on one thread", "measured", "budget")
    for name, bound in config.gates.budget:
        what, unit = MEANING[name]
        table.add_row(what, f"{profile[name]:g} {unit}", f"{bound:g} {unit}")
    for batch in profile["batches"]:
        took = f"{batch['median_ms']:g} ms, 95 % in {batch['p95_ms']:g} ms"
        table.add_row(f"a batch of {batch['rows']:,}", took, "")
    console.print(table)
    console.print(
        f"For {config.cost.requests_per_second:g} requests a second: {limits['serve_replicas']} "
        f"x {limits['serve_cpus']} core, {limits['serve_memory_mb']} MB, "
        f"{limits['month_cost']:.2f} {escape(limits['currency'])} a month; "
        f"in bulk {limits['serve_batch_rows']:,} rows at once",
        highlight=False,
    )
    write_card(config, root)  # it tells the limits
    if problems := broken(profile, config.gates.budget):
        raise ProjectError(f"gates.budget: {'; '.join(problems)}")
