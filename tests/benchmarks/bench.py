"""Times the hooks and the verification beside the same tools, called one after another by hand.

Usage: python tests/benchmarks/bench.py. Both sides run on one machine in the same minutes, with a
warm package cache, so the two columns can be compared whatever else the machine does.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from support import copy_template

RUN = ["uv", "run", "--no-sync"]
BY_HAND = [
    ["black", "--check", "."],
    ["ruff", "check"],
    ["mypy"],
    ["churn-radar", "names", "--check"],
    ["dvc", "repro"],
    # After the pipeline, since a hook compares the model card with its reports.
    ["pre-commit", "run", "--all-files"],
    ["pytest", "-q", "--cov"],
]


def timed(folder: Path, *commands: list[str]) -> float:
    """Run the commands one after another and return the seconds they took together."""
    begin = time.perf_counter()
    for command in commands:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return time.perf_counter() - begin


def main() -> None:
    """Print one row a comparison: ours, by hand, and the bound of the design where it has one."""
    author = {
        f"GIT_{role}_{part}": "bench@example.org"
        for role in ("AUTHOR", "COMMITTER")
        for part in ("NAME", "EMAIL")
    }
    os.environ.update(author)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        template = copy_template(root / "template")
        copier = [
            sys.executable,
            "-m",
            "copier",
            "copy",
            "--quiet",
            "--trust",
            "--defaults",
            str(template),
        ]
        warm = timed(root, [*copier, "warm"])
        bare = timed(root, [*copier, "--skip-tasks", "bare"])
        whole = timed(root, [*copier, "whole"])
        hand_whole = bare + by_hand_whole(root / "bare")
        again = timed(root / "whole", ["make", "verify"])
        hand_again = timed(root / "whole", *([*RUN, *command] for command in BY_HAND))
    print(f"{'seconds':<34}{'ours':>8}{'by hand':>10}{'bound':>8}")
    print(f"{'copier copy, first (cold caches)':<34}{warm:8.1f}")
    print(f"{'copier copy --skip-tasks':<34}{bare:8.1f}{'':>10}{2:8}")
    print(f"{'copier copy, verified':<34}{whole:8.1f}{hand_whole:10.1f}{45:8}")
    print(f"{'make verify, nothing changed':<34}{again:8.1f}{hand_again:10.1f}{12:8}")


def by_hand_whole(project: Path) -> float:
    """Take the bare files as far as the hooks do, one command after another."""
    setup = [
        ["git", "init", "--quiet", "-b", "main"],
        ["make", "uv.lock"],
        ["uv", "sync", "--quiet"],
    ]
    steps = [[*RUN, "churn-radar", "setup"], ["git", "add", "--all"]]
    commit = ["git", "commit", "--quiet", "--no-verify", "--message", "By hand"]
    return timed(project, *setup, *steps, *([*RUN, *command] for command in BY_HAND), commit)


if __name__ == "__main__":
    main()
