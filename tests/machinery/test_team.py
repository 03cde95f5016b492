"""Every module of the team's is seen: as code of the model, and as a dependency of stages."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from churn_radar.mlops import Feature, ProjectError, team
from churn_radar.mlops.config import Config
from churn_radar.mlops.pipeline import stage

STAGES = "stages: {ingest: {deps: [DEPS]}, validate: {deps: [DEPS]}}\n"


@pytest.fixture
def helper() -> Iterator[Path]:
    """A helper of the team's that schemas.py uses; both are put back afterwards."""
    schemas = team.PACKAGE / "schemas.py"
    sound = schemas.read_text(encoding="utf-8")
    path = team.PACKAGE / "limits.py"
    path.write_text("HIGHEST = 600\n", encoding="utf-8")
    schemas.write_text(f"{sound}\nfrom .limits import HIGHEST\n", encoding="utf-8")
    yield path
    schemas.write_text(sound, encoding="utf-8")
    path.unlink()


def test_a_helper_is_found_through_others(helper: Path) -> None:
    folder = team.PACKAGE / "parts"
    folder.mkdir()
    try:
        (folder / "__init__.py").write_text("from . import deep\n")
        (folder / "deep.py").write_text("from ..limits import HIGHEST\n")
        (team.PACKAGE / "top.py").write_text("from . import parts\nimport os\n")
        found = [path.as_posix() for path in team.helpers_of("top.py")]
        assert found == ["limits.py", "parts/__init__.py", "parts/deep.py"]
    finally:
        (team.PACKAGE / "top.py").unlink()
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("import churn_radar.limits", ["limits.py"]),
        ("import churn_radar.limits as bounds", ["limits.py"]),
        ("from churn_radar.limits import HIGHEST", ["limits.py"]),
        ("from churn_radar import limits", ["limits.py"]),
        ("from . import limits", ["limits.py"]),
        ("from . import REGIONS", ["__init__.py"]),
        ("from churn_radar import REGIONS", ["__init__.py"]),
        ("from . import mlops", []),
        ("import json, limits", []),
    ],
)
def test_a_helper_is_found_however_it_is_imported(
    line: str, found: list[str], helper: Path
) -> None:
    importer = team.PACKAGE / "top.py"
    try:
        importer.write_text(f"{line}\n")
        assert [path.as_posix() for path in team.helpers_of("top.py")] == found
    finally:
        importer.unlink()


def test_a_file_that_a_feature_may_open_is_code_and_a_cache_is_not() -> None:
    before = team.code_hash()
    try:
        (team.PACKAGE / "regions.csv").write_text("north\n")
        with_file = team.code_hash()
        assert with_file != before
        (team.PACKAGE / ".DS_Store").write_text("")
        (team.PACKAGE / "__pycache__").mkdir(exist_ok=True)
        (team.PACKAGE / "__pycache__" / "old.pyc").write_text("")
        assert team.code_hash() == with_file
    finally:
        (team.PACKAGE / "regions.csv").unlink()
        (team.PACKAGE / ".DS_Store").unlink()
        (team.PACKAGE / "__pycache__" / "old.pyc").unlink()


def test_a_helper_that_changed_is_other_code(helper: Path) -> None:
    before = team.code_hash()
    helper.write_text("HIGHEST = 6\n", encoding="utf-8")
    assert team.code_hash() != before


def test_a_helper_of_the_schema_must_be_a_dependency(
    helper: Path, config: Config, tmp_path: Path
) -> None:
    dvc = tmp_path / "dvc.yaml"
    dvc.write_text(STAGES.replace("DEPS", ""), encoding="utf-8")
    with pytest.raises(ProjectError, match=r"add `- \$\{code\}/limits.py` to the deps of stage"):
        stage("validate")(config, tmp_path)
    dvc.write_text(STAGES.replace("DEPS", "'${code}/limits.py'"), encoding="utf-8")
    with pytest.raises(FileNotFoundError):  # it goes on to the table, which is not there
        stage("validate")(config, tmp_path)


def test_a_mistyped_kind_of_a_feature_is_refused() -> None:
    with pytest.raises(ProjectError, match="the kind of region is 'categorial': choose from num"):
        Feature("region", "categorial", "team", "source", "reason")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("def broken(:\n", r"broken\.py, line 1: SyntaxError"),
        ("\nX = unknown\n", r"broken\.py, line 2: NameError: name 'unknown'"),
        ("from .nowhere import X\n", r"broken\.py, line 1: ModuleNotFoundError"),
        ("import pandera.pandas as pa\n\nX = pa.Field(gte=0)\n", r"broken\.py, line 3: Schema"),
    ],
)
def test_a_mistake_in_a_teams_module_is_one_sentence(wrong: str, said: str) -> None:
    path = team.PACKAGE / "broken.py"
    path.write_text(wrong, encoding="utf-8")
    try:
        with pytest.raises(ProjectError, match=said), team._importing("features.py"):
            importlib.import_module(f"{team.PACKAGE.name}.broken")
    finally:
        path.unlink()
        sys.modules.pop(f"{team.PACKAGE.name}.broken", None)


def test_gates_that_cannot_be_imported_are_one_sentence() -> None:
    path = team.PACKAGE / "gates.py"
    path.write_text("GATES = {\n", encoding="utf-8")
    try:
        with pytest.raises(ProjectError, match=r"gates\.py, line 1: SyntaxError"):
            team.gates()
    finally:
        path.unlink()
        sys.modules.pop(f"{team.PACKAGE.name}.gates", None)
