"""The one kind of error that a person can fix, and words for where and how something is wrong."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Any, get_args

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic_core import ErrorDetails

Names = tuple[str | int, ...]
"""The names that lead to a setting, and the positions in lists."""

PLAIN_TYPES = ("bool", "int", "float", "str")

RULES = {
    "bool_type": "it must be true or false",
    "dict_type": "a row must be an object with a value for each column",
    "finite_number": "it must be a finite number",
    "float_type": "it must be a number",
    "int_from_float": "it must be a whole number",
    "int_type": "it must be a whole number",
    "missing": "the column is missing",
    "string_type": "it must be text",
}
"""What is wrong, by pydantic's name for it."""

MAX_SHOWN = 5
"""Rows that a message shows of those that break a rule."""


class ProjectError(Exception):
    """Says what is wrong, where, and what to do; shown without a traceback."""

    def __init__(self, message: str) -> None:
        """Take the message, which may quote a table that nobody has checked yet."""
        super().__init__(printable(message))


class SettingError(ProjectError):
    """Says what is wrong with one setting of params.yaml.

    Attributes:
        path: The names that lead to the setting.
    """

    def __init__(self, path: Names, message: str) -> None:
        """Take the names that lead to the setting, and a message that begins with them."""
        super().__init__(message)
        self.path = path


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
    errors: Sequence[ErrorDetails], settings: Any, lines: dict[Names, int], model: type[BaseModel]
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
    problems: dict[Names, str] = {}
    misspelled = _misspelled(errors, model)
    for error in errors:
        path = tuple(part for part in error["loc"] if not _is_kind(part))
        # Where a setting may be of several kinds, pydantic has an error for each: one is enough.
        if path in problems or not _is_of_its_kind(error, settings):
            continue
        # The misspelled name says what is missing.
        if error["type"] == "missing" and path in misspelled:
            continue
        # A setting that is missing has no line of its own.
        line = lines.get(path) or lines.get(path[:-1])
        place = f"line {line}: " if line else ""
        problems[path] = place + _problem(error, path, model)
    return "; ".join(problems.values())


def _misspelled(errors: Sequence[ErrorDetails], model: type[BaseModel]) -> set[Names]:
    """The settings that unknown names were probably meant to be."""
    found = set()
    for error in errors:
        path = tuple(part for part in error["loc"] if not _is_kind(part))
        if error["type"] == "extra_forbidden":
            near = get_close_matches(str(path[-1]), _settings_in(model, path[:-1]), 1)
            found |= {(*path[:-1], name) for name in near}
    return found


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


def _problem(error: ErrorDetails, path: Names, model: type[BaseModel]) -> str:
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
    # Of one of several kinds, pydantic says what each of them would need.
    if types and types[-1] in ("int", "float"):
        return f"{where}: a number is needed"
    if types and types[-1] in ("bool", "str"):
        return f"{where}: a plain value is needed"
    if kind.startswith("int_"):
        return f"{where}: a whole number is needed"
    if kind.startswith("float_"):
        return f"{where}: a number is needed"
    message = error["msg"].removeprefix("Value error, ")
    return f"{where}: {message.replace('Input should', 'it should')}"


def _settings_in(model: type[BaseModel], path: Names) -> list[str]:
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


def rule_in_words(error: ErrorDetails) -> str:
    """Return what a value must be, in this project's words and not in pydantic's.

    Args:
        error: What pydantic found of a value in a request.
    """
    if error["type"] in RULES:
        return RULES[error["type"]]
    # Bounds and allowed values.
    return error["msg"].removeprefix("Value error, ").replace("Input should be", "it must be")


def rows_in_words(labels: Any, values: list[Any] | None, where: Callable[[Any], str]) -> str:
    """Return how many rows there are and the first of them, with their values unless hidden.

    Args:
        labels: The rows, in an index or a column.
        values: What they have; None of what nobody should see.
        where: Says where the row of a label is.
    """
    shown = []
    for position, label in enumerate(labels[:MAX_SHOWN]):
        has = f" has {values[position]}" if values is not None else ""
        shown.append(f"{where(label)}{has}")
    more = ", ..." if len(labels) > MAX_SHOWN else ""
    return f"{len(labels):,} row(s): {', '.join(shown)}{more}"


def declared_at(schema: type, column: str, check: str) -> str:
    """Return the class, file and line that declare a rule, in brackets; empty if not known.

    Args:
        schema: The team's rules.
        column: What the table calls the column.
        check: What pandera calls the check in its list of failures.
    """
    declared = []
    for part in schema.__mro__:
        if part.__module__.startswith("pandera."):
            break
        try:
            body, start = _parsed(part)
            file = Path(inspect.getsourcefile(part) or "").name
        except (OSError, TypeError):  # not of a file, as in a console
            return ""
        for node in ast.walk(body):
            place = f" ({part.__name__} in {file}, line {start + getattr(node, 'lineno', 1) - 1})"
            # A function of the rule's name, or with that name for its message, is the rule itself.
            if isinstance(node, ast.FunctionDef) and check in _names_of_check(node):
                return place
            if isinstance(node, ast.AnnAssign) and _declares(node, column):
                declared.append(place)
    return declared[0] if declared else ""


@cache
def _parsed(part: type) -> tuple[ast.stmt, int]:
    """The syntax of a class and its first line; kept, since a table may break many rules of it."""
    lines, start = inspect.getsourcelines(part)
    return ast.parse(dedent("".join(lines))).body[0], start


def _names_of_check(function: ast.FunctionDef) -> list[Any]:
    """What pandera may call the check that a function is."""
    names: list[Any] = [function.name]
    for decorator in function.decorator_list:
        for keyword in getattr(decorator, "keywords", []):
            if keyword.arg in ("error", "name"):
                names.append(getattr(keyword.value, "value", None))
    return names


def _declares(node: ast.AnnAssign, column: str) -> bool:
    """Whether a line of a schema declares a column, by its name or by an alias or pattern."""
    given = {}
    for keyword in getattr(node.value, "keywords", []):
        if isinstance(keyword.value, ast.Constant):
            given[keyword.arg] = keyword.value.value
    alias = str(given.get("alias", getattr(node.target, "id", "")))
    # Pandera reports some failures of a family by its pattern. Other names are no patterns,
    # though a column may be called `cost (EUR` or `x.*`.
    return alias == column or bool(given.get("regex") and re.match(alias, column))
