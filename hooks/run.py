"""What Copier runs after `copier copy`, and after the merge of `copier update`.

Usage, with the project as the current folder: run.py copy|update <slug> <python_version>,
and for a copy with the team's own data what `<slug> wire` takes.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import sys
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from machine import problems
from messages import (
    FINISH,
    GO_ON,
    MERGE_ONLY,
    SCRATCH,
    RefusalError,
    bullets,
    complain,
    report,
    table,
)
from refresh import after_merge, verification
from steps import Runner, Step, StepError, ask, say
from wiring import TEMPLATE, WISHES, render_name, wiring


def main(arguments: Sequence[str]) -> int:
    """Run the hook.

    Args:
        arguments: Those of the command line.

    Returns:
        The exit status: 0 if the project was verified, 130 after Ctrl-C, else 1.
    """
    options = parse(arguments)
    if SCRATCH in os.environ or MERGE_ONLY in os.environ:
        # `make update` verifies when it has brought the data there, Renovate's checks later.
        return 0
    for stream in (sys.stdout, sys.stderr):
        # A name in any script must not end the hook on a terminal that cannot show it.
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    runner = Runner()
    place = Path.cwd()
    foreign = foreign_names(place)
    try:
        if options.flow == "copy":
            copy(runner, place, foreign, options)
        else:
            update(runner, place, options.slug, options.python_version)
    except KeyboardInterrupt:
        # A second Ctrl-C must not interrupt the message.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        complain(f"\nStopped at {runner.current}. {stays(place)}")
        runner.stop()
        return 130
    except RefusalError as refusal:
        complain(f"\n{refusal}")
        return 1
    except (StepError, OSError) as error:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        runner.stop()
        report(runner.current, error)
        # Only a folder that was empty may be one that Copier made, and will delete.
        if options.flow == "copy" and not foreign:
            complain(keep(place))
        else:
            complain(stays(place))
        if options.flow == "update":
            complain(
                "Nothing was committed. `git stash --include-untracked` sets the update aside."
            )
        return 1
    return 0


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the arguments by name; a wrong call ends the hook with exit status 2."""
    parser = argparse.ArgumentParser(description="Set up and verify what Copier has rendered.")
    parser.add_argument("flow", choices=["copy", "update"])
    parser.add_argument("slug")
    parser.add_argument("python_version")
    for name in ("data", *WISHES):
        parser.add_argument(f"--{name}", default="")
    return parser.parse_args(arguments)


def copy(runner: Runner, place: Path, foreign: list[str], options: argparse.Namespace) -> None:
    """Make the environment, verify, and commit if the repository is the hook's own.

    Args:
        runner: Runs the steps.
        place: The project's folder.
        foreign: What was in the folder before Copier came.
        options: The arguments of the command line.

    Raises:
        RefusalError: Something stands in the way, and nothing was started.
        StepError: A step failed.
    """
    slug = options.slug
    fresh = not (place / ".git").exists()
    seeds = not (place / "uv.lock").exists()
    found = problems(place, options.python_version, runner.env, commits=fresh)
    if options.data and not os.path.exists(options.data):
        found.append(f"{options.data} is not there: check the answer data_file.")
    if found:
        raise RefusalError(f"Nothing was started. Put this right and try again:\n{bullets(found)}")
    for step in before_data(slug, fresh=fresh, seeds=seeds):
        runner.run(step)
    if options.data:
        runner.run(wiring(options))
    for step in after_data(slug, foreign, fresh=fresh):
        runner.run(step)
    say(f"\n{table(runner.seconds)}\n\n{slug} is ready, and every check passed.")
    if not fresh:
        say("The repository is yours, so nothing was committed: see `git status`.")
    say(f'Next:\n  cd "{place}"\n  make verify\n  make help')


def before_data(slug: str, *, fresh: bool, seeds: bool) -> Iterator[Step]:
    """Yield the steps that need no data, in order.

    Args:
        slug: The project's name on the command line.
        fresh: Whether the folder becomes a repository.
        seeds: Whether the lock file is made of the versions that the template was tested with.
    """
    if fresh:
        init = ["git", "init", "--quiet", "-b", "main"]
        yield Step("repository", "starts a git repository", [init])
    sync = ["uv", "sync", "--quiet"]
    if seeds:
        # Adding nothing locks what is there already, within the constraints.
        lock = ["uv", "add", "--quiet", "--no-sync"]
        lock += ["--constraints", "tested-versions.txt", "--requirements", os.devnull]
        yield Step("lock", "takes the tested versions", [lock])
        sync.append("--locked")
    yield Step("environment", "brings the packages into .venv", [sync])


def after_data(slug: str, foreign: list[str], *, fresh: bool) -> Iterator[Step]:
    """Yield the steps that use the data.

    Args:
        slug: The project's name on the command line.
        foreign: What was in the folder before; it is its owner's to add to git.
        fresh: Whether the repository is the hook's own.
    """
    add = ["git", "add", "--all", "--", "."]
    for name in foreign:
        # Literal, since a name may hold what git takes for a pattern.
        add.append(f":(exclude,literal){name}")
    setup = ["uv", "run", "--no-sync", slug, "setup"]
    yield Step("setup", "installs the git hooks, brings the data", [setup])
    if fresh:
        # Before the verification, since its steps read the files that git lists.
        yield Step("track", "adds the files to git", [add])
    yield verification(slug)
    if fresh:
        # No hooks, since they would repeat what was just verified; no prompt for a signing key.
        commit = ["git", "commit", "--quiet", "--no-verify", "--no-gpg-sign"]
        commit += ["--message", f"Start {slug} from its template"]
        # Added again: the verification has written what is to be committed too.
        yield Step("commit", "records what was verified", [add, commit])


def update(runner: Runner, place: Path, slug: str, python_version: str) -> None:
    """Refresh the environment and verify, after a merge that is finished.

    Args:
        runner: Runs the steps.
        place: The project's folder.
        slug: The project's name on the command line.
        python_version: The lowest version that the project supports.

    Raises:
        RefusalError: The merge is not finished, or something stands in the way.
        StepError: A step failed.
    """
    unmerged = list_files(runner, "--unmerged")
    if unmerged:
        raise RefusalError(
            "The update and the project changed the same lines, and git holds both versions of\n"
            f"{bullets(unmerged)}\nWhat to do: choose between the <<<<<<< and >>>>>>> marks, "
            f"`git add` the files, then {FINISH}."
        )
    rejected = list_files(runner, "--others", "--exclude-standard", "--", "*.rej")
    if rejected:
        raise RefusalError(
            f"The update left changes that did not fit, in\n{bullets(rejected)}\n"
            f"What to do: make them by hand, delete these files, then {FINISH}."
        )
    found = problems(place, python_version, runner.env, commits=False)
    if found:
        raise RefusalError(
            f"The files are merged. Put this right, then {FINISH}:\n{bullets(found)}"
        )
    for step in after_merge(slug):
        runner.run(step)
    say(f"\n{table(runner.seconds)}\n\n{slug} is updated, and every check passed.")
    say("Nothing was committed. Next:\n  git diff HEAD\n  git add --all\n  git commit")
    say("  make doctor   # whether anything is left to do")


def list_files(runner: Runner, *options: str) -> list[str]:
    """Ask git for paths.

    Args:
        runner: Has the variables for the command.
        options: Those of `git ls-files`.

    Returns:
        The paths, sorted.

    Raises:
        RefusalError: git cannot list them.
    """
    status, output = ask(runner.env, "git", "ls-files", "-z", *options)
    if status:
        raise RefusalError(f"git could not list the files that changed: {output}")
    return paths(output)


def paths(output: str) -> list[str]:
    """Return the paths in what `git ls-files -z` prints, with or without stages."""
    found = set()
    for entry in output.split("\0"):
        if entry:
            # Mode, object and stage, as in "100644 4b825dc… 2<tab>Makefile".
            found.add(re.sub(r"^\d+ [0-9a-f]+ [0-3]\t", "", entry))
    return sorted(found)


def foreign_names(place: Path) -> list[str]:
    """Return what is in the folder and not the template's."""
    patterns = [render_name(entry.name) for entry in TEMPLATE.iterdir()]
    found = []
    for name in sorted(os.listdir(place)):
        if not any(fnmatchcase(name, pattern) for pattern in patterns):
            found.append(name)
    return found


def keep(place: Path) -> str:
    """Move the files out of Copier's reach, and say where they are.

    Copier deletes a folder that it made when a task fails. One that holds nothing but the
    template's files may be such a folder.

    Args:
        place: The project's folder; it stays, and is empty.

    Returns:
        What to print.
    """
    try:
        # The environment's scripts hold the old path, so it must be made again anyway.
        shutil.rmtree(place / ".venv", ignore_errors=True)
        kept = free_path(place)
        kept.mkdir()
        for entry in list(place.iterdir()):
            entry.rename(kept / entry.name)
    except OSError as error:
        return (
            f"The files could not be moved out of {place} ({error}), and Copier deletes a folder "
            "that it made: run it with --no-cleanup to keep them."
        )
    return stays(kept)


def free_path(place: Path) -> Path:
    """Return a path beside the project's that nothing has yet."""
    kept = place.with_name(f"{place.name}.failed")
    number = 1
    # lexists sees a link to nowhere too.
    while os.path.lexists(kept):
        number += 1
        kept = place.with_name(f"{place.name}.failed-{number}")
    return kept


def stays(place: Path) -> str:
    """Say where the files are and how to go on."""
    return f"The files are kept in {place}; cd there, and {GO_ON} goes on."


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
