"""Requests as JSON: what they may hold, as the schema `Request` declares it, and their table.

JSON has fewer types than a table, so the types are checked here, strictly: a number in quotes is
text. All other rules are asked of the table, of many requests at once.
"""

from collections.abc import Iterable, Mapping, Sequence
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

Row = dict[str, Any]
Problem = dict[str, Any]

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

NOTHING_AROUND = ": send one row as an object, or a list of rows, and nothing around them"

MAX_PROBLEMS = 100
"""Of a request, that are listed; more would take longer than the predictions."""

MAX_NAME = 100
"""Characters of an unknown column that are repeated."""


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


def problem(row: int | None, column: str, rule: str) -> Problem:
    """Return what is wrong with a row, without its value: that may be nobody's business.

    Args:
        row: Its number in the request, from 0; None if it is the request as a whole.
        column: The column; empty if it is the row as a whole.
        rule: The rule that is broken.
    """
    return {"row": row, "column": column, "rule": rule}


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
        for name, column in self.columns.items():
            fields[name] = _field(column, [name, originals.get(name, name)], examples)
        row = with_config(ConfigDict(extra="forbid"))(TypedDict("Row", fields))  # type: ignore[operator]
        several = Field(min_length=1, max_length=max_rows, fail_fast=True)
        rows = Annotated[list[row], several]  # type: ignore[valid-type]
        self.max_rows = max_rows
        self.known = {*columns, *originals.values()}
        self._one: TypeAdapter[Row] = TypeAdapter(row)
        self._many: TypeAdapter[list[Row]] = TypeAdapter(rows)
        self._either: TypeAdapter[Any] = TypeAdapter(row | rows)

    def json_schema(self) -> dict[str, Any]:
        """Return what OpenAPI shows of a request: one row, or a list of rows."""
        return self._either.json_schema(ref_template="#/components/schemas/{model}")

    def rows(self, body: bytes) -> list[Row]:
        """Read the rows of a request.

        Args:
            body: JSON: an object for one row, a list of objects for many.

        Returns:
            The rows by their columns.

        Raises:
            RefusedRequest: It is not JSON, or not rows of these columns and types.
        """
        values = self._listed(body)
        try:
            return self._many.validate_python(values)
        except ValidationError:
            # Not asked what is wrong: there may be a million answers.
            _, problems = self._row_by_row(values, MAX_PROBLEMS)
        if len(problems) >= MAX_PROBLEMS:
            problems.append(problem(None, "", "there may be more problems than these"))
        raise RefusedRequest(422, problems)

    def sound_rows(self, body: bytes) -> tuple[list[Row | None], list[Problem]]:
        """Read the rows of a request that may have others beside sound ones.

        Args:
            body: As for `rows`.

        Returns:
            The rows, None for one that does not have these columns and types; and what is wrong
            with those.

        Raises:
            RefusedRequest: It is not JSON, or holds no list of rows.
        """
        values = self._listed(body)
        try:
            return list(self._many.validate_python(values)), []
        except ValidationError:
            return self._row_by_row(values)

    def _listed(self, body: bytes) -> list[Any]:
        """The values of a request, one a row; RefusedRequest if it is not JSON, or too long."""
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

    def _row_by_row(
        self, values: list[Any], most: int | None = None
    ) -> tuple[list[Row | None], list[Problem]]:
        """The rows, None for those with problems, and these: `most` of them, or all."""
        rows: list[Row | None] = []
        problems: list[Problem] = []
        for number, value in enumerate(values):
            found = self._problems(value)
            rows.append(None if found else self._one.validate_python(value))
            problems += [problem(number, column, rule) for column, rule in found]
            if most is not None and len(problems) >= most:
                break
        return rows, problems[:most]

    def _problems(self, value: Any) -> list[tuple[str, str]]:
        """What is wrong with a row: columns and rules."""
        names = value.keys() - self.known if isinstance(value, dict) else ()
        if names:
            # Some of them, since a row may have a million.
            rule = "there is no such column"
            if len(value) == 1 and isinstance(value[min(names)], list | dict):
                rule += NOTHING_AROUND
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
        groups: dict[frozenset[str], list[int]] = {}
        for position, row in enumerate(rows):
            if row is None:
                continue
            absent = frozenset(name for name in self.optional if name not in row)
            groups.setdefault(absent, []).append(position)
        for absent, positions in groups.items():
            chosen = [row for row in map(rows.__getitem__, positions) if row is not None]
            yield positions, self._table(chosen, absent)

    def _table(self, rows: Sequence[Row], absent: frozenset[str]) -> pd.DataFrame:
        # In the order of the schema, whatever the order in the request.
        columns = {}
        for name, column in self.columns.items():
            if name in absent:
                continue
            # Twice as fast, of a column that every row has.
            get = methodcaller("get", name) if column.nullable else itemgetter(name)
            columns[name] = _values([*map(get, rows)], column)
        return pd.DataFrame(columns)


def _field(column: pa.Column, names: Sequence[str], examples: Sequence[Row]) -> Any:
    """The type of a column's value, under the names that a request may use."""
    described = {"examples": [row[names[0]] for row in examples[:1] if names[0] in row]}
    kind = _kind(column)
    if column.nullable:
        kind |= None
    facts: dict[str, Any] = {"json_schema_extra": described}
    if len(set(names)) > 1:
        facts["validation_alias"] = AliasChoices(*names)
    if column.description:
        facts["description"] = column.description
    field = Annotated[kind, Field(**facts)]  # type: ignore[valid-type]
    # A gap may be left out: a misspelt name is refused all the same, as an unknown one.
    is_needed = column.required and not column.nullable
    return field if is_needed else NotRequired[field]


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
        return pd.array(values, dtype=column.dtype.type)
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
