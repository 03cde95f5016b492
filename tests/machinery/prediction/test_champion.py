"""A champion predicts in Python, with its own code, and from no file that nobody registered."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import churn_radar.mlops as interface
import numpy as np
import pandas as pd
import pytest
from churn_radar.mlops import team
from churn_radar.mlops.checksums import file_hash
from churn_radar.mlops.config import Config
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.prediction import champion as module
from churn_radar.mlops.prediction import find, scoring
from churn_radar.mlops.prediction.champion import Champion, load_champion
from churn_radar.mlops.promotion import record
from churn_radar.mlops.team import Feature
from churn_radar.mlops.tracking import registry

from .conftest import COMMIT


@pytest.fixture
def own(champion_root: Path, tmp_path: Path) -> Path:
    """A copy of the project that may be changed."""
    return Path(shutil.copytree(champion_root, tmp_path / "own"))


def record_champion(root: Path, version: int) -> None:
    """Let git name the version as champion whose files are with DVC."""
    files = root / record.FILES
    facts = dict.fromkeys(record.TEXTS, "x") | {
        "version": version,
        "commit": COMMIT,
        "sha256": file_hash(files / "model.skops"),
        "files": {path.name: file_hash(path) for path in files.iterdir()},
    }
    (root / record.RECORD).write_text(json.dumps(facts))


@pytest.fixture
def cloned(own: Path) -> Path:
    """A project without a registry, in which git names the champion and DVC brought its files."""
    files = own / record.FILES
    files.mkdir()
    for name in ("model.skops", "manifest.json", "code.zip"):
        shutil.copyfile(own / "models" / name, files / name)
    record_champion(own, 7)
    (own / "models" / "mlflow.db").unlink()
    return own


def test_the_public_interface_loads_the_champion(
    champion_root: Path, requests: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(champion_root)
    champion = interface.load_champion()
    assert (champion.model, champion.version, champion.commit) == ("churn-radar", 1, COMMIT)
    rows = requests.head(5).set_index(pd.Index([*"abcac"])).assign(churned=None, town="x")
    found = champion.predict(rows[rows.columns[::-1]])
    assert [*found] == ["customer_id", "prediction", "probability_0", "probability_1"]
    assert [*found.index] == [*"abcac"]
    alone = champion.predict(rows.iloc[[4]])
    np.testing.assert_allclose(alone["probability_1"], found["probability_1"].iloc[[4]], atol=1e-12)
    assert champion.predict(rows.head(0)).empty
    by_number = load_champion(1, champion_root).predict(rows)
    pd.testing.assert_frame_equal(by_number, found)
    with pytest.raises(ProjectError, match="must be a DataFrame of pandas, not list"):
        champion.predict(rows.to_dict("records"))


def test_a_champion_whose_files_the_registry_lost_is_with_dvc(
    config: Config, own: Path, requests: pd.DataFrame
) -> None:
    version = registry.by_alias(own, config.model.name, "champion")
    files = own / record.FILES
    shutil.copytree(registry.fetch(own, config.model.name, version), files)
    registry.tag(own, config.model.name, version.number, "pruned", "2026-01-01")
    with pytest.raises(ProjectError, match="are gone"):
        load_champion(root=own)
    record_champion(own, 1)
    assert len(load_champion(root=own).predict(requests)) == len(requests)
    with pytest.raises(ProjectError, match="are gone"):
        load_champion(1, own)


def test_rows_that_break_a_rule_are_refused(champion_root: Path, requests: pd.DataFrame) -> None:
    champion = load_champion(root=champion_root)
    with pytest.raises(ProjectError) as refused:
        champion.predict(requests.assign(region="moon", email="secret", tenure_months=["x"] * 250))
    said = str(refused.value)
    assert "region: breaks the rule isin" in said
    assert "in 250 row(s), the first at position 0 (counted from 0) with the value moon" in said
    assert "tenure_months: breaks the rule is not an integer" in said
    assert "secret" not in said
    with pytest.raises(ProjectError, match="region: missing from the table"):
        champion.predict(requests.drop(columns="region"))


def test_no_value_of_a_sensitive_column_is_shown(
    config: Config, champion_root: Path, requests: pd.DataFrame
) -> None:
    secret = ["region", "tenure_months", "customer_id"]
    data = config.data.model_copy(update={"sensitive": secret})
    config = config.model_copy(update={"data": data})
    found = find(config, champion_root, "champion")
    rows = requests.head(3).assign(region="moon", tenure_months=["x-ray", 12, 12])
    with Champion(config, champion_root, found) as champion:
        assert "customer_id" not in champion.predict(requests)
        assert {fault.value for fault in champion.score(rows).faults} == {None}
        with pytest.raises(ProjectError) as refused:
            champion.predict(rows)
    assert "region: breaks the rule isin" in str(refused.value)
    assert "moon" not in str(refused.value)
    assert "x-ray" not in str(refused.value)


def test_a_row_at_which_a_feature_fails_costs_no_other(
    champion_root: Path, requests: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    champion = load_champion(root=champion_root)
    expected = champion.score(requests).predictions
    bad: set[int] = set()
    compute = scoring.feature_table

    def picky(features: Sequence[Feature], rows: pd.DataFrame) -> pd.DataFrame:
        if bad & set(rows["customer_id"]):
            raise ZeroDivisionError("secret")
        table: pd.DataFrame = compute(features, rows)
        return table

    monkeypatch.setattr(scoring, "feature_table", picky)
    bad |= set(requests["customer_id"].iloc[[0, 70]])
    is_bad = requests["customer_id"].isin(bad).to_numpy()
    found = champion.score(requests)
    faults = {fault.row: fault[1:] for fault in found.faults}
    assert faults == dict.fromkeys(np.flatnonzero(is_bad), ("", "raises ZeroDivisionError", None))
    pd.testing.assert_frame_equal(found.predictions, expected[~is_bad])
    bad |= set(requests["customer_id"])
    few = champion.score(requests.head(20))
    assert (len(few.faults), len(few.predictions)) == (20, 0)
    assert [*few.predictions] == [*expected]
    with pytest.raises(
        ProjectError, match="raises ZeroDivisionError in more than 100 rows"
    ) as said:
        champion.score(requests)
    assert "secret" not in str(said.value)


def test_a_version_of_other_code_predicts_with_its_own(
    config: Config, own: Path, requests: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = load_champion(root=own)
    monkeypatch.setattr(team, "code_hash", lambda: "other")
    started = []
    popen = module.subprocess.Popen

    def counted(*arguments: object, **options: object) -> object:
        started.append(arguments)
        return popen(*arguments, **options)

    monkeypatch.setattr(module.subprocess, "Popen", counted)
    with Champion(config, own, find(config, own, "champion")) as champion:
        columns = champion.declared([*requests, "town"])
        assert columns == [*requests]
        assert champion.missing(columns[1:]) == columns[:1]
        for rows in (requests[:100], requests[100:].assign(region="moon")):
            mine, theirs = champion.score(rows), expected.score(rows)
            assert mine.faults == theirs.faults
            pd.testing.assert_frame_equal(mine.predictions, theirs.predictions, check_dtype=False)
        with pytest.raises(ProjectError, match="own code: the data breaks Request:"):
            champion.score(requests[["region"]])
    assert len(started) == 1


def test_a_process_that_ends_is_told(
    config: Config, own: Path, requests: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(team, "code_hash", lambda: "other")
    with Champion(config, own, find(config, own, "champion")) as champion:
        champion._scorer._process.kill()
        champion._scorer._process.wait()
        with pytest.raises(ProjectError, match="its process was ended"):
            champion.score(requests)


def test_files_that_were_not_registered_are_not_loaded(config: Config, own: Path) -> None:
    version = registry.by_alias(own, config.model.name, "champion")
    folder = registry.fetch(own, config.model.name, version)
    manifest = folder / "manifest.json"
    whole = manifest.read_bytes()
    manifest.write_bytes(whole + b" ")
    with pytest.raises(ProjectError, match=r"manifest.json is not the file that was registered as"):
        find(config, own, "champion")
    manifest.write_bytes(whole)
    assert find(config, own, "1").version == 1
    (folder / "model.skops").write_bytes(b"other")
    with pytest.raises(ProjectError, match=r"model.skops is not the file .*: nothing was loaded"):
        find(config, own, "champion")


def test_without_a_registry_the_champion_is_the_one_that_git_names(
    config: Config, cloned: Path, requests: pd.DataFrame
) -> None:
    champion = load_champion(root=cloned)
    assert (champion.version, champion.commit) == (7, COMMIT)
    assert len(champion.predict(requests)) == 250
    assert not (cloned / "models" / "mlflow.db").exists()
    (cloned / record.FILES / "code.zip").write_bytes(b"other")
    with pytest.raises(ProjectError, match=r"code.zip is not the file that was registered"):
        find(config, cloned, "champion")
    with pytest.raises(ProjectError, match="MODEL=7 is no version of churn-radar"):
        find(config, cloned, "7")
    shutil.rmtree(cloned / record.FILES)
    with pytest.raises(ProjectError, match="its files are not here: `make registry-pull` brings"):
        find(config, cloned, "champion")


def test_a_version_whose_files_went_says_so(config: Config, own: Path) -> None:
    registry.tag(own, config.model.name, 1, "pruned", "yes")
    with pytest.raises(ProjectError, match="the files of churn-radar version 1 are gone"):
        find(config, own, "champion")
