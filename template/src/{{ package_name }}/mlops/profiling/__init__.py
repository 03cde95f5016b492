"""A module of this folder in a process of its own, on one thread."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from ..errors import ProjectError

N_LAST_LINES = 3
"""Of what a process printed before it failed: more is a traceback."""

ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "LOKY_MAX_CPU_COUNT": "1",
}
"""Read by numerical libraries when they are loaded, so they have to be set for a new process."""


def run_alone(module: str, folder: Path, hash_seed: int, *arguments: str) -> dict[str, Any]:
    """Run a module of this room in a process of its own.

    Args:
        module: Its name without the package; it prints JSON in its last line.
        folder: Where it runs. Code in its `src` goes before the installed one.
        hash_seed: Of Python's hashes, by which sets and the like are ordered.
        arguments: What follows on the command line.

    Returns:
        What the module printed last.

    Raises:
        ProjectError: It failed; the message is the end of what it printed.
    """
    # First on the path, so that a copy of the code is what runs, and not what is installed.
    path = os.pathsep.join([str(folder / "src"), os.environ.get("PYTHONPATH", "")])
    environment = os.environ | ONE_THREAD
    environment |= {"PYTHONHASHSEED": str(hash_seed), "PYTHONPATH": path}
    done = subprocess.run(
        [sys.executable, "-m", f"{__package__}.{module}", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode:
        # The folder is a temporary one, whose name tells nobody anything.
        problems = done.stderr.replace(f"{folder}{os.sep}", "").strip()
        reason = "\n".join(problems.splitlines()[-N_LAST_LINES:])
        raise ProjectError(reason or f"it was ended with status {done.returncode}")
    facts: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return facts
