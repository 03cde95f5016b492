"""Every value of a column is a slice, and the table tells what is known of each."""

import numpy as np
import pandas as pd
import pytest
from churn_radar.mlops.config import Config
from churn_radar.mlops.evaluation.scores import rows_of
from churn_radar.mlops.evaluation.slices import slice_masks, slice_names, slice_table
from machinery.evaluation.known import ROWS, SCRIPT, declared, predictions
from pandas.api.types import pandas_dtype


@pytest.mark.parametrize(
    ("values", "names"),
    [
        (pd.Series(["b", None, "a"]), ["b", "(missing)", "a"]),
        (pd.Series([True, None, False], dtype="boolean"), ["True", "(missing)", "False"]),
        (pd.Series([2, None, 1], dtype="Int64"), ["2", "(missing)", "1"]),
        (pd.Series([2.0, np.nan, 1.5]), ["2", "(missing)", "1.5"]),
        (pd.Series([pd.Timestamp("2025-01-01"), pd.NaT]), ["2025-01-01", "(missing)"]),
        (pd.Series(["b", None]).astype("category"), ["b", "(missing)"]),
    ],
)
def test_every_value_is_a_slice(values: pd.Series, names: list[str]) -> None:
    assert slice_names(values).tolist() == names
    masks = slice_masks(values.to_frame("x"), ["x"])
    assert np.sum([*masks.values()]) == len(names)


@pytest.mark.parametrize("kind", ["float64", "Int64", "datetime64[ns]"])
def test_many_numbers_are_cut_into_quarters(kind: str) -> None:
    values = pd.Series(np.arange(40)).astype(pandas_dtype(kind))
    values[40] = pd.NaT if kind.startswith("date") else None
    counts = slice_names(values).value_counts()
    assert counts.drop("(missing)").to_dict() == {f"quarter {n}": 10 for n in range(1, 5)}


@pytest.mark.parametrize(("task", "metric"), [("classification", "accuracy"), ("regression", "r2")])
def test_the_table_tells_what_is_known_of_each_slice(
    task: str, metric: str, config: Config
) -> None:
    settings = declared(config, task, metric, slices=["place"], sensitive=["kind"])
    test, truth, model = predictions(settings)
    rows = rows_of(settings, truth, truth)
    table = slice_table(settings, test, rows, model).set_index("value")
    assert table["rows"].to_dict() == {SCRIPT: 197, "a|b`c": 198, "few": 5, "one": ROWS}
    assert table["status"].to_dict() == dict.fromkeys(table.index, "ok") | {"few": "inconclusive"}
    assert table["score"].isna().to_dict() == dict.fromkeys(table.index, False) | {"few": True}
    known = table.drop("few")
    assert (known["low"] < known["score"]).all()
    assert (known["score"] < known["high"]).all()
    assert known.loc["one", "skill"] == pytest.approx(rows.skill(rows.score(model)), abs=1e-6)
    assert ("error" in table) == (task == "classification")
