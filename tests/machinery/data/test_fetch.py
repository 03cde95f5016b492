"""The raw data is rebuilt from a seed or pulled, and a slice replaces nothing."""

import shutil
from pathlib import Path

import pytest
from churn_radar.mlops.config import Config
from churn_radar.mlops.data import fetch
from churn_radar.mlops.data.fetch import bring_data
from churn_radar.mlops.errors import ProjectError


def test_the_example_is_rebuilt_from_its_seed(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "dvc", lambda *_, cwd: None)
    for folder in ("one", "two"):
        bring_data(config, tmp_path / folder, rows=50)
    one, two = (tmp_path / folder / config.data.raw for folder in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()


def test_own_data_is_pulled_and_cut(
    project_root: Path, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(project_root / ".dvc", tmp_path / ".dvc")
    own = config.data.model_copy(update={"raw": Path("data/raw/homes_raw.csv")})
    homes = config.model_copy(update={"data": own})
    with pytest.raises(ProjectError, match="dvc pull failed"):
        bring_data(homes, tmp_path)

    def pull(*arguments: str, cwd: Path) -> None:
        if arguments[0] == "pull":
            (cwd / own.raw).parent.mkdir(parents=True)
            (cwd / own.raw).write_text("a\n1\n2\n3\n")

    monkeypatch.setattr(fetch, "dvc", pull)
    bring_data(homes, tmp_path, rows=2)
    assert (tmp_path / own.raw).read_text() == "a\n1\n2\n"
    assert "is there" in bring_data(homes, tmp_path)
