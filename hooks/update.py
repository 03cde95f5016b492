"""What Copier runs before and after its own merge during `copier update`.

Usage, with the project as the current folder: update.py before|after <answers given, as JSON>.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from guard import refusals, stored_answers
from merge import Merge, commit, merge
from messages import FINISH, MERGE_ONLY, SCRATCH, bullets, complain
from repository import GitError, Repository, repository_of
from steps import say
from wiring import REPOSITORY

GIVE_UP = "`git reset --hard && git clean --force -d` gives the update up."
SOLVE = f"What to do: correct each, `git add` it, then {FINISH}. {GIVE_UP}"

NOW_WITH_DVC = (
    "models/manifest.json",
    "reports/challenge.json",
    "reports/plots",
    "reports/selection.json",
    "reports/slices.csv",
    "reports/tuning.json",
)
"""Files that projects of earlier versions committed: DVC takes none that git has."""


def main(arguments: Sequence[str]) -> int:
    """Guard an update, or merge it.

    Args:
        arguments: The stage, `before` or `after`, and the answers that the person gave, as JSON.

    Returns:
        The exit status: 0 if the update may go on.
    """
    stage, given = arguments
    state = f"The update is not merged. {GIVE_UP}"
    if stage == "before" or SCRATCH in os.environ:
        state = "Nothing was changed."
    try:
        repository = repository_of(Path.cwd())
        if stage == "before":
            return guard(repository, given)
        # Copier has checked out the version that it takes.
        newest = commit(Repository(REPOSITORY, REPOSITORY))
        result = merge(repository, newest)
        leave_to_dvc(repository)
        if MERGE_ONLY in os.environ and not result.conflicts:
            repository.git("reset", "--quiet")
        return report(result)
    except KeyboardInterrupt:
        # A second Ctrl-C must not interrupt the message.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        complain(f"\nStopped. {state}")
        return 130
    except (GitError, OSError) as error:
        complain(f"\n{error}\n{state}")
        return 1


def guard(repository: Repository, given: str) -> int:
    """Refuse an update that would lose what git does not keep; nothing is written yet.

    Args:
        repository: Of the project.
        given: The answers that the person gave, as JSON.

    Returns:
        The exit status.
    """
    stored = stored_answers(repository.place)
    # Another name for the package is refused by its question.
    answers = stored | json.loads(given) | {"package_name": stored["package_name"]}
    found = refusals(repository, answers)
    if found:
        complain(f"\nNothing was changed. Put this right, then update again:\n{bullets(found)}")
        return 1
    # What interrupts Copier from here on says nothing of its own.
    say(f"Should the update stop halfway: {GIVE_UP}")
    return 0


def leave_to_dvc(repository: Repository) -> None:
    """Take out of git what DVC has in this version; the files stay.

    Args:
        repository: Of the project, after the merge.
    """
    names = [f"{repository.prefix}{name}" for name in NOW_WITH_DVC]
    repository.git("rm", "-r", "--cached", "--quiet", "--ignore-unmatch", "--", *names)


def report(result: Merge) -> int:
    """Say what a person must know of the merge.

    Args:
        result: What came of it.

    Returns:
        The exit status: 1 if there is something left to decide.
    """
    for name in result.kept:
        say(f"{name}: the template has it no more, and you had changed it: it is yours now.")
    for name, target in result.moved.items():
        say(f"{name} is now {target}, with what you had changed.")
    for name in result.passed:
        say(
            f"{name} is yours, and the template has something new in it: "
            f"`make disown FILE={name}` merges it."
        )
    if not result.conflicts and not result.broken:
        return 0
    lines = [f"{name}: {advice}" for name, advice in result.conflicts.items()]
    lines += [f"{name} cannot be read: {reason}" for name, reason in result.broken.items()]
    complain(f"\nThe update is merged but for\n{bullets(lines)}")
    # A second work tree goes away, and `make update` says what to do in the first.
    if SCRATCH not in os.environ:
        complain(SOLVE)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
