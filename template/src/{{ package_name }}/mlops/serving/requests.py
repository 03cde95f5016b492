"""Requests as JSON: what they may hold, as the schema `Request` declares it, and their table.

JSON has fewer types than a table, so the types are checked here, strictly: a number in quotes is
text. All other rules are asked of the table, of many requests at once.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
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
Columns = dict[str, list[Any]]

BOUNDS = {
    "greater_than": "gt",
    "greater_than_or_equal_to": "ge",
    "less_than": "lt",
    "less_than_or_equal_to": "le",
}
"""What pydantic calls the bounds of pandera."""

EARLIEST = pd.Timestamp.min.ceil("s").tz_localize(UTC).to_pydatetime()
LATEST = pd.Timestamp.max.floor("s").tz_localize(UTC).to_pydatetime()
OUT_OF_RANGE = f"it must be a moment from {EARLIEST.year + 1} to {LATEST.year - 1}"
"""What a table can hold whose moments are counted in nanoseconds."""

LONGEST_LIST = 100
"""Allowed values that are listed in the documentation of a column; more are a page of their own."""

MAX_PROBLEMS = 100
"""Of a request, that are listed; more would take longer than the predictions."""

MAX_NAME = 100
"""Characters of an unknown column that are repeated."""

MANY_ROWS = 100
"""Of a request that is read column by column, which is slower for a few rows."""


@dataclass(eq=False)
class RefusedRequest(Exception):  # noqa: N818 - it is an answer, not a fault
    """A request that cannot be read as rows.

    Attributes:
        status: The HTTP status.
        problems: What is wrong, each with its row, column and rule.
    """

    status: int
    problems: list[Problem]


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
        sent_as = {name: [name] for name in columns}
        for original, name in names.items():
            # What is a column's own name means that column, whatever was renamed to it.
            if name in sent_as and original not in sent_as:
                sent_as[name].append(original)
        self.column_of = {sent: name for name, allowed in sent_as.items() for sent in allowed}
        fields: dict[str, Any] = {}
        self._lists: dict[str, TypeAdapter[list[Any]]] = {}
        for name, column in self.columns.items():
            kind = _kind(column) | None if column.nullable else _kind(column)
            fields[name] = _field(column, kind, sent_as[name], examples)
            values = Annotated[list[kind], Field(fail_fast=True)]  # type: ignore[valid-type]
            self._lists[name] = TypeAdapter(values)
        row = with_config(ConfigDict(extra="forbid"))(TypedDict("Row", fields))  # type: ignore[operator]
        several = Field(min_length=1, max_length=max_rows, fail_fast=True)
        rows = Annotated[list[row], several]  # type: ignore[valid-type]
        self.max_rows = max_rows
        self._one: TypeAdapter[Row] = TypeAdapter(row)
        self._many: TypeAdapter[list[Row | None]] = TypeAdapter(rows)
        self._either: TypeAdapter[Any] = TypeAdapter(row | rows)

    def json_schema(self) -> dict[str, Any]:
        """Return what OpenAPI shows of a request: one row, or a list of rows."""
        return self._either.json_schema(ref_template="#/components/schemas/{model}")

    def values(self, body: bytes) -> list[Any]:
        """Read a request as JSON; return one value a row, of any type.

        Args:
            body: An object for one row, a list of objects for many.

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

    def by_columns(self, values: list[Any]) -> Columns | None:
        """Check what `values` gave column by column: of many rows that takes half the time.

        Returns:
            The values of each column; None if `rows` has to look at each row, since there are few,
            or they have different columns, or one is not sound.
        """
        if len(values) < MANY_ROWS or {*map(type, values)} != {dict}:
            return None
        sent = {self.column_of.get(name): name for name in values[0]}
        names = [name for name in self.columns if name in sent or name not in self.optional]
        # Rows of as many names have no others, since each of these is looked up below.
        if {*map(len, values)} != {len(names)}:
            return None
        try:
            raw = {name: [*map(itemgetter(sent[name]), values)] for name in names}
            return {name: self._lists[name].validate_python(raw[name]) for name in names}
        except (KeyError, ValidationError):
            return None

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
            row, found = self._checked(value)
            rows.append(row)
            problems += [problem(number, column, rule) for column, rule in found]
            # There may be a million.
            if len(problems) >= MAX_PROBLEMS and not partial:
                more = problem(None, "", "there may be more problems than these")
                raise RefusedRequest(422, [*problems[:MAX_PROBLEMS], more])
        if not partial:
            raise RefusedRequest(422, problems)
        return rows, problems

    def _checked(self, value: Any) -> tuple[Row | None, list[tuple[str, str]]]:
        """A sound row; or None, and what is wrong: columns and rules."""
        names = value.keys() - self.column_of.keys() if isinstance(value, dict) else ()
        if names:
            # Some of them, since a row may have a million.
            rule = "there is no such column"
            if len(value) == 1 and isinstance(value[min(names)], list | dict):
                rule += ": send one row as an object, or a list of rows, and nothing around them"
            return None, [(name[:MAX_NAME], rule) for name in sorted(names)[:MAX_PROBLEMS]]
        try:
            return self._one.validate_python(value), []
        except ValidationError as error:
            errors = error.errors(include_url=False, include_context=False, include_input=False)
            return None, [
                (str(one["loc"][0]) if one["loc"] else "", rule_in_words(one)) for one in errors
            ]

    def tables(
        self, rows: Sequence[Row | None], many: Sequence[tuple[range, Columns]]
    ) -> Iterable[tuple[list[int], pd.DataFrame]]:
        """Make tables; rows that lack different optional columns are in different ones.

        Args:
            rows: What `rows` gave, of any number of requests; those that are None are left out.
            many: What `by_columns` gave, each with the positions of its rows.

        Yields:
            The positions of the rows of a table, and the table.
        """
        groups: dict[frozenset[str], tuple[list[int], list[Row], list[Columns]]] = {}
        for position, row in enumerate(rows):
            if row is not None:
                absent = frozenset(name for name in self.optional if name not in row)
                positions, single, _ = groups.setdefault(absent, ([], [], []))
                positions.append(position)
                single.append(row)
        # After all single rows, as in the table.
        for where, columns in many:
            absent = frozenset(self.optional - columns.keys())
            positions, _, several = groups.setdefault(absent, ([], [], []))
            positions.extend(where)
            several.append(columns)
        for absent, (positions, single, several) in groups.items():
            table = {}
            # In the order of the schema, whatever the order in the request.
            for name in [name for name in self.columns if name not in absent]:
                # `get` takes twice as long, and is for a gap that was left out.
                get = methodcaller("get", name) if self.columns[name].nullable else itemgetter(name)
                values = [*map(get, single), *chain.from_iterable(one[name] for one in several)]
                table[name] = _values(values, self.columns[name])
            yield positions, pd.DataFrame(table)


def _field(column: pa.Column, kind: Any, names: Sequence[str], examples: Sequence[Row]) -> Any:
    """The type of a column's value, under the names that a request may use."""
    described = {"examples": [row[names[0]] for row in examples[:1] if names[0] in row]}
    facts: dict[str, Any] = {"json_schema_extra": described}
    if len(names) > 1:
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
    if 0 < len(allowed) <= LONGEST_LIST and all(isinstance(value, str) for value in allowed):
        return Literal[tuple(allowed)]
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
    moment = value if value.tzinfo else value.replace(tzinfo=UTC)
    if not EARLIEST <= moment <= LATEST:
        raise ValueError(OUT_OF_RANGE)
    return moment.astimezone(UTC).replace(tzinfo=None)
