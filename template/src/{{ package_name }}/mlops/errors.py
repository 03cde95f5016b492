"""The one kind of error that a person can fix, and what is wrong with a setting in words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, get_args

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic_core import ErrorDetails

Path = tuple[str | int, ...]
"""The names that lead to a setting, and the positions in lists."""

PLAIN_TYPES = ("bool", "int", "float", "str")


class ProjectError(Exception):
    """Says what is wrong, where, and what to do; shown without a traceback."""

    def __init__(self, message: str) -> None:
        """Take the message, which may quote a table that nobody has checked yet."""
        super().__init__(printable(message))


def printable(text: str) -> str:
    """Return the text with its control characters written out, which a terminal would obey.

    Args:
        text: Any text; its lines stay lines.
    """
    written = []
    for character in text:
        is_safe = character.isprintable() or character == "\n"
        written.append(character if is_safe else ascii(character)[1:-1])
    return "".join(written)


def hint(name: str, known: Iterable[str]) -> str:
    """Return the known name that `name` was probably meant to be, or all of them."""
    choices = sorted(known)
    near = get_close_matches(name, choices, 1)
    if near:
        return f"did you mean {near[0]}?"
    return f"there are {', '.join(choices) or 'none'}"


def setting_problems(
    errors: Sequence[ErrorDetails], settings: Any, lines: dict[Path, int], model: type[BaseModel]
) -> str:
    """Say what is wrong with each setting, once, and in which line.

    Args:
        errors: What pydantic found.
        settings: What it was given.
        lines: The line of each setting.
        model: What the settings should be.

    Returns:
        The problems, with semicolons between them.
    """
    problems: dict[Path, str] = {}
    for error in errors:
        path = tuple(part for part in error["loc"] if not _is_kind(part))
        # Where a setting may be of several kinds, pydantic has an error for each: one is enough.
        if path in problems or not _is_of_its_kind(error, settings):
            continue
        # A setting that is missing has no line of its own.
        line = lines.get(path) or lines.get(path[:-1])
        place = f"line {line}: " if line else ""
        problems[path] = place + _problem(error, path, model)
    return "; ".join(problems.values())


def _is_kind(part: str | int) -> bool:
    """Whether a part of an error's place is the name of a type, and no name in params.yaml."""
    return part in PLAIN_TYPES or bool(re.search(r"[\[(]", str(part)))


def _is_of_its_kind(error: ErrorDetails, settings: Any) -> bool:
    """Whether an error is about what somebody wrote: a range, or a list, but not the other."""
    value = settings
    for part in error["loc"]:
        if "Range" in str(part):
            return not isinstance(value, list)
        if str(part).startswith("list["):
            return not isinstance(value, dict)
        if isinstance(value, dict | list) and not _is_kind(part):
            with suppress(LookupError, TypeError):
                value = value[part]  # type: ignore[index]
    return True


def _problem(error: ErrorDetails, path: Path, model: type[BaseModel]) -> str:
    """What is wrong with one setting."""
    where = ".".join(str(part) for part in path)
    kind = error["type"]
    types = [str(part) for part in error["loc"] if _is_kind(part)]
    if kind == "missing":
        return f"{where} is missing: add it"
    if kind == "extra_forbidden":
        return f"{where} is not a setting: {hint(str(path[-1]), _settings_in(model, path[:-1]))}"
    if kind in ("model_type", "dict_type", "model_attributes_type"):
        known = _settings_in(model, path)
        if any("Range" in name for name in types):
            return f"{where}: write a list of values, or `low` and `high` of a range"
        return f"{where}: a section is needed" + (f" with {', '.join(known)}" if known else "")
    if types and types[-1] in ("int", "float"):
        return f"{where}: a number is needed"
    if types and types[-1] in ("bool", "str"):
        return f"{where}: a plain value is needed"
    return f"{where}: {error['msg'].removeprefix('Value error, ')}"


def _settings_in(model: type[BaseModel], path: Path) -> list[str]:
    """The names of the settings in a section, given by the names that lead there; or none."""
    kind: Any = model
    for name in path:
        fields = _fields(kind)
        if name in fields:
            kind = fields[name].annotation
        elif get_args(kind):
            # Of a dictionary that has a section for each name.
            kind = get_args(kind)[-1]
        else:
            return []
    return list(_fields(kind))


def _fields(kind: Any) -> dict[Any, Any]:
    """The settings of a section; of several kinds, those of the one that is a section."""
    for choice in (kind, *get_args(kind)):
        if hasattr(choice, "model_fields"):
            return dict(choice.model_fields)
    return {}
