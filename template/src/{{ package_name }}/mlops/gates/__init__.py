"""What must hold before a model is promoted: each gate is a function that gives one verdict."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

from .. import team
from ..errors import ProjectError, hint, printable

if TYPE_CHECKING:
    # Evidence is gathered by a room below this one; gates only use what they are given.
    from ..promotion.evidence import Evidence

IDENTITY = ("artifact", "working_tree", "provenance")
"""Is this the model that was trained, from this code and this data? If not, what others would
judge is not what would be promoted: after one that refuses no other gate judges."""

QUALITY = ("floor", "simpler", "features", "champion", "slices", "groups")
"""Is it good enough, as a whole and in its parts?"""

GATES = (
    *IDENTITY,
    "freshness",
    # Is it sound?
    "schema",
    "drift",
    "leakage",
    "reproducible",
    "budget",
    "numerics",
    *QUALITY,
)
"""The functions, in the order in which their verdicts are reported."""

MODULES = dict.fromkeys(IDENTITY, "identity")
MODULES |= dict.fromkeys(("freshness", "schema"), "data")
MODULES |= dict.fromkeys(("floor", "simpler", "features"), "worth")
"""Where those gates stand that have no module of their own."""


STATUSES = ("passed", "refused", "inconclusive", "not judged")


@dataclass(frozen=True)
class Verdict:
    """The answer of one gate.

    Attributes:
        status: `refused` stops a promotion, and so does `not judged`, which follows another
            gate's refusal; `inconclusive` does not, and is reported.
        reason: One sentence for the person who promotes.
        value: What the gate measured, if it measured something.
        threshold: What `value` was compared with, in the same unit.
    """

    status: Literal["passed", "refused", "inconclusive", "not judged"]
    reason: str
    value: float | None = None
    threshold: float | None = None

    def __post_init__(self) -> None:
        """Refuse another status, which would neither stop a promotion nor be reported."""
        if self.status not in STATUSES:
            raise ValueError(f"{self.status!r} is no status: choose from {', '.join(STATUSES)}")
        # It may quote data; a frozen dataclass is set in this way.
        object.__setattr__(self, "reason", printable(self.reason))

    @property
    def allows(self) -> bool:
        """Whether a promotion may go on."""
        return self.status in ("passed", "inconclusive")


@dataclass(frozen=True)
class Reasons:
    """Why what a gate would refuse is wanted all the same; an empty reason wants nothing.

    Attributes:
        uncompared: Why a champion that cannot be scored may stay unscored.
        accept_worse: Why a candidate may be worse than the champion.
        again: Why a version that was withdrawn may be champion again.
    """

    uncompared: str = ""
    accept_worse: str = ""
    again: str = ""


NO_REASONS = Reasons()

SCORE = "score"
"""The name under which a change of a score is explained; features and columns have their own."""


def problem_of_reasons(setting: str, reasons: dict[str, str], known: Collection[str]) -> str:
    """Find what is wrong with a setting that names features or columns and says why.

    Args:
        setting: Its name, as in params.yaml.
        reasons: By feature or column, why.
        known: Those that there are.

    Returns:
        One sentence; empty if nothing is wrong.
    """
    for name, reason in reasons.items():
        if name not in known:
            return f"{setting}: there is no {name} here: {hint(name, known)}"
        if not reason.strip():
            return f"{setting}: say why for {name}"
    return ""


def new_reasons(gate: str, evidence: Evidence) -> dict[str, str]:
    """Return the reasons of a gate with which the champion was not promoted already.

    Those were for what happened before the champion.

    Args:
        gate: The name of a gate that has a setting `explained`.
        evidence: The settings, and the record of the champion.

    Returns:
        By feature, column or SCORE, why.
    """
    explained: dict[str, str] = getattr(evidence.config.gates, gate).explained
    used = evidence.recorded.get("thresholds", {}).get(gate, {}).get("explained", {})
    return {name: why for name, why in explained.items() if used.get(name) != why}


def judge(evidence: Evidence, names: Collection[str] = GATES) -> Iterator[tuple[str, Verdict]]:
    """Let every gate judge the candidate, the team's additional gates last.

    Args:
        evidence: The candidate, the champion, and what is known of both.
        names: The template's gates to ask.

    Yields:
        The name of a gate and its verdict, as soon as it is known.

    Raises:
        ProjectError: gates.py cannot be imported, or has a gate of a name that is taken.
    """
    checks: dict[str, Callable[[Evidence], Verdict]] = {}
    for name in names:
        module = import_module(f".{MODULES.get(name, name)}", __package__)
        checks[name] = getattr(module, name)
    own = team.gates()
    taken = sorted(own.keys() & set(GATES))
    if taken:
        raise ProjectError(f"gates.py: {', '.join(taken)} is a gate of the template: rename yours")
    checks.update(own)
    stopped_by = ""
    first_with: dict[str, str] = {}
    for name, check in checks.items():
        if stopped_by:
            yield name, Verdict("not judged", f"{stopped_by} comes first")
            continue
        verdict = _verdict(check, evidence)
        # One cause may show in many gates: it is told once.
        if not verdict.allows:
            first = first_with.setdefault(verdict.reason, name)
            if first != name:
                verdict = replace(verdict, reason=f"same reason as {first}")
        if name in IDENTITY and not verdict.allows:
            stopped_by = name
        yield name, verdict


def _verdict(check: Callable[[Evidence], Verdict], evidence: Evidence) -> Verdict:
    """The verdict of one gate; a gate that cannot judge refuses."""
    try:
        verdict: object = check(evidence)
        # A team's gate may return anything: what is no verdict must not pass for one.
        if not isinstance(verdict, Verdict):
            return Verdict("refused", f"it returned {verdict!r}, which is no verdict")
        return verdict
    except ProjectError as error:
        return Verdict("refused", str(error))
    except Exception as error:
        # A fault in a gate must neither promote a model nor hide what the other gates found.
        return Verdict("refused", f"it broke: {type(error).__name__}: {error}")


def changed_thresholds(before: dict[str, Any], now: dict[str, Any]) -> dict[str, list[Any]]:
    """Return the thresholds that differ.

    Args:
        before: The thresholds by gate and name.
        now: Those of today.

    Returns:
        Both values of each, as [before, now], by names such as `floor.skill`.
    """
    changed = {}
    for gate in sorted(before.keys() | now.keys()):
        old = before.get(gate, {})
        new = now.get(gate, {})
        for name in sorted(old.keys() | new.keys()):
            if old.get(name) != new.get(name):
                changed[f"{gate}.{name}"] = [old.get(name), new.get(name)]
    return changed
