"""Every setting is searched or fixed for a reason, and a search that was cut off goes on."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from churn_radar.mlops.bounds import Range
from churn_radar.mlops.config import Config, Tuning
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.modeling import tuning as module
from churn_radar.mlops.modeling import with_tuned_settings
from churn_radar.mlops.modeling.tuning import refuse_gaps
from churn_radar.mlops.pipeline.tune import tune
from churn_radar.model import candidates

TASKS = ("classification", "regression")
REPORTS = ("tuning.json", "plots/tuning.csv")


def searching(config: Config, space: dict[str, Any] | None = None, **changes: Any) -> Config:
    """Settings in which one number of the linear model is searched, and all else is fixed."""
    setting = "alpha" if config.task == "regression" else "C"
    linear = {setting: 1.0} if space is None else {"max_iter": 800, "fit_intercept": True}
    model = config.model.model_copy(update={"linear": linear})
    others = [n for n in candidates(config) if n not in ("baseline", "linear")]
    fixed = {f"{name}.{key}": "Because." for name in others for key in getattr(model, name, {})}
    search = {"linear": space or {setting: Range(low=0.001, high=100.0, log=True)}}
    tuning = {"trials": 4, "folds": 2, "search": search, "fixed": fixed} | changes
    return config.model_copy(update={"model": model, "tuning": Tuning(**tuning)})


@pytest.fixture
def root(config: Config, finished: Path, tmp_path: Path) -> Path:
    """A folder with rows to learn from."""
    train = config.table("processed", "train")
    (tmp_path / train).parent.mkdir(parents=True)
    shutil.copy(finished / train, tmp_path / train)
    return tmp_path


def written(root: Path) -> list[bytes]:
    return [(root / "reports" / name).read_bytes() for name in REPORTS]


def test_the_best_settings_are_found_and_used(config: Config, root: Path) -> None:
    wanted = searching(config)
    assert tune(wanted, root).startswith(f"{config.selection.metric}: linear ")
    report = json.loads((root / "reports" / "tuning.json").read_text())
    scores = report["scores"]["linear"]
    assert scores["after"] >= scores["before"]
    assert with_tuned_settings(wanted, root).model.linear == report["settings"]["linear"]
    assert len((root / "reports" / "plots" / "tuning.csv").read_text().splitlines()) == 5
    # What is no longer searched is taken from params.yaml again.
    assert (
        with_tuned_settings(searching(config, search={}), root).model.linear == wanted.model.linear
    )


def test_a_search_that_was_cut_off_ends_as_if_it_had_not_been(
    config: Config, root: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    wanted, calls, whole = searching(config), iter(range(9)), module.cross_val_score

    def killed(*arguments: Any, **how: Any) -> np.ndarray:
        if next(calls) == 2:
            raise KeyboardInterrupt
        return np.asarray(whole(*arguments, **how))

    with monkeypatch.context() as patch:
        patch.setattr(module, "cross_val_score", killed)
        with pytest.raises(KeyboardInterrupt):
            tune(wanted, root)
        assert not (root / "reports" / "tuning.json").exists()
        patch.setattr(module, "PATIENCE", 0)
        tune(wanted, root)
    assert next(calls) == 5  # the trial that was cut off ran again, and none of those before
    assert "linear: trial 4 of 4" in capfd.readouterr().err
    resumed = written(root)
    (root / "models" / "tuning.db").unlink()
    tune(wanted, root)
    assert written(root) == resumed


def test_other_rows_are_searched_anew(config: Config, root: Path) -> None:
    wanted = searching(config, trials=2)
    tune(wanted, root)
    before = written(root)
    tune(wanted.model_copy(update={"seed": config.seed + 1}), root)
    assert written(root) != before


def test_whole_numbers_and_choices_stay_what_they_are(config: Config, root: Path) -> None:
    space = {"max_iter": Range(low=500, high=900), "fit_intercept": [True, False]}
    tune(searching(config, space, trials=3), root)
    found = json.loads((root / "reports" / "tuning.json").read_text())["settings"]["linear"]
    assert [type(value) for value in found.values()] == [int, bool]


def test_where_settings_make_no_difference_the_present_ones_stay(
    config: Config, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "cross_val_score", lambda *_, **__: np.array([0.7]))
    wanted = searching(config)
    tune(wanted, root)
    report = json.loads((root / "reports" / "tuning.json").read_text())
    assert report["settings"]["linear"] == wanted.model.linear


def test_without_trials_nothing_is_tuned(config: Config, root: Path) -> None:
    wanted = searching(config, trials=0)
    assert with_tuned_settings(wanted, root) == wanted
    assert tune(wanted, root) == "nothing to tune"
    assert with_tuned_settings(wanted, root) == wanted


def test_a_setting_that_is_never_tuned_is_refused(config: Config) -> None:
    wanted = searching(config, search={})
    with pytest.raises(ProjectError, match=r"never tuned: linear\.\w+\. Give each a range"):
        refuse_gaps(wanted)
    refuse_gaps(searching(config, search={}, trials=0))


@pytest.mark.parametrize("where", ["search", "fixed"])
def test_a_misspelt_setting_is_refused(where: str, config: Config) -> None:
    setting = next(iter(searching(config).model.linear))
    wrong: dict[str, Any] = {
        "search": {"linear": {f"{setting}s": [1]}},
        "fixed": {f"linear.{setting}s": "Why."},
    }
    message = rf"tuning\.{where}: linear\.{setting}s is .* did you mean linear\.{setting}\?"
    with pytest.raises(ProjectError, match=message):
        refuse_gaps(searching(config, **{where: wrong[where]}))


def test_a_name_like_no_other_is_refused(config: Config) -> None:
    with pytest.raises(ProjectError, match=r"zzz is no setting under model: there are .*linear\."):
        refuse_gaps(searching(config, fixed={"zzz": "Why."}))


def test_a_setting_fixed_without_a_reason_is_refused(config: Config) -> None:
    setting = next(iter(searching(config).model.linear))
    with pytest.raises(ProjectError, match=rf"say why linear\.{setting} is not searched"):
        refuse_gaps(searching(config, search={}, fixed={f"linear.{setting}": " "}))


@pytest.mark.parametrize("score", [float("nan"), None])
def test_settings_that_cannot_be_scored_are_refused(
    score: float | None, config: Config, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any, **__: Any) -> np.ndarray:
        if score is None:
            raise ValueError("no such choice")
        return np.array([score])

    monkeypatch.setattr(module, "cross_val_score", fails)
    with pytest.raises(ProjectError, match="cannot be scored by"):
        tune(searching(config), root)
