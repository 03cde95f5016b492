"""What params.yaml says of models, gates and cost outlives the table that it was written for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest
import yaml
from churn_radar.mlops.modeling.tuning import refuse_gaps
from mlops.config import Config
from wire.facts import inspect_table
from wire.roles import Overrides
from wire.write import params
from written_schemas import PRESENT


def wired(values: Sequence[object], folder: Path, config: Config = PRESENT) -> Config:
    """What is written for a table with these values of the target."""
    path = folder / "mine.csv"
    sizes = [n % 7 * 1.5 for n in range(len(values))]
    pd.DataFrame({"size": sizes, "mine": values}).to_csv(path, index=False)
    text = params.text(inspect_table(path, Overrides("mine")), config)
    return Config.model_validate(yaml.safe_load(text))


@pytest.mark.parametrize(
    ("values", "setting"), [(["a", "b"] * 20, "C"), ([n * 1.1 for n in range(40)], "alpha")]
)
def test_tuning_fits_the_task(values: list[object], setting: str, tmp_path: Path) -> None:
    config = wired(values, tmp_path)
    assert [*config.model.settings("linear")] == [*config.tuning.search["linear"]] == [setting]
    assert config.tuning.search["boosting"] == PRESENT.tuning.search["boosting"]
    assert (config.tuning.trials, config.tuning.fixed) == (6, {})
    refuse_gaps(config)


def test_few_rows_of_a_class_fill_every_fold(tmp_path: Path) -> None:
    config = wired(["a"] * 30 + ["b"] * 4, tmp_path)
    assert config.tuning.folds == config.selection.folds == 2


def test_bounds_stay_but_not_those_that_name_columns(tmp_path: Path) -> None:
    config = wired(["a", "b"] * 20, tmp_path)
    assert (config.gates.floor.skill, config.gates.slices.min_rows) == (0.3, 50)
    assert (config.gates.slices.critical, config.gates.features.kept) == ([], {})
    assert config.hosting.currency == "GBP"


def test_what_was_never_tuned_is_not_tuned_now(tmp_path: Path) -> None:
    plain = PRESENT.model_copy(update={"tuning": type(PRESENT.tuning)()})
    config = wired(["a", "b"] * 20, tmp_path, plain)
    assert (config.tuning.trials, config.tuning.search) == (0, {})
