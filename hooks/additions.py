"""Conflicts that are none: the team only added something, and where it belongs is known.

git takes two additions in one place for a conflict. But what a team wrote below the template's last
line stays below it, and packages that both listed in one place are all listed there.
"""

from __future__ import annotations

import ast
import re
from itertools import takewhile
from pathlib import PurePosixPath

from repository import Repository

CONFLICT = re.compile(
    r"^<{7} [^\n]*\n(?P<ours>.*?)^={7}\n(?P<theirs>.*?)^>{7} [^\n]*\n", re.DOTALL | re.MULTILINE
)

UNREADABLE = re.compile(r"[\r\0]|[^\n]\Z|^([<=>])\1{6}", re.MULTILINE)
"""What makes git's marks ambiguous: other ends of lines, or lines that look like marks."""

HUNK = re.compile(rb"^@@ -(?P<last>\d+),0 \+\d+(,(?P<lines>\d+))? @@", re.MULTILINE)
"""Of a diff without context: lines that were added behind a line of the old file."""

APART = {
    "Makefile": re.compile(r"[^\s#]"),
    ".md": re.compile(r"#"),
    ".toml": re.compile(r"\["),
    ".yaml": re.compile(r"[A-Za-z_]"),
    ".yml": re.compile(r"[A-Za-z_]"),
}
"""How a line begins that cannot belong to what stands above it. In other files the order may count,
as in a Dockerfile, or nothing here knows it."""

COMMENT = re.compile(r"#|$")

ENTRY = re.compile(
    r'\s+"(?P<package>[A-Za-z0-9][A-Za-z0-9._-]*)(\[[^]"]*\])?\s*([<>=!~;@][^"]*)?",(\s*#.*)?'
)
"""A line with one requirement (https://peps.python.org/pep-0508/) of an array."""

ARRAY = re.compile(r"(?P<key>[\w-]+) = \[(\s*#.*)?")

TABLE = re.compile(r"^\[([^]\n]+)\]", re.MULTILINE)


def settle_additions(repository: Repository, name: str, versions: list[str]) -> bool:
    """Merge a file in which git left conflicts, if all that clashes was added.

    Args:
        repository: Of the project.
        name: The file's path.
        versions: The `mode,hash` of the old render, of the team's file and of the new render.

    Returns:
        Whether it is merged now, and staged.
    """
    modes, hashes = zip(*(version.split(",") for version in versions), strict=True)
    contents = [repository.git("cat-file", "blob", one) for one in hashes]
    try:
        base, ours, theirs = [content.decode() for content in contents]
    except UnicodeDecodeError:
        return False
    unreadable = any(UNREADABLE.search(text) for text in (base, ours, theirs))
    if unreadable or not base.strip() or len(set(modes)) > 1:
        return False
    # What git itself merged in this file stays as it is.
    path = repository.top / name
    found = path.read_bytes().decode()
    tail = last_lines(ours, n_appended(repository, hashes[0], hashes[1], base))
    if not CONFLICT.search(found):
        return False
    place = 0
    while conflict := CONFLICT.search(found, place):
        settled = None
        if tail and conflict.end() == len(found):
            settled = with_tail(name, conflict, tail, base)
        elif name.endswith(".toml") and is_of_packages(found[: conflict.start()]):
            settled = with_all(conflict, packages(base), packages(ours) & packages(theirs))
        if settled is None:
            return False
        found = found[: conflict.start()] + settled + found[conflict.end() :]
        place = conflict.start() + len(settled)
    path.write_bytes(found.encode())
    repository.git("--literal-pathspecs", "add", "--", name)
    return True


def n_appended(repository: Repository, before: str, after: str, base: str) -> int:
    """Return how many lines were added behind the last line of a file.

    Args:
        repository: Has both versions.
        before: The hash of the old one.
        after: That of the new one.
        base: The text of the old one.
    """
    plain = ("--unified=0", "--no-color", "--no-ext-diff", "--no-textconv")
    hunks = list(HUNK.finditer(repository.git("diff", *plain, before, after)))
    if not hunks or int(hunks[-1]["last"]) != base.count("\n"):
        return 0
    return int(hunks[-1]["lines"] or 1)


def last_lines(text: str, count: int) -> str:
    """Return the last lines of a text."""
    lines = text.splitlines(keepends=True)
    return "".join(lines[len(lines) - count :])


def with_tail(name: str, conflict: re.Match[str], tail: str, base: str) -> str | None:
    """Return the template's lines and below them the team's; None if somebody must decide.

    Args:
        name: The file's path.
        conflict: The last one of the file.
        tail: What the team wrote below the template's last line.
        base: The old render.
    """
    ours = conflict["ours"]
    # What stands above the tail may clash as well, if it is the template's.
    is_whole = ours.endswith(tail) and base.endswith(ours.removesuffix(tail))
    # Blank lines with which both tails begin are no part of the conflict.
    is_whole |= tail.endswith(ours) and not tail.removesuffix(ours).strip()
    # The same line twice may be the same change, made by both.
    new = set(conflict["theirs"].splitlines()) - set(base.splitlines())
    shares = any(line in new for line in tail.splitlines() if line.strip())
    if not is_whole or shares or not stands_apart(name, tail):
        return None
    return conflict["theirs"] + tail


def stands_apart(name: str, tail: str) -> bool:
    """Return whether lines mean the same whatever stands above them.

    Args:
        name: The file's path, which says what it is.
        tail: Its last lines.
    """
    path = PurePosixPath(name)
    if path.suffix == ".py":
        try:
            ast.parse(tail)
        except SyntaxError:
            return False
        return True
    begins = APART.get(path.suffix) or APART.get(path.name)
    if begins is None:
        return False
    lines = [line for line in tail.splitlines() if path.suffix == ".md" or not COMMENT.match(line)]
    first = next((line for line in lines if line.strip()), "")
    return not first or bool(begins.match(first))


def is_of_packages(before: str) -> bool:
    """Return whether what follows a text is inside an array of requirements in pyproject.toml."""
    # Upwards, from the conflict to the line that opens the array.
    lines = before.splitlines()[::-1]
    entries = list(takewhile(lambda line: ENTRY.fullmatch(line) or not line.strip(), lines))
    opening = ARRAY.fullmatch(lines[len(entries)]) if len(entries) < len(lines) else None
    tables = TABLE.findall(before)
    if opening is None or not tables:
        return False
    # The order of other arrays may count, as that of pytest's options.
    if tables[-1] == "project":
        return opening["key"] == "dependencies"
    return tables[-1] in ("project.optional-dependencies", "dependency-groups")


def packages(text: str) -> set[str]:
    """Return the names in the lines of a text that hold one requirement each."""
    entries = [ENTRY.fullmatch(line) for line in text.splitlines()]
    return {normalized(entry["package"]) for entry in entries if entry}


def normalized(package: str) -> str:
    """Return what an index takes a name for (https://peps.python.org/pep-0503/)."""
    return re.sub(r"[-_.]+", "-", package).lower()


def with_all(conflict: re.Match[str], before: set[str], both: set[str]) -> str | None:
    """Return the requirements of both sides in order; None if somebody must decide.

    Args:
        conflict: In an array of requirements.
        before: The packages of the old render.
        both: Those that both sides have.
    """
    lines = (conflict["ours"] + conflict["theirs"]).splitlines(keepends=True)
    names = packages("".join(lines))
    # Of a package that was there, or that both added, somebody must choose the version.
    if len(names) < len(lines) or names & (before | both):
        return None
    return "".join(sorted(lines, key=str.lower))
