"""Fit the project to a team's own data: the template does it, in the version that made the project.

How a project is made of a table is what the generator knows, so a project does not carry it. It
fetches the template as `make update` does, and runs `hooks/wire` from there in its own environment.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Annotated

import typer
import yaml

from .config import find_root
from .errors import ProjectError

ANSWERS = ".copier-answers.yml"
WIRE = Path("hooks", "wire")
"""Where the template keeps what wires a project."""

ABBREVIATIONS = {"gh:": "https://github.com/", "gl:": "https://gitlab.com/"}
"""What Copier takes for the address of a template."""

VERSION = r"[A-Za-z0-9][\w./+-]*"
"""A tag, a branch or a commit; nothing that git could take for an option."""


def wire(
    data: Annotated[str, typer.Argument(help="A file, or a folder of files of one shape.")],
    target: Annotated[str, typer.Argument(help="The column to predict.")],
    options: Annotated[
        list[str] | None, typer.Argument(help="What hooks/wire of the template takes, after `--`.")
    ] = None,
    source: Annotated[
        str, typer.Option(help="The template, if not where the project came from.")
    ] = "",
) -> None:
    """Fit the project to your own data with the template that it was made from."""
    if not data or not target:
        raise ProjectError("say what to wire: make wire DATA=customers.csv TARGET=churned")
    root = find_root(Path.cwd())
    if root != Path.cwd():
        data = str(Path(data).expanduser().absolute())
        os.chdir(root)
    with template(root, source) as folder:
        arguments = [*(options or []), f"--target={target}", "--", data]
        raise typer.Exit(run_wire(folder, arguments))


@contextmanager
def template(root: Path, source: str = "") -> Iterator[Path]:
    """Provide the template, in the version that the answers file records.

    Args:
        root: The project's folder.
        source: A folder that holds the template, which is used as it is, or an address to clone.
            Empty means the address that the answers file records.

    Yields:
        The template's folder, which may be gone afterwards.

    Raises:
        ProjectError: The template, or that version of it, cannot be had.
    """
    answers = _answers(root)
    version = answers.get("_commit", "")
    address = source or answers.get("_src_path", "")
    folder = Path(address).expanduser()
    # A template without a version is a folder outside git, of which there is one state.
    if (source or not version) and address and (folder / WIRE).is_dir():
        yield folder
        return
    if not address:
        raise ProjectError(f"{ANSWERS} records no template: name it, with {_remedy()}")
    if not source and _is_relative(address):
        raise ProjectError(
            f"{ANSWERS} records the template as {address!r}, a path from the folder in which the "
            f"project was made: run it with {_remedy()}"
        )
    with TemporaryDirectory(prefix="template-", ignore_cleanup_errors=True) as clone:
        _clone(address, version, Path(clone))
        yield Path(clone)


def run_wire(folder: Path, arguments: Sequence[str]) -> int:
    """Run the template's `hooks/wire` in the project's environment and wait for its end.

    Args:
        folder: The template.
        arguments: What `hooks/wire` takes.

    Returns:
        Its exit status; it has printed why it is not 0.

    Raises:
        ProjectError: uv is missing, or the packages that wiring needs beside the project's.
    """
    requirements = folder / WIRE / "requirements.txt"
    overlay = ["uv", "run", "--no-sync", "--with-requirements", str(requirements), "python"]
    try:
        ready = subprocess.run([*overlay, "-c", ""], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise ProjectError("uv is not on PATH: install it, or run `make wire`") from None
    if ready.returncode:
        raise ProjectError(
            f"the packages in {WIRE.as_posix()}/requirements.txt of the template cannot be had: "
            f"{_reason(ready.stderr)}"
        )
    with (
        subprocess.Popen([*overlay, str(folder / WIRE), *arguments]) as running,
        _forwarding_to(running),
    ):
        while True:
            try:
                return running.wait()
            except KeyboardInterrupt:
                # Ctrl-C reached the command too, which puts everything back before it ends.
                continue


@contextmanager
def _forwarding_to(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Pass on what would end this process, so that the other one can put everything back."""

    def forward(number: int, frame: FrameType | None) -> None:
        process.send_signal(number)

    before = {}
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        # What is ignored stays so: nohup ignores SIGHUP on purpose.
        if number is not None and signal.getsignal(number) != signal.SIG_IGN:
            before[number] = signal.signal(number, forward)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def expand(address: str) -> str:
    """Return the address of a template as git takes it.

    Args:
        address: What Copier was given: a folder, an address, or an abbreviation such as
            `gh:owner/name`.
    """
    for abbreviation, host in ABBREVIATIONS.items():
        if address.startswith(abbreviation):
            name = address.removeprefix(abbreviation).removeprefix("/")
            return f"{host}{name.removesuffix('.git')}.git"
    if address.startswith("~"):
        return str(Path(address).expanduser())
    return address.removeprefix("git+")


def _is_relative(address: str) -> bool:
    """Whether an address is a path that leads elsewhere from another folder."""
    # All others have a colon: https:, git@host:, gh:, and a drive on Windows.
    return ":" not in address and not Path(address).expanduser().is_absolute()


def _answers(root: Path) -> dict[str, str]:
    """Return what Copier recorded, as text."""
    try:
        found = yaml.safe_load((root / ANSWERS).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ProjectError(f"{ANSWERS} is not YAML: {error}") from None
    if not isinstance(found, dict):
        return {}
    return {str(name): str(value) for name, value in found.items() if value is not None}


def _clone(address: str, version: str, clone: Path) -> None:
    """Clone the template into an empty folder and check out a version of it."""
    if not re.fullmatch(VERSION, version):
        raise ProjectError(f"{ANSWERS} records no version of the template: run it with {_remedy()}")
    _git(address, "clone", "--quiet", "--no-checkout", "--", expand(address), str(clone))
    _git(address, "-C", str(clone), "checkout", "--quiet", "--detach", version, "--")
    if not (clone / WIRE).is_dir():
        raise ProjectError(
            f"the template at {address} has no {WIRE.as_posix()} in version {version}: "
            f"run it with {_remedy()}"
        )


def _git(address: str, *command: str) -> None:
    if shutil.which("git") is None:
        raise ProjectError("git is not on PATH: install it from your system's packages")
    done = subprocess.run(["git", *command], capture_output=True, text=True, check=False)
    if done.returncode:
        raise ProjectError(
            f"the template at {address} cannot be had ({_reason(done.stderr)}): "
            f"run it with {_remedy()}"
        )


def _remedy() -> str:
    return "SOURCE=, a folder or an address that has the template"


def _reason(output: str) -> str:
    """Return the line in which git or uv says what is wrong; advice may follow it."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    for mark in ("cause: ", "fatal: ", "error: "):
        for line in lines:
            if line.startswith(mark):
                return line.removeprefix(mark)
    return lines[-1] if lines else "no reason was given"


COMMANDS = (wire,)
