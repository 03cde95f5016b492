"""Requests as JSON: what they may hold, as the schema `Request` declares it, and their table.

JSON has fewer types than a table, so the types are checked here, strictly: a number in quotes is
text. All other rules are asked of the table, of many requests at once.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from operator import itemgetter, methodcaller
from typing import Annotated, Any, Literal, NotRequired

import numpy as np
import pandas as pd
import pandera.pandas as pa
from pydantic import (
    AfterValidator,
    AliasChoices,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    with_config,
)
from pydantic_core import from_json
from typing_extensions import TypedDict

from ..data.validation import declarations
from ..errors import ProjectError, rule_in_words
from . import Problem, problem

Row = dict[str, Any]

BOUNDS = {
    "greater_than": "gt",
    "greater_than_or_equal_to": "ge",
    "less_than": "lt",
    "less_than_or_equal_to": "le",
}
"""What pydantic calls the bounds of pandera."""

EARLIEST = pd.Timestamp.min.to_pydatetime(warn=False)
LATEST = pd.Timestamp.max.to_pydatetime(warn=False)
OUT_OF_RANGE = f"it must be a moment from {EARLIEST.year + 1} to {LATEST.year - 1}"
"""What a table can hold whose moments are counted in nanoseconds."""

LONGEST_LIST = 100
"""Allowed values that are listed in the documentation of a column; more are a page of their own."""

MAX_PROBLEMS = 100
"""Of a request, that are listed; more would take longer than the predictions."""

MAX_NAME = 100
"""Characters of an unknown column that are repeated."""

MANY_ROWS = 100
"""Of a request that is read by columns; with fewer, rows of several requests share a table."""


class RefusedRequest(Exception):  # noqa: N818 - it is an answer, not a fault
    """A request that cannot be read as rows.

    Attributes:
        status: The HTTP status.
        problems: What is wrong, each with its row, column and rule.
    """

    def __init__(self, status: int, problems: list[Problem]) -> None:
        """Take the status and what is wrong."""
        super().__init__(status)
        self.status = status
        self.problems = problems


class RequestReader:
    """Reads requests by a schema."""

    def __init__(
        self,
        schema: type[pa.DataFrameModel],
        columns: Sequence[str],
        examples: Sequence[Row],
        names: Mapping[str, str],
        max_rows: int,
    ) -> None:
        """Prepare for requests.

        Args:
            schema: The team's `Request`.
            columns: The columns that the model was registered with, families in full.
            examples: Rows that hold all rules.
            names: The column for each name of the raw file that differs, as `data.read.names`.
            max_rows: The most rows in a request.
        """
        self.columns = {name: declarations(schema, name)[0] for name in columns}
        self.optional = {name for name, column in self.columns.items() if not column.required}
        originals = {column: name for name, column in names.items()}
        fields: dict[str, Any] = {}
        self._cells: dict[str, TypeAdapter[list[Any]]] = {}
        for name, column in self.columns.items():
            kind = _kind(column) | None if column.nullable else _kind(column)
            fields[name] = _field(column, kind, [name, originals.get(name, name)], examples)
            self._cells[name] = TypeAdapter(list[kind])  # type: ignore[valid-type]
        row = with_config(ConfigDict(extra="forbid"))(TypedDict("Row", fields))  # type: ignore[operator]
        several = Field(min_length=1, max_length=max_rows, fail_fast=True)
        rows = Annotated[list[row], several]  # type: ignore[valid-type]
        self.max_rows = max_rows
        self.known = {**names, **{name: name for name in columns}}
        self._one: TypeAdapter[Row] = TypeAdapter(row)
        self._many: TypeAdapter[list[Row | None]] = TypeAdapter(rows)
        self._either: TypeAdapter[Any] = TypeAdapter(row | rows)

    def json_schema(self) -> dict[str, Any]:
        """Return what OpenAPI shows of a request: one row, or a list of rows."""
        return self._either.json_schema(ref_template="#/components/schemas/{model}")

    def values(self, body: bytes) -> list[Any]:
        """Read a request as JSON.

        Args:
            body: An object for one row, a list of objects for many.

        Returns:
            One value a row, of any type.

        Raises:
            RefusedRequest: It is not JSON, or has no row or too many.
        """
        try:
            values = from_json(body)
        except ValueError as error:
            raise RefusedRequest(400, [problem(None, "", f"Invalid JSON: {error}")]) from None
        listed = values if isinstance(values, list) else [values]
        if not listed:
            raise RefusedRequest(422, [problem(None, "", "there is no row")])
        if len(listed) > self.max_rows:
            rule = f"there are {len(listed)} rows, and may be {self.max_rows}"
            raise RefusedRequest(413, [problem(None, "", rule)])
        return listed

    def table(self, values: list[Any]) -> pd.DataFrame | None:
        """Make a table of many rows column by column: twice as fast as row by row.

        Args:
            values: What `values` gave.

        Returns:
            The table; None if the rows are few, have different names, or are not sound.
        """
        if len(values) < MANY_ROWS or not isinstance(values[0], dict):
            return None
        given = {self.known.get(name): name for name in values[0]}
        names = [name for name in self.columns if name in given or name not in self.optional]
        columns = {}
        try:
            # As many names, and each of these: the same names.
            if {*map(len, values)} != {len(names)}:
                return None
            for name in names:
                cells = [*map(itemgetter(given[name]), values)]
                typed = self._cells[name].validate_python(cells)
                columns[name] = _values(typed, self.columns[name])
        except (KeyError, TypeError, ValidationError):
            return None
        return pd.DataFrame(columns)

    def rows(self, values: list[Any], *, partial: bool) -> tuple[list[Row | None], list[Problem]]:
        """Check the rows of a request.

        Args:
            values: What `values` gave.
            partial: Whether others are taken where some are not sound.

        Returns:
            The rows, None for one that does not have these columns and types; and what is wrong
            with those.

        Raises:
            RefusedRequest: Not all are sound, and `partial` is not asked for.
        """
        with suppress(ValidationError):
            return self._many.validate_python(values), []
        rows: list[Row | None] = []
        problems: list[Problem] = []
        for number, value in enumerate(values):
            found = self._problems(value)
            rows.append(None if found else self._one.validate_python(value))
            problems += [problem(number, column, rule) for column, rule in found]
            # There may be a million.
            if len(problems) >= MAX_PROBLEMS and not partial:
                more = problem(None, "", "there may be more problems than these")
                raise RefusedRequest(422, [*problems[:MAX_PROBLEMS], more])
        if not partial:
            raise RefusedRequest(422, problems)
        return rows, problems

    def _problems(self, value: Any) -> list[tuple[str, str]]:
        """What is wrong with a row: columns and rules."""
        names = value.keys() - self.known.keys() if isinstance(value, dict) else ()
        if names:
            # Some of them, since a row may have a million.
            rule = "there is no such column"
            if len(value) == 1 and isinstance(value[min(names)], list | dict):
                rule += ": send one row as an object, or a list of rows, and nothing around them"
            return [(name[:MAX_NAME], rule) for name in sorted(names)[:MAX_PROBLEMS]]
        try:
            self._one.validate_python(value)
        except ValidationError as error:
            errors = error.errors(include_url=False, include_context=False, include_input=False)
            return [
                (str(one["loc"][0]) if one["loc"] else "", rule_in_words(one)) for one in errors
            ]
        return []

    def tables(self, rows: Sequence[Row | None]) -> Iterable[tuple[list[int], pd.DataFrame]]:
        """Make tables of rows; rows that lack different optional columns are in different ones.

        Args:
            rows: What `rows` gave, of any number of requests; those that are None are left out.

        Yields:
            The positions of the rows of a table, and the table.
        """
        groups: dict[frozenset[str], tuple[list[int], list[Row]]] = {}
        for position, row in enumerate(rows):
            if row is None:
                continue
            absent = frozenset(name for name in self.optional if name not in row)
            positions, chosen = groups.setdefault(absent, ([], []))
            positions.append(position)
            chosen.append(row)
        for absent, (positions, chosen) in groups.items():
            columns = {}
            # In the order of the schema, whatever the order in the request.
            for name, column in self.columns.items():
                # Twice as fast, of a column that every row has.
                get = methodcaller("get", name) if column.nullable else itemgetter(name)
                if name not in absent:
                    columns[name] = _values([*map(get, chosen)], column)
            yield positions, pd.DataFrame(columns)


def _field(column: pa.Column, kind: Any, names: Sequence[str], examples: Sequence[Row]) -> Any:
    """The type of a column's value, under the names that a request may use."""
    described = {"examples": [row[names[0]] for row in examples[:1] if names[0] in row]}
    facts: dict[str, Any] = {"json_schema_extra": described}
    if len(set(names)) > 1:
        facts["validation_alias"] = AliasChoices(*names)
    if column.description:
        facts["description"] = column.description
    field = Annotated[kind, Field(**facts)]
    # A gap may be left out: a misspelt name is refused all the same, as an unknown one.
    return field if column.required and not column.nullable else NotRequired[field]


def _kind(column: pa.Column) -> Any:
    """The Python type of a column's value, with the bounds that OpenAPI can show."""
    dtype = str(column.dtype).lower()
    checks = {check.name: check.statistics or {} for check in column.checks}
    # What is listed here is shown to clients; the rest of the rules is asked of the table.
    bounds: dict[str, Any] = {}
    for name, short in BOUNDS.items():
        if name in checks:
            bounds[short] = next(iter(checks[name].values()))
    if dtype.startswith("datetime"):
        return Annotated[datetime, BeforeValidator(_require_text), AfterValidator(_moment)]
    allowed = list(checks.get("isin", {}).get("allowed_values", ()))
    if dtype.startswith("bool"):
        return Annotated[bool, Field(strict=True)]
    if dtype.startswith(("int", "uint")):
        limits = np.iinfo(dtype)
        bounds.setdefault("gt" if "gt" in bounds else "ge", int(limits.min))
        bounds.setdefault("lt" if "lt" in bounds else "le", int(limits.max))
        return Annotated[int, Field(strict=True, **bounds)]
    if dtype.startswith("float"):
        return Annotated[float, Field(strict=True, allow_inf_nan=False, **bounds)]
    texts = [value for value in allowed if isinstance(value, str)]
    if texts and len(texts) == len(allowed) <= LONGEST_LIST:
        return Literal[tuple(texts)]
    return Annotated[str, Field(strict=True)]


def _require_text(value: object) -> object:
    """Refuse a number for a moment: nobody says from when it counts."""
    # Digits alone are a number too.
    if not isinstance(value, str) or "-" not in value[1:]:
        raise ValueError("it must be a moment as text, as in 2026-01-31T12:00:00")
    return value


def _values(values: list[Any], column: pa.Column) -> Any:
    """The values of a column in the type that the schema declares."""
    try:
        if isinstance(column.dtype.type, np.dtype):
            return np.array(values, column.dtype.type)  # pandas takes longer
        return pd.array(values, column.dtype.type)
    except (TypeError, ValueError) as error:
        raise ProjectError(f"schemas.py: {column.name}: {error}") from None


def _moment(value: datetime) -> datetime:
    """A moment without a zone, in UTC, as the tables have it."""
    try:
        moment = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
    except OverflowError:
        raise ValueError(OUT_OF_RANGE) from None
    if not EARLIEST <= moment <= LATEST:
        raise ValueError(OUT_OF_RANGE)
    return moment
