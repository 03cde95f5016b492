"""Run one step of a hook: show that it is alive, keep its last lines, know what to advise."""

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

PATIENCE = 2.0
"""Seconds after which a step shows that it is alive."""

N_LAST_LINES = 100
"""Lines of a command's output that are kept for the advice."""

NEVER = float("inf")

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
"""What to do about a failed command: the first pattern found in its last lines decides."""

OTHERWISE = "fix what the lines above report."

MISLEADING = {
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONHOME",
    "PYTHONPATH",
    "VIRTUAL_ENV",
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_COMMON_DIR",
}
"""Variables that would lead the commands to another environment or repository."""


@dataclass(frozen=True)
class Step:
    """Commands that run in order under one name.

    Attributes:
        name: One word.
        description: What the step does.
        commands: Each a program and its arguments.
        streams: Whether the commands print their own lines as they go.
    """

    name: str
    description: str
    commands: list[list[str]]
    streams: bool = False


class StepError(Exception):
    """A command of a step ended with another status than 0."""

    def __init__(self, command: list[str], status: int, lines: list[str]) -> None:
        """Keep the command's last lines beside the message.

        Args:
            command: What was run.
            status: Its exit status.
            lines: The last lines of its output.
        """
        super().__init__(f"exit status {status} of `{shlex.join(command)}`")
        self.lines = lines


def advice(text: str) -> str:
    """Return what to do about a failed command, judged by what it printed."""
    for pattern, what_to_do in ADVICE.items():
        if re.search(pattern, text, re.IGNORECASE):
            return what_to_do
    return OTHERWISE


def environment() -> dict[str, str]:
    """Return the variables for commands: none that misleads, no downloaded Python, no prompts."""
    env = {name: value for name, value in os.environ.items() if name not in MISLEADING}
    env["UV_PYTHON_DOWNLOADS"] = "never"
    env["GIT_TERMINAL_PROMPT"] = "0"
    return env


def locate(command: Sequence[str]) -> list[str]:
    """Return a command with its program's full path; else Windows would not find a uv.cmd."""
    program, *arguments = command
    # A program that is not there is reported when it is started.
    return [shutil.which(program) or program, *arguments]


def ask(env: dict[str, str], *command: str) -> tuple[int, str]:
    """Run a short command.

    Args:
        env: Its variables; its messages are always in English, since they are searched.
        command: The program and its arguments.

    Returns:
        The exit status, and the output, or the errors if the command failed.
    """
    done = subprocess.run(
        locate(command),
        env=env | {"LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        # A file's name may hold bytes that are not UTF-8, and comes back as it was.
        errors="surrogateescape",
        check=False,
    )
    answer = done.stderr if done.returncode else done.stdout
    return done.returncode, answer.rstrip("\n")


def drain(stream: IO[str] | None, lines: deque[str]) -> None:
    """Read a pipe to its end, if there is one."""
    if stream:
        with stream:
            lines.extend(stream)


def say(text: str, end: str = "\n") -> None:
    """Print a line; on a terminal it takes the place of a live one.

    Args:
        text: The line.
        end: What follows it; "" makes the line a live one, which the next one replaces.
    """
    if sys.stdout.isatty():
        width = shutil.get_terminal_size().columns - 1
        # A live line must not wrap, since only its last row could be replaced.
        if not end:
            text = text[:width]
        text = "\r" + text.ljust(width)
    print(text, end=end, flush=True)


def mark(*, good: bool) -> str:
    """Return a sign that the output's encoding can show."""
    sign = "✓" if good else "✗"
    try:
        sign.encode(sys.stdout.encoding)
    except UnicodeEncodeError:
        return "ok" if good else "FAIL"
    return sign


class Runner:
    """Runs steps in order; knows the seconds each took and which one is running."""

    def __init__(self) -> None:
        """Start with nothing run."""
        self.env = environment()
        self.seconds: dict[str, float] = {}
        self.current = "the machine checks"
        self.child: subprocess.Popen[str] | None = None

    def run(self, step: Step) -> None:
        """Run a step and print its line.

        Args:
            step: What to run; its first command that fails ends it.

        Raises:
            StepError: A command failed; it holds the last lines.
        """
        self.current = step.name
        started = time.monotonic()
        if step.streams:
            say(f"...  {step.name:<12} {step.description}")
        try:
            for command in step.commands:
                self._run_command(step, command, started)
        except StepError:
            self._print_result(step, started, good=False)
            raise
        self._print_result(step, started, good=True)

    def stop(self) -> None:
        """End the running command. Ctrl-C has reached it too, so it may first end by itself."""
        child = self.child
        if child is None:
            return
        for push in (child.poll, child.terminate, child.kill):
            push()
            with suppress(subprocess.TimeoutExpired):
                # Two short waits: Copier kills this process 0.25 s after Ctrl-C.
                child.wait(0.08)
                return

    def _print_result(self, step: Step, started: float, *, good: bool) -> None:
        seconds = time.monotonic() - started
        self.seconds[step.name] = seconds
        say(f"{mark(good=good):<4} {step.name:<12} {step.description:<44} {seconds:6.1f} s")

    def _run_command(self, step: Step, command: list[str], started: float) -> None:
        output = None if step.streams else subprocess.PIPE
        errors = None if step.streams else subprocess.STDOUT
        child = subprocess.Popen(
            locate(command),
            env=self.env,
            # Nothing may wait for an answer that nobody can give.
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            encoding="utf-8",
            errors="replace",
        )
        self.child = child
        lines: deque[str] = deque(maxlen=N_LAST_LINES)
        # In a thread, since a full pipe would stop the command while this process shows seconds.
        reader = threading.Thread(target=drain, args=(child.stdout, lines), daemon=True)
        reader.start()
        self._wait(child, step, started)
        # Not for ever: a grandchild may still hold the pipe.
        reader.join(1)
        if child.returncode:
            # A copy, since that grandchild may still write.
            last_lines = [line.rstrip() for line in lines.copy()]
            raise StepError(command, child.returncode, last_lines)

    def _wait(self, child: subprocess.Popen[str], step: Step, started: float) -> None:
        """Wait for the command, and show that it is alive: each second, or once in a log."""
        on_terminal = sys.stdout.isatty()
        show_at = NEVER if step.streams else PATIENCE
        # Not child.wait(), which would hold Ctrl-C back.
        while child.poll() is None:
            time.sleep(0.02)
            elapsed = time.monotonic() - started
            if elapsed <= show_at:
                continue
            line = f"...  {step.name:<12} {step.description:<44} "
            if on_terminal:
                say(f"{line}{elapsed:6.0f} s", end="")
                show_at = elapsed + 1
            else:
                say(line)
                show_at = NEVER
