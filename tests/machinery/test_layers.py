"""The rooms are entered in one order, and one module alone knows the team's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from assembled import assemble
from importlinter.cli import lint_imports

CONTRACT = Path(__file__).with_name("layers.ini")
FAULTS = {
    "a room takes from a later one": ("mlops/config.py", "from .data import readers"),
    "two rooms take from each other": ("mlops/tracking/runs.py", "from ..pipeline import recording"),
    "a late import counts as well": ("mlops/names.py", "def late(): from . import team"),
    "a new module has no place": ("mlops/stray.py", ""),
    "a stage takes from a stage": ("mlops/pipeline/train.py", "from .split import divide"),
    "a gate takes from a gate": ("mlops/gates/floor.py", "from .budget import MEANING"),
    "a room takes the team's": ("mlops/modeling/inputs.py", "from ...features import FEATURES"),
    "the team's takes from a room": ("features.py", "from .mlops.errors import ProjectError"),
}
Lint = Callable[..., str]


@pytest.fixture
def lint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Lint:
    """Returns what breaks the contract in a package with a line more in one of its modules."""

    def broken(package: str, module: str = "__init__.py", line: str = "") -> str:
        with (assemble(tmp_path, package) / module).open("a", encoding="utf-8") as file:
            file.write(f"\n{line}\n")
        contract = tmp_path / "layers.ini"
        text = CONTRACT.read_text(encoding="utf-8").replace("churn_radar", package)
        contract.write_text(text, encoding="utf-8")
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.chdir(tmp_path)
        status = lint_imports(config_filename=str(contract), no_cache=True)
        said = capsys.readouterr().out
        return said if status else ""

    return broken


def test_the_contract_holds(lint: Lint) -> None:
    assert lint("sound_radar") == ""


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_refused(fault: str, lint: Lint) -> None:
    # Each under a name of its own, since Python remembers where it found a package.
    package = f"radar_{[*FAULTS].index(fault)}"
    assert lint(package, *FAULTS[fault]) != ""
