"""Stage `report`: the same evidence gives the same files."""

import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml
from churn_radar.mlops.bounds import Gates
from churn_radar.mlops.config import Config
from churn_radar.mlops.evaluation import curves, drivers, plots
from churn_radar.mlops.evaluation.card import CARD
from churn_radar.mlops.evaluation.page import CAPTIONS
from churn_radar.mlops.modeling import metrics
from churn_radar.mlops.pipeline.report import report

TASKS = ("classification", "regression")
SEEN = ("slices.csv", "slices.json", "report.html")


@pytest.fixture
def made(finished: Path, tmp_path: Path) -> Path:
    """A copy of the finished project, to be spoilt."""
    return Path(shutil.copytree(finished, tmp_path / "project"))


def test_the_report_is_the_same_to_the_byte_when_made_again(
    config: Config, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics, "N_RESAMPLES", 10)
    small = Gates.model_validate({"slices": {"min_rows": 10}, "groups": {"min_rows": 10}})
    settings = config.model_copy(update={"gates": small})
    report(settings, made)
    files = [*(made / "reports" / name for name in SEEN), made / CARD]
    before = [path.read_bytes() for path in files]
    for path in files[:3]:
        path.unlink()
    report(settings, made)
    assert [path.read_bytes() for path in files] == before
    lines = [line for path in files for line in path.read_text(encoding="utf-8").split("\n")]
    assert not [line for line in lines if line != line.rstrip()]


def test_the_card_says_what_is_not_declared(config: Config, made: Path) -> None:
    data = config.data.model_copy(update={"slices": [], "sensitive": []})
    report(config.model_copy(update={"data": data}), made)
    text = (made / CARD).read_text(encoding="utf-8")
    assert "No column of slices is declared" in text
    assert "No sensitive column is declared" in text


def test_a_formula_among_the_values_is_text_in_a_spreadsheet(config: Config, made: Path) -> None:
    path = made / config.table("processed", "test")
    rows = pd.read_parquet(path)
    planted = rows["age_band"].astype(str).replace({"60+": "=1+1", "18-29": "-4.5"})
    rows.assign(age_band=planted).to_parquet(path, index=False)
    report(config, made)
    values = pd.read_csv(made / "reports" / "slices.csv", dtype=str)["value"]
    assert {"'=1+1", "-4.5"} <= set(values)


def test_a_plot_has_one_name_in_code_file_and_report(
    config: Config, made: Path, project_root: Path
) -> None:
    small = Gates.model_validate({"slices": {"min_rows": 10}})
    report(config.model_copy(update={"gates": small}), made)
    html = (made / "reports" / "report.html").read_text(encoding="utf-8")
    figure = (
        r'<figcaption><strong>([^<]*)</strong>.*?aria-labelledby="([\w-]+)-title"'
        r'.*?<title id="\2-title">(.*?)<'
    )
    found = {name: (above, within) for above, name, within in re.findall(figure, html, re.DOTALL)}
    shared = {name: titles for name, titles in found.items() if not name.startswith("dependence-")}
    assert shared.keys() <= CAPTIONS.keys()
    assert {"calibration", "slices", "selection"} <= shared.keys()
    for name, titles in shared.items():
        assert titles == (CAPTIONS[name][0],) * 2
        function = "draw_importances" if name == "importance" else name.replace("-", "_")
        assert any(hasattr(module, function) for module in (plots, curves, drivers)), name
    for plot in yaml.safe_load((project_root / "dvc.yaml").read_text("utf-8"))["plots"]:
        ((path, settings),) = plot.items()
        if Path(path).stem in CAPTIONS:
            assert settings["title"] == CAPTIONS[Path(path).stem][0]
