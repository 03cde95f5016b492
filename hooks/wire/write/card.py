"""Writes docs/data-card.md: what the table holds, with a small plot of each column."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from ..columns import Column
from ..facts import Facts

TEXT = """\
# Data card: {dataset}

Written from `{source}`.
Say here what one row is, where it comes from, who may use it and for what: no file tells that.

| | |
|---|---|
| size | {rows:,} rows, {count} columns |
| target | `{target}`, {task}{time} |
| file | `{raw}`, versioned by DVC; `params.yaml` says how it is written |
| rules | `schemas.py`: types, bounds, allowed values, order; broken data stops the pipeline |

## Columns

| column | role | holds | missing | range or values | distribution |
|---|---|---|---|---|---|
{columns}

Of personal columns nothing is shown; they are no features, and no message quotes them. Sensitive
columns compare groups and never predict. Both lists, and the roles, are guesses from names and
values: a person has to read them.
{warnings}"""
WARNINGS = """
## Warnings

{lines}
"""
BARS = "▁▂▃▄▅▆▇█"
BINS = 10
SHOWN = 4
CATEGORIES = 20


def text(facts: Facts) -> str:
    """The page."""
    warnings = [f"- {warning}" for warning in facts.warnings()]
    time = f"; rows carry time in `{facts.roles.time}`" if facts.roles.time else ""
    return TEXT.format(
        dataset=facts.dataset,
        source=facts.path.name,
        rows=facts.target.rows,
        count=len(facts.columns),
        target=facts.target.name,
        task=facts.roles.task,
        time=time,
        raw=facts.raw.as_posix(),
        columns="\n".join(_rows(facts)),
        warnings=WARNINGS.format(lines="\n".join(warnings)) if warnings else "",
    )


def _rows(facts: Facts) -> Iterator[str]:
    for column in facts.columns:
        name = f"`{column.name}`"
        if column.name != column.original:
            name += f" ({column.original})"
        missing = f"{column.missing / column.rows:.1%}" if column.missing else ""
        hidden = column.name in facts.roles.personal
        seen = ("", "") if hidden else (_range(column), _plot(facts.table[column.name], column))
        cells = (name, facts.roles.of(column.name), column.kind, missing, *seen)
        yield f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |".replace("  ", " ")


def _range(column: Column) -> str:
    if column.kind == "date":
        return f"{column.low:%Y-%m-%d} to {column.high:%Y-%m-%d}"
    if column.kind in ("integer", "number"):
        return f"{column.low:g} to {column.high:g}"
    if column.kind == "category":
        more = f" and {column.distinct - SHOWN} more" if column.distinct > SHOWN else ""
        return ", ".join(column.values[:SHOWN]) + more
    return f"{column.distinct:,} different" if column.kind == "text" else ""


def _plot(values: pd.Series, column: Column) -> str:
    """Ten bars for numbers and dates, one a value for what has few; nothing for text."""
    present = values.dropna()
    if column.kind in ("integer", "number", "date"):
        # Halves, since the difference of two large numbers may be no number.
        numbers = present.astype("int64" if column.kind == "date" else float) / 2
        width = float(numbers.max() - numbers.min()) or 1.0
        counts: np.ndarray = np.histogram((numbers - numbers.min()) / width, BINS, range=(0, 1))[0]
    elif column.kind in ("category", "boolean"):
        counts = present.value_counts().sort_index().to_numpy()[:CATEGORIES]
    else:
        return ""
    heights = (counts / counts.max() * (len(BARS) - 1)).round().astype(int)
    return "".join(BARS[height] for height in heights)
