"""Conflicts that are none: the team only added something, and where it belongs is known.

git takes two changes that touch for a conflict. But what a team wrote below the template's last
line stays below it, and packages that both listed in one place of an array are all listed there.
"""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from pathlib import Path
from tempfile import TemporaryDirectory

from repository import Repository

MARKER_SIZE = 50
"""Characters of git's marks; no line of a project begins with so many."""

END = [f"# {'-' * MARKER_SIZE} end of the template's part, line {number}\n" for number in range(3)]
"""Lines that all versions get where the template's part ends: what is changed on both sides of them
does not touch."""

CONFLICT = re.compile(
    rf"<{{{MARKER_SIZE}}}[^\n]*\n(?P<ours>.*?)"
    rf"\|{{{MARKER_SIZE}}}[^\n]*\n(?P<base>.*?)"
    rf"={{{MARKER_SIZE}}}\n(?P<theirs>.*?)"
    rf">{{{MARKER_SIZE}}}[^\n]*\n",
    re.DOTALL,
)

ENTRY = re.compile(r'\s+"(?P<package>[A-Za-z0-9._-]+)[^"\n]*",(\s+#.*)?')
"""A line of an array with one string, which begins with the name of a package."""


def settle_additions(repository: Repository, name: str, versions: list[str]) -> bool:
    """Merge a file that git holds for a conflict, if all that clashes was added.

    Args:
        repository: Of the project.
        name: The file's path.
        versions: The `mode,hash` of the old render, of the team's file and of the new render.

    Returns:
        Whether it is merged now, and staged.
    """
    modes, hashes = zip(*(version.split(",") for version in versions), strict=True)
    if len(set(modes)) > 1:
        return False
    base, ours, theirs = (repository.git("cat-file", "blob", one) for one in hashes)
    merged = merged_additions(repository, name, (base, ours, theirs))
    if merged is None:
        return False
    (repository.top / name).write_bytes(merged)
    repository.git("add", "--", name)
    return True


def merged_additions(
    repository: Repository, name: str, versions: tuple[bytes, bytes, bytes]
) -> bytes | None:
    """Return the merged file; None if there is something to decide, or if it is no text.

    Args:
        repository: Of the project.
        name: The file's path: arrays are looked for in TOML alone.
        versions: The old render, the team's file and the new render.
    """
    try:
        base, ours, theirs = [lines_of(version.decode()) for version in versions]
    except ValueError:
        return None
    last = len(ours) - n_appended(base, ours)
    found = merge_files(repository, [*ours[:last], *END, *ours[last:]], base + END, theirs + END)
    if name.endswith(".toml"):
        found = CONFLICT.sub(listed, found)
    if CONFLICT.search(found):
        return None
    return "".join(line for line in lines_of(found) if line not in END).encode()


def lines_of(text: str) -> list[str]:
    """Return the lines of a text, each with its end; ValueError if the last one has none."""
    if not text:
        return []
    if not text.endswith("\n"):
        raise ValueError("the last line has no end")
    # Not `splitlines`, for which other characters end a line as well.
    return [f"{line}\n" for line in text.removesuffix("\n").split("\n")]


def n_appended(base: list[str], ours: list[str]) -> int:
    """Return how many lines stand below the last one that the template wrote."""
    operations = SequenceMatcher(None, base, ours, autojunk=False).get_opcodes()
    operation, _, _, start, end = operations[-1]
    return end - start if operation == "insert" else 0


def merge_files(repository: Repository, ours: list[str], base: list[str], theirs: list[str]) -> str:
    """Return what git makes of three versions, with all three in the marks of a conflict."""
    with TemporaryDirectory() as folder:
        paths = []
        for name, lines in {"ours": ours, "base": base, "theirs": theirs}.items():
            path = Path(folder, name)
            path.write_bytes("".join(lines).encode())
            paths.append(str(path))
        # The exit status is the number of conflicts.
        options = ("--stdout", "--diff3", f"--marker-size={MARKER_SIZE}")
        found = repository.git("merge-file", *options, *paths, allowed=tuple(range(128)))
    return found.decode()


def listed(conflict: re.Match[str]) -> str:
    """Return the entries of both sides in order; of another conflict, what it is."""
    lines = lines_of(conflict["ours"]) + lines_of(conflict["theirs"])
    entries = [ENTRY.fullmatch(line.removesuffix("\n")) for line in lines]
    packages = [entry["package"].lower() for entry in entries if entry]
    # Of a package that both listed, somebody must choose the version.
    is_listed_once = len(set(packages)) == len(lines)
    if conflict["base"] or not is_listed_once:
        return conflict[0]
    return "".join(sorted(lines, key=str.lower))
