"""The report: slices, groups, the page and the model card."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from churn_radar.config import Config
from churn_radar.errors import ProjectError
from churn_radar.evaluation import plots, scores
from churn_radar.evaluation.card import (
    CARD,
    MARKS,
    cell,
    check_card,
    write_card,
)
from churn_radar.evaluation.groups import group_gaps
from churn_radar.evaluation.page import page
from churn_radar.evaluation.scores import (
    Classes,
    Numbers,
    Remembered,
    rows_of,
)
from churn_radar.evaluation.slices import (
    slice_masks,
    slice_names,
    slice_table,
)
from churn_radar.pipeline.report import report
from churn_radar.practices import Gates

SCRIPT = "<script>alert('$5 & $6')</script>"
ROWS = 400
SEEN = ("slices.csv", "slices.json", "report.html")


@pytest.fixture
def project(finished: Path, tmp_path: Path) -> Path:
    """A copy of the finished project, to be spoilt."""
    return Path(shutil.copytree(finished, tmp_path / "project"))


def declared(config: Config, task: str, metric: str, **columns: list[str]) -> Config:
    data = config.data.model_copy(update={"slices": [], "sensitive": []} | columns)
    selection = config.selection.model_copy(update={"metric": metric})
    return config.model_copy(update={"task": task, "data": data, "selection": selection})


@pytest.mark.parametrize(
    ("values", "names"),
    [
        (pd.Series(["b", None, "a"]), ["b", "(missing)", "a"]),
        (pd.Series([True, None, False], dtype="boolean"), ["True", "(missing)", "False"]),
        (pd.Series([2, None, 1], dtype="Int64"), ["2", "(missing)", "1"]),
        (pd.Series([2.0, np.nan, 1.5]), ["2", "(missing)", "1.5"]),
        (pd.Series(pd.to_datetime(["2025-01-01", None])), ["2025-01-01", "(missing)"]),
        (pd.Series(["b", None]).astype("category"), ["b", "(missing)"]),
    ],
)
def test_every_value_is_a_slice(values: pd.Series, names: list[str]) -> None:
    assert slice_names(values).tolist() == names
    masks = slice_masks(values.to_frame("x"), ["x"])
    assert np.sum([*masks.values()]) == len(names)


@pytest.mark.parametrize("kind", ["float64", "Int64", "datetime64[ns]"])
def test_many_numbers_are_cut_into_quarters(kind: str) -> None:
    values = pd.Series(np.arange(40)).astype(kind)
    values[40] = pd.NaT if kind.startswith("date") else None
    counts = slice_names(values).value_counts()
    assert counts.drop("(missing)").to_dict() == {f"quarter {n}": 10 for n in range(1, 5)}


def predictions(config: Config, classes: int = 2) -> tuple[pd.DataFrame, pd.Series, Remembered]:
    """A table with hostile names, the truth of its rows, and good predictions for them."""
    test = pd.DataFrame({"place": np.resize([SCRIPT, "a|b`c"], ROWS), "kind": "one"})
    test.loc[:4, "place"] = "few"
    rng = np.random.default_rng(0)
    if config.task == "regression":
        numbers = rng.normal(size=ROWS)
        return test, pd.Series(numbers), Numbers(numbers + rng.normal(scale=0.3, size=ROWS))
    truth = rng.integers(0, classes, ROWS)
    chances = np.eye(classes)[truth] + 1.5 * rng.random((ROWS, classes))
    chances /= chances.sum(axis=1, keepdims=True)
    return test, pd.Series(truth), Classes(chances.argmax(axis=1), chances, np.arange(classes))


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


@pytest.mark.parametrize("metric", ["accuracy", "r2"])
def test_the_page_shows_hostile_names_as_text(metric: str, config: Config) -> None:
    task = "regression" if metric == "r2" else "classification"
    settings = declared(config, task, metric, slices=["place"], sensitive=["place", "kind"])
    test, truth, model = predictions(settings, 20)
    table = slice_table(settings, test, rows_of(settings, truth, truth), model)
    groups = group_gaps(settings, test, truth.to_numpy(), model)
    facts = {"target": SCRIPT, "metric": metric, "rows": ROWS, "chosen": SCRIPT, "positive": None}
    facts |= {"candidates": [SCRIPT]}
    facts |= dict.fromkeys(("score", "low", "high", "skill", "skill_low", "skill_high"), 0.5)
    predicted = model.predict(np.arange(ROWS))
    fits = pd.DataFrame({"fold": [0, 1], "candidate": SCRIPT, "score": [0.1, 0.2]})
    names = truth.map(lambda value: f"{SCRIPT}{value}").to_numpy()
    pictures = {
        "residuals": plots.residuals(truth.to_numpy(), predicted),
        "confusion": plots.confusion(names, names),
        "forest": plots.forest(pd.concat([table] * 20, ignore_index=True), 0.5),
        "folds": plots.folds(fits, SCRIPT, metric),
    }
    text = page(settings, facts | {"trivial": 0.1}, table, groups, pictures)
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert "few (5 rows)" in text
    assert "inconclusive: too few rows" in text
    assert text.count('role="img"') == text.count("aria-label=") == len(pictures)
    assert "src=" not in text
    assert 'href="http' not in text


def test_the_page_says_what_is_not_declared(config: Config) -> None:
    settings = declared(config, "regression", "r2")
    test, truth, model = predictions(settings)
    table = slice_table(settings, test, rows_of(settings, truth, truth), model)
    groups = group_gaps(settings, test, truth.to_numpy(), model)
    facts = {"target": "x", "metric": "r2", "rows": ROWS, "chosen": "x", "candidates": ["x"]}
    facts |= dict.fromkeys(("score", "low", "high", "skill", "skill_low", "skill_high"), 0.5)
    text = page(settings, facts | {"trivial": 0.1}, table, groups, {"forest": "", "folds": ""})
    assert "No slices are declared" in text
    assert "No sensitive columns are declared" in text


def test_the_report_is_the_same_to_the_byte_when_made_again(
    config: Config, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scores, "DRAWS", 10)
    small = Gates.model_validate({"slices": {"min_rows": 10}, "groups": {"min_rows": 10}})
    settings = config.model_copy(update={"gates": small})
    report(settings, project)
    files = [*(project / "reports" / name for name in SEEN), project / CARD]
    before = [path.read_bytes() for path in files]
    for path in files[:3]:
        path.unlink()
    report(settings, project)
    assert [path.read_bytes() for path in files] == before
    lines = [line for path in files for line in path.read_text(encoding="utf-8").split("\n")]
    assert not [line for line in lines if line != line.rstrip()]


def test_writing_the_card_leaves_the_prose_alone(config: Config, project: Path) -> None:
    path = project / CARD
    prose, _, _ = path.read_bytes().partition(MARKS[0].encode())
    own = "Ours, à nous.\r\n".encode() + prose
    path.write_bytes(path.read_bytes().replace(prose, own).replace(b"| model |", b"| modl |"))
    with pytest.raises(ProjectError, match="make card"):
        check_card(config, project)
    write_card(config, project)
    assert path.read_bytes().startswith(own)
    assert "model-card.md is about" in check_card(config, project)


def test_a_card_that_does_not_tell_what_training_takes_now_is_stale(
    config: Config, project: Path
) -> None:
    (project / "docker").mkdir(exist_ok=True)
    (project / "docker" / "resources.env").write_text("# Measured\nTRAIN_CPUS=1\n")
    with pytest.raises(ProjectError, match="stale"):
        check_card(config, project)
    write_card(config, project)
    assert "| resources | TRAIN_CPUS 1 |" in (project / CARD).read_text(encoding="utf-8")


@pytest.mark.parametrize("file", ["models/model.skops", "test"])
def test_a_card_about_another_file_is_refused(file: str, config: Config, project: Path) -> None:
    path = project / (config.table("processed", file) if file == "test" else file)
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(ProjectError, match=r"another (model|test): run `make pipeline`"):
        check_card(config, project)
    path.unlink()  # as in a fresh clone, which has the evidence and not what it is about
    assert "is about" in check_card(config, project)


def test_a_card_without_evidence_is_refused(config: Config, project: Path) -> None:
    (project / "reports" / "slices.json").unlink()
    with pytest.raises(ProjectError, match="is not there: `make pipeline`"):
        write_card(config, project)


@pytest.mark.parametrize("fault", ["missing", "twice", "in the wrong order"])
def test_a_card_without_its_marks_is_left_alone(fault: str, config: Config, project: Path) -> None:
    path, (start, end) = project / CARD, MARKS
    text = path.read_text(encoding="utf-8")
    spoilt = {"missing": text.replace(end, ""), "twice": text + start}
    spoilt["in the wrong order"] = text.replace(start, "X").replace(end, start).replace("X", end)
    path.write_text(spoilt[fault], encoding="utf-8")
    for function in (write_card, check_card):
        with pytest.raises(ProjectError, match="once each"):
            function(config, project)
    assert path.read_text(encoding="utf-8") == spoilt[fault]


def test_a_project_without_a_card_gets_one(config: Config, project: Path) -> None:
    (project / CARD).unlink()
    with pytest.raises(ProjectError, match="`make card` mends it"):
        check_card(config, project)
    assert write_card(config, project) == check_card(config, project)


def test_the_card_says_what_is_not_declared(config: Config, project: Path) -> None:
    data = config.data.model_copy(update={"slices": [], "sensitive": []})
    report(config.model_copy(update={"data": data}), project)
    text = (project / CARD).read_text(encoding="utf-8")
    assert "No column of slices is declared" in text
    assert "No sensitive column is declared" in text


def test_a_value_breaks_no_table_of_the_card() -> None:
    assert cell(f"a|b\n`{MARKS[1]}") == "a&#124;b &#96;&lt;!-- end of evidence --&gt;"
