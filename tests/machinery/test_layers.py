"""The rooms are entered in one order, and one module alone knows the team's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from assembled import assemble
from importlinter.cli import lint_imports

CONTRACT = Path(__file__).with_name("layers.ini")
ROOMS = "A room takes nothing from the rooms that are entered after it"
STAGES = "Stages take nothing from each other"
GATES = "Gates take nothing from each other"
TEAM = "Only team.py knows the modules of the team"
INTERFACE = "The modules of the team know the public interface of the machinery alone"
FAULTS = {
    "a late room": (ROOMS, "mlops/config.py", "from .data import readers"),
    "a circle": (ROOMS, "mlops/tracking/runs.py", "from ..pipeline import recording"),
    "a late import": (ROOMS, "mlops/names.py", "def late(): from . import team"),
    "a module without a place": (ROOMS, "mlops/stray.py", ""),
    "another stage": (STAGES, "mlops/pipeline/train.py", "from .split import divide"),
    "another gate": (GATES, "mlops/gates/floor.py", "from .budget import MEANING"),
    "the team's": (TEAM, "mlops/modeling/inputs.py", "from ...features import FEATURES"),
    "a room by the team": (INTERFACE, "features.py", "from .mlops.errors import ProjectError"),
}
"""By what is imported, in spite of a contract: the contract, the module and the line in it."""

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
    contract, module, line = FAULTS[fault]
    # Each under a name of its own, since Python remembers where it found a package.
    package = f"radar_{[*FAULTS].index(fault)}"
    assert f"{contract} BROKEN" in lint(package, module, line)
