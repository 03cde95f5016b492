"""Stage `train`: choose a candidate and fit it to the training set."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from .. import team
from ..config import Config
from ..data import entity_column
from ..modeling import manifest, with_tuned_settings
from ..modeling.inputs import inputs, require_row_wise
from ..modeling.selection import candidates, cross_validate, one_standard_error
from ..modeling.storage import save_model


def train(config: Config, root: Path) -> str:
    """Write the chosen model with its manifest, and the scores of every candidate in every fold.

    Args:
        config: The settings, as read from params.yaml.
        root: The project's folder.

    Returns:
        The name of the chosen candidate, and the mean score of each.

    Raises:
        ProjectError: A candidate cannot be scored, or a feature depends on more than its row.
    """
    config = with_tuned_settings(config, root)
    rows = pd.read_parquet(root / config.table("processed", "train"))
    require_row_wise(team.features(), rows, config.seed)
    features, target = inputs(config, rows)
    # Rows of one group stay together in cross-validation, as they do in the test set.
    group = entity_column(config, rows)
    groups = rows[group] if group else None
    scores = cross_validate(config, features, target, groups)
    chosen = one_standard_error(scores)
    # Once more on all rows: in cross-validation no model saw more than its folds.
    model = candidates(config)[chosen].fit(features, target)
    save_model(model, root / "models" / "model.skops")
    _write_selection(root / "reports", chosen, config.selection.metric, scores)
    # The manifest says what was chosen, so it comes after the selection.
    manifest.write(config, root)
    means = [f"{name} {values.mean():.3f}" for name, values in scores.items()]
    return f"{chosen} chosen by {config.selection.metric}: {', '.join(means)}"


def _write_selection(folder: Path, chosen: str, metric: str, scores: dict[str, np.ndarray]) -> None:
    (folder / "plots").mkdir(parents=True, exist_ok=True)
    means = {name: round(float(values.mean()), 6) for name, values in scores.items()}
    report = {"chosen": chosen, "metric": metric, "means": means}
    (folder / "selection.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    # One row a candidate and fold, as DVC's plots want it.
    wide = pd.DataFrame(scores).round(6).rename_axis("fold").reset_index()
    long = wide.melt("fold", var_name="candidate", value_name="score")
    long.to_csv(folder / "plots" / "selection.csv", index=False, lineterminator="\n")
