"""Run one step of a hook: show that it lives, keep its last lines, know what to advise."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO

PATIENCE = 2.0  # seconds after which a step shows that it lives

# The first pattern found in a failed command's last lines decides.
ADVICE = {
    r"no space left|disk quota|not enough space": (
        "the disk is full: free some space (`uv cache prune` may help)."
    ),
    r"permission denied|access is denied|read-only file system": (
        "see that you may write to the path named above, and that no program holds it open."
    ),
    r"failed to fetch|error sending request|timed out|connection (refused|reset)|"
    r"could not resolve|network (was disabled|is unreachable)|invalid peer certificate": (
        "the package index did not serve: check the network, HTTPS_PROXY and SSL_CERT_FILE, "
        "or name a mirror in UV_DEFAULT_INDEX."
    ),
    r"no interpreter found|failed to inspect python": (
        "no installed Python fits: install one, for instance with `uv python install`."
    ),
    r"no version of torch": (
        "on Linux the default index has torch with CUDA alone: name the folder or page that lists "
        "the CPU build in UV_FIND_LINKS, or its index in UV_INDEX."
    ),
    r"no wheels|no source distribution|source distribution or wheel|package registry|"
    r"failed to build|no solution": (
        "a package has no build for this Python and system: try another Python version, "
        "or an index that holds every version in tested-versions.txt."
    ),
    r"unexpected argument|unrecognized subcommand|unknown (option|switch)": (
        "the tool is too old: update it (uv with `uv self update`)."
    ),
}
OTHERWISE = "put right what the lines above name."

# They would lead the commands to another environment or repository.
MISLEADING = {"PYTHONDONTWRITEBYTECODE", "PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV"} | {
    f"GIT_{name}" for name in ("DIR", "WORK_TREE", "INDEX_FILE", "OBJECT_DIRECTORY", "COMMON_DIR")
}


@dataclass(frozen=True)
class Step:
    """Commands that run one after another under one name."""

    name: str
    what: str
    commands: list[list[str]]
    streams: bool = False  # prints its own lines


class StepError(Exception):
    """A command of a step ended with another status than 0."""

    def __init__(self, command: list[str], status: int, lines: list[str]) -> None:
        super().__init__(f"exit status {status} of `{shlex.join(command)}`")
        self.lines = lines


def advice(text: str) -> str:
    """Return what to do about a failed command, judged by what it printed."""
    return next((what for rule, what in ADVICE.items() if re.search(rule, text, re.I)), OTHERWISE)


def environment() -> dict[str, str]:
    """Return the variables for commands: none that misleads, no downloaded Python, no prompts."""
    kept = {name: value for name, value in os.environ.items() if name not in MISLEADING}
    return kept | {"UV_PYTHON_DOWNLOADS": "never", "GIT_TERMINAL_PROMPT": "0"}


def located(command: Sequence[str]) -> list[str]:
    """Return a command with its program's full path; else Windows would not find a uv.cmd."""
    return [shutil.which(command[0]) or command[0], *command[1:]]


def ask(env: dict[str, str], *command: str) -> tuple[int, str]:
    """Run a short command; return its status and its output, or its errors if it failed."""
    done = subprocess.run(
        located(command),
        env=env | {"LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="surrogateescape",
        check=False,
    )
    return done.returncode, (done.stderr if done.returncode else done.stdout).rstrip("\n")


def drain(stream: IO[str] | None, lines: deque[str]) -> None:
    """Read a pipe to its end, if there is one."""
    if stream:
        with stream:
            lines.extend(stream)


def say(text: str, end: str = "\n") -> None:
    """Print a line; on a terminal it takes the place of a live one."""
    if sys.stdout.isatty():
        width = shutil.get_terminal_size().columns - 1
        text = "\r" + (text if end else text[:width]).ljust(width)
    print(text, end=end, flush=True)


def mark(*, good: bool) -> str:
    """Return a sign that the output's encoding can show."""
    sign, plain = ("✓", "ok") if good else ("✗", "FAIL")
    try:
        sign.encode(sys.stdout.encoding)
    except UnicodeEncodeError:
        return plain
    return sign


class Runner:
    """Runs steps in turn; knows the seconds each took and which one is running."""

    def __init__(self) -> None:
        self.env = environment()
        self.seconds: dict[str, float] = {}
        self.current = "the machine checks"
        self.child: subprocess.Popen[str] | None = None

    def run(self, step: Step) -> None:
        """Run a step and print its line. Raises StepError, with its last lines, if it fails."""
        self.current = step.name
        started = time.monotonic()
        if step.streams:
            say(f"...  {step.name:<12} {step.what}")
        try:
            for command in step.commands:
                self._call(step, command, started)
        except StepError:
            self._done(step, started, good=False)
            raise
        self._done(step, started, good=True)

    def _done(self, step: Step, started: float, *, good: bool) -> None:
        seconds = self.seconds[step.name] = time.monotonic() - started
        say(f"{mark(good=good):<4} {step.name:<12} {step.what:<44} {seconds:6.1f} s")

    def _call(self, step: Step, command: list[str], started: float) -> None:
        self.child = child = subprocess.Popen(
            located(command),
            env=self.env,
            stdin=subprocess.DEVNULL,  # nothing may wait for an answer
            stdout=None if step.streams else subprocess.PIPE,
            stderr=None if step.streams else subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        )
        lines: deque[str] = deque(maxlen=100)
        reader = threading.Thread(target=drain, args=(child.stdout, lines), daemon=True)
        reader.start()
        show_at = float("inf") if step.streams else PATIENCE
        while child.poll() is None:  # wait() would hold Ctrl-C back
            time.sleep(0.02)
            elapsed = time.monotonic() - started
            if elapsed > show_at:
                live = sys.stdout.isatty()
                clock = f"{elapsed:6.0f} s" if live else ""
                say(f"...  {step.name:<12} {step.what:<44} {clock}", end="" if live else "\n")
                show_at = elapsed + 1 if live else float("inf")
        reader.join(1)  # a grandchild may still hold the pipe
        if child.returncode:
            raise StepError(command, child.returncode, [line.rstrip() for line in lines.copy()])

    def stop(self) -> None:
        """End the running command. Ctrl-C has reached it too, so it may first end by itself."""
        child = self.child
        if child is None:
            return
        for push in (child.poll, child.terminate, child.kill):
            push()
            with suppress(subprocess.TimeoutExpired):
                child.wait(0.08)  # Copier kills this process 0.25 s after Ctrl-C
                return
