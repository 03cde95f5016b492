"""What a process has used of the machine: CPU time and memory."""

import os
import sys
from pathlib import Path

BYTES_PER_MB = 1 << 20
"""As the limits of containers count."""

STATUS = Path("/proc/self/status")
"""Linux only."""


def cpu_seconds() -> float:
    """Return the CPU time of this process and of the children that it waited for, in seconds."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def peak_memory_mb() -> float:
    """Return the most memory that this process has held at once, in MB of 1,048,576 bytes.

    Where the system says so, and it was more, that of one of the children that it waited for.
    """
    if sys.platform == "win32":
        import psutil

        return float(psutil.Process().memory_info().peak_wset) / BYTES_PER_MB
    from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage

    # macOS counts bytes here, and other systems kilobytes.
    unit = 1 if sys.platform == "darwin" else 1024
    own = _peak_resident_bytes() or getrusage(RUSAGE_SELF).ru_maxrss * unit
    of_children = getrusage(RUSAGE_CHILDREN).ru_maxrss * unit
    return max(own, of_children) / BYTES_PER_MB


def _peak_resident_bytes() -> int:
    """The peak as Linux keeps it in /proc; 0 where there is no such file."""
    # On Linux ru_maxrss is at least what the starting process held when it started this one: a
    # small process that a large one starts would look large. This number is the process's own.
    if not STATUS.exists():
        return 0
    for line in STATUS.read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM:"):
            _, kilobytes, _ = line.split()
            return int(kilobytes) * 1024
    return 0
