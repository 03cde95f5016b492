"""What is promoted can be found again: it stands committed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import Verdict

if TYPE_CHECKING:
    from ..promotion.evidence import Evidence


def check(evidence: Evidence) -> Verdict:
    """Nothing that git tracks or would track differs from the last commit."""
    if not evidence.commit:
        return Verdict("refused", "no commit is here that could be named: `git commit` first")
    if changed := [line[3:] for line in evidence.git("status", "--porcelain").splitlines()]:
        listed = ", ".join(changed[:5]) + (" ..." if len(changed) > 5 else "")
        return Verdict("refused", f"not committed: {listed}", len(changed), 0)
    return Verdict("passed", f"all is committed as {evidence.commit[:7]}", 0, 0)
