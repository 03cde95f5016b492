"""What an update must leave: worked out file by file, without any merge.

A version's changes are made once more, by their text, in each file as the team has it. So a change
is expected in its place, not anywhere in the file.
"""

from __future__ import annotations

import os
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml
from histories.versions import UnplacedError, Version
from parsing import problem

Files = dict[str, tuple[str, bytes]]
"""Of each path what it is (`file`, `exec` or `link`), and its content."""

ANSWERS = ".copier-answers.yml"


def files_of(folder: Path) -> Files:
    """Return the files of a project, as they are on the disk."""
    found = {}
    for base, folders, names in os.walk(folder):
        if ".git" in folders:
            folders.remove(".git")
        linked = [name for name in folders if Path(base, name).is_symlink()]
        for name in [*names, *linked]:
            path = Path(base, name)
            found[path.relative_to(folder).as_posix()] = content_of(path)
    return found


def content_of(path: Path) -> tuple[str, bytes]:
    """Return what a path is, and its content."""
    if path.is_symlink():
        return "link", os.fsencode(path.readlink())
    return "exec" if os.access(path, os.X_OK) else "file", path.read_bytes()


@dataclass(frozen=True)
class Wanted:
    """What must become of one file.

    Attributes:
        places: The path; if both sides moved folders, those that are right.
        mine: The file as the team has it.
        base: The file as the template had it; empty for a file of the team's.
        right: The file after the update; None if both changed one place.
        contested: Whether the template changed it too, so that git may ask.
        owned: Whether it is the team's.
    """

    places: tuple[str, ...]
    mine: tuple[str, bytes]
    base: tuple[str, bytes]
    right: tuple[str, bytes] | None
    contested: bool = False
    owned: bool = False


NOTHING = ("file", b"")


@dataclass(frozen=True)
class Update:
    """One update of one project.

    Attributes:
        old: The render that the project came from.
        head: The project before the update.
        new: A fresh render of the new version.
        moves: Where the team has put files of the template.
        versions: Those that the update goes through.
        is_teams: Whether a path is the team's in the new version.
    """

    old: Files
    head: Files
    new: Files
    moves: Mapping[str, str]
    versions: list[Version]
    is_teams: Callable[[str], bool]

    def wanted(self) -> list[Wanted]:
        """Return what must become of every file that is there afterwards."""
        origins = {now: then for then, now in self.moves.items()}
        found = []
        for name, mine in self.head.items():
            origin = origins.get(name, name)
            if name == ANSWERS:
                continue
            if origin not in self.old or self.is_teams(origin):
                both = name in self.new and name not in self.old and not self.is_teams(name)
                found.append(Wanted(self.followed(name), mine, NOTHING, mine, both, owned=not both))
            else:
                found += self.merged(name, origin, mine)
        mine_too = {place for want in found for place in want.places}
        for name in sorted(self.arrivals() - mine_too):
            found.append(Wanted((name,), NOTHING, NOTHING, self.new[name]))
        return found

    def followed(self, name: str) -> tuple[str, ...]:
        """Return where a file of the team's may be: git lets it follow a folder that moved."""
        folder, _, last = name.rpartition("/")
        places = [name]
        for version in self.versions:
            for old, new in version.moved.items():
                moved = f"{os.path.dirname(new)}/{last}"
                if os.path.dirname(old) == folder and moved not in places:
                    places.append(moved)
        return tuple(places)

    def merged(self, name: str, origin: str, mine: tuple[str, bytes]) -> Iterable[Wanted]:
        """Return what must become of a file of the template's."""
        base = self.old[origin]
        now = origin
        contested = False
        right: tuple[str, bytes] | None = mine
        unedited = base[1]
        for version in self.versions:
            if now in version.retired:
                # What the team has changed is theirs from now on.
                if (name, mine) != (origin, base):
                    yield Wanted((name,), mine, base, mine)
                return
            swaps = version.swaps.get(now, [])
            contested = contested or bool(swaps)
            for swap in swaps:
                try:
                    if right is not None:
                        text = swap.apply(right[1].decode(), unedited.decode())
                        right = (right[0], text.encode())
                    unedited = swap.apply(unedited.decode(), unedited.decode()).encode()
                except (UnplacedError, UnicodeDecodeError):
                    right = None
                    unedited = swap.apply(unedited.decode(), unedited.decode()).encode()
            now = version.moved.get(now, now)
        if mine[0] == "link":
            # A link goes along with nothing.
            right = None if contested else right
            contested = contested or now != origin
        if name == origin:
            yield Wanted((now,), mine, base, right, contested)
        elif now == origin:
            yield Wanted((name,), mine, base, right, contested)
        else:
            # Both moved it; git may take it that the team moved the whole folder.
            along = f"{os.path.dirname(name)}/{os.path.basename(now)}".removeprefix("/")
            places = (*self.followed(name), now, origin, along)
            yield Wanted(places, mine, base, None, contested=True)

    def arrivals(self) -> set[str]:
        """Return the files that the new version adds, if nobody is in their place."""
        stayed = set()
        for name in self.old:
            now = name
            for version in self.versions:
                now = version.moved.get(now, now)
            stayed.add(now)
        return {name for name in self.new if name not in stayed and not self.is_teams(name)}


@dataclass(frozen=True)
class Finding:
    """What an update did wrong to one file.

    Attributes:
        kind: One of `KINDS`.
        name: The path.
        detail: More, for who looks into it.
    """

    kind: str
    name: str
    detail: str = ""


KINDS = {
    "lost": "files with lines, bytes or a mode of the team's lost",
    "displaced": "files with lines in another place",
    "revived": "files with something back that the team had deleted",
    "missed": "files without a change of the template's that has a place",
    "owned": "conflicts in files of the team's",
    "needless": "conflicts in files that only one side changed",
    "stray": "files that nobody asked for",
    "unreadable": "files that cannot be read and are not reported",
    "status": "exit statuses that do not agree with the tree",
    "crashed": "updates that ended in a traceback",
    "refusal": "refusals without a reason, or missed",
    "second": "second updates that changed something",
    "restore": "updates that git could not take back",
}
"""What can be wrong, in the words of the printed table."""


def compare(update: Update, after: Files, unmerged: Mapping[str, bytes | None]) -> list[Finding]:
    """Hold the files after an update against those that are wanted.

    Args:
        update: What was to be done.
        after: The files on the disk.
        unmerged: For each conflict the team's version as git keeps it, if git does.

    Returns:
        What is wrong.
    """
    found: list[Finding] = []
    seen = {ANSWERS}
    for want in update.wanted():
        here = [place for place in want.places if place in after]
        seen.update(want.places)
        conflicts = [place for place in want.places if place in unmerged]
        if conflicts:
            found += contested(want, conflicts[0], after, unmerged)
        elif not here:
            found.append(Finding("lost", want.places[0], "the file is gone"))
        else:
            found += judged(want, here[0], after[here[0]])
    for name in sorted(unmerged.keys() - seen):
        found.append(Finding("needless", name, "the team had deleted it"))
    for name in sorted(after.keys() - seen - unmerged.keys()):
        kind = "revived" if name in update.old or name in update.new else "stray"
        found.append(Finding(kind, name))
    return found


def contested(
    want: Wanted, name: str, after: Files, unmerged: Mapping[str, bytes | None]
) -> list[Finding]:
    """Judge a conflict: there must be one, and what the team wrote must be there."""
    if want.owned:
        return [Finding("owned", name)]
    if not want.contested:
        return [Finding("needless", name)]
    kept = unmerged[name] == want.mine[1]
    if not kept and lines(want.mine[1]) - lines(want.base[1]) - lines(after.get(name, NOTHING)[1]):
        return [Finding("lost", name, "in a conflict")]
    return []


def judged(want: Wanted, name: str, got: tuple[str, bytes]) -> list[Finding]:
    """Judge a file that was merged without a conflict."""
    if want.right is not None and (got == want.right or same_content(name, got, want.right)):
        return []
    added = lines(want.mine[1]) - lines(want.base[1])
    removed = lines(want.base[1]) - lines(want.mine[1])
    if got[0] != want.mine[0] and want.mine != NOTHING:
        return [Finding("lost", name, f"{want.mine[0]} became {got[0]}")]
    if b"\0" in want.mine[1] or want.owned:
        return [Finding("lost", name, "the content is another")]
    missing = added - lines(got[1])
    if missing:
        return [Finding("lost", name, repr(sorted(missing)[:3]))]
    if want.right is None:
        return []
    back = lines(got[1]) - lines(want.right[1])
    if back & removed:
        return [Finding("revived", name, repr(sorted(back & removed)[:3]))]
    if lines(got[1]) == lines(want.right[1]):
        return [Finding("displaced", name)]
    away = lines(want.right[1]) - lines(got[1])
    return [Finding("missed", name, repr((sorted(away)[:2], sorted(back)[:2])))]


def lines(content: bytes) -> Counter[bytes]:
    """Count the lines of a file, but for empty ones."""
    return Counter(line for line in content.splitlines() if line.strip())


def same_content(name: str, one: tuple[str, bytes], other: tuple[str, bytes]) -> bool:
    """Return whether two files hold the same lines and mean the same."""
    if one[0] != other[0] or lines(one[1]) != lines(other[1]):
        return False
    if name.endswith((".yml", ".yaml")):
        return bool(yaml.safe_load(one[1]) == yaml.safe_load(other[1]))
    if name.endswith(".toml"):
        return tomllib.loads(one[1].decode()) == tomllib.loads(other[1].decode())
    return False


def unreadable(after: Files, head: Files, unmerged: Iterable[str]) -> list[str]:
    """Return the files that could be read before the update and cannot any more."""
    found = []
    for name, (kind, content) in after.items():
        if kind == "link" or name in unmerged or head.get(name) == (kind, content):
            continue
        if problem(name, content):
            found.append(name)
    return found
