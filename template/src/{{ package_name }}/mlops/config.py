"""params.yaml, read once and checked. A setting added later has its default here."""

import re
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from . import names
from .bounds import Behaving, Costs, Gates, Hosting, Range, Section, Serving
from .errors import ProjectError, setting_problems

FLOAT_TAG = "tag:yaml.org,2002:float"
RENAMED = {"cost": ("hosting", "version 0.3.0, in June 2027")}
"""Sections of params.yaml that got another name, with that and until when the old one works."""

EXPONENT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)[eE][-+]?[0-9]+$")
"""A number as YAML 1.2 has it, section 10.3.2. For YAML 1.1 `1e-3` is a text."""


class SettingsLoader(yaml.SafeLoader):
    """Takes `1e-3` for a number, as DVC does, and refuses a duplicated key."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        """Compose a section, whose later key would otherwise silently win."""
        node = super().compose_mapping_node(anchor)
        seen = set()
        for key, _ in node.value:
            # The tag too, since 1 and "1" are different keys.
            identity = (key.tag, key.value) if isinstance(key, yaml.ScalarNode) else key
            if identity in seen:
                line = key.start_mark.line + 1
                raise ProjectError(
                    f"params.yaml, line {line}: {key.value} is duplicated in its section: keep "
                    "one of the two"
                )
            seen.add(identity)
        return node


SettingsLoader.add_implicit_resolver(FLOAT_TAG, EXPONENT, list("-+.0123456789"))


class SettingsDumper(yaml.SafeDumper):
    """Quotes a text such as `1e-3`, which SettingsLoader would otherwise read as a number."""


SettingsDumper.add_implicit_resolver(FLOAT_TAG, EXPONENT, list("-+.0123456789"))


def find_root(start: Path) -> Path:
    """Find the project around a folder, as git finds its repository.

    Args:
        start: A folder in the project, or the project's own.

    Returns:
        The nearest folder upwards with a params.yaml; `start` itself if there is none.
    """
    for folder in [start, *start.parents]:
        if (folder / "params.yaml").is_file():
            return folder
    return start


def read_settings(root: Path) -> Any:
    """Read what `root`/params.yaml holds.

    Args:
        root: The project's folder.

    Returns:
        As a rule a dictionary of sections; nothing of it is validated.

    Raises:
        ProjectError: The file is missing, empty or not YAML, or has a key twice.
    """
    path = root / "params.yaml"
    try:
        text = path.read_text(encoding="utf-8")
        settings = yaml.load(text, SettingsLoader)  # noqa: S506 (it is a SafeLoader)
    except FileNotFoundError:
        raise ProjectError(f"{path} is missing: run the command in the project's folder") from None
    # Text in another encoding and a date such as 2026-02-30 are a ValueError.
    except (yaml.YAMLError, ValueError) as error:
        raise ProjectError(f"params.yaml is not YAML: {error}") from None
    if settings is None:
        raise ProjectError("params.yaml is empty: `git checkout params.yaml` brings it back")
    return _with_new_names(settings)


def _with_new_names(settings: Any) -> Any:
    """Give sections their new names, and say on stderr which ones have an old name."""
    if not isinstance(settings, dict):
        return settings
    for old, (new, until) in RENAMED.items():
        if old in settings and new in settings:
            raise ProjectError(f"params.yaml has `{new}`, and its old name `{old}`: keep `{new}`")
        if old in settings:
            settings[new] = settings.pop(old)
            note = f"params.yaml: `{old}` is called `{new}` now, and works until {until}"
            print(f"{note}: make migrate", file=sys.stderr)
    return settings


def line_numbers(root: Path) -> dict[tuple[str | int, ...], int]:
    """Return in which line of `root`/params.yaml each setting is, from 1.

    Args:
        root: The project's folder; the file is YAML.

    Returns:
        By the names that lead to a setting, and the positions in lists, its line.
    """
    text = (root / "params.yaml").read_text(encoding="utf-8")
    found: dict[tuple[str | int, ...], int] = {}
    whole = yaml.compose(text, SettingsLoader)
    pending: list[tuple[tuple[str | int, ...], Any]] = [((), whole)]
    seen = set()
    while pending:
        path, node = pending.pop()
        # A section that another one takes over is there once, and may even hold itself.
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                found[(*path, key.value)] = key.start_mark.line + 1
                pending.append(((*path, key.value), value))
        if isinstance(node, yaml.SequenceNode):
            for position, value in enumerate(node.value):
                found[(*path, position)] = value.start_mark.line + 1
                pending.append(((*path, position), value))
    return found


class Tuning(Section):
    """What is searched, and what is not and why. Without trials the settings stay as they are."""

    trials: int = Field(default=0, ge=0)  # for each candidate
    folds: int = Field(default=3, ge=2)
    search: dict[str, dict[str, Range | list[bool | int | float | str]]] = {}
    fixed: dict[str, str] = {}  # candidate.setting: why it is not searched


class Tracking(Section):
    """How much history keeps its files."""

    keep_runs: int = Field(default=50, ge=1)


class Read(Section):
    """How the raw file is written, and which of its names the table changes."""

    encoding: str = "utf-8"
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    quote: str = Field(default='"', min_length=1, max_length=1)
    decimal: str = Field(default=".", min_length=1, max_length=1)
    thousands: str = Field(default="", max_length=1)
    decimals: dict[str, Literal[".", ","]] = {}  # the mark of a column that has another one
    missing: list[str] = []  # what stands for nothing, beside NA and its like
    dates: dict[str, list[str]] = {}  # formats of a column, as strptime has them; else ISO 8601
    names: dict[str, str] = {}  # a name in the file: the column

    @field_validator("encoding")
    @classmethod
    def _is_known(cls, encoding: str) -> str:
        try:
            # More than a look-up, which also finds codecs of no text, like base64.
            " ".encode(encoding)
        except LookupError:
            raise ValueError(f"{encoding!r} is not an encoding: utf-8 and cp1252 are") from None
        return encoding

    @model_validator(mode="after")
    def _marks_differ(self) -> "Read":
        if self.thousands == self.decimal:
            raise ValueError(f"decimal and thousands are both {self.decimal!r}: change one")
        return self

    def marks(self, column: str) -> tuple[str, str]:
        """Return what a column has before decimals and between thousands; the latter may be empty.

        Args:
            column: Its name in the table.
        """
        decimal = self.decimals.get(column, self.decimal)
        if decimal == self.decimal and self.thousands:
            return decimal, self.thousands
        # Where decimals follow a comma, thousands are separated by points.
        if decimal == ",":
            return decimal, "."
        return decimal, "," if column in self.decimals else ""


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

    _name = field_validator("name")(names.validator("dataset"))

    def roles(self) -> dict[str, list[str]]:
        """The columns that each setting names."""
        named = self.model_dump(include={"target", "time", "group", "ids", "slices", "sensitive"})
        return {role: [c] if isinstance(c, str) else c for role, c in named.items() if c}


class Selection(Section):
    """How the model is chosen; `metric` is the name of a scikit-learn scorer."""

    metric: str
    folds: int = Field(default=5, ge=2)


CandidateName = Annotated[str, AfterValidator(names.validator("candidate"))]


class Model(Section):
    """The registered name, and a section of settings for each candidate.

    Which candidates there are is up to model.py, so every name but `name` is a candidate's here.
    """

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[CandidateName, dict[str, Any]] = Field(init=False)

    name: str

    _name = field_validator("name")(names.validator("model"))

    @property
    def sections(self) -> dict[str, dict[str, Any]]:
        """The settings of each candidate that has a section, by its name."""
        return dict(self.__pydantic_extra__)

    def settings(self, candidate: str) -> dict[str, Any]:
        """Return the settings of a candidate, empty if it has no section.

        Args:
            candidate: A name that `candidates()` in model.py gives.
        """
        return dict(self.__pydantic_extra__.get(candidate, {}))


class Config(Behaving):
    """All of params.yaml."""

    task: Literal["classification", "regression"]
    seed: int = Field(ge=0, lt=2**32)
    data: Data
    selection: Selection
    model: Model
    tuning: Tuning = Tuning()
    tracking: Tracking = Tracking()
    gates: Gates = Gates()
    hosting: Hosting = Hosting()
    costs: Costs = Costs()
    serving: Serving = Serving()

    def table(self, layer: str, step: str) -> Path:
        """Where the table of a step is, from the project's root."""
        return Path("data", layer, f"{self.data.name}_{step}.parquet")

    def with_settings(self, name: str, settings: dict[str, Any]) -> "Config":
        """Return the same, but for these settings of one candidate."""
        changed = {name: self.model.settings(name) | settings}
        return self.model_copy(update={"model": self.model.model_copy(update=changed)})

    def without_setting(self, name: str, key: str) -> "Config":
        """Return the same, but for one setting of one candidate, which has its default again."""
        settings = self.model.settings(name)
        del settings[key]
        return self.model_copy(update={"model": self.model.model_copy(update={name: settings})})


def load_config(root: Path) -> Config:
    """Read `root`/params.yaml; ProjectError says which settings are wrong, and in which line."""
    settings = read_settings(root)
    try:
        return Config.model_validate(settings)
    except ValidationError as error:
        problems = setting_problems(error.errors(), settings, line_numbers(root), Config)
    # A line number follows the name of the file as it does in other messages.
    mark = ", " if problems.startswith("line ") else ": "
    raise ProjectError(f"params.yaml{mark}{problems}")
