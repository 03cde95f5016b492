"""`make fleet`: where many projects stand, and the update of those that it does not surprise."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path

from merge import commit
from messages import RefusalError, bullets
from steps import ask, environment, say

from upkeep.forecast import CLEAN, NEWEST, Forecast, cloned, forecast
from upkeep.versions import TEMPLATE

RINGS = (3, 20)
"""Projects that are updated before the next ring begins; the rest is the last ring."""

N_LAST_LINES = 3
"""Lines of a failed update that are shown; the others are in its log."""

UPKEEP = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Entry:
    """A line of the list.

    Attributes:
        address: A path, or whatever git clones.
        skip: Why this project is left alone; empty if it is not.
    """

    address: str
    skip: str


@dataclass(frozen=True)
class State:
    """What is kept between two runs, so that an interrupted one goes on.

    Attributes:
        folder: Where it is, one file for each project.
        template: The template's commit: another one makes every forecast again.
    """

    folder: Path
    template: str

    def path(self, address: str, ending: str) -> Path:
        """Return the file of a project, whose name a person recognises.

        Args:
            address: Of the project.
            ending: What the file is.
        """
        name = re.sub(r"[^A-Za-z0-9]+", "-", address.removesuffix(".git"))[-40:].strip("-")
        return self.folder / f"{name}-{sha256(address.encode()).hexdigest()[:8]}.{ending}"

    def known(self, address: str) -> Forecast | None:
        """Return the forecast of an earlier run, if neither side has moved since."""
        try:
            record = json.loads(self.path(address, "json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        # Another release, or another way to look, may find something else.
        if record.pop("template") != self.template or not record["commit"]:
            return None
        # To ask for one hash is much less than a clone.
        failed, listed = ask(environment(), "git", "ls-remote", "--", address, "HEAD")
        same = not failed and listed.partition("\t")[0] == record["commit"]
        return Forecast(**record) if same else None

    def keep(self, found: Forecast) -> None:
        """Write a forecast for the next run."""
        record = {"template": self.template, **asdict(found)}
        text = json.dumps(record, indent=2) + "\n"
        self.path(found.repository, "json").write_text(text, encoding="utf-8")


def fleet(listed: Path, folder: Path, *, opens: bool) -> int:
    """Report where each project of a list stands; on request push the updates that are clean.

    Args:
        listed: A file with an address a line; `skip: reason` after one leaves it alone.
        folder: Where results are kept between runs.
        opens: Whether to push a branch with the update, ring by ring.

    Returns:
        The exit status: 0, or 1 if a project could not be examined or an update was not pushed.

    Raises:
        RefusalError: There is no such list, or nothing in it.
    """
    entries = read_list(listed)
    folder.mkdir(parents=True, exist_ok=True)
    state = State(folder, commit(TEMPLATE))
    found = examine_all(entries, state)
    say("")
    for line in report(found, entries):
        say(line)
    failed = any(one.problem for one in found)
    if opens:
        clean = [one for one in found if one.update == CLEAN]
        return int(not open_in_rings(clean, state) or failed)
    return int(failed)


def read_list(path: Path) -> list[Entry]:
    """Read the list of projects.

    Args:
        path: The file.

    Raises:
        RefusalError: It is not there, names nothing, or names a project twice.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise RefusalError(
            f"{path} cannot be read ({error}): make fleet REPOS=repos.txt takes a file with the "
            "address of a repository in each line"
        ) from None
    entries = {}
    for number, line in enumerate(lines, 1):
        text, _, reason = line.partition(" skip:")
        address = text.strip()
        if not address or address.startswith("#"):
            continue
        if address in entries:
            raise RefusalError(f"{path}, line {number}: {address} is listed twice")
        if " skip:" in line and not reason.strip():
            raise RefusalError(f"{path}, line {number}: say after `skip:` why")
        entries[address] = Entry(address, reason.strip())
    if not entries:
        raise RefusalError(f"{path} lists no repository")
    return list(entries.values())


def examine_all(entries: Sequence[Entry], state: State) -> list[Forecast]:
    """Examine the projects side by side, and say of each that it is done.

    Args:
        entries: The list.
        state: Of earlier runs.

    Returns:
        The forecasts in the order of the list, without the projects that are skipped.
    """
    wanted = [entry.address for entry in entries if not entry.skip]
    found = {}
    for address in wanted:
        if earlier := state.known(address):
            found[address] = earlier
    missing = [address for address in wanted if address not in found]
    if found:
        say(f"{len(found)} of {len(wanted)} projects are as they were at the last run.")
    began = time.monotonic()
    with ProcessPoolExecutor(workers(missing)) as pool:
        for done in as_completed([pool.submit(forecast, address) for address in missing]):
            result = done.result()
            found[result.repository] = result
            # What could not be examined is tried again next time.
            if not result.problem:
                state.keep(result)
            seconds = time.monotonic() - began
            count = f"{len(found)}/{len(wanted)}"
            say(f"{count} {result.repository}: {verdict(result)}, {seconds:.0f} s")
    return [found[address] for address in wanted]


def workers(tasks: Sequence[object]) -> int:
    """Return how many processes are worth starting."""
    return max(1, min(len(tasks), os.cpu_count() or 1))


def verdict(found: Forecast) -> str:
    """Say in a few words how an update of a project would end."""
    return found.problem or found.update


def report(found: Sequence[Forecast], entries: Sequence[Entry]) -> Iterator[str]:
    """Say where each project stands.

    Args:
        found: The forecasts.
        entries: The list, with what is skipped.

    Yields:
        Lines of a table, then the files and reasons behind it.
    """
    rows = [["project", "version", "behind", "drift", "migrations", "champion", "update"]]
    for one in found:
        behind = str(len(one.newer))
        drift = "+".join(str(number) for number in one.drift.values())
        migrations = str(len(one.migrations))
        update = "not examined" if one.problem else one.update
        row = [one.repository, one.version, behind, drift, migrations, one.champion, update]
        rows.append(row)
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        yield "  ".join(cells).rstrip()
    for one in found:
        reasons = [one.problem] if one.problem else one.files
        if reasons:
            yield f"\n{one.repository}: {verdict(one) if one.files else 'not examined'}"
            yield bullets(reasons)
    for entry in entries:
        if entry.skip:
            yield f"\n{entry.address}: skipped, {entry.skip}"
    n_behind = sum(one.update not in (NEWEST, "") for one in found)
    yield f"\n{len(found)} projects, {n_behind} behind the newest release."
    yield "Drift: edited files of the template's + shared ones, which an update merges."


def open_in_rings(clean: Sequence[Forecast], state: State) -> bool:
    """Push the update of each project as a branch, a few first.

    Args:
        clean: The projects in which an update has no conflict.
        state: Of earlier runs.

    Returns:
        Whether every update that was due was verified and pushed.
    """
    for number, ring in enumerate(rings(clean), 1):
        say(f"\nRing {number}: {len(ring)} project(s)")
        with ThreadPoolExecutor(workers(ring)) as pool:
            passed = list(pool.map(partial(open_branch, state=state), ring))
        # Where a few failed, many would.
        if not all(passed):
            say("This ring is not green, so the next one was not begun.")
            return False
    return True


def rings(projects: Sequence[Forecast]) -> Iterator[Sequence[Forecast]]:
    """Divide projects into rings, each but the last as large as `RINGS` says."""
    start = 0
    for size in RINGS:
        if projects[start : start + size]:
            yield projects[start : start + size]
        start += size
    if projects[start:]:
        yield projects[start:]


def open_branch(found: Forecast, state: State) -> bool:
    """Update a project in a clone, verify it there, and push the branch.

    A branch of that name is left alone, whoever made it; one that was pushed before and is gone was
    refused by the team, and is not pushed again.

    Args:
        found: The project.
        state: Of earlier runs; gets the log of the update.

    Returns:
        Whether nothing is left to do.
    """
    version = found.newer[-1]
    branch = f"update/{version}"
    pushed = state.path(found.repository, f"{version}.pushed")
    failed, listed = ask(environment(), "git", "ls-remote", "--", found.repository, branch)
    if failed:
        say(f"{found.repository}: {listed}")
        return False
    if listed or pushed.exists():
        what = "is there already" if listed else "was closed, and stays so"
        say(f"{found.repository}: {branch} {what}")
        return True
    log = state.path(found.repository, "log")
    with cloned(found.repository) as project:
        # In a process of its own: an update prints as it goes, and each has a log.
        update = [sys.executable, str(UPKEEP), "update", f"--version={version}"]
        with log.open("w", encoding="utf-8") as file:
            done = subprocess.run(
                update,
                cwd=project.place,
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                check=False,
            )
        if done.returncode:
            last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            say(f"{found.repository}: not updated, {log}\n{bullets(last[-N_LAST_LINES:])}")
            return False
        # The pushed branch was verified; the project's own hooks are for people.
        push = ["git", "-C", str(project.top), "push", "--quiet", "--no-verify", "origin", branch]
        failed, said = ask(environment(), *push)
    if failed:
        say(f"{found.repository}: {branch} was not taken\n{bullets(said.splitlines())}")
        return False
    # Only now: an update that was not taken is due again.
    pushed.touch()
    say(f"{found.repository}: pushed {branch}")
    return True
