"""What a migration finds in the team's files, and what it would write there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Place:
    """Where the team's code or settings have something that a release changed.

    Attributes:
        path: The file, from the project's root, with slashes.
        line: The line, from 1.
        what: What is there, or what a person is to do where a program cannot be sure.
        span: The first character to replace and the one after the last; None if by hand.
        text: What to write in their place.
    """

    path: str
    line: int
    what: str
    span: tuple[int, int] | None = None
    text: str = ""


@dataclass(frozen=True)
class Migration:
    """A change of the team's files that a release asks for.

    Attributes:
        name: What a person types, a verb first.
        since: The version of the template that asks for it.
        until: Until when what it replaces still works, in words.
        why: The reason, in one sentence.
        find: Gives the places in a project's folder; none if there is nothing to do.
    """

    name: str
    since: str
    until: str
    why: str
    find: Callable[[Path], list[Place]]


def replaced(text: str, places: list[Place]) -> str:
    """Return the text of one file with what its places would write.

    Args:
        text: The file.
        places: Those in it; what is to be done by hand is left as it is.
    """
    edits = []
    for place in places:
        if place.span is not None:
            edits.append((place.span, place.text))
    # From the end, so that the positions before an edit stay true.
    for (start, end), new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return text
