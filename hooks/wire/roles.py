"""What each column is for: target, time, ids, slices, sensitive, personal, feature, or nothing."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Literal

import pandas as pd
from mlops.errors import ProjectError

from .columns import WHOLE, Column
from .personal import personal

Task = Literal["classification", "regression"]
TASKS = ("auto", "classification", "regression")
SENSITIVE = re.compile(
    r"(^|_)(sex|gender|race|ethnic\w*|religio\w*|national\w*|disab\w*|marital\w*|orientation"
    r"|age_(band|group|class)|minority)($|_)"
)
TIME = re.compile(
    r"(^|_)(date|time|timestamp|datetime|day|week|month|year|period|quarter|created|event)($|_)"
)
NO_TIME = re.compile(
    r"(^|_)(birth|born|dob|geburt|naiss|nacim|end|expir\w*|due|last|next|until|label|complain\w*)"
)
ID = re.compile(r"(^|_)(id|ids|key|uuid|guid|index|number|nr|no|code|rownames?)($|_)")
SLICES = 3
CLASSES = 20
ROWS_A_CLASS = 10
LEAST = 10
NONE = "none"


@dataclass(frozen=True)
class Wishes:
    """What a person decided; what is None or empty is inferred."""

    target: str
    task: str = "auto"
    time: str = ""
    ids: Sequence[str] = ()
    slices: Sequence[str] = ()
    sensitive: Sequence[str] = ()


@dataclass
class Roles:
    """Names of columns by role; `why` has the reason for every column of the table."""

    task: Task
    target: str
    time: str | None = None
    group: str | None = None
    ids: list[str] = field(default_factory=list)
    slices: list[str] = field(default_factory=list)
    sensitive: list[str] = field(default_factory=list)
    personal: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    features: list[str] = field(default_factory=list)
    why: dict[str, str] = field(default_factory=dict)

    def of(self, name: str) -> str:
        """The role of a column in words."""
        several = ("ids", "personal", "sensitive", "features", "left_out")
        words = [role for role in ("target", "time", "group") if getattr(self, role) == name]
        words += [role.rstrip("s") for role in several if name in getattr(self, role)]
        words += ["slice"] if name in self.slices else []
        return ", ".join(words).replace("_", " ")


def find(name: str, columns: Sequence[Column]) -> Column:
    """The column of that name, as the file or as the project calls it."""
    for column in columns:
        if name in (column.name, column.original):
            return column
    known = [word for column in columns for word in (column.original, column.name)]
    near = get_close_matches(name, known, 1, 0) or known
    raise ProjectError(
        f"there is no column {name!r}: did you mean {near[0]!r}? The file has "
        f"{', '.join(repr(column.original) for column in columns[:20])}"
        f"{' and others' if len(columns) > 20 else ''}"
    )


def assign(table: pd.DataFrame, columns: Sequence[Column], wishes: Wishes) -> Roles:
    """A role for each column; ProjectError if the target cannot be learned."""
    target = find(wishes.target, columns)
    roles = Roles(_task(target, wishes.task), target.name)
    roles.why[target.name] = f"{roles.task}: {target.why}"
    rest = [column for column in columns if column is not target]
    _wished(roles, rest, wishes)
    for column in rest:
        if column.name not in roles.why:
            role, why = _role(column, table[column.name])
            getattr(roles, role).append(column.name)
            roles.why[column.name] = why
    by_name = {column.name: column for column in rest}
    if not wishes.time:
        _guess_time(roles, by_name)
    if not wishes.slices:
        _guess_slices(roles, by_name)
    if not roles.features:
        raise ProjectError("no column is left that could be a feature: see what each one holds")
    roles.group = next((i for i in roles.ids if not by_name[i].unique), None)
    return roles


def _task(target: Column, wished: str) -> Task:
    name = target.original
    if target.kind == "empty":
        raise ProjectError(f"the target {name!r} has no value at all: nothing can be learned")
    if target.distinct == 1:
        raise ProjectError(f"the target {name!r} has one value in all rows: nothing can be learned")
    if (known := target.rows - target.missing) < LEAST:
        raise ProjectError(f"{known} rows with a value of {name!r} are too few: {LEAST} are needed")
    numeric = target.kind in ("integer", "number")
    if target.kind == "date" or (target.kind == "text" and wished != "classification"):
        raise ProjectError(
            f"the target {name!r} holds {target.why}: name a column of classes or of numbers"
        )
    if wished == "regression" and not numeric:
        raise ProjectError(f"the target {name!r} holds {target.why}: regression needs numbers")
    few = target.distinct <= CLASSES and target.distinct * ROWS_A_CLASS <= target.rows
    whole = target.kind == "integer" or target.why == WHOLE
    classes = not numeric or (whole and few)
    if wished == "classification" and (target.distinct > 2 * CLASSES or (numeric and not whole)):
        raise ProjectError(
            f"the target {name!r} has {target.distinct:,} values: classification needs at most "
            f"{2 * CLASSES}, words or whole numbers"
        )
    if wished in ("classification", "regression"):
        return "classification" if wished == "classification" else "regression"
    return "classification" if classes else "regression"


def _wished(roles: Roles, columns: Sequence[Column], wishes: Wishes) -> None:
    """Take over what a person decided, `none` for an empty list."""
    if wishes.time not in ("", NONE):
        time = find(wishes.time, columns)
        if time.kind not in ("date", "integer", "number") or time.missing:
            raise ProjectError(
                f"the time column {time.original!r} holds {time.why or 'nothing'}"
                f"{' and gaps' if time.missing else ''}: dates or numbers without gaps are needed"
            )
        roles.time, roles.why[time.name] = time.name, "as you said"
    for role in ("ids", "sensitive"):
        for wish in getattr(wishes, role):
            if wish != NONE:
                name = find(wish, columns).name
                getattr(roles, role).append(name)
                roles.why[name] = "as you said"
    roles.slices = [find(wish, columns).name for wish in wishes.slices if wish != NONE]


def _role(column: Column, values: pd.Series) -> tuple[str, str]:
    if column.constant:
        return "left_out", f"{'empty' if column.kind == 'empty' else 'one value'} in all rows"
    if column.missing > 0.95 * column.rows:
        return "left_out", f"nearly empty: {column.rows - column.missing:,} values"
    if column.kind not in ("number", "boolean") and (why := personal(column.name, values)):
        return "personal", why
    if SENSITIVE.search(column.name) and column.distinct <= CLASSES:
        return "sensitive", "by its name; compares groups, never predicts"
    if why := _identifies(column):
        return "ids", why
    if column.kind == "text" and column.distinct * ROWS_A_CLASS > column.rows:
        return "left_out", f"{column.why}: too many to learn from"
    return "features", column.why


def _identifies(column: Column) -> str | None:
    named = ID.search(column.name)
    if column.kind == "text" and column.unique:
        return "a different value in every row" if named or "codes" in column.why else None
    if column.kind == "integer" and column.unique and column.rows >= ROWS_A_CLASS:
        steps = column.high - column.low + 1
        if named or steps == column.rows:
            return "a different number in every row"
    if re.search(r"(^|_)(id|uuid|guid)$", column.name) and column.distinct > CLASSES:
        return "by its name; the same one in several rows"
    return None


def _guess_time(roles: Roles, columns: dict[str, Column]) -> None:
    could = [n for n in roles.features if _is_time(columns[n]) and not NO_TIME.search(n)]
    named = [name for name in could if TIME.search(name)]
    # One date alone, without gaps, is most likely when the row was made.
    fit = named or (could if len(could) == 1 else [])
    if fit:
        roles.time = fit[0]
        roles.features.remove(fit[0])
        roles.why[fit[0]] = f"rows carry time: {columns[fit[0]].why}; the latest are held out"


def _is_time(column: Column) -> bool:
    if column.missing or column.distinct < 2:
        return False
    if column.kind == "date":
        return True
    years = column.kind == "integer" and "year" in column.name
    return years and bool(column.low >= 1900 and column.high <= 2100)


def _guess_slices(roles: Roles, columns: dict[str, Column]) -> None:
    """Categories of a few values, each with a good number of rows."""
    fit = [
        columns[name]
        for name in roles.features
        if columns[name].kind in ("category", "boolean") and columns[name].distinct <= CLASSES // 2
    ]
    fit.sort(key=lambda column: (column.kind != "category", column.top))
    roles.slices = [column.name for column in fit[:SLICES]]
