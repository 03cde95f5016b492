"""What Copier runs after `copier copy`, and after the merge of `copier update`.

Usage, with the project as the current folder: run.py copy|update <slug> <python_version>,
and for a copy with the team's own data what `<slug> wire` takes.
"""

from __future__ import annotations

import argparse
import itertools
import os
import re
import shutil
import signal
import sys
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from machine import problems
from steps import Runner, Step, StepError, advice, ask, say
from wiring import TEMPLATE, WISHES, rendered, wiring

GO_ON = "`make setup && make verify`"


class RefusalError(Exception):
    """The hook does not go on; the text says why and what to do."""


def main(arguments: Sequence[str]) -> int:
    """Run the hook and return the exit status."""
    parser = argparse.ArgumentParser(description="Set up and verify what Copier has rendered.")
    parser.add_argument("flow", choices=["copy", "update"])
    parser.add_argument("slug")
    parser.add_argument("python_version")
    for name in ("data", *WISHES):
        parser.add_argument(f"--{name}", default="")
    options = parser.parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    runner, place = Runner(), Path.cwd()
    foreign = foreign_names(place)
    try:
        if options.flow == "copy":
            copy(runner, place, foreign, options)
        else:
            update(runner, place, options.slug, options.python_version)
    except KeyboardInterrupt:
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
        complain(keep(place) if options.flow == "copy" and not foreign else stays(place))
        if options.flow == "update":
            complain(
                "Nothing was committed. `git stash --include-untracked` sets the update aside."
            )
        return 1
    return 0


def copy(runner: Runner, place: Path, foreign: list[str], options: argparse.Namespace) -> None:
    """Make the environment, verify, and commit if the repository is the hook's own."""
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
    """Yield the steps that need no data, in order."""
    if fresh:
        init = ["git", "init", "--quiet", "-b", "main"]
        yield Step("repository", "starts a git repository", [init])
    if seeds:
        tested = ["--constraints", "tested-versions.txt", "--requirements", os.devnull]
        lock = ["uv", "add", "--quiet", "--no-sync", *tested]
        yield Step("lock", "takes the tested versions", [lock])
    sync = ["uv", "sync", "--quiet", *(["--locked"] if seeds else [])]
    yield Step("environment", "brings the packages into .venv", [sync])


def after_data(slug: str, foreign: list[str], *, fresh: bool) -> Iterator[Step]:
    """Yield the steps that use the data. What was in the folder before is its owner's to add."""
    add = ["git", "add", "--all", "--", ".", *(f":(exclude,literal){name}" for name in foreign)]
    setup = ["uv", "run", "--no-sync", slug, "setup"]
    yield Step("setup", "installs the git hooks, brings the data", [setup])
    if fresh:
        yield Step("track", "tells git which files there are", [add])
    yield verification(slug)
    if fresh:
        # No hooks, since they would repeat what was just verified; no prompt for a signing key.
        commit = ["git", "commit", "--quiet", "--no-verify", "--no-gpg-sign", "--message"]
        message = f"Start {slug} from its template"
        yield Step("commit", "records what was verified", [add, [*commit, message]])


def verification(slug: str) -> Step:
    """Return the step that `make verify` is."""
    what = "runs the checks, the pipeline and the tests"
    return Step("verify", what, [["uv", "run", "--no-sync", slug, "verify"]], streams=True)


def update(runner: Runner, place: Path, slug: str, python_version: str) -> None:
    """Refuse a merge that is not finished; else refresh the environment and verify."""
    if unmerged := listed(runner, "--unmerged"):
        raise RefusalError(
            "The update and the project changed the same lines, and git holds both versions of\n"
            f"{bullets(unmerged)}\nWhat to do: choose between the <<<<<<< and >>>>>>> marks, "
            f"`git add` the files, then {GO_ON}."
        )
    if rejected := listed(runner, "--others", "--exclude-standard", "--", "*.rej"):
        raise RefusalError(
            f"The update left changes that did not fit, in\n{bullets(rejected)}\n"
            f"What to do: make them by hand, delete these files, then {GO_ON}."
        )
    if found := problems(place, python_version, runner.env, commits=False):
        raise RefusalError(f"The files are merged. Put this right, then {GO_ON}:\n{bullets(found)}")
    what = "locks again, keeping versions; syncs .venv"
    runner.run(Step("environment", what, [["uv", "sync", "--quiet"]]))
    runner.run(verification(slug))
    say(f"\n{table(runner.seconds)}\n\n{slug} is updated, and every check passed.")
    say("Nothing was committed. Next:\n  git diff\n  git add --all\n  git commit")


def listed(runner: Runner, *options: str) -> list[str]:
    """Return the paths that git lists. Raises RefusalError if it cannot."""
    status, output = ask(runner.env, "git", "ls-files", "-z", *options)
    if status:
        raise RefusalError(f"git could not list the files that changed: {output}")
    return paths(output)


def paths(output: str) -> list[str]:
    """Return the paths in what `git ls-files -z` prints, with or without stages."""
    entries = filter(None, output.split("\0"))
    return sorted({re.sub(r"^\d+ [0-9a-f]+ [0-3]\t", "", entry) for entry in entries})


def foreign_names(place: Path) -> list[str]:
    """Return what stands in the folder and is not the template's."""
    known = [rendered(entry.name) for entry in TEMPLATE.iterdir()]
    return sorted(
        name for name in os.listdir(place) if not any(fnmatchcase(name, rule) for rule in known)
    )


def keep(place: Path) -> str:
    """Move the files out of Copier's reach, and say where they are.

    Copier deletes a folder that it made when a task fails. One that holds nothing but the
    template's files may be such a folder.
    """
    try:
        names = (f"{place.name}.failed{f'-{n}' if n > 1 else ''}" for n in itertools.count(1))
        kept = next(path for path in map(place.with_name, names) if not os.path.lexists(path))
        shutil.rmtree(place / ".venv", ignore_errors=True)  # its scripts hold the old path
        kept.mkdir()
        for entry in list(place.iterdir()):
            entry.rename(kept / entry.name)
    except OSError as error:
        return (
            f"The files could not be moved out of {place} ({error}), and Copier deletes a folder "
            "that it made: run it with --no-cleanup to keep them."
        )
    return stays(kept)


def stays(place: Path) -> str:
    """Say where the files are and how to go on."""
    return f"The files are kept in {place}; cd there, and {GO_ON} goes on."


def report(current: str, error: StepError | OSError) -> None:
    """Say which step failed, how, and what to do."""
    lines = error.lines if isinstance(error, StepError) else [error.strerror or ""]
    complain(f"\nFailed at {current}: {error}")
    if isinstance(error, StepError):
        complain("".join(f"  | {line}\n" for line in lines[-15:]), end="")
    complain(f"What to do: {advice(' '.join(lines))}")


def table(seconds: dict[str, float]) -> str:
    """Return the seconds of each step, and their sum."""
    rows = [*seconds.items(), ("total", sum(seconds.values()))]
    return "\n".join(f"  {name:<12}{taken:7.1f} s" for name, taken in rows)


def bullets(items: Iterable[str]) -> str:
    """Return one line an item."""
    return "\n".join(f"  - {item}" for item in items)


def complain(text: str, end: str = "\n") -> None:
    """Print to standard error."""
    print(text, end=end, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
