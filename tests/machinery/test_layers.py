"""The rooms are entered in one order, and one module alone knows the team's."""

from __future__ import annotations

import ast
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
    "another gate": (GATES, "mlops/gates/worth.py", "from .budget import MEANING"),
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


# --- what import-linter does not see: modules that a team adds, and imports by name ---------------

BY_NAME = {
    *("cli.py", "team.py", "gates/__init__.py", "pipeline/__init__.py", "tracking/runs.py"),
    "modeling/storage.py",  # a model file names the classes that it needs
}
"""Modules of the machinery that import a module whose name is a value."""


def trespasses(package: Path) -> list[str]:
    """Imports by which the machinery reaches the team's modules, or they reach into a room."""
    found = []
    for path in sorted(package.rglob("*.py")):
        module = path.relative_to(package)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if is_trespass(module, node) or enters_room(package, module, node):
                found.append(f"{module.as_posix()}: {ast.unparse(node)}")
    return found


def is_trespass(module: Path, node: ast.AST) -> bool:
    """Whether a part of a module is such an import."""
    is_machinery = module.parts[0] == "mlops"
    if is_machinery and imports_by_name(node):
        return module.relative_to("mlops").as_posix() not in BY_NAME
    if not isinstance(node, ast.ImportFrom) or node.level == 0:
        return False
    if is_machinery:
        # As many points as there are folders above the module lead to the package.
        return node.level >= len(module.parts) and module.as_posix() != "mlops/team.py"
    public = {"mlops", "mlops.gates"} if module.name == "gates.py" else {"mlops"}
    name = node.module or ""
    return name.split(".")[0] == "mlops" and name not in public


def imports_by_name(node: ast.AST) -> bool:
    """Whether a part of a module calls, or gets under any name, what imports by name."""
    names = {"import_module", "__import__"}
    if isinstance(node, ast.Name):
        return node.id in names
    if isinstance(node, ast.Attribute):
        return node.attr in names
    return isinstance(node, ast.alias) and node.name in names


def enters_room(package: Path, module: Path, node: ast.AST) -> bool:
    """Whether a module of the team imports a module of the machinery as if it were a function."""
    if module.parts[0] == "mlops" or not isinstance(node, ast.ImportFrom):
        return False
    if node.level == 0 or node.module != "mlops":
        return False
    rooms = {path.stem for path in (package / "mlops").iterdir()}
    return any(alias.name in rooms for alias in node.names)


def test_no_module_goes_by_another_way(tmp_path: Path) -> None:
    assert trespasses(assemble(tmp_path, "sound_ways")) == []


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("mlops/names.py", "from ..helpers import LIMIT"),
        ("mlops/gates/worth.py", "from ...gates import GATES"),
        ("mlops/data/cells.py", "from importlib import import_module\nimport_module('..features')"),
        ("mlops/names.py", "import importlib\nimportlib.import_module('..features')"),
        ("mlops/names.py", "from importlib import import_module as load\nload('..features')"),
        ("helpers.py", "from .mlops.pipeline import STAGES"),
        ("helpers.py", "from .mlops import pipeline"),
        ("helpers.py", "from .mlops.gates import Verdict"),
    ],
)
def test_another_way_is_refused(module: str, line: str, tmp_path: Path) -> None:
    package = assemble(tmp_path, "other_ways")
    with (package / module).open("a", encoding="utf-8") as file:
        file.write(f"\n{line}\n")
    (problem, *_) = trespasses(package)
    assert problem.startswith(f"{module}: ")
