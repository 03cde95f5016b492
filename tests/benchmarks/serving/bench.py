"""Serves one model by our service and by its peers, one after another, and prints the ratios.

Usage: python tests/benchmarks/serving/bench.py [--only NAME ...] [--seconds 8] [--rounds 3]
[--tries 3]. A measurement is repeated, at most so many times, while other processes are busy.
It needs `wrk` (on Debian: apt-get install wrk). The environments, the project of this commit and
the figures are kept in build/bench; remove that folder to begin from nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))
from benchmarks.serving import measure, prepare
from benchmarks.serving.peers import PEERS, Peer, Rows
from support import ROOT

FOLDER = ROOT / "build" / "bench"
CONNECTIONS = (8, 32)
OFFLINE = Path(__file__).with_name("offline.py")
WARM_UP_SECONDS = 3


@dataclass
class Found:
    """What was measured of one server, over all rounds.

    Attributes:
        loads: By the number of connections.
        offline: Milliseconds of the pipeline in process: one row, and 1,000 rows
            ready, as records and as JSON.
        batch: Milliseconds of 1,000 rows.
        to_ready: Those by the pipeline's, on a table that is ready.
        to_records: The same, where the pipeline has to make the table of records.
        to_json: The same, where it has to read these from JSON, as a server must.
    """

    megabytes: float = 0.0
    n_packages: int = 0
    difference: float = 0.0
    error: str = ""
    seconds_to_start: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    loads: dict[int, list[measure.Load]] = field(default_factory=dict)
    offline: list[dict[str, float]] = field(default_factory=list)
    batch: list[float] = field(default_factory=list)
    to_ready: list[float] = field(default_factory=list)
    to_records: list[float] = field(default_factory=list)
    to_json: list[float] = field(default_factory=list)

    def typical(self, connections: int, name: str) -> float:
        values = [float(getattr(load, name)) for load in self.loads[connections]]
        return median(values)


def offline(task: str, *server: str) -> str:
    python = FOLDER / "project" / ".venv" / "bin" / "python"
    command = [str(python), str(OFFLINE), task, str(FOLDER / "model"), *server]
    env = os.environ | measure.ONE_THREAD
    done = subprocess.run(
        command, cwd=FOLDER / "project", env=env, capture_output=True, text=True, check=True
    )
    return done.stdout


def measure_once(
    peer: Peer, programs: Path, rows: Rows, how: argparse.Namespace, found: Found
) -> None:
    """One round of one server."""
    bodies = FOLDER / "bodies.txt"
    bodies.write_text("".join(json.dumps(peer.ask([row])) + "\n" for row in rows))
    expected = json.loads((FOLDER / "model" / "expected.json").read_text())
    log = FOLDER / f"{peer.name.replace(' ', '-')}.log"
    with measure.serve(peer, programs, FOLDER, rows[:1], log) as server:
        found.seconds_to_start.append(server.seconds_to_start)
        found.difference = max(found.difference, measure.check(server, rows, expected))
        for connections in CONNECTIONS:
            measure.load(server, bodies, connections, WARM_UP_SECONDS)
            load = measure.quiet_load(server, bodies, connections, how.seconds, how.tries)
            found.loads.setdefault(connections, []).append(load)
            print(f"{peer.name:<22}{connections:>3} connections  {load}", file=sys.stderr)
        found.memory.append(server.memory())
        thousand = json.dumps(peer.ask((rows * 2)[:1_000]))
        (FOLDER / "model" / "table.json").write_text(thousand)
        measured = json.loads(offline("time", str(server.port), peer.many))
        batch = measured.pop("served")
    found.offline.append(measured)
    found.batch.append(batch)
    found.to_ready.append(batch / measured["ready"])
    found.to_records.append(batch / measured["records"])
    found.to_json.append(batch / measured["json"])


def table(results: dict[str, Found]) -> list[str]:
    """The lines of the table, in Markdown."""
    titles = [""]
    for connections in CONNECTIONS:
        titles += [f"requests/s at {connections}", "p50", "p95", "p99", "CPU", "others"]
    titles += [
        "failed",
        "1,000 rows",
        "/ ready table",
        "/ records",
        "/ JSON",
        "memory",
        "start",
        "size",
    ]
    titles += ["packages", "difference"]
    lines = ["| " + " | ".join(titles) + " |", "|---" * len(titles) + "|"]
    for name, found in results.items():
        cells = [name]
        if found.error:
            cells.append(f"failed: {' '.join(found.error.split())[-300:]}")
        else:
            cells += figures(found)
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def figures(found: Found) -> list[str]:
    cells = []
    for connections in CONNECTIONS:
        cells.append(f"{found.typical(connections, 'rate'):,.0f}")
        cells += [f"{found.typical(connections, p):.1f}" for p in ("p50", "p95", "p99")]
        cells.append(f"{found.typical(connections, 'cpu'):.2f} ms")
        cells.append(f"{found.typical(connections, 'others'):.0%}")
    cells.append(str(sum(load.failed for loads in found.loads.values() for load in loads)))
    cells += [f"{median(found.batch):.1f} ms", f"{median(found.to_ready):.2f}"]
    cells += [f"{median(found.to_records):.2f}", f"{median(found.to_json):.2f}"]
    cells.append(f"{median(found.memory):.0f} MB")
    cells.append(f"{median(found.seconds_to_start):.1f} s")
    # The project's own environment holds what trains a model, too: its size says nothing here.
    size = [f"{found.megabytes:.0f} MB", str(found.n_packages)] if found.n_packages else ["", ""]
    return [*cells, *size, f"{found.difference:.0e}"]


def ratios(results: dict[str, Found]) -> list[str]:
    """Requests a second of each to each other one, at 8 connections."""
    sound = {name: found for name, found in results.items() if not found.error}
    lines = ["", f"Requests a second at {CONNECTIONS[0]} connections, row to column:", ""]
    lines += ["| | " + " | ".join(sound) + " |", "|---" * (len(sound) + 1) + "|"]
    for name, found in sound.items():
        mine = found.typical(CONNECTIONS[0], "rate")
        others = [mine / other.typical(CONNECTIONS[0], "rate") for other in sound.values()]
        lines.append("| " + " | ".join([name, *(f"{ratio:.2f}" for ratio in others)]) + " |")
    return lines


def notes(results: dict[str, Found], peers: list[Peer], programs: dict[str, Path]) -> list[str]:
    """How it was measured: machine, versions, settings."""
    busy = [load.others for f in results.values() for loads in f.loads.values() for load in loads]
    lines = ["", f"Command: {' '.join(['python', *sys.argv])}"]
    lines.append(
        f"Machine: {psutil.cpu_count()} processors ({cpu_model()}), "
        f"{psutil.virtual_memory().total / 1e9:.0f} GB, {platform.platform()}, "
        f"Python {platform.python_version()}"
    )
    if busy:
        lines.append(
            f"Other processes took {median(busy):.0%} of the processors, {max(busy):.0%} at most."
        )
    in_process = [measured for found in results.values() for measured in found.offline]
    if in_process:
        typical = {name: median(one[name] for one in in_process) for name in in_process[0]}
        lines.append(
            f"The pipeline in process: one row as a record {typical['one']:.1f} ms, 1,000 rows as "
            f"a ready table {typical['ready']:.1f} ms, as records {typical['records']:.1f} ms, "
            f"as JSON {typical['json']:.1f} ms"
        )
    for peer in peers:
        lines.append(f"{peer.name}: {versions(programs.get(peer.name))}; {peer.settings}")
    return lines


def cpu_model() -> str:
    info = Path("/proc/cpuinfo")
    if not info.exists():
        return platform.processor()
    named = [line for line in info.read_text().splitlines() if line.startswith("model name")]
    return named[0].partition(": ")[2] if named else platform.processor()


def versions(programs: Path | None) -> str:
    """The versions that matter in one environment."""
    if programs is None:
        return "not installed"
    listed = []
    site = next(programs.parent.glob("lib/*/site-packages"))
    for name in ("mlflow", "fastapi", "bentoml", "litserve", "mlserver", "uvicorn", "uvloop"):
        listed += [
            path.name.removesuffix(".dist-info") for path in site.glob(f"{name}-*.dist-info")
        ]
    return ", ".join(one.replace("-", " ") for one in listed)


def main() -> None:
    """Measure all in turn, round after round, and print medians."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", nargs="+", choices=[peer.name for peer in PEERS])
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tries", type=int, default=3)
    arguments = parser.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("`wrk` is not installed. On Debian: apt-get install wrk")
    # So that whoever ends the benchmark ends the server too.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(f"ended by signal {number}"))
    prepare.who_commits()
    prepare.project(FOLDER)
    if not (FOLDER / "model").exists():
        offline("export")
    rows: Rows = json.loads((FOLDER / "model" / "rows.json").read_text())
    peers = [peer for peer in PEERS if not arguments.only or peer.name in arguments.only]
    os.environ["BENCH_MODEL"] = str(FOLDER / "model")
    results = {peer.name: Found() for peer in peers}
    programs = {}
    for peer in peers:
        try:
            programs[peer.name] = prepare_peer(peer, results[peer.name])
        except prepare.InstallError as error:
            results[peer.name].error = str(error)
    for number in range(arguments.rounds):
        print(f"round {number + 1} of {arguments.rounds}", file=sys.stderr)
        for peer in peers:
            found = results[peer.name]
            if found.error:
                continue
            try:
                measure_once(peer, programs[peer.name], rows, arguments, found)
            except (measure.ServerError, subprocess.CalledProcessError, OSError) as error:
                found.error = str(error)
    lines = [*table(results), *ratios(results), *notes(results, peers, programs)]
    print("\n".join(lines))
    kept = {name: asdict(found) for name, found in results.items()}
    (FOLDER / "figures.json").write_text(json.dumps(kept, indent=2))


def prepare_peer(peer: Peer, found: Found) -> Path:
    """Make the peer's environment, and what it wants before it starts."""
    if not peer.packages:
        return FOLDER / "project" / ".venv" / "bin"
    programs = prepare.environment(FOLDER, peer.name, peer.packages)
    found.megabytes, found.n_packages = prepare.size(programs)
    peer.prepare(programs, FOLDER / "model")
    return programs


if __name__ == "__main__":
    main()
