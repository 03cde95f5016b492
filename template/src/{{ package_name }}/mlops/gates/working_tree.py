"""What is promoted can be found again: it is committed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import Verdict

if TYPE_CHECKING:
    from ..promotion.evidence import Evidence

N_LISTED = 5
"""At most so many files are named."""


def check(evidence: Evidence) -> Verdict:
    """Check that nothing that git tracks or would track differs from the last commit.

    Args:
        evidence: The commit that is checked out, and the state of the working tree.

    Returns:
        A verdict with the number of changed files, of which there may be none.
    """
    if not evidence.commit:
        return Verdict("refused", "there is no commit to promote: `git commit` first")
    # Untracked files count as well: a module outside the commit could not be found again.
    changed = []
    for line in evidence.git("status", "--porcelain").splitlines():
        # Two letters of status and a space come before the path.
        changed.append(line[3:])
    if changed:
        listed = ", ".join(changed[:N_LISTED])
        more = " ..." if len(changed) > N_LISTED else ""
        return Verdict("refused", f"not committed: {listed}{more}", len(changed), 0)
    return Verdict("passed", f"all is committed as {evidence.commit[:7]}", 0, 0)
