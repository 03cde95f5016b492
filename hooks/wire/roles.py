"""What each column is for: target, time, id, slice, sensitive, personal, feature, or nothing."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Literal

import pandas as pd
from mlops.bounds import Leakage
from mlops.errors import ProjectError

from .columns import Column
from .identity import MAX_CLASSES, MIN_ROWS, identifies
from .personal import personal
from .protected import is_birthday, protected

Task = Literal["classification", "regression"]
TASKS = ("auto", "classification", "regression")

TIME = re.compile(
    r"(^|_)(date|time|timestamp|datetime|day|week|month|year|period|quarter|created|event)($|_)"
)
NOT_TIME = re.compile(
    r"(^|_)(birth|born|dob|geburt|naiss|nacim|end|expir\w*|due|last|next|until|label|complain\w*)"
)
"""Names of dates that say when something else happened than the row."""

MAX_SLICES = 3
MAX_SLICE_VALUES = 10
ROWS_PER_CLASS = 10
MOSTLY_EMPTY = 0.95
NONE = "none"
"""What a person writes to say that no column has a role."""


@dataclass(frozen=True)
class Overrides:
    """What a person decided; what is empty is inferred.

    `leakage` is that section of params.yaml: a column with a reason there stays a feature.
    """

    target: str
    task: str = "auto"
    time: str = ""
    ids: Sequence[str] = ()
    slices: Sequence[str] = ()
    sensitive: Sequence[str] = ()
    leakage: Leakage = field(default_factory=Leakage)


@dataclass
class Roles:
    """Names of columns by role.

    Attributes:
        group: The id whose rows must be either all in the training set or all in the test set.
        excluded: Columns that nothing is done with.
        leaks: Columns that predict so well alone that they may hold the outcome: no features.
        why: The reason for the role of every column of the table.
    """

    task: Task
    target: str
    time: str | None = None
    group: str | None = None
    ids: list[str] = field(default_factory=list)
    slices: list[str] = field(default_factory=list)
    sensitive: list[str] = field(default_factory=list)
    personal: list[str] = field(default_factory=list)
    excluded: list[str] = field(default_factory=list)
    leaks: list[str] = field(default_factory=list)
    features: list[str] = field(default_factory=list)
    why: dict[str, str] = field(default_factory=dict)

    def of(self, name: str) -> str:
        """Return the roles of a column in words."""
        words = []
        for role in ("target", "time", "group"):
            if getattr(self, role) == name:
                words.append(role)
        for role in ("ids", "personal", "sensitive", "features", "excluded", "leaks", "slices"):
            if name in getattr(self, role):
                words.append(role.removesuffix("s"))
        return ", ".join(words)


def find(name: str, columns: Sequence[Column]) -> Column:
    """Find a column by its name in the file or in the project.

    Args:
        name: What a person wrote.
        columns: The columns to choose from.

    Raises:
        ProjectError: There is no such column; the message has the nearest name.
    """
    known = []
    for column in columns:
        if name in (column.name, column.original):
            return column
        known += [column.original, column.name]
    # With a cutoff of 0 the nearest name is found however far it is.
    near = get_close_matches(name, known, n=1, cutoff=0) or known
    shown = ", ".join(repr(column.original) for column in columns[:20])
    others = " and others" if len(columns) > 20 else ""
    raise ProjectError(
        f"there is no column {name!r}: did you mean {near[0]!r}? The file has {shown}{others}"
    )


def assign(table: pd.DataFrame, columns: Sequence[Column], overrides: Overrides) -> Roles:
    """Give each column its role.

    Args:
        table: The table as it was read.
        columns: What its columns hold.
        overrides: What a person decided.

    Returns:
        The roles, with the reason for each.

    Raises:
        ProjectError: An override does not fit, the target cannot be predicted, or no feature
            is left.
    """
    target = find(overrides.target, columns)
    _check_target(target)
    roles = Roles(_task(target, overrides.task), target.name)
    roles.why[target.name] = f"{roles.task}: {target.why}"
    rest = [column for column in columns if column is not target]
    _take_overrides(roles, rest, overrides)
    for column in rest:
        if column.name not in roles.why:
            role, why = _role(column, table[column.name], overrides)
            getattr(roles, role).append(column.name)
            roles.why[column.name] = why
            # Nobody sees the days, and their quarters still compare the young with the old.
            if role == "personal" and is_birthday(column) and NONE not in overrides.sensitive:
                roles.sensitive.append(column.name)
    by_name = {column.name: column for column in rest}
    if not overrides.time:
        _guess_time(roles, by_name)
    if not overrides.slices:
        guess_slices(roles, by_name)
    if not roles.features:
        raise ProjectError("no column is left that could be a feature: see what each one holds")
    # A person whose rows are on both sides of the split would be recognized in the test set.
    shared = [name for name in roles.ids if by_name[name].repeated]
    # A row without an id belongs to no group, and GroupKFold takes no missing values.
    complete = [name for name in shared if not by_name[name].missing]
    roles.group = complete[0] if complete else None
    return roles


def _check_target(target: Column) -> None:
    """Refuse a target that no model can predict, whatever the task."""
    name = target.original
    if target.kind == "empty":
        raise ProjectError(f"the target {name!r} has no value at all: nothing can be learned")
    if target.distinct == 1:
        raise ProjectError(f"the target {name!r} has one value in all rows: nothing can be learned")
    known = target.rows - target.missing
    if known < MIN_ROWS:
        raise ProjectError(
            f"{known} rows with a value of {name!r} are too few: {MIN_ROWS} are needed"
        )


def _task(target: Column, chosen: str) -> Task:
    """Choose the task that fits the target, or refuse the one that a person chose."""
    name = target.original
    numeric = target.kind in ("integer", "number")
    if target.kind == "date" or (target.kind == "text" and chosen != "classification"):
        raise ProjectError(
            f"the target {name!r} holds {target.why}: name a column of classes or of numbers"
        )
    if chosen == "regression":
        if not numeric:
            raise ProjectError(f"the target {name!r} holds {target.why}: regression needs numbers")
        return "regression"
    if chosen == "classification":
        if target.distinct > 2 * MAX_CLASSES or (numeric and not target.whole):
            raise ProjectError(
                f"the target {name!r} has {target.distinct:,} values: classification needs at most "
                f"{2 * MAX_CLASSES}, words or whole numbers"
            )
        return "classification"
    few = target.distinct <= MAX_CLASSES and target.distinct * ROWS_PER_CLASS <= target.rows
    # Classes may be numbered, also in a file that writes 1.0 for 1.
    is_class = not numeric or (target.whole and few)
    return "classification" if is_class else "regression"


def _take_overrides(roles: Roles, columns: Sequence[Column], overrides: Overrides) -> None:
    """Take over what a person decided."""
    if overrides.time not in ("", NONE):
        time = find(overrides.time, columns)
        if time.kind not in ("date", "integer", "number") or time.missing:
            holds = time.why or "nothing"
            gaps = " and gaps" if time.missing else ""
            raise ProjectError(
                f"the time column {time.original!r} holds {holds}{gaps}: "
                "dates or numbers without gaps are needed"
            )
        roles.time = time.name
        roles.why[time.name] = "as you said"
    for role in ("ids", "sensitive"):
        for written in getattr(overrides, role):
            if written != NONE:
                name = find(written, columns).name
                getattr(roles, role).append(name)
                roles.why[name] = "as you said"
    # A slice says nothing about what else a column is: it may be a feature too.
    for written in overrides.slices:
        if written != NONE:
            roles.slices.append(find(written, columns).name)


def _role(column: Column, values: pd.Series, overrides: Overrides) -> tuple[str, str]:
    """Return the role of a column that nobody decided on, and the reason."""
    if column.constant:
        return (
            "excluded",
            "empty in all rows" if column.kind == "empty" else "one value in all rows",
        )
    if column.missing > MOSTLY_EMPTY * column.rows:
        return "excluded", f"nearly empty: {column.rows - column.missing:,} values"
    # A measured number identifies nobody, whatever its digits look like.
    if column.kind not in ("number", "boolean"):
        why = personal(column.name, values)
        if why:
            return "personal", why
    why = protected(column)
    if why and NONE not in overrides.sensitive:
        return "sensitive", why
    why = identifies(column)
    if why and NONE not in overrides.ids:
        return "ids", why
    # A model can learn only from values that come back.
    if column.kind == "text" and column.distinct * ROWS_PER_CLASS > column.rows:
        return "excluded", f"{column.why}: too many to learn from"
    return "features", column.why


def _guess_time(roles: Roles, columns: dict[str, Column]) -> None:
    """Choose the column that says when a row was made, if one does."""
    possible = []
    for name in roles.features:
        if _is_time(columns[name]) and not NOT_TIME.search(name):
            possible.append(name)
    named = [name for name in possible if TIME.search(name)]
    # One date alone, without gaps, is most likely when the row was made.
    if not named and len(possible) == 1:
        named = possible
    if not named:
        return
    roles.time = named[0]
    roles.features.remove(named[0])
    holds = columns[named[0]].why
    roles.why[named[0]] = f"rows carry time: {holds}; the latest are held out"


def _is_time(column: Column) -> bool:
    """Return whether the rows can be put in order by a column of dates or years."""
    # A row without a time would be in neither the training nor the test set.
    if column.missing or column.distinct < 2:
        return False
    if column.kind == "date":
        return True
    if column.kind != "integer" or "year" not in column.name:
        return False
    return bool(column.low >= 1900 and column.high <= 2100)


def guess_slices(roles: Roles, columns: dict[str, Column]) -> None:
    """Choose categories of a few values, each with a good number of rows."""
    fit = []
    for name in roles.features:
        column = columns[name]
        if column.kind in ("category", "boolean") and column.distinct <= MAX_SLICE_VALUES:
            fit.append(column)
    # Categories first; then the one whose largest slice is smallest, so that none is tiny.
    fit.sort(key=lambda column: (column.kind != "category", column.top))
    roles.slices = [column.name for column in fit[:MAX_SLICES]]
