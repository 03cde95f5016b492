"""Writes docs/data-card.md: what the table holds, with a small plot of each column."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from ..columns import Column
from ..facts import Facts

PAGE = """\
# Data card: {dataset}

Written from `{source}`.
Say here what one row is, where it comes from, who may use it and for what: no file knows that.

| | |
|---|---|
| size | {rows:,} rows, {count} columns |
| target | `{target}`, {task}{time} |
| balance | {balance} |
| file | `{raw}`, versioned by DVC; `params.yaml` says how it is written |
| rules | `schemas.py`: types, bounds, allowed values, order; broken data stops the pipeline |

## Columns

| column | role | holds | missing | range or values | distribution |
|---|---|---|---|---|---|
{columns}

Of personal columns nothing is shown; they are no features, and no message quotes them. Sensitive
columns compare groups and never predict. Both lists, and the roles, are guesses from names and
values: a person has to read them.
{dropped}{warnings}"""
DROPPED = """
## Not in the features

| column | because |
|---|---|
{lines}
"""
WARNINGS = """
## Warnings

{lines}
"""
BARS = "▁▂▃▄▅▆▇█"
N_BINS = 10
MAX_VALUES = 4
"""Values of a category that the table lists."""

MAX_BARS = 20
"""Values of a category that its plot shows."""


def text(facts: Facts) -> str:
    """Return the page."""
    warnings = [f"- {warning}" for warning in facts.warnings()]
    time = f"; rows carry time in `{facts.roles.time}`" if facts.roles.time else ""
    return PAGE.format(
        dataset=facts.dataset,
        source=facts.path.name,
        rows=facts.target.rows,
        count=len(facts.columns),
        target=facts.target.name,
        task=facts.roles.task,
        time=time,
        balance=facts.balance.replace("|", "/"),
        raw=facts.raw.as_posix(),
        columns="\n".join(_rows(facts)),
        dropped=_dropped(facts),
        warnings=WARNINGS.format(lines="\n".join(warnings)) if warnings else "",
    )


def _rows(facts: Facts) -> Iterator[str]:
    """Yield the row of each column in the table of columns."""
    for column in facts.columns:
        name = f"`{column.name}`"
        if column.name != column.original:
            name += f" ({column.original})"
        missing = f"{column.missing / column.rows:.1%}" if column.missing else ""
        cells = [name, facts.roles.of(column.name), column.kind, missing]
        # The card goes into git, which forgets nothing.
        if column.name in facts.roles.personal:
            cells += ["", ""]
        else:
            values = facts.table[column.name]
            cells += [_range(column, values), _plot(values, column)]
        # A vertical bar would end the cell.
        row = " | ".join(cell.replace("|", "/") for cell in cells)
        yield f"| {row} |".replace("  ", " ")


def _dropped(facts: Facts) -> str:
    """Return the section on the columns that nothing is learned from, and why; none if all are."""
    lines = []
    for column in facts.inputs:
        if column.name not in facts.roles.features:
            role = facts.roles.of(column.name)
            why = facts.roles.why[column.name].replace("|", "/")
            lines.append(f"| `{column.name}` | {role}: {why} |")
    return DROPPED.format(lines="\n".join(lines)) if lines else ""


def _range(column: Column, values: pd.Series) -> str:
    """Return what the values lie between, the first of them, or how often they are true."""
    if column.kind == "boolean":
        return f"true in {values.dropna().astype(float).mean():.2%}"
    if column.kind == "date":
        return f"{column.low:%Y-%m-%d} to {column.high:%Y-%m-%d}"
    if column.kind in ("integer", "number"):
        return f"{column.low:g} to {column.high:g}"
    if column.kind == "category":
        others = column.distinct - MAX_VALUES
        more = f" and {others} more" if others > 0 else ""
        return ", ".join(column.values[:MAX_VALUES]) + more
    return f"{column.distinct:,} different" if column.kind == "text" else ""


def _plot(values: pd.Series, column: Column) -> str:
    """Return ten bars for numbers and dates, one for each value of a category, none for text."""
    present = values.dropna()
    counts: np.ndarray
    if column.kind in ("integer", "number", "date"):
        numbers = present.astype("int64" if column.kind == "date" else float)
        # Halves, since the difference of two large numbers may not be finite.
        halves = numbers / 2
        width = float(halves.max() - halves.min()) or 1.0
        places = (halves - halves.min()) / width * N_BINS
        # The greatest one ends the last bin.
        bins = np.minimum(places.astype(int), N_BINS - 1)
        counts = np.bincount(bins, minlength=N_BINS)
    elif column.kind in ("category", "boolean"):
        # In the order of the values, so that levels are in line.
        counts = present.value_counts().sort_index().to_numpy()[:MAX_BARS]
    else:
        return ""
    heights = (counts / counts.max() * (len(BARS) - 1)).round().astype(int)
    return "".join(BARS[height] for height in heights)
