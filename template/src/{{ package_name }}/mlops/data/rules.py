"""Judge rows by their schema, each by itself, in microseconds where pandera takes milliseconds."""

import copy
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pandera.pandas as pa
from pandera.engines.pandas_engine import Engine

from ..errors import ProjectError
from .checks import (
    FINITE,
    failing_rows,
    interval,
    is_converted_by_numpy,
    is_plain,
    keep_rules_of_one_row,
    missing_values,
    name_of,
    quick_test,
    within,
)
from .validation import ABOUT_COLUMNS

MAX_PLANS = 100
"""Sets of columns that are remembered: a caller may send any."""


class Broken(NamedTuple):
    """One rule that one row breaks.

    Attributes:
        row: The position of the row, counted from 0.
        column: The column; empty for a rule about the row as a whole.
        rule: The rule as pandera words it, such as `greater_than(0)` or `not_nullable`.
    """

    row: int
    column: str
    rule: str


class Split(NamedTuple):
    """Rows that hold every rule, and what the others break.

    Attributes:
        sound: The rows that break nothing, with the schema's types, under their own index.
        broken: Every rule that a row breaks, in the order of the rows.
    """

    sound: pd.DataFrame
    broken: list[Broken]


class Rules:
    """The rules of a schema about one row, compiled once.

    A prediction judges a row alone. So `unique` and checks of groups are not asked, since they need
    other rows, and a check that gives one truth for a whole table is asked of each row by itself.
    Nor is the order of the columns: a request has none. Checks that only warn are not asked.
    """

    def __init__(self, schema: type[pa.DataFrameModel], *, finite: bool = False) -> None:
        """Compile the rules.

        Args:
            schema: The team's rules.
            finite: Whether decimal numbers must be finite as well, as models demand it.
        """
        self.name = schema.__name__
        # A copy: the schema itself goes on asking for what is taken away here.
        self._schema = copy.deepcopy(schema.to_schema())
        keep_rules_of_one_row(self._schema)
        self._columns = {}
        for name, column in self._schema.columns.items():
            if finite:
                column.checks = [*column.checks, FINITE]
            self._columns[name] = _Column(column, self._schema.coerce)
        self._is_plain = is_plain(self._schema)
        self._plans: dict[tuple[str, ...], _Plan] = {}

    def broken(self, rows: pd.DataFrame) -> list[Broken]:
        """Return what `split` calls broken, of the same rows."""
        return self.split(rows).broken

    def split(self, rows: pd.DataFrame) -> Split:
        """Separate the rows that hold every rule from those that break one.

        Args:
            rows: Any number of rows, with the columns of the schema in any order.

        Raises:
            ProjectError: A column is missing, or not declared.
        """
        names = tuple(rows.columns)
        if names not in self._plans:
            if len(self._plans) >= MAX_PLANS:
                self._plans.clear()
            self._plans[names] = self._plan(names)
        plan = self._plans[names]
        # By position, since an index may have a label twice.
        is_numbered = rows.index.equals(pd.RangeIndex(len(rows)))
        table = rows if is_numbered else rows.reset_index(drop=True)
        if self._schema.strict == "filter":
            table = table[list(dict(plan.columns))]
        judge = self._judge if self._is_plain else self._judge_by_pandera
        table, broken = judge(table, plan)
        broken.sort(key=lambda fault: fault.row)
        faulty = {fault.row for fault in broken}
        sound = table.drop(index=list(faulty & set(table.index))) if faulty else table
        if not is_numbered:
            sound = sound.set_axis(rows.index[sound.index])
        return Split(sound, broken)

    def declares(self, name: str) -> bool:
        """Return whether the schema says anything about a column of this name."""
        return any(column.is_meant_by(name) for column in self._columns.values())

    def missing(self, names: Iterable[str]) -> list[str]:
        """Return the columns, or patterns of columns, that a table with these names lacks."""
        found = []
        for declared, column in self._columns.items():
            is_there = any(column.is_meant_by(name) for name in names)
            if column.is_required and not is_there:
                found.append(declared)
        return found

    def _plan(self, names: tuple[str, ...]) -> "_Plan":
        """Each column of a table with what is declared of it."""
        plan = []
        for column in self._columns.values():
            plan += [(name, column) for name in names if column.is_meant_by(name)]
        missing = self.missing(names)
        times = Counter(name for name, _ in plan)
        unknown = [str(name) for name in names if name not in times]
        problems = []
        if missing:
            problems.append(f"{', '.join(missing)}: {ABOUT_COLUMNS['column_in_dataframe']}")
        if unknown and self._schema.strict is True:
            problems.append(f"{', '.join(unknown)}: {ABOUT_COLUMNS['column_in_schema']}")
        if problems:
            raise ProjectError("\n  ".join([f"the data breaks {self.name}:", *problems]))
        bounds = {}
        for name, column in plan:
            # One by its name and one by a pattern are both asked.
            if column.interval and times[name] == 1:
                bounds[name] = column.interval
        return _Plan(plan, bounds)

    def _judge(self, table: pd.DataFrame, plan: "_Plan") -> tuple[pd.DataFrame, list[Broken]]:
        """The rows whose values have their types, and what is broken."""
        broken: list[Broken] = []
        typed: dict[str, pd.Series] = {}
        clear = within(table, plan.bounds)
        for name, column in plan.columns:
            if name in clear:
                continue
            given = typed.get(name, table[name])
            values = column.typed(given)
            if values is not given:
                typed[name] = values
            if len(values) < len(given):
                for row, rule in column.untyped(given, values):
                    broken.append(Broken(row, name, rule))
            for rule, rows in column.broken(values):
                broken += [Broken(int(row), name, rule) for row in rows]
        if typed:
            readable = table.index
            for values in typed.values():
                readable = readable.intersection(values.index)
            if len(readable) < len(table):
                table = table.loc[readable]
            # Not `assign`, which takes three times as long.
            table = table.copy(deep=False)
            for name, values in typed.items():
                table[name] = values
        for check in self._schema.checks:
            broken += [Broken(int(row), "", name_of(check)) for row in failing_rows(check, table)]
        return table, broken

    def _judge_by_pandera(
        self, table: pd.DataFrame, plan: "_Plan"
    ) -> tuple[pd.DataFrame, list[Broken]]:
        """The same for a schema that changes values before it judges them, in milliseconds a row.

        Pandera judges the whole table; if it does not say of each failure in which row it is, each
        row by itself.
        """
        broken: list[Broken] = []
        cases = pd.DataFrame()
        try:
            return self._schema.validate(table, lazy=True), broken
        except pa.errors.SchemaErrors as error:
            cases = error.failure_cases
        except Exception as error:
            # A function of the team's that changes values does not take this one.
            broken.append(Broken(int(table.index[0]), "", f"raises {type(error).__name__}"))
        if len(table) > 1 and (broken or cases["index"].isna().any()):
            parts = [self._judge_by_pandera(table.iloc[[row]], plan) for row in range(len(table))]
            whole = pd.concat([part for part, _ in parts])
            return whole, [fault for _, faults in parts for fault in faults]
        for case in cases.to_dict("records"):
            row = table.index[0] if pd.isna(case["index"]) else case["index"]
            column = case["column"] if case["schema_context"] == "Column" else ""
            # Of a family pandera may also name the pattern, beside the column itself.
            if column in ("", *table):
                broken.append(Broken(int(row), column, str(case["check"])))
        sound = table.drop(index=list({fault.row for fault in broken}))
        return self._schema.validate(sound) if len(sound) else sound, broken


class _Plan(NamedTuple):
    """What is declared of each column of a table, and the bounds that are judged at once."""

    columns: list[tuple[str, "_Column"]]
    bounds: dict[str, tuple[float, float]]


class _Column:
    """What a schema declares about a column, or about a family of them."""

    def __init__(self, declared: Any, coerce: bool) -> None:
        self.is_required = declared.required
        self._declared = declared
        self._coerce = coerce or declared.coerce
        self._type = declared.dtype.type if declared.dtype else None
        is_decimal = self._type == np.float64
        self.interval = interval(declared.checks) if is_decimal else None
        self._tests = [(name_of(check), check, quick_test(check)) for check in declared.checks]

    def is_meant_by(self, name: str) -> bool:
        """Whether the rules are about a column of this name."""
        if not self._declared.regex:
            return bool(name == self._declared.name)
        # As pandera does it: from the beginning of the name, but not to its end.
        return bool(pd.Index([str(name)]).str.match(self._declared.name)[0])

    def typed(self, values: Any) -> Any:
        """The values in the declared type, without those that cannot have it."""
        dtype = self._declared.dtype
        if dtype is None or values.dtype == self._type:
            return values
        if not self._coerce:
            is_right = dtype.check(Engine.dtype(values.dtype), values)
            return values[np.broadcast_to(is_right, len(values))]
        if is_converted_by_numpy(values.dtype, self._type):
            with suppress(ValueError):  # a moment too far away for nanoseconds
                return values.astype(self._type)
        try:
            return dtype.try_coerce(values)
        except pa.errors.ParserError as error:
            cases = error.failure_cases
        suspects = values.index
        if isinstance(cases, pd.DataFrame) and "index" in cases:
            suspects = pd.Index(cases["index"])
        return self._typed_alone(values, suspects)

    def _typed_alone(self, values: Any, suspects: pd.Index) -> Any:
        """The values in the declared type, where those of some rows may not have it."""
        dtype = self._declared.dtype
        parts = []
        try:
            parts.append(dtype.try_coerce(values.drop(index=suspects)))
        except pa.errors.ParserError:
            suspects = values.index
        # What cannot be of that type beside others, such as two time zones, may be alone.
        for label in suspects:
            with suppress(pa.errors.ParserError):
                parts.append(dtype.try_coerce(values.loc[[label]]))
        filled = [part for part in parts if len(part)]
        return pd.concat(filled).sort_index() if filled else values.iloc[:0]

    def untyped(self, given: Any, typed: Any) -> list[tuple[int, str]]:
        """The rows whose values cannot have the declared type, and the rule that they break."""
        rule = f"dtype('{self._declared.dtype}')"
        if self._coerce:
            rule = f"coerce_dtype('{self._declared.dtype}')"
        found = []
        for row, value in given.drop(index=typed.index).items():
            # Whole numbers of NumPy have no gaps: what is wrong is the gap.
            is_gap = pd.isna(value) and not self._declared.nullable
            found.append((int(row), "not_nullable" if is_gap else rule))
        return found

    def broken(self, values: pd.Series) -> list[tuple[str, Any]]:
        """Each rule that values of the declared type break, with the labels of their rows."""
        found = []
        array = values.to_numpy()
        is_missing = missing_values(values, array)
        if is_missing is not None and not self._declared.nullable:
            found.append(("not_nullable", values.index[is_missing]))
        for rule, check, quick in self._tests:
            fails = quick(array) if quick else None
            if fails is None:
                rows = failing_rows(check, values)
                if len(rows):
                    found.append((rule, rows))
                continue
            if is_missing is not None and check.ignore_na:
                fails &= ~is_missing
            if fails.any():
                found.append((rule, values.index[fails]))
        return found
