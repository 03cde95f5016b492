"""Raw data: how it is fetched, read and validated, and how far a column drifted."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from pandas.api import types

from ..bounds import Drift
from ..config import Config

Summary = dict[str, Any]
"""What is kept of a column: the number of independent rows, the share of gaps, and quantiles or
counts of values."""

MIN_ROWS = 200
"""On fewer rows a test misses what matters."""

N_QUANTILES = 20
"""Of a number, equally far apart; at them two distributions are compared."""

MAX_VALUES = 50
"""Of a category, the commonest. Where they are not even half of the rows, nothing is compared."""

SIGNIFICANCE = 0.05
"""After the correction for many columns (Benjamini and Hochberg, 1995)."""


class Change(NamedTuple):
    """How one column differs between two tables; `text` says it in words."""

    column: str
    effect: float  # Kolmogorov-Smirnov statistic of numbers, Cramér's V of categories: 0 to 1
    p_value: float
    missing: float  # by how much the share of gaps grew; negative if it shrank
    text: str
    when: str


def entity_column(config: Config, rows: pd.DataFrame) -> str | None:
    """Return the column whose equal values stand for one person or thing with several rows.

    Such rows are alike: a model that has seen some of them knows more about the others, so they
    are learned from or held out together.

    Args:
        config: The settings; `data.group` decides if it is set.
        rows: Rows of the raw table.

    Returns:
        The name of the column: `data.group`, else the first of `data.ids` with a repeated value
        and without gaps, since nobody knows whose rows those are; None if there is none.
    """
    if config.data.group:
        return config.data.group
    for column in config.data.ids:
        if column in rows and rows[column].notna().all() and rows[column].duplicated().any():
            return column
    return None


def independent_rows(config: Config, rows: pd.DataFrame) -> int:
    """Return how many rows say something new: those of one person or thing are alike.

    Args:
        config: The settings, which name the ids.
        rows: Rows of the raw table.
    """
    entity = entity_column(config, rows)
    return int(rows[entity].nunique()) if entity else len(rows)


def _is_number(values: pd.Series) -> bool:
    return types.is_numeric_dtype(values) and not types.is_bool_dtype(values)


def summarize(values: pd.Series, n_independent: int) -> Summary:
    """Keep of a column what a later one can be compared with, as JSON has it.

    Args:
        values: The column.
        n_independent: How many of its rows say something new.
    """
    present = values.dropna()
    summary: Summary = {
        "n_independent": n_independent,
        "missing": round(float(values.isna().mean()), 6),
    }
    if types.is_datetime64_any_dtype(values):
        return summary | {"quantiles": [], "reached": []}  # dates go on by nature; gaps do not
    if _is_number(present):
        numbers = present.astype(float).to_numpy()
        shares = np.linspace(0, 1, N_QUANTILES + 1)
        quantiles = np.unique(np.quantile(numbers, shares)) if len(numbers) else np.array([])
        # Not the shares themselves, since many rows may have the value of a quantile.
        reached = [float((numbers <= value).mean()) for value in quantiles]
        return summary | {"quantiles": quantiles.tolist(), "reached": reached}
    counts = present.astype(str).value_counts().head(MAX_VALUES)
    if counts.sum() < len(present) / 2:
        counts = counts.head(0)  # names, codes, free text: hardly a value comes back
    return summary | {"counts": {str(value): int(n) for value, n in counts.items()}}


def compare(name: str, before: Summary, values: pd.Series, n_independent: int, when: str) -> Change:
    """Compare later values of a column with what is kept of it.

    Args:
        name: The column.
        before: What is kept of it.
        values: The later values.
        n_independent: How many of their rows say something new.
        when: Which rows they are, in words, as in "since the champion".
    """
    after = summarize(values, n_independent)
    missing = after["missing"] - before["missing"]
    if "quantiles" in before and "quantiles" in after:
        effect, p_value, text = 0.0, 1.0, "nothing to compare"
        if before["quantiles"] and after["quantiles"]:
            effect, p_value, text = _compare_numbers(before, values, _n_present(after))
    elif "counts" in before and "counts" in after:
        effect, p_value, text = _compare_categories(before, after)
    else:
        effect, p_value, text = 1.0, 0.0, "numbers on one side, categories on the other"
    gaps = f"gaps {before['missing']:.0%} to {after['missing']:.0%}" if missing else ""
    details = ", ".join(filter(None, (text, gaps)))
    text = f"{name} drifted {when} with effect {effect:.2f}, {details}"
    return Change(name, effect, p_value, missing, text, when)


def _n_present(summary: Summary) -> float:
    """The number of independent rows that have a value."""
    return float(summary["n_independent"] * (1 - summary["missing"]))


def _compare_numbers(
    before: Summary, values: pd.Series, n_after: float
) -> tuple[float, float, str]:
    """The Kolmogorov-Smirnov test, at the quantiles that are known of the other side."""
    # Imported here, as below: most commands enter this room, and few compare.
    from scipy.stats import kstwobign

    present = values.dropna()
    numbers = np.sort(present.astype(float).to_numpy())
    quantiles = np.array(before["quantiles"])
    reached = np.searchsorted(numbers, quantiles, side="right") / len(numbers)
    effect = float(np.abs(reached - np.array(before["reached"])).max())
    n_before = _n_present(before)
    harmonic = n_before * n_after / (n_before + n_after)
    p_value = float(kstwobign.sf(effect * np.sqrt(harmonic)))
    median = float(np.interp(0.5, before["reached"], quantiles))
    return effect, p_value, f"median {median:.4g} to {np.median(numbers):.4g}"


def _compare_categories(before: Summary, after: Summary) -> tuple[float, float, str]:
    """The chi-squared test of how often each value is there."""
    from scipy.stats import chi2_contingency

    names = sorted(before["counts"].keys() | after["counts"].keys())
    if len(names) < 2:
        return 0.0, 1.0, "one value"
    counts = np.array([[side["counts"].get(name, 0) for name in names] for side in (before, after)])
    if (counts.sum(axis=1) == 0).any():
        return 0.0, 1.0, "nothing to compare"
    # As many as there are independent rows: those of one person say the same again and again.
    independent = np.array([[_n_present(before)], [_n_present(after)]])
    counts = counts / counts.sum(axis=1, keepdims=True) * independent
    test = chi2_contingency(counts)
    shares = counts / counts.sum(axis=1, keepdims=True)
    # Cramér's V of two samples of one size: a month among years must not look small.
    effect = float(np.sqrt(((shares[1] - shares[0]) ** 2 / shares.sum(axis=0)).sum() / 2))
    most = int(np.abs(shares[1] - shares[0]).argmax())
    text = f"{names[most]!r} {shares[0, most]:.0%} to {shares[1, most]:.0%}"
    return effect, float(test.pvalue), text


def drifted(found: list[Change], thresholds: Drift) -> list[Change]:
    """Return the changes that are large and no accident, the largest first.

    A column drifted if the test is significant after the correction for many columns and the
    effect is large, or if the share of gaps changed much.

    Args:
        found: Every comparison that was made.
        thresholds: What is large: `gates.drift` in params.yaml.
    """
    from scipy.stats import false_discovery_control

    if not found:
        return []
    p_values = np.clip([change.p_value for change in found], 0, 1)
    adjusted = false_discovery_control(p_values)
    changed = []
    for change, p_value in zip(found, adjusted, strict=True):
        is_shifted = p_value < SIGNIFICANCE and change.effect >= thresholds.max_effect
        if is_shifted or abs(change.missing) > thresholds.max_missing:
            changed.append(change)
    # A column that became empty has no effect to speak of, and is the largest change of all.
    return sorted(changed, key=lambda change: -max(change.effect, abs(change.missing)))
