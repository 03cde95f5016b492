"""Plays random histories of teams through updates, ours and Copier's own, and counts the faults.

Usage: python tests/benchmarks/update_histories.py NUMBER SEED. Each history is played twice: over
one version and over three. It ends with 1 if our update did anything wrong, and says where.
"""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import ExitStack
from multiprocessing.util import Finalize
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))
sys.path.append(str(Path(__file__).resolve().parents[2] / "hooks"))
sys.path.append(str(Path(__file__).resolve().parents[2] / "tools"))
from histories.oracle import KINDS, Finding
from histories.play import Lab, Played, open_lab, play
from plumbum import local

N_PROCESSES = 2
opened = ExitStack()
labs: list[Lab] = []


def open_one() -> None:
    """Give this process versions of its own."""
    settings = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    for role in ("AUTHOR", "COMMITTER"):
        settings |= {f"GIT_{role}_NAME": "Team", f"GIT_{role}_EMAIL": "team@example.org"}
    os.environ.update(settings)
    # Copier calls git with the environment that plumbum copied when it was imported.
    local.env.update(settings)
    # A process of a pool ends without what `atexit` holds.
    Finalize(opened, opened.close, exitpriority=1)
    labs.append(opened.enter_context(open_lab()))


def play_one(seed: int) -> list[Played]:
    """Play one history over one version and over three."""
    return [play(labs[0], seed, 1), play(labs[0], seed, 3)]


def main(number: int, first: int) -> int:
    """Play them all, side by side, and print the figures.

    Args:
        number: How many histories.
        first: The seed of the first.

    Returns:
        The exit status.
    """
    begin = time.perf_counter()
    played: list[Played] = []
    with ProcessPoolExecutor(N_PROCESSES, initializer=open_one) as pool:
        running = [pool.submit(play_one, seed) for seed in range(first, first + number)]
        for n_done, future in enumerate(as_completed(running), start=1):
            for one in future.result():
                played.append(one)
                for finding in one.ours:
                    print(
                        f"{one.name}: {finding}\n  {', '.join(filter(None, one.log))}", flush=True
                    )
            if n_done % 10 == 0 or n_done == number:
                seconds = time.perf_counter() - begin
                print(f"{n_done} of {number} histories, {seconds:.0f} s", flush=True)
    print(table(played))
    return int(any(one.ours for one in played))


def table(played: list[Played]) -> str:
    """Return the figures, ours beside those of Copier's own update."""
    edited = sum(one.edited for one in played)
    placed = sum(one.placed for one in played)
    rows = [("", "ours", "Copier's own"), ("updates", len(played), len(played))]
    rows.append(("refused before anything was written", sum(one.refused for one in played), 0))
    plain_conflicts = sum(one.plain_conflicts for one in played)
    rows.append(("files in conflict", sum(one.conflicts for one in played), plain_conflicts))
    ours = Counter(kinds(one.ours for one in played))
    plain = Counter(kinds(one.plain for one in played))
    for kind, meaning in KINDS.items():
        # A second update and the way back are tried with ours alone.
        other = plain[kind] if kind not in ("refusal", "second", "restore") else "-"
        rows.append((meaning, ours[kind], other))
    lines = [f"{name:<58}{one:>6}{other:>14}" for name, one, other in rows]
    lines.append(
        f"{edited} edited files of the template; in {placed} each change has one right place"
    )
    return "\n".join(lines)


def kinds(findings: Iterable[list[Finding]]) -> Iterable[str]:
    """Yield the kind of each finding."""
    for found in findings:
        for finding in found:
            yield finding.kind


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
