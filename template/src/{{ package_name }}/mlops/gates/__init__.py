"""What must hold before a model is promoted: one gate a module, one verdict a gate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Literal

from .. import team
from ..errors import ProjectError

if TYPE_CHECKING:
    from ..promotion.evidence import Evidence

if TYPE_CHECKING:
    from ..promotion.evidence import Evidence

GATES = (
    *("artifact", "working_tree", "provenance", "freshness", "schema", "leakage", "reproducible"),
    *("budget", "numerics", "floor", "simpler", "features", "champion", "slices", "groups"),
)
"""In the order in which they are told: is this the model, is it sound, is it good."""


@dataclass(frozen=True)
class Verdict:
    """What a gate says, in one sentence; where it measured something, the figure and its bound.

    `inconclusive` does not stop a promotion, and is told.
    """

    status: Literal["passed", "refused", "inconclusive"]
    reason: str
    figure: float | None = None
    bound: float | None = None


def judge(evidence: Evidence) -> Iterator[tuple[str, Verdict]]:
    """Yield the verdict of each gate by its name, the team's own last.

    A gate that cannot judge refuses.
    """
    checks = {name: import_module(f".{name}", __package__).check for name in GATES}
    for name, check in (checks | team.gates()).items():
        try:
            yield name, check(evidence)
        except ProjectError as error:
            yield name, Verdict("refused", str(error))
        except Exception as error:
            yield name, Verdict("refused", f"it broke: {type(error).__name__}: {error}")
