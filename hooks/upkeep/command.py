"""The command line: what a person asked for, and how it ends."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from messages import RefusalError, complain
from repository import GitError, Repository, repository_of

from upkeep.adopt import adopt
from upkeep.behaviour import behaviour
from upkeep.branch import update
from upkeep.doctor import doctor
from upkeep.drift import template_diff
from upkeep.fleet import fleet
from upkeep.migrate import migrate
from upkeep.owning import disown, own


def main(arguments: Sequence[str]) -> int:
    """Do what was asked for in the project that is the current folder.

    Args:
        arguments: Those of the command line.

    Returns:
        The exit status: 0 if all is well, 130 after Ctrl-C, else 1; of `doctor` also 2.
    """
    options = parse(arguments)
    for stream in (sys.stdout, sys.stderr):
        # A name in any script must not end the command on a terminal that cannot show it.
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    # What ends this process must let it tidy up first, as Ctrl-C does.
    signal.signal(signal.SIGTERM, interrupt)
    try:
        if options.command == "fleet":
            return fleet(options.repos, options.state, opens=options.open)
        if options.command == "adopt":
            return adopt(options.project, options.answers)
        return run(repository_of(Path.cwd()), options)
    except KeyboardInterrupt:
        # A second Ctrl-C must not interrupt the message.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        complain("\nStopped. Nothing was changed.")
        return 130
    except (RefusalError, GitError, OSError) as error:
        complain(f"error: {error}")
        return 2 if options.command == "doctor" else 1


def run(repository: Repository, options: argparse.Namespace) -> int:
    """Run the command that was named, and return its exit status."""
    if options.command == "doctor":
        return doctor(repository, as_json=options.json)
    if options.command == "template-diff":
        return template_diff(repository)
    if options.command == "own":
        return own(repository, options.file)
    if options.command == "disown":
        return disown(repository, options.file)
    if options.command == "behaviour":
        return behaviour(repository, options.name)
    if options.command == "migrate":
        return migrate(repository, options.apply, commit=options.commit)
    return update(repository, options.version, preview=options.preview)


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the arguments by name; a wrong call ends the command with exit status 2."""
    parser = argparse.ArgumentParser(prog="upkeep", description="Look after a project.")
    commands = parser.add_subparsers(dest="command", required=True)
    updating = commands.add_parser("update", help="merge a newer version, and hand over a branch")
    updating.add_argument("--version", default="", help="the newest release, if empty")
    updating.add_argument("--preview", action="store_true", help="say what would change, no more")
    examining = commands.add_parser("doctor", help="say what is wrong, and what is to do")
    examining.add_argument("--json", action="store_true", help="for a machine")
    commands.add_parser("template-diff", help="show what was edited in the template's files")
    owning = commands.add_parser("own", help="record a file of the template's as the team's")
    owning.add_argument("file")
    migrating = commands.add_parser("migrate", help="say what a release asks of the team's files")
    migrating.add_argument("--apply", default="", help="a migration to write, or all")
    migrating.add_argument("--commit", action="store_true", help="make a commit of each")
    behaving = commands.add_parser("behaviour", help="say what later versions do otherwise")
    behaving.add_argument("--name", default="", help="one to try beside the project, and turn on")
    many = commands.add_parser("fleet", help="say where many projects stand, or update them")
    many.add_argument("repos", type=Path, help="a file with an address a line")
    many.add_argument("--state", type=Path, default=Path("build", "fleet"), help="between runs")
    many.add_argument("--open", action="store_true", help="push the updates that are clean")
    adopting = commands.add_parser("adopt", help="bring the template into a repository of yours")
    adopting.add_argument("project", type=Path, help="its folder")
    adopting.add_argument("answers", nargs="*", help="name=value, before what is guessed")
    returning = commands.add_parser("disown", help="give it back, with what came meanwhile")
    returning.add_argument("file")
    return parser.parse_args(arguments)


def interrupt(number: int, frame: FrameType | None) -> None:
    """End as Ctrl-C does."""
    raise KeyboardInterrupt
