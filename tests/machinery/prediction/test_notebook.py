"""The first notebook runs from its own folder, with and without a champion."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import pytest
from churn_radar.mlops import ProjectError, load_champion, tables
from churn_radar.mlops.config import Config

TASKS = ("classification", "regression")


@pytest.fixture(autouse=True)
def _no_window() -> Iterator[None]:
    """Draw into memory, and forget the figures."""
    before = plt.get_backend()
    plt.switch_backend("agg")
    yield
    plt.close("all")
    plt.switch_backend(before)


def enter(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in the folder in which Jupyter starts a notebook."""
    folder = root / "notebooks"
    folder.mkdir(exist_ok=True)
    monkeypatch.chdir(folder)


def run(notebook: Path) -> int:
    """Run the cells as a kernel would, in one namespace; return the number of figures."""
    namespace: dict[str, object] = {}
    for number, cell in enumerate(json.loads(notebook.read_text(encoding="utf-8"))["cells"]):
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), f"cell {number}", "exec"), namespace)  # noqa: S102
    return len(plt.get_fignums())


def test_the_first_notebook_shows_the_champion(
    project_root: Path,
    champion_root: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    enter(champion_root, monkeypatch)
    assert run(project_root / "notebooks" / "01-explore.ipynb") > 1
    assert capsys.readouterr().out == ""
    drawn = plt.gca().get_title()
    assert drawn.endswith(f" by version {load_champion().version}")


def test_the_first_notebook_runs_without_a_champion(
    project_root: Path,
    finished: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shutil.copytree(finished / "data", tmp_path / "data")
    shutil.copy(project_root / "params.yaml", tmp_path)
    enter(tmp_path, monkeypatch)
    assert run(project_root / "notebooks" / "01-explore.ipynb") > 1
    assert "champion" in capsys.readouterr().out


def test_tables_are_those_of_the_pipeline(
    config: Config, champion_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(champion_root, monkeypatch)
    assert tables.settings().data.name == config.data.name
    assert len(tables.train()) + len(tables.test()) <= len(tables.validated())
    rows = tables.test()
    assert [*tables.features(rows)] == [feature.name for feature in tables.team.features()]
    pd.testing.assert_index_equal(tables.features(rows).index, rows.index)


def test_a_table_that_was_not_made_is_one_sentence(
    project_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(project_root / "params.yaml", tmp_path)
    enter(tmp_path, monkeypatch)
    with pytest.raises(ProjectError, match=r"_train\.parquet is not here: `make pipeline` makes"):
        tables.train()
