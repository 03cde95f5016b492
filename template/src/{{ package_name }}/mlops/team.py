"""What a feature of the team's is, and the only module that imports the team's modules.

Each function imports at the moment of the call: a command that reads the schema need not wait for
the libraries of the model.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from traceback import extract_tb
from typing import TYPE_CHECKING, Any, Literal

from .checksums import fingerprints
from .config import Config
from .errors import ProjectError

if TYPE_CHECKING:
    import pandas as pd
    import pandera.pandas as pa
    from sklearn.pipeline import Pipeline

MACHINERY = Path(__file__).parent
PACKAGE = MACHINERY.parent

FINGERPRINTS = Path("reports", "code.json")
"""Where stage `code` writes `package_fingerprints`."""

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


@contextmanager
def _importing(module: str) -> Iterator[None]:
    """Say in one sentence what is wrong with a module of the team's that cannot be imported."""
    try:
        yield
    except ProjectError:
        raise
    except Exception as error:
        place = place_of(error, module)
        raise ProjectError(f"{place}: {type(error).__name__}: {error}") from error


def place_of(error: Exception, otherwise: str) -> str:
    """Return the module and line of the team's at which an error was raised.

    Args:
        error: What was raised.
        otherwise: What to return if no line of the team's had a part in it.
    """
    places = [(Path(frame.filename), frame.lineno) for frame in extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError):
        places.append((Path(error.filename or ""), error.lineno))
    place = otherwise
    for path, line in places:
        # The last one of the team's: what it called may be in a library.
        if PACKAGE in path.parents and MACHINERY not in path.parents:
            place = f"{path.relative_to(PACKAGE)}, line {line}"
    return place


def features() -> Sequence[Feature]:
    """Return the inputs of the model, in order."""
    with _importing("features.py"):
        from ..features import FEATURES

    return FEATURES


def raw_table() -> type[pa.DataFrameModel]:
    """Return the schema of the raw table: a request and its outcome."""
    with _importing("schemas.py"):
        from ..schemas import RawTable

    return RawTable


def request() -> type[pa.DataFrameModel]:
    """Return the schema of what is known when a prediction is made."""
    with _importing("schemas.py"):
        from ..schemas import Request

    return Request


def feature_schema() -> type[pa.DataFrameModel]:
    """Return the schema of what the model reads."""
    with _importing("schemas.py"):
        from ..schemas import FeatureTable

    return FeatureTable


def candidates(config: Config) -> dict[str, Pipeline]:
    """Return the models to choose from by name, the simplest first."""
    with _importing("model.py"):
        from ..model import candidates

    return candidates(config)


def example_path() -> Path:
    """Return where the table is that `simulate` can rebuild, from the project's root."""
    with _importing("example.py"):
        from ..example import RAW

    return RAW


def simulate(rows: int | None, seed: int) -> pd.DataFrame:
    """Return the simulated raw table, of its usual size unless `rows` are named."""
    with _importing("example.py"):
        from ..example import ROWS, simulate

    return simulate(rows or ROWS, seed)


def gates() -> dict[str, Callable[..., Any]]:
    """Return the team's own gates by name: those in `gates.py`, if there is one.

    Each takes the evidence and returns a Verdict, as the functions in `mlops/gates` do.
    """
    package = __name__.rpartition(".mlops.")[0]
    module = f"{package}.gates"
    if find_spec(module) is None:
        return {}
    with _importing("gates.py"):
        return dict(import_module(module).GATES)


def package_files() -> list[Path]:
    """Return every file of the package, sorted, without caches."""
    found = []
    for path in PACKAGE.rglob("*"):
        parts = path.relative_to(PACKAGE).parts
        # Of Python and of editors, test runners and the like.
        is_cache = any(part == "__pycache__" or part.startswith(".") for part in parts)
        if path.is_file() and not is_cache:
            found.append(path)
    return sorted(found)


def files() -> list[Path]:
    """Return every file of the team's, sorted: the package without the machinery and caches."""
    return [path for path in package_files() if MACHINERY not in path.parents]


def code_hash() -> str:
    """Return a hash of the code and data files that turn a raw row into a prediction.

    All files of the team's package count: any module can be a helper of a feature or a model, and
    any other file can be one that a feature opens. Comments, layout and docstrings do not count.

    Raises:
        ProjectError: A module cannot be parsed.
    """
    found = fingerprints(_files_of_prediction(), PACKAGE)
    return sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()


def is_code(recorded: str | None) -> bool:
    """Return whether the code here behaves as that of a model.

    Args:
        recorded: The hash in the model's manifest, which earlier versions took of the bytes.

    Raises:
        ProjectError: A module cannot be parsed.
    """
    return recorded == code_hash() or recorded == _hash_of_bytes()


def _files_of_prediction() -> list[Path]:
    return [*files(), MACHINERY / "modeling" / "inputs.py"]


def _hash_of_bytes() -> str:
    digest = sha256()
    for path in _files_of_prediction():
        digest.update(path.relative_to(PACKAGE).as_posix().encode())
        digest.update(b"\0")
        digest.update(path.read_bytes())
        digest.update(b"\0")
    return digest.hexdigest()


def edited_files(recorded: dict[str, str]) -> list[str]:
    """Return the files of the package that may behave otherwise than when they were recorded.

    Args:
        recorded: What `package_fingerprints` returned then.

    Returns:
        Paths below the package's folder, sorted; those that were added or removed are among them.

    Raises:
        ProjectError: A module cannot be parsed.
    """
    now = package_fingerprints()
    names = sorted(now.keys() | recorded.keys())
    return [name for name in names if now.get(name) != recorded.get(name)]


def package_fingerprints() -> dict[str, str]:
    """Return the fingerprint of every file of the package, by its path below the package's folder.

    Raises:
        ProjectError: A module cannot be parsed.
    """
    return fingerprints(package_files(), PACKAGE)


def helpers_of(module: str) -> list[Path]:
    """Return the team's modules that a module of theirs imports, directly or through others.

    Args:
        module: The name of a file in the package, such as `schemas.py`.

    Returns:
        Paths below the package's folder, sorted, without the module itself.
    """
    known = {path.relative_to(PACKAGE) for path in files()}
    found: set[Path] = set()
    pending = [Path(module)]
    while pending:
        importer = pending.pop()
        for path in _imported_modules(importer) & known - found:
            found.add(path)
            pending.append(path)
    return sorted(found - {Path(module)})


def _imported_modules(importer: Path) -> set[Path]:
    """The files of the package's modules that one of them imports, below the package's folder."""
    tree = ast.parse((PACKAGE / importer).read_text(encoding="utf-8"))
    found: set[Path] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                found |= _files_of_module(Path(*alias.name.split(".")))
        elif isinstance(node, ast.ImportFrom):
            source = _source(importer, node)
            for alias in node.names:
                # `from .a import b`: b is a module of the package a, or a name in the module a.
                as_module = _files_of_module(source / alias.name)
                found |= as_module
                # Every import runs the __init__.py of the whole package. So that one counts only
                # where a name is read from it.
                if not as_module or source != Path(PACKAGE.name):
                    found |= _files_of_module(source)
    return found


def _source(importer: Path, node: ast.ImportFrom) -> Path:
    """The module that a `from` import reads, as a path that begins with its outermost package."""
    names = node.module.split(".") if node.module else []
    if node.level == 0:
        return Path(*names)
    folder = Path(PACKAGE.name, importer).parents[node.level - 1]
    return folder.joinpath(*names)


def _files_of_module(module: Path) -> set[Path]:
    """The file of a module if it is one of the package's, below the package's folder."""
    found = set()
    for path in (Path(f"{module}.py"), module / "__init__.py"):
        if path.parts[0] == PACKAGE.name and (PACKAGE.parent / path).is_file():
            found.add(path.relative_to(PACKAGE.name))
    return found
