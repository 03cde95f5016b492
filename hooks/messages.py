"""What a hook prints, beside the line of each step."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from steps import StepError, advice

GO_ON = "`make setup && make verify`"
"""What a person runs once the hook cannot go on by itself."""

FINISH = "`uv lock && make setup && make verify`"
"""What a person runs once the merge of an update is finished by hand."""

SCRATCH = "COPIER_MLOPS_SCRATCH"
"""A variable that is set where `make update` merges in a second work tree, and advises itself."""

MERGE_ONLY = "COPIER_MLOPS_MERGE_ONLY"
"""A variable that is set where Renovate updates, as presets/renovate.json says: the checks of the
pull request verify, and Renovate sees no new file that is staged."""

N_LAST_LINES = 15
"""Lines of a failed command's output that are shown."""


class RefusalError(Exception):
    """The hook does not go on; the text says why and what to do."""


def report(current: str, error: StepError | OSError) -> None:
    """Say which step failed, how, and what to do."""
    complain(f"\nFailed at {current}: {error}")
    if isinstance(error, StepError):
        lines = error.lines
        for line in lines[-N_LAST_LINES:]:
            complain(f"  | {line}")
    else:
        lines = [error.strerror or ""]
    complain(f"What to do: {advice(' '.join(lines))}")


def table(seconds: dict[str, float]) -> str:
    """Return the seconds of each step, and their sum."""
    rows = []
    for name, taken in [*seconds.items(), ("total", sum(seconds.values()))]:
        rows.append(f"  {name:<12}{taken:7.1f} s")
    return "\n".join(rows)


def bullets(items: Iterable[str]) -> str:
    """Return one line an item."""
    return "\n".join(f"  - {item}" for item in items)


def complain(text: str) -> None:
    """Print to standard error."""
    print(text, file=sys.stderr, flush=True)
