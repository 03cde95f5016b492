"""What a feature of the team's is, and the only module that imports the team's modules.

Each function imports at the moment of the call: a command that reads the schema need not wait for
the libraries of the model.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from .config import Config
from .errors import ProjectError

if TYPE_CHECKING:
    import pandas as pd
    import pandera.pandas as pa
    from sklearn.pipeline import Pipeline

MACHINERY = Path(__file__).parent
PACKAGE = MACHINERY.parent


KINDS = ("numeric", "categorical")


@dataclass(frozen=True)
class Feature:
    """One input of the model: who answers for it, where it comes from, why it is there.

    Attributes:
        name: The column of the feature table.
        kind: Whether the model reads a number or a category.
        owner: Who answers questions about it.
        source: Where the raw values come from.
        reason: Why it should help the model.
        compute: Turns the raw table into one value a row. It must be pure: the same rows give
            the same values, whatever else is in the table. Without it the raw column of that
            name is taken.
    """

    name: str
    kind: Literal["numeric", "categorical"]
    owner: str
    source: str
    reason: str
    compute: Callable[[pd.DataFrame], pd.Series] | None = None

    def __post_init__(self) -> None:
        """Refuse another kind: no model would read the feature, and nobody would notice."""
        if self.kind not in KINDS:
            raise ProjectError(
                f"features.py: the kind of {self.name} is {self.kind!r}: choose from "
                f"{', '.join(KINDS)}"
            )


def features() -> Sequence[Feature]:
    """Return the inputs of the model, in order."""
    from ..features import FEATURES

    return FEATURES


def raw_table() -> type[pa.DataFrameModel]:
    """Return the schema of the raw table: a request and its outcome."""
    from ..schemas import RawTable

    return RawTable


def request() -> type[pa.DataFrameModel]:
    """Return the schema of what is known when a prediction is made."""
    from ..schemas import Request

    return Request


def feature_schema() -> type[pa.DataFrameModel]:
    """Return the schema of what the model reads."""
    from ..schemas import FeatureTable

    return FeatureTable


def candidates(config: Config) -> dict[str, Pipeline]:
    """Return the models to choose from by name, the simplest first."""
    from ..model import candidates

    return candidates(config)


def example_path() -> Path:
    """Return where the table lies that `simulate` can rebuild, from the project's root."""
    from ..example import RAW

    return RAW


def simulate(rows: int | None, seed: int) -> pd.DataFrame:
    """Return the simulated raw table, of its usual size unless `rows` are named."""
    from ..example import ROWS, simulate

    return simulate(rows or ROWS, seed)


def gates() -> dict[str, Callable[..., Any]]:
    """Return the team's own gates by name: those in `gates.py`, if there is one.

    Each takes the evidence and returns a Verdict, as the modules in `mlops/gates` do.
    """
    if find_spec(f"{__package__}".rpartition(".")[0] + ".gates") is None:
        return {}
    from importlib import import_module

    return dict(import_module("..gates", __package__).GATES)


def modules() -> list[Path]:
    """Return every module of the team's, sorted: the package without the machinery."""
    found = []
    for path in PACKAGE.rglob("*.py"):
        if MACHINERY not in path.parents:
            found.append(path)
    return sorted(found)


def code_hash() -> str:
    """Return the sha256 of the code that turns a raw row into a prediction.

    All of the team's modules count, since any of them can be a helper of a feature or a model.
    """
    digest = sha256()
    for path in [*modules(), MACHINERY / "modeling" / "inputs.py"]:
        digest.update(path.relative_to(PACKAGE).as_posix().encode())
        digest.update(b"\0")
        digest.update(path.read_bytes())
        digest.update(b"\0")
    return digest.hexdigest()


def helpers_of(module: str) -> list[Path]:
    """Return the team's modules that a module of theirs imports, directly or through others.

    Args:
        module: The name of a file in the package, such as `schemas.py`.

    Returns:
        Paths below the package's folder, sorted, without the module itself.
    """
    known = {path.relative_to(PACKAGE) for path in modules()}
    known.discard(Path("__init__.py"))  # every import runs it, so it can hold nothing of use
    found: set[Path] = set()
    pending = [Path(module)]
    while pending:
        importer = pending.pop()
        for path in _imported(importer) & known - found:
            found.add(path)
            pending.append(path)
    return sorted(found - {Path(module)})


def _imported(module: Path) -> set[Path]:
    """Where the modules that this one names in relative imports could be."""
    tree = ast.parse((PACKAGE / module).read_text(encoding="utf-8"))
    found: set[Path] = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom) or node.level == 0:
            continue
        folder = module.parents[node.level - 1]
        target = folder.joinpath(*(node.module or "").split("."))
        # `from .a import b` names the module a, or b in the package a.
        for path in (target, *(target / alias.name for alias in node.names)):
            found.update((Path(f"{path}.py"), path / "__init__.py"))
    return found
