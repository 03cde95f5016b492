"""A module of this folder in a process of its own, on one thread, watched from outside."""

import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from ..errors import ProjectError

MB = 1 << 20  # as the limits of containers count
POLL = 0.02  # seconds
LAST = 3  # lines of a failure that are told
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "LOKY_MAX_CPU_COUNT"), "1"
)


def watched(module: str, folder: Path, hash_seed: int, *arguments: str) -> dict[str, Any]:
    """The JSON that `module` prints last when it runs in `folder`, and its peak memory in MB.

    Code in `folder`/src goes before the installed one. ProjectError with the reason of a failure.
    """
    path = os.pathsep.join([str(folder / "src"), os.environ.get("PYTHONPATH", "")])
    env = os.environ | ONE_THREAD | {"PYTHONHASHSEED": str(hash_seed), "PYTHONPATH": path}
    command = [sys.executable, "-m", f"{__package__}.{module}", *arguments]
    peak = 0
    with subprocess.Popen(
        command,
        cwd=folder,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
    ) as process:
        while process.returncode is None:
            with suppress(psutil.Error):
                peak = max(peak, psutil.Process(process.pid).memory_info().rss)
            with suppress(subprocess.TimeoutExpired):
                printed, problems = process.communicate(timeout=POLL)
    if process.returncode:
        lines = problems.replace(f"{folder}{os.sep}", "").strip().splitlines()[-LAST:]
        raise ProjectError("\n".join(lines) or f"it was ended with status {process.returncode}")
    facts: dict[str, Any] = json.loads(printed.splitlines()[-1])
    return facts | {"memory_mb": round(peak / MB, 1)}
