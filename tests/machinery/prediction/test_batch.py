"""Whole files are predicted: no row is lost, none comes twice, and every mistake is a sentence."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from churn_radar.mlops import prediction, team
from churn_radar.mlops.config import Config, Read
from churn_radar.mlops.data.validation import checked
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.modeling.inputs import feature_table
from churn_radar.mlops.modeling.storage import load_model
from churn_radar.mlops.prediction import batch
from churn_radar.mlops.prediction.batch import Order, default_out, run
from churn_radar.mlops.prediction.scoring import NOT_FINITE, Scorer

from .conftest import Run, without_time

pytestmark = pytest.mark.usefixtures("small_chunks")


def offline(root: Path, rows: pd.DataFrame) -> np.ndarray:
    """What the pipeline computes for the rows."""
    features = checked(team.feature_schema(), feature_table(team.features(), rows))
    return np.asarray(load_model(root / "models" / "model.skops").predict_proba(features))


def test_a_file_is_predicted_as_the_pipeline_would(
    predict: Run, csv: Path, requests: pd.DataFrame, champion_root: Path, tmp_path: Path
) -> None:
    said = predict(csv, tmp_path / "scores.parquet")
    assert said.startswith("250 rows were predicted by version 1 of churn-radar, commit a123456:")
    scores = pd.read_parquet(tmp_path / "scores.parquet")
    assert [*scores] == [
        *("row", "customer_id", "prediction", "probability_0", "probability_1"),
        *("model_version", "model_commit", "predicted_at"),
    ]
    expected = offline(champion_root, requests)
    np.testing.assert_allclose(scores["probability_1"], expected[:, 1], rtol=0, atol=1e-9)
    assert [*scores["customer_id"]] == [*requests["customer_id"]]
    assert [*scores["row"]] == [*range(250)]
    assert {*scores["model_version"]} == {1}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["customers.csv", "scores.parquet"]


def test_every_format_gives_the_same_numbers(
    predict: Run, csv: Path, requests: pd.DataFrame, tmp_path: Path
) -> None:
    files = tmp_path / "files"
    files.mkdir()
    (files / "a.csv.gz").write_bytes(gzip.compress(csv.read_bytes()))
    requests.to_parquet(files / "b.parquet", row_group_size=70)
    text = requests.assign(**requests.select_dtypes("datetime").astype(str))
    text.to_json(files / "c.jsonl", orient="records", lines=True)
    folder = files / "d"
    folder.mkdir()
    requests[:120].to_csv(folder / "1.csv", index=False)
    requests[120:][requests.columns[::-1]].to_csv(folder / "2.csv", index=False)
    predict(csv, tmp_path / "scores.parquet")
    expected = without_time(tmp_path / "scores.parquet")
    for source in sorted(files.iterdir()):
        predict(source, tmp_path / f"{source.name}.parquet")
        found = without_time(tmp_path / f"{source.name}.parquet")
        if source.is_dir():
            assert [*found.pop("file")] == ["1.csv"] * 120 + ["2.csv"] * 130
            assert [*found["row"]] == [*range(120), *range(130)]
            found["row"] = range(250)
        pd.testing.assert_frame_equal(found, expected, check_exact=False, rtol=0, atol=1e-9)
    predict(csv, tmp_path / "scores.csv")
    pd.testing.assert_frame_equal(
        pd.read_csv(tmp_path / "scores.csv").drop(columns="predicted_at"),
        expected,
        check_dtype=False,
    )


def test_a_folder_is_read_without_the_pointers_of_dvc(
    predict: Run, csv: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "raw"
    folder.mkdir()
    csv.rename(folder / "customers.csv")
    (folder / "customers.csv.dvc").write_text("outs: []\n")
    assert predict(folder, tmp_path / "scores.parquet").startswith("250 rows were predicted")
    with pytest.raises(ProjectError, match="lies in the folder IN"):
        predict(folder, folder / "scores.parquet")


def test_an_input_that_changes_while_it_is_read_is_not_predicted(
    predict: Run, csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = batch._write

    def write_and_cut(*arguments: Any) -> None:
        write(*arguments)
        csv.write_text(csv.read_text().rpartition("\n")[0])

    monkeypatch.setattr(batch, "_write", write_and_cut)
    with pytest.raises(ProjectError, match="changed while it was read: predict it again"):
        predict(csv, tmp_path / "scores.parquet")
    assert [path.name for path in tmp_path.iterdir()] == ["customers.csv"]


def test_names_of_the_file_and_its_dialect_are_read(
    config: Config, champion_root: Path, csv: Path, requests: pd.DataFrame, tmp_path: Path
) -> None:
    run(config, champion_root, Order(csv, tmp_path / "scores.parquet"))
    german = tmp_path / "german.csv"
    renamed = requests.rename(columns={"tenure_months": "Monate"})
    renamed.to_csv(german, index=False, sep=";", decimal=",", encoding="latin-1")
    how = Read(delimiter=";", decimal=",", encoding="latin-1", names={"Monate": "tenure_months"})
    other = config.model_copy(update={"data": config.data.model_copy(update={"read": how})})
    run(other, champion_root, Order(german, tmp_path / "german.parquet"))
    pd.testing.assert_frame_equal(
        without_time(tmp_path / "german.parquet"), without_time(tmp_path / "scores.parquet")
    )


def test_a_row_that_breaks_a_rule_goes_to_the_rejects(
    predict: Run, csv: Path, requests: pd.DataFrame, tmp_path: Path
) -> None:
    rows = requests.astype(object)
    rows.loc[3, "region"] = "moon"
    rows.loc[120, "tenure_months"] = "long"
    rows.loc[120, "region"] = "mars"
    rows.loc[121, "email"] = "nobody"
    rows.loc[249, "customer_id"] = None
    rows.loc[248, ["event_month", "last_complaint"]] = ["2024-01-01", "2025-01-01"]
    rows.to_csv(csv, index=False)
    said = predict(csv, tmp_path / "scores.csv")
    assert "245 rows were predicted" in said
    assert f"5 rows break a rule and have no prediction: {tmp_path / 'scores.rejects.csv'}" in said
    rejects = pd.read_csv(tmp_path / "scores.rejects.csv", keep_default_na=False)
    regions = "isin(['north', 'east', 'south', 'west'])"
    assert rejects.to_numpy().tolist() == [
        [3, "row 5 of " + csv.name, "region", regions, "moon"],
        [120, "row 122 of " + csv.name, "region", regions, "mars"],
        [120, "row 122 of " + csv.name, "tenure_months", "is not an integer", "long"],
        [121, "row 123 of " + csv.name, "email", "str_contains('@')", ""],
        [248, "row 250 of " + csv.name, "", "no complaint after event_month", ""],
        [249, "row 251 of " + csv.name, "customer_id", "not_nullable", ""],
    ]
    scores = pd.read_csv(tmp_path / "scores.csv")
    assert {*range(250)} - {*scores["row"]} == {3, 120, 121, 248, 249}


def test_a_file_of_faults_alone_has_an_output_without_rows(
    predict: Run, csv: Path, requests: pd.DataFrame, tmp_path: Path
) -> None:
    requests.assign(region="moon").to_csv(csv, index=False)
    assert predict(csv, tmp_path / "scores.parquet").startswith("0 rows were predicted")
    scores = pd.read_parquet(tmp_path / "scores.parquet")
    assert (len(scores), "probability_1" in scores) == (0, True)
    assert len(pd.read_parquet(tmp_path / "scores.rejects.parquet")) == 250


def test_a_prediction_that_is_no_number_is_rejected(
    predict: Run, csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = Scorer._predict

    def with_nan(self: Scorer, features: pd.DataFrame) -> pd.DataFrame:
        found: pd.DataFrame = original(self, features)
        found.iloc[0, 1] = np.nan
        return found

    monkeypatch.setattr(Scorer, "_predict", with_nan)
    predict(csv, tmp_path / "scores.parquet")
    rejects = pd.read_parquet(tmp_path / "scores.rejects.parquet")
    assert [*rejects["row"]] == [0, 100, 200]
    assert {*rejects["rule"]} == {NOT_FINITE}


def test_outcomes_are_passed_over_and_unknown_columns_named(
    predict: Run,
    csv: Path,
    requests: pd.DataFrame,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    predict(csv, tmp_path / "scores.parquet")
    requests.assign(churned="?", town="x").to_csv(csv, index=False)
    capsys.readouterr()
    predict(csv, tmp_path / "again.parquet")
    assert "Not looked at, since no schema declares them: town." in capsys.readouterr().out
    pd.testing.assert_frame_equal(
        without_time(tmp_path / "again.parquet"), without_time(tmp_path / "scores.parquet")
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"source": "none.csv"}, "IN=.*none.csv is not there"),
        ({"source": "empty"}, "is a folder without files"),
        ({"source": "header.csv"}, "has a header and no rows"),
        ({"source": "town.csv"}, "town.csv lacks customer_id, .*; there are town"),
        ({"source": "typo.csv"}, "lacks tenure_months, .*; did you mean tenure_month\\?"),
        ({"source": "ragged.csv"}, r"ragged.csv cannot be read: .* got 1$"),
        ({"out": "scores.txt"}, r"OUT=.*scores.txt ends in none of .parquet, .pq, .csv"),
        ({"out": "none/scores.csv"}, "none is no folder"),
        ({"out": "there.csv"}, "there.csv is there already: name another OUT="),
        ({"out": "old.csv"}, "old.rejects.csv is there already: name another OUT="),
        ({"model": "9"}, "MODEL=9 is no version of churn-radar: .*; there are 1$"),
        ({"model": "best"}, "MODEL=best is no version"),
        ({"model": "previous"}, "no version of churn-radar is called previous"),
        ({"engine": "spark"}, "ENGINE=spark is no engine: choose from local, ray"),
    ],
)
def test_a_mistake_is_one_sentence(
    change: dict[str, str], said: str, predict: Run, csv: Path, tmp_path: Path
) -> None:
    header = csv.read_text().partition("\n")[0]
    (tmp_path / "empty").mkdir()
    for name, text in {
        "header.csv": f"{header}\n",
        "town.csv": "town\nx\n",
        "typo.csv": csv.read_text().replace("tenure_months", "tenure_month", 1),
        "ragged.csv": f"{header}\n1\n",
        "there.csv": "",
        "old.rejects.csv": "",
    }.items():
        (tmp_path / name).write_text(text)
    order = {"source": csv, "out": tmp_path / "scores.parquet"}
    for key in ("source", "out"):
        if key in change:
            order[key] = tmp_path / change.pop(key)
    with pytest.raises(ProjectError, match=said) as refused:
        predict(**order, **change)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "scores.parquet").exists()


def test_without_a_champion_it_says_how_to_make_one(
    config: Config, csv: Path, tmp_path: Path
) -> None:
    with pytest.raises(ProjectError, match="there is no champion of churn-radar yet: `make prom"):
        run(config, tmp_path, Order(csv, tmp_path / "scores.parquet"))
    assert not (tmp_path / "models").exists()


def test_the_command_wants_a_file_and_names_an_output(
    csv: Path, champion_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ProjectError, match=r"make predict IN=customers\.parquet"):
        prediction.predict()
    monkeypatch.chdir(champion_root)
    prediction.predict(source=str(csv))
    assert csv.with_name("customers-scores.csv").exists()
    assert default_out(Path("a/b.c.csv.gz")) == Path("a/b.c-scores.csv")
    assert default_out(Path("a/b.parquet")) == Path("a/b-scores.parquet")
    assert default_out(Path("a/months")) == Path("a/months-scores.parquet")
