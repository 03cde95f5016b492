"""A module of this folder in a process of its own: on one thread, and cut off if need be."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from functools import partial, wraps
from pathlib import Path
from typing import Any

from ..errors import ProjectError

MODEL = Path("models", "model.skops")

N_LAST_LINES = 3
"""Of what a process printed before it failed: more is a traceback."""

ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "LOKY_MAX_CPU_COUNT": "1",
}
"""Read by numerical libraries when they are loaded, so they have to be set for a new process."""

VARIABLES = (
    *("PATH", "LANG", "LC_ALL", "LC_CTYPE"),
    *("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES"),
    # Without these Windows starts no process.
    *("SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT"),
    *("NUMBER_OF_PROCESSORS", "PROCESSOR_ARCHITECTURE"),
)
"""Of the person's environment, what Python and the libraries need: no model may depend on more."""

WRITABLE = {"home": ("HOME", "USERPROFILE"), "tmp": ("TMPDIR", "TEMP", "TMP")}
"""Variables that name a folder to which libraries write, by that folder's name."""

SYSTEM = (
    *("/dev", "/etc", "/lib", "/lib64", "/proc", "/run", "/sys", "/usr/lib", "/usr/share"),
    *("/Library", "/System"),  # of macOS
)
"""Folders in which libraries look up what the machine is like."""

INSTALLED = ("bin", "etc", "lib", "share")
"""Folders of a Python and of an environment: all of /usr would be too much."""

FILES = ("open", "sqlite3.connect")
PROGRAMS = ("subprocess.Popen", "os.system", "os.posix_spawn", "os.exec")
ADDRESSES = {
    "socket.connect": 1,
    "socket.sendto": 1,
    "socket.getaddrinfo": 0,
    "socket.gethostbyname": 0,
    "urllib.Request": 0,
}
"""Events that Python audits; of those about a network, which argument is the address."""


def run_alone(
    module: str, folder: Path, environment: Mapping[str, str], *arguments: str
) -> dict[str, Any]:
    """Run a module of this room in a process of its own.

    Args:
        module: Its name without the package; it prints JSON in its last line.
        folder: Where it runs. Code in its `src` goes before the installed one.
        environment: Its variables, besides those for one thread and for the code in `folder`.
        arguments: What follows on the command line.

    Returns:
        What the module printed last.

    Raises:
        ProjectError: It failed; the message is the end of what it printed.
    """
    # First on the path, so that a copy of the code is what runs, and not what is installed.
    path = os.pathsep.join([str(folder / "src"), environment.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-m", f"{__package__}.{module}", *arguments],
        cwd=folder,
        env={**environment, **ONE_THREAD, "PYTHONPATH": path},
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


def bare_environment(folder: Path) -> dict[str, str]:
    """Return what Python and the libraries need of this process's environment, and no more.

    Args:
        folder: Gets a home and a folder for temporary files, to which libraries write.
    """
    environment = {name: os.environ[name] for name in VARIABLES if name in os.environ}
    for kind, names in WRITABLE.items():
        (folder / kind).mkdir()
        environment |= dict.fromkeys(names, str(folder / kind))
    return environment


class OutsideError(ProjectError, PermissionError):
    """Training reaches for more than its rows.

    A PermissionError too: a library that can do without a file goes on without it.
    """


def guard(folder: Path) -> None:
    """Refuse, for the rest of this process, files elsewhere, the network and other programs.

    This is against error, not malice: what a library opens or asks for without Python, as Polars
    does, is not seen, nor what other processes do that a library starts.

    Args:
        folder: Where training may read and write. It may also read what is installed, and what
            belongs to the system.
    """
    roots = [str(folder), *sys.path, *SYSTEM]
    for prefix in (sys.prefix, sys.base_prefix):
        roots += [os.path.join(prefix, name) for name in INSTALLED]
    # Of Windows.
    if "SYSTEMROOT" in os.environ:
        roots.append(os.environ["SYSTEMROOT"])
    _announce_parquet()
    sys.addaudithook(partial(_audit, tuple(_comparable(root) for root in roots)))


def _announce_parquet() -> None:
    """Let the reader of Parquet, also pandas', raise the event of `open`: it opens files itself."""
    # Imported only here: most commands need no table.
    from pyarrow import parquet

    read_table = parquet.read_table

    @wraps(read_table)
    def announced(source: Any, **settings: Any) -> Any:
        if isinstance(source, str | os.PathLike):
            sys.audit("open", source, "rb", os.O_RDONLY)
        return read_table(source, **settings)

    parquet.read_table = announced


def _comparable(path: str | bytes | os.PathLike[str]) -> str:
    """The path without links, ended so that /a is not the beginning of /ab."""
    return os.path.join(os.path.normcase(os.path.realpath(os.fsdecode(path))), "")


def _audit(roots: tuple[str, ...], event: str, arguments: tuple[Any, ...]) -> None:
    """Raise OutsideError for an event that training needs not; called before it happens."""
    if event in FILES:
        if path := _outside(roots, *arguments):
            raise OutsideError(
                f"training opens {path}, which is not among the training rows: a file that it "
                "needs belongs into the package"
            )
    elif event in ADDRESSES:
        address = arguments[ADDRESSES[event]]
        if isinstance(address, tuple):
            address = ":".join(str(part) for part in address[:2])
        elif event == "socket.connect":
            return  # a socket between processes of this machine
        raise OutsideError(f"training connects to {address}: its rows are all that it may use")
    elif event in PROGRAMS:
        raise OutsideError(f"training runs {arguments[0]}: its rows are all that it may use")


def _outside(roots: tuple[str, ...], path: Any, mode: Any = None, flags: int = 0) -> str:
    """The path if it is a file that is not below one of the roots, else an empty text."""
    # A number is a file that was opened before.
    if isinstance(path, int) or _comparable(path).startswith(roots):
        return ""
    # What does not exist tells nothing: many libraries look for settings that nobody made.
    if not flags & os.O_CREAT and not os.path.exists(path):
        return ""
    return os.fsdecode(path)
