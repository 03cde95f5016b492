"""params.yaml, read once and checked. A setting added later has its default here."""

from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, ValidationError, field_validator

from . import naming
from .errors import ProjectError
from .practices import Practices, Section


class Read(Section):
    """How the raw file is written, and which of its names the table changes."""

    encoding: str = "utf-8"
    delimiter: str = ","
    quote: str = '"'
    decimal: str = "."
    thousands: str = ""
    missing: list[str] = []  # what stands for nothing, beside NA and its like
    dates: dict[str, list[str]] = {}  # formats of a column, as strptime has them; else ISO 8601
    names: dict[str, str] = {}  # a name in the file: the column


class Data(Section):
    """Which table, what its columns are for, and how it is split."""

    name: str
    raw: Path
    target: str
    time: str | None = None  # split by this column; None: at random
    group: str | None = None  # rows with the same value are learned from or held out together
    ids: list[str] = []
    slices: list[str] = []
    sensitive: list[str] = []
    test_share: float = Field(default=0.25, gt=0, lt=1)
    read: Read = Read()

    _name = field_validator("name")(naming.validator("dataset"))

    def roles(self) -> dict[str, list[str]]:
        """The columns that each setting names."""
        named = self.model_dump(include={"target", "time", "group", "ids", "slices", "sensitive"})
        return {role: [c] if isinstance(c, str) else c for role, c in named.items() if c}


class Selection(Section):
    """How the model is chosen; `metric` is the name of a scikit-learn scorer."""

    metric: str
    folds: int = Field(default=5, ge=2)


class Model(Section):
    """The registered name, and the settings of each candidate."""

    name: str
    linear: dict[str, Any] = {}
    boosting: dict[str, Any] = {}
    network: dict[str, Any] = {}

    _name = field_validator("name")(naming.validator("model"))


class Config(Practices):
    """All of params.yaml."""

    task: Literal["classification", "regression"]
    seed: int = Field(ge=0, lt=2**32)
    data: Data
    selection: Selection
    model: Model

    def table(self, layer: str, step: str) -> Path:
        """Where the table of a step lies, from the project's root."""
        return Path("data", layer, f"{self.data.name}_{step}.parquet")


def load_config(root: Path) -> Config:
    """Read `root`/params.yaml; ProjectError says which line of it is wrong."""
    path = root / "params.yaml"
    try:
        return Config.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise ProjectError(f"{path} is missing: run the command in the project's folder") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ProjectError(f"params.yaml is not YAML: {error}") from None
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        raise ProjectError("params.yaml: " + "; ".join(problems)) from None
