"""Times `make fleet` over twenty small projects beside one project after the other.

Usage: python tests/benchmarks/fleet_time.py
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
import support
from releases import first_release

N_PROJECTS = 20
N_ALONE = 4
"""Projects that are examined one by one, for the time that one takes."""

N_CORES = 2


def main() -> None:
    """Examine one by one, then all, and print the figures."""
    for role in ("AUTHOR", "COMMITTER"):
        os.environ |= {f"GIT_{role}_NAME": "Team", f"GIT_{role}_EMAIL": "team@example.org"}
    with TemporaryDirectory() as name:
        folder = Path(name)
        template = support.copy_template(folder / "copy")
        releases = first_release(template, folder)
        projects = []
        for number in range(N_PROJECTS):
            project = releases.project(folder / f"project-{number}", {"preset": "starter"})
            projects.append(str(project.path))
        releases.release("v2.0.0", {"template/Makefile.jinja": lambda old: f"# of v2\n{old}"})
        alone = []
        for project_path in projects[:N_ALONE]:
            alone.append(timed(releases.path, folder, [project_path]))
        together = timed(releases.path, folder, projects)
    one = statistics.median(alone)
    ideal = N_PROJECTS * one / N_CORES
    print(f"one project: {one:.1f} s; {N_PROJECTS}: {together:.1f} s")
    print(f"{together / ideal:.2f} of the work divided by {N_CORES} cores, {ideal:.1f} s")


def timed(template: Path, folder: Path, projects: list[str]) -> float:
    """Return the seconds that the command takes for some projects, none of which it knows."""
    listed = folder / "repos.txt"
    listed.write_text("\n".join(projects) + "\n", encoding="utf-8")
    state = folder / f"state-{len(list(folder.glob('state-*')))}"
    command = [sys.executable, str(template / "hooks/upkeep"), "fleet"]
    command += [f"--state={state}", "--", str(listed)]
    begin = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return time.perf_counter() - begin


if __name__ == "__main__":
    main()
