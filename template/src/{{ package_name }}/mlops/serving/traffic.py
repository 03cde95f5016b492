"""Who answers whom: the champion alone, a shadow, a canary that ramps up, or an A/B test.

The state is a file, so that it survives a restart and every command can change it.
"""

import hashlib
import math
import secrets
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from ..bounds import Canary
from ..config import Config
from ..errors import ProjectError, hint
from ..tracking import write_json

STATE = Path("models", "traffic.json")

MODES = ("champion", "shadow", "canary", "ab")

N_LATENCIES = 2_000
"""Latest answers of an arm whose time is remembered."""

MIN_ANSWERS = 50
"""Of each arm, before times are compared: the 95th percentile of fewer is chance."""

SLOW = 0.95
"""The quantile of times that is compared."""

CHANCE = 1e-6
"""Probability that equal arms differ so much by chance: small, as many looks are taken."""

Mode = Literal["champion", "shadow", "canary", "ab"]


@dataclass(frozen=True)
class Traffic:
    """How requests are shared.

    Attributes:
        mode: `champion`, `shadow`, `canary` or `ab`.
        challenger: The number of the other version; None with the champion alone.
        share: Per cent of the requests, or of the entities, that the challenger answers.
        stage: Of a canary, the number of the stage, from 0.
        since: When this mode began, as an ISO time in UTC.
        salt: Makes this assignment different from the last test's.
        outcome: How the last canary ended.
    """

    mode: Mode = "champion"
    challenger: Annotated[int, Field(ge=1)] | None = None
    share: Annotated[float, Field(ge=0, le=100)] = 0
    stage: Annotated[int, Field(ge=0)] = 0
    since: str = ""
    salt: str = ""
    outcome: str = ""


STORED = TypeAdapter(Traffic)


def read(root: Path) -> Traffic:
    """Return the state; the champion alone if none was ever written.

    Args:
        root: The project.

    Raises:
        ProjectError: The file cannot be read.
    """
    path = root / STATE
    if not path.exists():
        return Traffic()
    try:
        return STORED.validate_json(path.read_bytes(), strict=True)
    # A folder, no JSON, or a value of another type.
    except (OSError, ValueError):
        raise ProjectError(
            f"{STATE} cannot be read: `make traffic MODE=champion` writes it again"
        ) from None


def write(root: Path, traffic: Traffic) -> None:
    """Write the state, as a whole or not at all."""
    write_json(root / STATE, asdict(traffic))


def begin(mode: str, challenger: int | None, share: float, settings: Canary) -> Traffic:
    """Return the state at the beginning of a mode.

    Args:
        mode: One of MODES.
        challenger: The number of the other version.
        share: Of an A/B test, per cent of the entities for the challenger.
        settings: Of a canary, its stages.

    Raises:
        ProjectError: There is no such mode, or the share is none.
    """
    if mode not in MODES:
        raise ProjectError(f"MODE={mode} is not one: {hint(mode, list(MODES))}")
    if mode == "ab" and not 0 < share < 100:
        raise ProjectError(f"SHARE={share:g} is no share: write per cent between 0 and 100")
    shares = {"champion": 0.0, "shadow": 0.0, "canary": settings.stages[0], "ab": share}
    return Traffic(
        mode=mode,  # type: ignore[arg-type]
        challenger=None if mode == "champion" else challenger,
        share=shares[mode],
        since=datetime.now(UTC).isoformat(timespec="seconds"),
        salt=secrets.token_hex(8),
    )


def is_for_challenger(traffic: Traffic, key: str) -> bool:
    """Whether the challenger answers, always the same for a key.

    Args:
        traffic: The state.
        key: The id of an entity, or of a request.
    """
    # A hash instead of a list of who is where: every process and every restart finds the same.
    # A client may send half a character, which is no UTF-8.
    digest = hashlib.sha256(f"{traffic.salt}:{key}".encode(errors="surrogatepass")).digest()
    place = int.from_bytes(digest[:8]) / 2**64
    return place < traffic.share / 100


def entity_column(config: Config) -> str:
    """Return the column by whose values an A/B test is split; empty if there is none.

    Args:
        config: The settings: `data.group`, else the first of `data.ids`.
    """
    return config.data.group or next(iter(config.data.ids), "")


def arm_of(traffic: Traffic, row: Any, config: Config) -> str:
    """Return the arm of a row in an A/B test: `control`, `treatment`, or `champion` for neither.

    Args:
        traffic: The state.
        row: What a client sent, which need not be a row.
        config: Names the column, and how the raw file calls it.
    """
    column = entity_column(config)
    names = [column, *(name for name, known in config.data.read.names.items() if known == column)]
    for name in names:
        if isinstance(row, dict) and row.get(name) is not None:
            return "treatment" if is_for_challenger(traffic, str(row[name])) else "control"
    return "champion"


@dataclass
class Arm:
    """What was seen of one of the two versions since a stage began.

    Attributes:
        rows: How many it predicted.
        errors: Requests that it failed or refused, and the champion answered.
        buckets: How many of its predictions fell into each bucket.
        seconds: How long its latest answers took.
    """

    rows: int = 0
    errors: int = 0
    buckets: list[int] = field(default_factory=list)
    seconds: deque[float] = field(default_factory=lambda: deque(maxlen=N_LATENCIES))

    def add(self, buckets: Sequence[int], seconds: float) -> None:
        """Count an answer.

        Args:
            buckets: How many predictions fell into each bucket.
            seconds: How long it took.
        """
        # A refused request has no predictions, and says nothing about the version.
        if not buckets:
            return
        self.seconds.append(seconds)
        self.rows += sum(buckets)
        if len(self.buckets) != len(buckets):
            self.buckets = [0] * len(buckets)
        self.buckets = [a + b for a, b in zip(self.buckets, buckets, strict=True)]

    @property
    def slow(self) -> float:
        """The 95th percentile of the latest times, in seconds."""
        ordered = sorted(self.seconds)
        return ordered[int(SLOW * (len(ordered) - 1))]


def fault(champion: Arm, challenger: Arm, settings: Canary) -> str:
    """Say why a canary must end; empty if there is no reason.

    Args:
        champion: What was seen of the champion in this stage.
        challenger: What was seen of the challenger.
        settings: The bounds.
    """
    # The surest sign first: one error counts at once, a spread needs many rows.
    if challenger.errors > settings.max_errors:
        return (
            f"{challenger.errors} of its answers were errors, or refused what the champion answers"
        )
    enough = min(len(champion.seconds), len(challenger.seconds)) >= MIN_ANSWERS
    if enough and is_slower(challenger.seconds, settings.max_slowdown * champion.slow):
        return (
            f"the 95th percentile of its times is {1000 * challenger.slow:.1f} ms, the champion's "
            f"{1000 * champion.slow:.1f} ms"
        )
    shift, noise = prediction_shift(champion.buckets, challenger.buckets)
    if shift > settings.max_shift + noise:
        return (
            f"its predictions are spread otherwise: {shift:.2f} of them are elsewhere, of which "
            f"{noise:.2f} can be chance; canary.max_shift is {settings.max_shift:g}"
        )
    return ""


def is_slower(seconds: Sequence[float], bound: float) -> bool:
    """Whether more than one of twenty answers take longer than a bound, and not by chance.

    A machine that stalls for a moment delays a few answers of one of two equal versions.

    Args:
        seconds: How long each answer took.
        bound: In seconds.

    Returns:
        Whether the share of answers above it would be as high with a probability below CHANCE if
        it were one of twenty; by the bound of Chernoff (1952, doi:10.1214/aoms/1177729330).
    """
    usual = 1 - SLOW
    share = sum(one > bound for one in seconds) / len(seconds)
    if share <= usual:
        return False
    distance = share * math.log(share / usual)
    if share < 1:
        distance += (1 - share) * math.log((1 - share) / (1 - usual))
    return math.exp(-len(seconds) * distance) < CHANCE


def prediction_shift(one: Sequence[int], other: Sequence[int]) -> tuple[float, float]:
    """Compare two spreads of predictions.

    Args:
        one: Counts by bucket.
        other: Counts in the same buckets.

    Returns:
        The total variation distance, and what it can be by chance between equal ones: the bound on
        its mean by Cauchy and Schwarz, plus McDiarmid's on the distance from it (McDiarmid, 1989,
        doi:10.1017/CBO9781107359949.008), exceeded with a probability below CHANCE.
    """
    if not sum(one) or not sum(other) or len(one) != len(other):
        return 0.0, 1.0
    pairs = zip(one, other, strict=True)
    distance = sum(abs(a / sum(one) - b / sum(other)) for a, b in pairs) / 2
    inverse = 1 / sum(one) + 1 / sum(other)
    mean = math.sqrt(len(one) * inverse) / 2
    deviation = math.sqrt(math.log(1 / CHANCE) * inverse / 2)
    return distance, mean + deviation


def next_stage(traffic: Traffic, settings: Canary) -> Traffic:
    """Return the state of the next stage; after the last one it stays, and says so."""
    if traffic.stage + 1 >= len(settings.stages):
        outcome = "all stages passed: `make promote` asks the gates about the model in models/"
        return replace(traffic, outcome=outcome)
    # With the same salt, so that nobody goes back from the challenger to the champion.
    stage = traffic.stage + 1
    return replace(traffic, stage=stage, share=settings.stages[stage])


def end(traffic: Traffic, reason: str) -> Traffic:
    """Return the state with the champion alone, and why."""
    place = f" at {traffic.share:g} %" if traffic.mode == "canary" else ""
    outcome = f"The {traffic.mode} of version {traffic.challenger} ended{place}: {reason}"
    return Traffic(since=datetime.now(UTC).isoformat(timespec="seconds"), outcome=outcome)


def as_json(traffic: Traffic) -> dict[str, Any]:
    """Return the state as the service shows it, without its salt."""
    facts = asdict(traffic)
    del facts["salt"]
    return facts
