"""Times an update beside Copier's own, of the same project over the same versions.

Usage: python tests/benchmarks/update_time.py REPEATS. Setup and verification are left out: they are
the same for both.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.append(str(Path(__file__).resolve().parents[1]))
sys.path.append(str(Path(__file__).resolve().parents[2] / "hooks"))
sys.path.append(str(Path(__file__).resolve().parents[2] / "tools"))
import copier
import support
from histories.templates import make_versions
from histories.versions import FIRST, NAMES

ENGINES = {"ours": True, "Copier's own": False}


def main(repeats: int) -> None:
    """Update by turns, and print the medians.

    Args:
        repeats: How often each one updates.
    """
    os.environ |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    for role in ("AUTHOR", "COMMITTER"):
        os.environ |= {f"GIT_{role}_NAME": "Team", f"GIT_{role}_EMAIL": "team@example.org"}
    seconds: dict[str, list[float]] = {name: [] for name in ENGINES}
    with TemporaryDirectory() as folder:
        projects = {}
        for number, (name, engine) in enumerate(ENGINES.items()):
            template = make_versions(
                support.ROOT, Path(folder, f"template-{number}"), engine=engine
            )
            projects[name] = Path(folder, f"project-{number}")
            copier.run_copy(
                str(template),
                projects[name],
                vcs_ref=FIRST,
                defaults=True,
                quiet=True,
                skip_tasks=True,
            )
            support.commit(projects[name], "Start")
        for _ in range(repeats):
            for name, project in projects.items():
                seconds[name].append(timed(project))
    for name, measured in seconds.items():
        print(f"{name}: {statistics.median(measured):.1f} s, of {len(measured)} updates")
    medians = [statistics.median(measured) for measured in seconds.values()]
    print(f"ours takes {medians[0] - medians[1]:.1f} s more")


def timed(project: Path) -> float:
    """Return the seconds that an update over all versions takes, and take it back."""
    command = ["copier", "update", "--trust", "--defaults", "--quiet", "--vcs-ref", NAMES[-1]]
    begin = time.perf_counter()
    subprocess.run(command, cwd=project, check=True, capture_output=True)
    passed = time.perf_counter() - begin
    support.git(project, "reset", "--quiet", "--hard")
    support.git(project, "clean", "--quiet", "--force", "-d")
    return passed


if __name__ == "__main__":
    main(int(sys.argv[1]))
