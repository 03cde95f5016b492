"""reports/report.html: what a person who did not build the model has to know, on one page."""

from typing import Any

import pandas as pd

from ..config import Config
from . import render
from .groups import MEANINGS

CAPTIONS = {
    "calibration": "Each point is a tenth of the rows; on the dashed line predictions come true.",
    "confusion": "Of the rows of each true class, the share that was predicted to be each class.",
    "residuals": "Each point is a twentieth of the rows; at zero they are right on average.",
    "forest": "Skill score on each slice, with its 95% interval and number of rows.",
    "folds": "Each point is the score on one part of the training set, trained on the others.",
}
"""What each plot shows, by its name."""

MAX_LISTED_SLICES = 60
"""In the table, the weakest of more: reports/slices.csv has all."""


def page(
    config: Config,
    facts: dict[str, Any],
    slices: pd.DataFrame,
    groups: pd.DataFrame,
    plots: dict[str, str],
) -> str:
    """Write the page.

    Args:
        config: Names the model and the thresholds that the page explains.
        facts: What reports/slices.json holds.
        slices: What `slice_table` returned.
        groups: What `group_gaps` returned.
        plots: SVG by name, in the order of the page; those of CAPTIONS that suit the task.

    Returns:
        HTML that needs no other file and no network.
    """
    is_clear = slices["status"] == "ok"
    clear = slices[is_clear].sort_values("skill", kind="stable").head(MAX_LISTED_SLICES)
    unclear = slices[~is_clear]
    # The other two have sections of their own.
    quality_plots = [name for name in plots if name not in ("forest", "folds")]
    return render(
        "report.html",
        title=f"Model report: {config.model.name}",
        facts=facts,
        plots=plots,
        captions=CAPTIONS,
        quality_plots=quality_plots,
        score=f"{facts['score']:.3f}",
        score_ends=f"{facts['low']:.3f} to {facts['high']:.3f}",
        baseline=f"{facts['baseline']:.3f}",
        skill=f"{facts['skill']:.0%}",
        skill_ends=f"{facts['skill_low']:.0%} to {facts['skill_high']:.0%}",
        weakest=_weakest_slice(clear),
        widest=_widest_gap(groups),
        n_slices=len(slices),
        n_unclear=len(unclear),
        min_rows=config.gates.slices.min_rows,
        clear=clear.to_dict("records"),
        unclear=unclear.head(MAX_LISTED_SLICES).to_dict("records"),
        # A regression has no rows that are simply wrong.
        has_errors="error" in slices,
        gaps=groups.to_dict("records"),
        meanings={name: MEANINGS[name].format(**facts) for name in groups["measure"].unique()},
        max_gap=config.gates.groups.max_gap,
    )


def _weakest_slice(clear: pd.DataFrame) -> dict[str, str] | None:
    """What the tile says; `clear` is sorted, the weakest first."""
    if clear.empty:
        return None
    weakest = clear.iloc[0]
    return {
        "name": f"{weakest['column']}={weakest['value']}",
        "skill": f"{weakest['skill']:.0%}",
        "rows": f"{weakest['rows']:,}",
    }


def _widest_gap(groups: pd.DataFrame) -> dict[str, str] | None:
    """What the tile says."""
    clear = groups[groups["status"] == "ok"]
    if clear.empty:
        return None
    widest = clear.nlargest(1, "gap").iloc[0]
    return {
        "measure": widest["measure"],
        "column": widest["column"],
        "gap": f"{widest['gap']:.2f}",
        "low": f"{widest['low']:.2f}",
    }
