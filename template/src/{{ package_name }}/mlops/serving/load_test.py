"""The load test: the highest rate of requests whose 99th percentile keeps a bound."""

import json
import os
import platform
import re
import shutil
import subprocess
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from ..config import load_config
from ..errors import ProjectError
from .load_target import N_CLIENTS, Step, Target, measured, serving

N_HALVINGS = 5
"""Of the range in which the rate is: it is known to 1/32 of the fastest."""

N_TRIES = 2
"""Of a rate: something else may have kept the machine busy."""

SEARCH_SECONDS = 60
"""After which a rate that was kept is good enough."""

SWAP_SECONDS = 15
"""For which versions are swapped, and until the first one is."""

MAX_SWAP_SECONDS = 90

N_CONFIRMATIONS = 3
"""Longer looks at the rate that was found, each at a lower one than the last."""

SLOWER = 0.8

console = Console()


def load_test(
    p99: Annotated[float, typer.Option(min=0, help="Milliseconds to keep.")] = 50,
    swap: Annotated[bool, typer.Option("--swap", help="Swap versions under load too.")] = False,
    seconds: Annotated[float, typer.Option(min=0.5, help="How long a step is.")] = 4,
) -> None:
    """Find the highest rate of single-row requests that keeps a 99th percentile."""
    root = Path.cwd()
    config = load_config(root)
    if find_spec("locust") is None:
        raise ProjectError("locust is not installed: `make load-test` brings it")
    with TemporaryDirectory(prefix="load-test-") as folder, serving(root, Path(folder)) as target:
        with console.status("asking the service ever faster"):
            report = _about(target) | measure(target, p99, seconds)
        if swap:
            with console.status("swapping versions under load"):
                report["swap"] = swap_under_load(target, report["best"], SWAP_SECONDS)
    # It is about these settings too.
    report["workers"] = config.serving.workers
    _show(report)
    _write(root, report)


def measure(target: Target, p99: float, seconds: float) -> dict[str, Any]:
    """Find the highest rate that keeps a bound.

    Args:
        target: The service.
        p99: Milliseconds, which 99 of 100 requests may not exceed; none may fail.
        seconds: How long a step is.

    Returns:
        `flat_out`, what clients get that ask as fast as they are answered; `ab`, the same by
        another tool; `best`, the highest rate that keeps the bound; `requests_per_core`, how many
        requests the service answered there in a second of CPU time; and its `memory_mb`.

    Raises:
        ProjectError: No rate keeps the bound.
    """
    # As fast as clients are answered: no rate above it can be kept.
    flat_out = target.step(0, seconds)
    other = ab(target, seconds)
    low, high = 0.0, flat_out["requests_per_second"]
    if other:
        # It takes less of the machine, and leaves more to the service.
        high = max(high, other["requests_per_second"])
    end = monotonic() + SEARCH_SECONDS
    step = flat_out
    for _ in range(N_HALVINGS):
        rate = (low + high) / 2
        if low and monotonic() > end:
            break
        for _ in range(N_TRIES):
            step = target.step(rate, seconds)
            is_kept = _keeps(step, rate, p99)
            if is_kept or monotonic() > end:
                break
        low, high = (rate, high) if is_kept else (low, rate)
    rate = low
    for _ in range(N_CONFIRMATIONS if low else 0):
        # Longer, and not the step by which the rate was chosen: that one was lucky too.
        before, _ = target.usage()
        step = target.step(rate, 2 * seconds)
        after, memory = target.usage()
        if _keeps(step, rate, p99):
            return {
                "p99_limit_ms": p99,
                "flat_out": flat_out,
                "ab": other,
                "best": step,
                "requests_per_core": round(step["requests"] / (after - before), 1),
                "memory_mb": round(memory),
                "swap": None,
            }
        rate *= SLOWER
    raise ProjectError(
        f"no rate keeps a p99 of {p99:g} ms: at {step['requests_per_second']:g} requests a second "
        f"it is {step['p99_ms']:g} ms, with {step['errors']} errors. P99= sets another bound; "
        "a machine that is busy with something else keeps none"
    )


def _keeps(step: Step, rate: float, p99: float) -> bool:
    """Whether a step kept the bound, at the rate that was meant."""
    is_fast = 0 < step["p99_ms"] <= p99 and step["requests_per_second"] >= 0.95 * rate
    return is_fast and not step["errors"]


def ab(target: Target, seconds: float) -> Step | None:
    """Ask as fast as ab, Apache's benchmark, is answered: a second opinion where it is installed.

    Args:
        target: The service.
        seconds: How long.

    Returns:
        The same as `Target.step`, without gaps; None if ab is not installed.
    """
    tool = shutil.which("ab")
    if tool is None:
        return None
    body = target.root / "body.json"
    body.write_text(target.bodies[0], encoding="utf-8")
    # -k keeps connections, as the clients do; -l lets answers differ in length.
    command = [tool, "-q", "-k", "-r", "-l", "-c", str(N_CLIENTS), "-t", str(max(1, int(seconds)))]
    command += ["-n", "10000000", "-p", str(body), "-T", "application/json"]
    done = subprocess.run(
        [*command, f"{target.url}/predict"], capture_output=True, text=True, check=False
    )

    def number(pattern: str) -> float:
        found = re.search(pattern, done.stdout)
        return float(found[1]) if found else 0.0

    percentiles = {f"p{share}_ms": number(rf"\b{share}%\s+(\d+)") for share in (50, 95, 99)}
    return {
        "requests": int(number(r"Complete requests:\s+(\d+)")),
        "requests_per_second": number(r"Requests per second:\s+([\d.]+)"),
        **percentiles,
        "errors": int(number(r"Failed requests:\s+(\d+)") + number(r"Non-2xx.*:\s+(\d+)")),
    }


def swap_under_load(target: Target, best: Step, seconds: float) -> dict[str, Any]:
    """Let the service load its version again and again while it is asked.

    Args:
        target: The service.
        best: The rate at which to ask, and the longest gap there without any swap.
        seconds: How long.

    Returns:
        How many `swaps` there were, and of the downtime: the requests that failed as `errors`, and
        `longest_gap_ms` between two answers, beside `gap_without_swap_ms`.

    Raises:
        ProjectError: No swap was done in this time.
    """
    path = target.root / "models" / "champion.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    clients = target.clients(best["requests_per_second"], MAX_SWAP_SECONDS)
    swaps = 0
    end = monotonic() + seconds
    while clients.poll() is None and (monotonic() < end or not swaps):
        # Another number is another version for the service.
        record["version"] += 1
        # As a whole or not at all: the service may look at any moment.
        new = path.with_suffix(".new")
        new.write_text(json.dumps(record), encoding="utf-8")
        new.replace(path)
        while clients.poll() is None and target.version() != record["version"]:
            sleep(0.05)
        swaps += target.version() == record["version"]
    target.end.touch()
    step = measured(clients)
    if not swaps:
        raise ProjectError(f"the service loaded no version in {MAX_SWAP_SECONDS} s under load")
    return {
        "swaps": swaps,
        "errors": step["errors"],
        "longest_gap_ms": step["longest_gap_ms"],
        "gap_without_swap_ms": best["longest_gap_ms"],
        "p99_ms": step["p99_ms"],
    }


def _about(target: Target) -> dict[str, Any]:
    """What the report is about."""
    record = json.loads((target.root / "models" / "champion.json").read_text(encoding="utf-8"))
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "model": record["files"]["model.skops"],
        "version": record["version"],
        "machine": f"{platform.platform()}, {os.cpu_count()} cores",
        "clients": N_CLIENTS,
    }


def _show(report: dict[str, Any]) -> None:
    table = Table("single rows", "requests/s", "p50", "p95", "p99", "errors")
    names = {
        "flat_out": f"{N_CLIENTS} clients as fast as they are answered",
        "ab": f"ab with {N_CLIENTS} connections",
        "best": f"highest rate with p99 <= {report['p99_limit_ms']:g} ms",
    }
    for name, what in names.items():
        if step := report[name]:
            times = [f"{step[f'p{share}_ms']:g} ms" for share in (50, 95, 99)]
            table.add_row(what, f"{step['requests_per_second']:g}", *times, str(step["errors"]))
    console.print(table)
    swap = report["swap"]
    if swap:
        console.print(
            f"{swap['swaps']} swaps at this rate: {swap['errors']} requests failed; the longest "
            f"time without an answer was {swap['longest_gap_ms']:g} ms, and "
            f"{swap['gap_without_swap_ms']:g} ms without a swap",
            highlight=False,
        )


def _write(root: Path, report: dict[str, Any]) -> None:
    """Write reports/load.json, and bring up to date what follows from it."""
    # Imported here, since it takes a second.
    from ..checksums import read_with_checksum
    from ..evaluation.card import LOAD, write_card
    from ..profiling import profile
    from ..tracking import write_json

    config = load_config(root)
    write_json(root / LOAD, report)
    console.print(f"{LOAD.as_posix()} has it all", highlight=False)
    if (root / profile.REPORT).exists():
        measured = read_with_checksum(root / profile.REPORT)
        if measured["model"] == report["model"] and not measured["failure"]:
            profile.write_resources(root, profile.recommend(measured, config, report))
    write_card(config, root)
