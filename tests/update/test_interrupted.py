"""Whatever stops an update, at any step: git brings back what was, and the message says how."""

from __future__ import annotations

import errno
import io
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import copier
import merge
import pytest
import support
import trees
import update
from histories.oracle import files_of
from histories.play import STARTER, Lab, engine, open_lab, run_copier
from histories.versions import FIRST, NAMES
from repository import Repository

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="each step is one forked process")

NEWEST = NAMES[-1]
RESTORE = "`git reset --hard && git clean --force -d` gives the update up."
UPDATED = 0


@pytest.fixture(scope="module")
def lab(template: Path) -> Iterator[Lab]:
    """The versions, each rendered once."""
    with open_lab(template) as lab, engine(lab.template, *lab.at(NEWEST)):
        yield lab


@pytest.fixture(scope="module")
def edited(lab: Lab) -> Path:
    """A project of the first version with something of its own everywhere."""
    place = shutil.copytree(lab.start(FIRST, STARTER), lab.folder / "edited")
    for name in ("Makefile", "README.md", "src/churn_radar/model.py", ".dvcignore"):
        path = place / name
        path.write_text(f"{path.read_text('utf-8')}\n# of the team\n", "utf-8")
    (place / "docker/train.Dockerfile").unlink()
    support.commit(place, "Months of work")
    return place


@pytest.fixture(scope="module")
def halfway(lab: Lab, edited: Path) -> Path:
    """The project after Copier's own update, where our merge begins."""
    place = shutil.copytree(edited, lab.folder / "halfway", symlinks=True)
    run_copier(place, NEWEST)
    return place


def kill() -> None:
    """End this process at once."""
    os.kill(os.getpid(), signal.SIGKILL)


def interrupt() -> None:
    """Do what Ctrl-C does."""
    os.kill(os.getpid(), signal.SIGINT)


def fill_the_disk() -> None:
    """Do what a write does for which there is no room."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class Steps:
    """Counts what an update does to files and repository, and acts before one step."""

    def __init__(self, last: int, act: Callable[[], None]) -> None:
        self.count = 0
        self.last = last
        self.act = act

    def watch(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Count the calls of a function."""

        def call(*arguments: Any, **options: Any) -> Any:
            # Of the files that are written beside git, those of the project count.
            if not isinstance(arguments[0], Path) or arguments[0].is_relative_to(Path.cwd()):
                self.count += 1
                if self.count == self.last:
                    self.act()
            return function(*arguments, **options)

        return call

    def patch(self, patch: pytest.MonkeyPatch) -> None:
        """Watch git, and what is written beside it."""
        patch.setattr(Repository, "git", self.watch(Repository.git))
        patch.setattr(Path, "write_bytes", self.watch(Path.write_bytes))
        patch.setattr(Path, "unlink", self.watch(Path.unlink))
        patch.setattr(merge, "rendered", self.watch(trees.rendered))
        patch.setattr(trees, "tree_of", self.watch(trees.tree_of))


def stopped(place: Path, stage: str, last: int, act: Callable[[], None]) -> tuple[int, str]:
    """Run a stage of the update in a process of its own, and act before one of its steps.

    Returns:
        The status with which the process ended, negative for a signal, and what it printed.
    """
    printed = place.with_name("printed")
    child = os.fork()
    if child == 0:
        steps = Steps(last, act)
        with printed.open("w", encoding="utf-8") as file, pytest.MonkeyPatch.context() as patch:
            os.chdir(place)
            steps.patch(patch)
            with redirect_stderr(file), redirect_stdout(file):
                status = update.main([stage, "{}"])
        os._exit(status)
    _, ended = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(ended), printed.read_text("utf-8")


def n_steps(place: Path, stage: str) -> int:
    """Return how many steps a stage has."""
    steps = Steps(-1, kill)
    with (
        pytest.MonkeyPatch.context() as patch,
        redirect_stderr(io.StringIO()),
        redirect_stdout(io.StringIO()),
    ):
        patch.chdir(place)
        steps.patch(patch)
        update.main([stage, "{}"])
    return steps.count


def restored(place: Path) -> dict[str, tuple[str, bytes]]:
    """Give the update up, and return the files."""
    support.git(place, "reset", "--quiet", "--hard")
    support.git(place, "clean", "--quiet", "--force", "-d")
    return files_of(place)


@pytest.mark.parametrize(
    ("act", "status", "said", "stride"),
    [
        (kill, -signal.SIGKILL, "", 1),
        # These two are one handler; what they find on the disk is what the first has gone through.
        (interrupt, 130, f"Stopped. The update is not merged. {RESTORE}", 4),
        (fill_the_disk, 1, f"No space left on device\nThe update is not merged. {RESTORE}", 4),
    ],
    ids=["kill", "interrupt", "full disk"],
)
def test_a_merge_that_is_stopped_can_be_given_up(
    lab: Lab,
    edited: Path,
    halfway: Path,
    act: Callable[[], None],
    status: int,
    said: str,
    stride: int,
) -> None:
    before = files_of(edited)
    counted = shutil.copytree(halfway, lab.folder / "counted", symlinks=True, dirs_exist_ok=True)
    n_all = n_steps(counted, "after")
    assert n_all > 20
    for last in range(1, n_all + 1, stride):
        place = lab.folder / "stopped"
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(halfway, place, symlinks=True)
        ended, printed = stopped(place, "after", last, act)
        assert ended == status, (last, printed)
        assert said in printed
        assert "Traceback" not in printed
        assert restored(place) == before, last
    # One step later, it is an update.
    ended, printed = stopped(counted, "after", n_all + 100, act)
    assert ended == UPDATED, printed


def test_the_way_back_is_said_before_copier_writes(edited: Path, halfway: Path) -> None:
    ended, printed = stopped(edited, "before", -1, kill)
    assert (ended, printed) == (0, f"Should the update stop halfway: {RESTORE}\n")
    place = shutil.copytree(halfway, halfway.with_name("given-up"), symlinks=True)
    assert restored(place) == files_of(edited)


@pytest.mark.parametrize(
    ("act", "status", "said"),
    [(interrupt, 130, "Stopped. "), (fill_the_disk, 1, "No space left on device\n")],
)
def test_a_guard_that_is_stopped_has_changed_nothing(
    edited: Path, act: Callable[[], None], status: int, said: str
) -> None:
    before = files_of(edited)
    for last in range(1, n_steps(edited, "before") + 1):
        ended, printed = stopped(edited, "before", last, act)
        assert ended == status
        assert f"{said}Nothing was changed." in printed
    assert files_of(edited) == before


def test_nothing_is_asked_without_a_terminal(
    lab: Lab, edited: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new version asks something new, and nobody said `--defaults`."""
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    before = files_of(edited)
    with pytest.raises(copier.errors.InteractiveSessionError):
        copier.run_update(edited, vcs_ref=NEWEST, overwrite=True, quiet=True, unsafe=True)
    assert files_of(edited) == before
