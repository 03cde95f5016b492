"""What the template does for a project that it made: it is fetched, and its hooks are run.

How a project is fitted to a table, and how it is updated, is what the generator knows, so that a
project does not carry it. `hooks/wire` comes in the version that made the project, `hooks/upkeep`
in the newest, which knows what came later.
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
from typing import Annotated, NoReturn

import typer
import yaml

from .config import find_root
from .errors import ProjectError

ANSWERS = ".copier-answers.yml"
WIRE = Path("hooks", "wire")
"""Where the template keeps what wires a project."""

UPKEEP = Path("hooks", "upkeep")
"""Where it keeps what looks after a project."""

IN_PROJECT = ("--no-sync",)
ALONE = ("--isolated", "--no-project", "--python=>=3.11")
"""Options of `uv run`: a hook runs in the project's environment, or needs none of it."""

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
    data = _enter_project(data)
    with template(Path.cwd(), source) as folder:
        arguments = [*(options or []), f"--target={target}", "--", data]
        raise typer.Exit(run_hook(folder / WIRE, arguments, IN_PROJECT))


def update(
    version: Annotated[str, typer.Option(help="The version; empty means the newest.")] = "",
    preview: Annotated[bool, typer.Option(help="Say what would change, and no more.")] = False,
) -> None:
    """Merge what is new in the template in a second work tree, and hand over a branch."""
    arguments = ["update", f"--version={version}"]
    if preview:
        arguments.append("--preview")
    _look_after(arguments)


def doctor(
    json: Annotated[bool, typer.Option("--json", help="For a machine.")] = False,
) -> None:
    """Say how far behind the project is, what is wrong, and what is to do; change nothing."""
    _look_after(["doctor", "--json"] if json else ["doctor"])


def template_diff() -> None:
    """Show what was edited in files of the template's, and in shared ones."""
    _look_after(["template-diff"])


def own(file: Annotated[str, typer.Argument(help="A file of the template's.")]) -> None:
    """Record a file as the team's, so that no update touches it."""
    _look_after(["own", "--", _enter_project(file)])


def disown(file: Annotated[str, typer.Argument(help="A file that was recorded.")]) -> None:
    """Give a file back to the template, and merge what came meanwhile."""
    _look_after(["disown", "--", _enter_project(file)])


def migrate(
    apply: Annotated[str, typer.Option(help="The migration to write, or all.")] = "",
    commit: Annotated[bool, typer.Option(help="Make a commit of each.")] = False,
) -> None:
    """List what releases ask for in your own files, or write it."""
    arguments = ["migrate", f"--apply={apply}"]
    if commit:
        arguments.append("--commit")
    _look_after(arguments)


def behaviour(
    name: Annotated[str, typer.Option(help="One to try, and to turn on.")] = "",
) -> None:
    """List what later versions do otherwise, or try one beside the project and turn it on."""
    _look_after(["behaviour", f"--name={name}"])


def _enter_project(path: str) -> str:
    """Enter the project's folder, and return the path of a file as it is from there."""
    root = find_root(Path.cwd())
    if root == Path.cwd():
        return path
    whole = str(Path(path).expanduser().absolute())
    os.chdir(root)
    return whole


def _look_after(arguments: Sequence[str]) -> NoReturn:
    """Run the newest `hooks/upkeep`, and end as it does."""
    with template(Path.cwd(), hook=UPKEEP) as folder:
        raise typer.Exit(run_hook(folder / UPKEEP, arguments, ALONE))


@contextmanager
def template(root: Path, source: str = "", hook: Path = WIRE) -> Iterator[Path]:
    """Provide the template, in the version that the answers file records.

    Args:
        root: The project's folder.
        source: A folder that holds the template, which is used as it is, or an address to clone.
            Empty means the address that the answers file records.
        hook: What is needed of it; `UPKEEP` comes in the version of the newest release.

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
    if (source or not version) and address and (folder / hook).is_dir():
        yield folder
        return
    if not address:
        raise ProjectError(f"{ANSWERS} records no template: {_remedy(hook)}")
    if not source and _is_relative(address):
        raise ProjectError(
            f"{ANSWERS} records the template as {address!r}, a path from the folder in which the "
            f"project was made: {_remedy(hook)}"
        )
    with TemporaryDirectory(prefix="template-", ignore_cleanup_errors=True) as clone:
        _clone(address, version, Path(clone), hook)
        yield Path(clone)


def run_hook(folder: Path, arguments: Sequence[str], options: Sequence[str]) -> int:
    """Run a hook of the template and wait for its end.

    Args:
        folder: The hook, with the requirements that it has beside those of its environment.
        arguments: What it takes.
        options: Those of `uv run`: `IN_PROJECT` or `ALONE`.

    Returns:
        Its exit status; it has printed why it is not 0.

    Raises:
        ProjectError: uv is missing, or the packages that the hook needs.
    """
    requirements = folder / "requirements.txt"
    overlay = ["uv", "run", *options, "--with-requirements", str(requirements), "python"]
    try:
        ready = subprocess.run([*overlay, "-c", ""], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise ProjectError("uv is not on PATH: install it, or run it by `make`") from None
    if ready.returncode:
        raise ProjectError(
            f"the packages in hooks/{folder.name}/requirements.txt of the template cannot be had: "
            f"{_reason(ready.stderr)}"
        )
    with (
        subprocess.Popen([*overlay, str(folder), *arguments]) as running,
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


def _clone(address: str, version: str, clone: Path, hook: Path) -> None:
    """Clone the template into an empty folder and check out the version that the hook comes in."""
    if not re.fullmatch(VERSION, version):
        raise ProjectError(f"{ANSWERS} records no version of the template: {_remedy(hook)}")
    _git(address, hook, "clone", "--quiet", "--no-checkout", "--", expand(address), str(clone))
    # The version of the project may be older than what looks after it.
    if hook == UPKEEP:
        version = _newest(clone)
    _git(address, hook, "-C", str(clone), "checkout", "--quiet", "--detach", version, "--")
    if not (clone / hook).is_dir():
        raise ProjectError(
            f"the template at {address} has no {hook.as_posix()} in version {version}: "
            f"{_remedy(hook)}"
        )


def _newest(clone: Path) -> str:
    """The newest release on the default branch; a template without one has its last commit."""
    describe = ["git", "-C", str(clone), "describe", "--tags", "--abbrev=0"]
    done = subprocess.run(describe, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "HEAD"


def _git(address: str, hook: Path, *command: str) -> None:
    if shutil.which("git") is None:
        raise ProjectError("git is not on PATH: install it from your system's packages")
    done = subprocess.run(["git", *command], capture_output=True, text=True, check=False)
    if done.returncode:
        raise ProjectError(
            f"the template at {address} cannot be had ({_reason(done.stderr)}): {_remedy(hook)}"
        )


def _remedy(hook: Path) -> str:
    if hook == UPKEEP:
        return f"write an address that has it after `_src_path:` in {ANSWERS}, and commit that"
    return "run it with SOURCE=, a folder or an address that has the template"


def _reason(output: str) -> str:
    """Return the line in which git or uv says what is wrong; advice may follow it."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    for mark in ("cause: ", "fatal: ", "error: "):
        for line in lines:
            if line.startswith(mark):
                return line.removeprefix(mark)
    return lines[-1] if lines else "no reason was given"
