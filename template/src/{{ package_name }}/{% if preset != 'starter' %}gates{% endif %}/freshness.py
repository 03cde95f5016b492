"""Neither the data nor the evidence is too old."""

import subprocess
from datetime import datetime

from . import Verdict
from .evidence import Evidence


def check(evidence: Evidence) -> Verdict:
    """Days since the raw data was last committed, and since the model was measured."""
    bounds, pointer = evidence.config.gates.freshness, f"{evidence.config.data.raw}.dvc"
    git = ["git", "-C", str(evidence.root), "log", "-1", "--format=%cI", "--", pointer]
    brought = subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip()
    if not brought:
        return Verdict("refused", f"{pointer} was never committed: nobody can tell the data's age")
    ages = {
        "the data is": (brought, bounds.data_days, "bring newer data"),
        "the evidence is": (
            evidence.profile["measured_at"],
            bounds.evidence_days,
            "`make profile`",
        ),
    }
    told = []
    for what, (since, bound, mend) in ages.items():
        days = round((evidence.now - datetime.fromisoformat(since)).total_seconds() / 86_400, 2)
        if not days + 1e-2 >= 0 or days > bound:
            reason = f"{what} {days} days old, of at most {bound}: {mend}"
            return Verdict("refused", reason, days, bound)
        told.append(f"{what} {days} days old")
    return Verdict("passed", ", ".join(told), days, bound)
