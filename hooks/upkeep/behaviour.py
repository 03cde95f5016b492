"""`make behaviour`: what a later version does otherwise, tried beside the project and turned on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml
from guard import stored_answers
from messages import RefusalError
from packaging.version import InvalidVersion, Version
from parsing import problem
from repository import Repository
from steps import Step, say

from upkeep.migrate import require_committed
from upkeep.scratch import run_there, worktree

FILE = "params.yaml"

IN_A_LINE = r"(?m)^behaviours:[ \t]*(\[[^\]\n]*\])?(?=[ \t]*(#|\r?$))"
"""The list that is there already, without what follows it: a comment, the end of a line."""

OLDEST = "0.1.0"
"""The version whose behaviours a project has that names none, as `mlops/bounds.py` has it."""


@dataclass(frozen=True)
class Behaviour:
    """Something that a later version does otherwise.

    Attributes:
        name: What params.yaml calls it.
        since: The version from which new projects have it.
        changes: What is done otherwise.
        moves: The figures that it may move.
    """

    name: str
    since: str
    changes: str
    moves: str


BEHAVIOURS = (
    Behaviour(
        "stratified-groups",
        "0.2.0",
        "where data.group or repeating ids keep rows together, groups are drawn for the test set "
        "so that each class has its share, and a rare one is not missed",
        "which rows are held out, and with that every score",
    ),
)
"""All of them, the oldest first."""


def behaviour(repository: Repository, name: str) -> int:
    """List what could be turned on, or try one out and turn it on.

    Args:
        repository: Of the project.
        name: A behaviour; empty lists them.

    Returns:
        The exit status: 0, or 1 if the pipeline fails with it, and nothing was written.

    Raises:
        RefusalError: There is no such behaviour, it is on, or params.yaml is not committed.
        GitError: git refused.
    """
    off = turned_off(repository.place)
    if not name:
        for line in listing(off):
            say(line)
        return 0
    wanted = choose(name, off)
    # What is tried is the last commit, and what is written must be easy to take back.
    require_committed(repository, FILE)
    say(f"{wanted.name}: {wanted.changes}. It may move {wanted.moves}.")
    with worktree(repository) as scratch:
        turn_on(scratch.place, wanted)
        head = repository.git("rev-parse", "--short", "HEAD").decode().strip()
        if not rehearse(scratch, head):
            say("\nNothing was changed.")
            return 1
    turn_on(repository.place, wanted)
    say(
        f"\n{FILE} has {wanted.name} now. Next, if the figures are what you want:\n"
        "  make pipeline\n  git add --all && git commit\n"
        f"If not: git checkout -- {FILE}"
    )
    return 0


def turned_off(place: Path) -> list[Behaviour]:
    """Return the behaviours that a project does not have.

    Args:
        place: The project's folder.

    Raises:
        RefusalError: params.yaml cannot be read.
    """
    settings = read(place)
    version = str(settings.get("defaults", OLDEST))
    try:
        defaults = Version(version)
    except InvalidVersion:
        raise RefusalError(f"{FILE}: defaults: {version} is no version, as 0.2.0 is") from None
    on = settings.get("behaviours") or []
    return [one for one in BEHAVIOURS if Version(one.since) > defaults and one.name not in on]


def read(place: Path) -> dict[str, Any]:
    """Return what params.yaml holds.

    Args:
        place: The project's folder.

    Raises:
        RefusalError: It is not there, or no section of settings.
    """
    path = place / FILE
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RefusalError(f"{FILE} cannot be read: {error.strerror}") from None
    reason = problem(FILE, content)
    settings = None if reason else yaml.safe_load(content)
    if not isinstance(settings, dict):
        raise RefusalError(f"{FILE} cannot be read: {reason or 'it holds no settings'}")
    return settings


def listing(off: list[Behaviour]) -> Iterator[str]:
    """Say what could be turned on.

    Args:
        off: The behaviours that the project does not have.

    Yields:
        Lines.
    """
    if not off:
        yield "The project has every behaviour of the newest version."
        return
    for one in off:
        yield f"{one.name}, since {one.since}: {one.changes}. It may move {one.moves}."
    yield "\nNext: make behaviour NAME=<name> tries one beside the project, and turns it on."


def choose(name: str, off: list[Behaviour]) -> Behaviour:
    """Return the behaviour that a person named.

    Args:
        name: What was typed.
        off: Those that could be turned on.

    Raises:
        RefusalError: There is none of that name, or the project has it.
    """
    known = {one.name: one for one in BEHAVIOURS}
    if name not in known:
        near = get_close_matches(name, known, 1)
        meant = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
        raise RefusalError(f"there is no behaviour {name}: {meant}")
    if known[name] not in off:
        raise RefusalError(f"the project has {name} already")
    return known[name]


def turn_on(place: Path, wanted: Behaviour) -> None:
    """Write one line of params.yaml: everything else in it stays as it is.

    Args:
        place: A project's folder.
        wanted: The behaviour.

    Raises:
        RefusalError: The list there has a form that no program can add to; nothing was written.
    """
    path = place / FILE
    before = path.read_bytes().decode("utf-8")
    names = [*(read(place).get("behaviours") or []), wanted.name]
    line = f"behaviours: [{', '.join(names)}]"
    after, n_replaced = re.subn(IN_A_LINE, line, before)
    # There was none: a new line comes last.
    if not n_replaced:
        after = before if before.endswith("\n") else f"{before}\n"
        after += f"{line}\n"
    path.write_bytes(after.encode("utf-8"))
    if problem(FILE, after.encode("utf-8")) or read(place)["behaviours"] != names:
        path.write_bytes(before.encode("utf-8"))
        raise RefusalError(f"{FILE}: write it yourself, as in `{line}`: the list has another form")


def rehearse(scratch: Repository, head: str) -> bool:
    """Run the pipeline in a second work tree, and compare its model with that of the commit.

    Args:
        scratch: The project there, with the behaviour turned on.
        head: The commit without it.

    Returns:
        Whether all of it ran; if not, what failed was said.
    """
    slug = str(stored_answers(scratch.place)["package_name"]).replace("_", "-")
    run = ["uv", "run", "--no-sync", slug]
    steps = (
        Step("environment", "brings the packages into .venv", [["uv", "sync", "--quiet"]]),
        Step("data", "brings the data", [[*run, "data"]]),
        Step("pipeline", "runs what changes", [["uv", "run", "--no-sync", "dvc", "repro"]]),
        Step("compare", "scores both models", [[*run, "compare", "--with", head]], streams=True),
    )
    return run_there(scratch, steps)
