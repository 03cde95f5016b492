"""What is promoted can be found again: it stands committed."""

import subprocess

from . import Verdict
from .evidence import Evidence


def check(evidence: Evidence) -> Verdict:
    """Nothing that git tracks or would track differs from the last commit."""
    git = ["git", "-C", str(evidence.root), "status", "--porcelain"]
    done = subprocess.run(git, capture_output=True, text=True, check=False)
    if done.returncode or not evidence.commit:
        return Verdict("refused", "no commit is here that could be named: `git commit` first")
    if changed := [line[3:] for line in done.stdout.splitlines()]:
        listed = ", ".join(changed[:5]) + (" ..." if len(changed) > 5 else "")
        return Verdict("refused", f"not committed: {listed}", len(changed), 0)
    return Verdict("passed", f"all is committed as {evidence.commit[:7]}", 0, 0)
