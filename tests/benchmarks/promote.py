"""Times `make promote` with hardly any history, and with 2,000 runs and 200 versions.

Usage: python tests/benchmarks/promote.py. The design allows 8 seconds, warm, plus the retraining
check and `make verify`, which `make promote` does first where they were not done: here the check is
timed by itself, and the project is said to be verified. On a busy machine the seconds of a
processor, which are printed too, say more than those of the clock.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from e2e.copier_runs import copy, succeed
from e2e.promotions import build, say_verified, settle
from filled_store import fill
from support import commit, copy_template

RUNS = 2_000
VERSIONS = 200
REPEATS = 5
BOUND = 8
WHY = "WHY=a measurement"


Seconds = tuple[float, float]
"""By the clock, and of processors."""


def timed(project: Path, *command: str) -> Seconds:
    """Run a command that must succeed, and return the seconds that it and its processes took."""
    before = os.times()
    begin = time.perf_counter()
    succeed(project, *command)
    by_clock = time.perf_counter() - begin
    after = os.times()
    user = after.children_user - before.children_user
    system = after.children_system - before.children_system
    return by_clock, user + system


def promote_again(project: Path) -> Seconds:
    """Withdraw the champion, and return the seconds that its next promotion takes."""
    succeed(project, "make", "rollback", WHY)
    commit(project, "Go back")
    say_verified(project)
    seconds = timed(project, "make", "promote", WHY, "AGAIN=a measurement")
    commit(project, "Promote")
    return seconds


def row(what: str, seconds: list[Seconds]) -> str:
    """One line of the table: both medians, and every value by the clock."""
    by_clock, of_processors = zip(*seconds, strict=True)
    each = " ".join(f"{one:.1f}" for one in by_clock)
    return f"{what:<42}{median(by_clock):8.1f}{median(of_processors):8.1f}   {each}"


def main() -> None:
    """Print one row for the check and for each history."""
    for role in ("AUTHOR", "COMMITTER"):
        os.environ |= {f"GIT_{role}_{part}": "bench@example.org" for part in ("NAME", "EMAIL")}
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        made = copy(copy_template(root / "template"), root / "project")
        if made.status:
            sys.exit(made.output)
        project = made.path
        settle(project, tuning={"trials": 0})
        build(project)
        succeed(project, "make", "promote", WHY)
        settle(project, model={"linear": {"C": 0.5}})
        build(project)
        check = timed(project, "uv", "run", "--no-sync", "churn-radar", "profile", "--missing")
        succeed(project, "make", "promote", WHY)
        commit(project, "Promote")
        few = [promote_again(project) for _ in range(REPEATS)]
        fill(project / "models" / "mlflow.db", RUNS, VERSIONS)
        many = [promote_again(project) for _ in range(REPEATS)]
    print(f"{'seconds, median':<42}{'clock':>8}{'CPU':>8}   clock, each")
    print(row("retraining check, by itself", [check]))
    print(row("make promote, 2 versions", few))
    print(row(f"make promote, {RUNS:,} runs, {VERSIONS} versions", many))
    print(f"bound {BOUND} s; load of the machine {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
