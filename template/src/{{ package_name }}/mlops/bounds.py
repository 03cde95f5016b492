"""Sections of params.yaml: the bounds of every gate, the service, a search, and what things cost.

Skill is the unit of every threshold on quality: the share of the way from a baseline's score on the
same rows to a perfect one (Murphy, 1988, doi:10.1175/1520-0493(1988)116<2417:SSBOTM>2.0.CO;2).
So a threshold means the same for every metric: 0 is no better than the baseline, 1 is perfect.
"""

from itertools import pairwise
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from .errors import hint


class Section(BaseModel):
    """A part of params.yaml: an unknown key is an error, since it is most often a typo."""

    # A threshold that is not finite lets everything through, or nothing.
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


BEHAVIOURS = {"stratified-groups": "0.2.0"}
"""What a later version does otherwise, and since when it is the default of new projects."""


def _known_behaviour(name: str) -> str:
    if name not in BEHAVIOURS:
        raise ValueError(f"there is no behaviour {name}: {hint(name, BEHAVIOURS)}")
    return name


def _as_numbers(version: str) -> list[int]:
    """Return a version in a form that sorts: 0.10.0 is later than 0.9.0."""
    return [int(part) for part in version.split(".")]


class Behaving(Section):
    """Which behaviours of later versions a project has; an update never turns one on.

    Attributes:
        defaults: The version whose behaviours hold; a project that names none has the oldest.
        behaviours: Later ones that were turned on, one at a time.
    """

    defaults: str = Field(default="0.1.0", pattern=r"^\d+\.\d+\.\d+$")
    behaviours: list[Annotated[str, AfterValidator(_known_behaviour)]] = []

    def behaves(self, name: str) -> bool:
        """Return whether the project has a behaviour."""
        by_default = _as_numbers(self.defaults) >= _as_numbers(BEHAVIOURS[name])
        return by_default or name in self.behaviours


class Range(Section):
    """Where a number is searched; whole numbers if both ends are."""

    low: int | float
    high: int | float
    log: bool = False

    @model_validator(mode="after")
    def _ordered(self) -> "Range":
        if self.low >= self.high or (self.log and self.low <= 0):
            raise ValueError("low must be less than high, and above 0 where log is true")
        return self


class Floor(Section):
    """Skill that even the lower end of the score's interval must reach."""

    skill: float = Field(default=0.05, ge=0, lt=1)


class Champion(Section):
    """Skill by which a candidate may be worse than the champion on the same rows."""

    margin: float = Field(default=0.02, ge=0, lt=1)


class Slices(Section):
    """What holds on each slice; one with fewer rows is inconclusive."""

    min_rows: int = Field(default=100, ge=10)
    skill: float = Field(default=0.0, ge=-1, lt=1)
    margin: float = Field(default=0.05, ge=0, lt=1)
    critical: list[str] = []  # as in region=north: inconclusive there refuses
    retired: dict[str, str] = {}  # slice: why there are no such rows any more


class Groups(Section):
    """How far apart sensitive groups may be; one with fewer rows is inconclusive."""

    min_rows: int = Field(default=100, ge=10)
    max_gap: float = Field(default=0.2, gt=0)


class Leakage(Section):
    """Skill that no single feature may have without a reason: it would hold the answer."""

    max_skill: float = Field(default=0.8, gt=0, le=1)
    explained: dict[str, str] = {}  # feature, or score: why it may tell so much


class Drift(Section):
    """How far a column may change without a reason: an effect, and a share of gaps."""

    max_effect: float = Field(default=0.2, gt=0, le=1)
    max_missing: float = Field(default=0.1, gt=0, le=1)
    explained: dict[str, str] = {}  # column, or score: why it changed


class Features(Section):
    """What a feature that does not help may cost, in microseconds for 1,000 rows."""

    max_microseconds: float = Field(default=50_000, gt=0)
    kept: dict[str, str] = {}  # feature: why it stays although it costs and does not help


class Budget(Section):
    """What training and prediction may take, on one thread."""

    train_cpu_seconds: float = Field(default=600, gt=0)
    train_memory_mb: float = Field(default=4_000, gt=0)
    model_mb: float = Field(default=100, gt=0)
    predict_cpu_seconds: float = Field(default=1, gt=0)  # for 1,000 rows in one batch


class Freshness(Section):
    """How old data and evidence may be, in days."""

    data_days: float = Field(default=90, gt=0)  # since it was committed
    newest_row_days: float | None = Field(default=None, gt=0)  # by data.time; None: any
    evidence_days: float = Field(default=7, gt=0)


class Gates(Section):
    """The bound of every gate."""

    floor: Floor = Floor()
    champion: Champion = Champion()
    slices: Slices = Slices()
    groups: Groups = Groups()
    drift: Drift = Drift()
    leakage: Leakage = Leakage()
    features: Features = Features()
    budget: Budget = Budget()
    freshness: Freshness = Freshness()


class Canary(Section):
    """The ramp of a challenger, and what ends it."""

    stages: list[float] = Field(default=[1, 5, 25, 50], min_length=1)  # per cent of the requests
    stage_seconds: float = Field(default=60, gt=0)
    stage_rows: int = Field(default=200, ge=1)  # of the challenger, before a stage can end
    max_errors: int = Field(default=0, ge=0)  # of the challenger's own
    max_slowdown: float = Field(default=2, gt=1)  # times the champion's 95th percentile
    max_shift: float = Field(default=0.1, gt=0, le=1)  # total variation between predictions

    @field_validator("stages")
    @classmethod
    def _rise(cls, stages: list[float]) -> list[float]:
        in_range = all(0 < stage <= 100 for stage in stages)
        if not in_range or any(before >= after for before, after in pairwise(stages)):
            raise ValueError("stages are per cent, each more than the one before, none above 100")
        return stages


class Serving(Section):
    """What the service takes, keeps and waits for."""

    workers: int = Field(default=1, ge=1)  # model processes of a version
    max_body_mb: float = Field(default=8, gt=0)
    max_rows: int = Field(default=10_000, ge=1)  # in one request
    max_waiting: int = Field(default=256, ge=1)  # requests; more are answered with 503
    timeout_seconds: float = Field(default=10, gt=0)
    warm_up_ms: float = Field(default=500, gt=0)  # a golden row may take, once all is loaded
    log_seconds: float = Field(default=1, gt=0)  # between two writes of the prediction log
    log_mb: float = Field(default=1_000, gt=0)  # the oldest files go when it is larger
    canary: Canary = Canary()


class Hosting(Section):
    """What is to be served, and what it is paid with."""

    requests_per_second: float = Field(default=10, gt=0)
    core_month: float = Field(default=25, ge=0)
    gb_month: float = Field(default=3, ge=0)
    currency: str = "EUR"


class Costs(Section):
    """What each kind of error costs, in any unit: only their ratio decides."""

    false_positive: float = Field(default=1, gt=0)
    false_negative: float = Field(default=1, gt=0)

    @property
    def threshold(self) -> float:
        """The probability from which to act costs less than not to (Elkan, 2001, theorem 1)."""
        return self.false_positive / (self.false_positive + self.false_negative)
