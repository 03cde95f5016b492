"""The model file is the one that was trained, and can be loaded here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import Verdict

if TYPE_CHECKING:
    from ..promotion.evidence import Evidence


def check(evidence: Evidence) -> Verdict:
    """Load the model file as its manifest describes it.

    Args:
        evidence: Of the candidate, its model and its manifest.

    Returns:
        A verdict that passed, since whatever is wrong with the file is an error.

    Raises:
        ProjectError: The file, its manifest and the version in the registry do not agree in their
            checksum; or it needs other versions of libraries, reads other inputs, or holds types
            that are not trusted.
    """
    evidence.require_one_identity()
    # The first access loads the model, and with that checks all of the above.
    n_steps = len(evidence.model.steps)
    chosen = evidence.manifest["chosen"]
    return Verdict("passed", f"{chosen}, {n_steps} steps, loads as registered")
