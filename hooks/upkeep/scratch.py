"""A second work tree of the project's last commit, for as long as an update is tried."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterable, Iterator
from configparser import ConfigParser, Error
from contextlib import chdir, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from messages import RefusalError, report
from repository import Repository
from steps import Runner, Step, StepError

LOCAL_CONFIG = Path(".dvc", "config.local")
"""DVC's settings of one machine, which git ignores; it may hold credentials."""


@contextmanager
def worktree(repository: Repository) -> Iterator[Repository]:
    """Check out the project's last commit elsewhere, in the same repository.

    Args:
        repository: Of the project.

    Yields:
        The project there. Afterwards nothing is left of it, but for the objects of its commits.

    Raises:
        GitError: git refused.
        RefusalError: DVC's settings cannot be read.
    """
    with TemporaryDirectory(prefix="update-", ignore_cleanup_errors=True) as folder:
        top = Path(folder).resolve() / repository.top.name
        try:
            repository.git("worktree", "add", "--quiet", "--detach", str(top), "HEAD")
            scratch = Repository(top, top / repository.prefix)
            share_data(repository.place, scratch.place)
            yield scratch
        finally:
            # Not `git worktree remove`, which fails where adding was interrupted.
            with undisturbed():
                shutil.rmtree(top, ignore_errors=True)
                repository.git("worktree", "prune")


@contextmanager
def undisturbed() -> Iterator[None]:
    """Let no Ctrl-C stop what tidies up."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def run_there(scratch: Repository, steps: Iterable[Step]) -> bool:
    """Run steps in the second work tree, with an environment of its own.

    Args:
        scratch: The project there.
        steps: What to run, in order.

    Returns:
        Whether all of them ended well; if not, what failed was said.
    """
    runner = Runner()
    # An environment of the project's at a fixed path must stay as it is.
    runner.env.pop("UV_PROJECT_ENVIRONMENT", None)
    try:
        with chdir(scratch.place):
            for step in steps:
                runner.run(step)
    except StepError as error:
        report(runner.current, error)
        return False
    finally:
        runner.stop()
    return True


def share_data(place: Path, scratch: Path) -> None:
    """Let DVC find data and models in the cache and the remotes of the project.

    Args:
        place: The project's folder.
        scratch: That of the second work tree.

    Raises:
        RefusalError: DVC's settings cannot be read.
    """
    folder = place / ".dvc"
    settings = ConfigParser(interpolation=None, strict=False)
    try:
        settings.read([folder / "config", place / LOCAL_CONFIG], encoding="utf-8")
    except (Error, ValueError) as error:
        reason = " ".join(str(error).split())
        raise RefusalError(f"the settings in .dvc cannot be read: {reason}") from None
    # DVC takes a relative path from the folder of the settings, which is another one there.
    for name in settings.sections():
        url = settings.get(name, "url", fallback="")
        if url and "://" not in url:
            settings.set(name, "url", str(folder / Path(url).expanduser()))
    # What a stage made in the second tree is in the cache when the branch is merged.
    if not settings.has_section("cache"):
        settings.add_section("cache")
    cache = settings.get("cache", "dir", fallback="cache")
    settings.set("cache", "dir", str(folder / cache))
    (scratch / ".dvc").mkdir(exist_ok=True)
    with (scratch / LOCAL_CONFIG).open("w", encoding="utf-8") as file:
        settings.write(file)
