"""Three gates: is this the model that was trained, from this code and this data, and kept?"""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

from ..evaluation.importance import compare_on_rows, univariate_skill
from ..modeling.inputs import training_sample
from ..modeling.metrics import quiet
from ..pipeline.challenge import MAX_ROWS
from . import Verdict

if TYPE_CHECKING:
    from ..promotion.evidence import Evidence

SHOWN = "HMRCK?U"
"""Letters of `git ls-files -v` for files in which git looks for changes; S and lower case hide."""

CODE = ":(glob)src/**/*.py"

N_FILES_LISTED = 5
"""At most so many files are named."""

N_CHANGES_LISTED = 4
"""At most so many changes are named."""

N_MEASURED_AGAIN = 3
"""Features drawn anew in each promotion, so that nobody can know which numbers to leave alone."""

ROUNDING = 2e-6
"""The report has six digits."""


def artifact(evidence: Evidence) -> Verdict:
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


def working_tree(evidence: Evidence) -> Verdict:
    """Check that nothing that git tracks or would track differs from the last commit.

    And that `make verify` passed with just these files.

    Args:
        evidence: The commit that is checked out, the state of the working tree, and whether it was
            verified.

    Returns:
        A verdict with the number of changed files, of which there may be none.

    Raises:
        ProjectError: git cannot tell.
    """
    if not evidence.commit:
        return Verdict("refused", "there is no commit to promote: `git commit` first")
    hidden = [name[2:] for name in evidence.files("ls-files", "-v") if name[0] not in SHOWN]
    if hidden:
        listed = ", ".join(hidden[:N_FILES_LISTED])
        fix = "`git update-index --no-assume-unchanged --no-skip-worktree` shows them again"
        return Verdict("refused", f"git was told to ignore changes in {listed}: {fix}")
    # Whatever the settings of this person's git: they may hide new files or submodules.
    changed = evidence.files("diff", "--name-only", "--ignore-submodules=none", "HEAD")
    # Untracked files count as well: a module outside the commit could not be found again. Only what
    # the committed .gitignore files name is left out, not what this clone alone excludes.
    changed += evidence.files("ls-files", "--others", "--exclude-per-directory=.gitignore")
    # Python imports a module that git is told to ignore.
    changed += evidence.files("ls-files", "--others", "--ignored", "--exclude-standard", "--", CODE)
    if changed:
        # Code first: what the pipeline wrote follows from it.
        changed.sort(key=lambda name: not name.startswith("src/"))
        listed = ", ".join(changed[:N_FILES_LISTED])
        n_more = len(changed) - N_FILES_LISTED
        more = f" and {n_more} more" if n_more > 0 else ""
        reason = f"not committed: {listed}{more}; `git add --all && git commit`"
        return Verdict("refused", reason, len(changed), 0)
    if not evidence.is_verified:
        return Verdict("refused", "`make verify` did not pass with just these files: run it")
    return Verdict("passed", f"all is verified and committed as {evidence.commit[:7]}", 0, 0)


def provenance(evidence: Evidence) -> Verdict:
    """Check that all evidence belongs together.

    No stage may be frozen, DVC must find every file as it recorded it, splitting again must give
    the same rows, measuring again must give the recorded metrics, and the reports that take too
    long to make again must be about this model. Of challenge.json a part is measured again.

    Args:
        evidence: What DVC finds changed, the split made again, the metrics measured again, the
            reports, and both tables.

    Returns:
        A verdict with the number of deviations, of which there may be none.

    Raises:
        ProjectError: A report is missing, was edited, or is about another model.
    """
    if evidence.frozen:
        listed = ", ".join(evidence.frozen)
        command = f"uv run dvc unfreeze {' '.join(evidence.frozen)}"
        reason = f"frozen in dvc.yaml: {listed}; DVC does not look at them: `{command}`"
        return Verdict("refused", reason, len(evidence.frozen), 0)
    stale = evidence.stale
    if stale:
        listed = "; ".join(stale[:N_CHANGES_LISTED])
        more = " ..." if len(stale) > N_CHANGES_LISTED else ""
        reason = f"{listed}{more}: `make pipeline` makes the evidence again"
        return Verdict("refused", reason, len(stale), 0)
    if not evidence.is_split_as_the_code_does:
        reason = (
            "the training and the test set are not those into which this code splits the validated "
            "table: `uv run dvc repro --force split`, then `make pipeline`"
        )
        return Verdict("refused", reason)
    text = (evidence.root / "reports" / "metrics.json").read_text(encoding="utf-8")
    recorded = json.loads(text)
    measured = evidence.measured
    # To the last digit: on one machine measuring is deterministic.
    different = [name for name in measured if recorded.get(name) != measured[name]]
    if different:
        name = different[0]
        reason = (
            f"metrics.json has {name} {recorded.get(name)}, measured now {measured[name]}: it was "
            "edited, or measured on another machine; `uv run dvc repro --force evaluate`"
        )
        return Verdict("refused", reason, len(different), 0)
    evidence.require_reports_of_candidate()
    problem = _edited_challenge(evidence)
    if problem:
        return Verdict("refused", problem)
    return Verdict("passed", "code, data, model and evidence belong together", 0, 0)


def _edited_challenge(evidence: Evidence) -> str:
    """A number of challenge.json that is another one when measured again; empty if none is found.

    All of it would take as long as the stage: the comparison with the baseline is made again, and
    the skill of some features.
    """
    baseline = {"baseline": evidence.rows.baseline}
    again = compare_on_rows(evidence.rows, evidence.cached_candidate, baseline)["baseline"]
    recorded = evidence.challenge["simpler"]["baseline"]
    for name, value in again.items():
        if not abs(value - recorded[name]) <= ROUNDING:
            return _describe(f"{name} of the gain over the baseline", recorded[name], value)
    worth = evidence.challenge["features"]
    drawn = random.sample(sorted(worth), min(N_MEASURED_AGAIN, len(worth)))
    sample = training_sample(evidence.config, evidence.root, MAX_ROWS)
    with quiet():
        skills = univariate_skill(evidence.config, sample, drawn)
    for name, skill in skills.items():
        written = worth[name]["univariate"]
        # NaN, where the metric is undefined, is written as it is.
        if not (abs(skill - written) <= ROUNDING or (skill != skill and written != written)):
            return _describe(f"univariate skill of {name}", written, skill)
    return ""


def _describe(what: str, written: float, measured: float) -> str:
    return (
        f"challenge.json has {what} {written}, measured now {measured:.6f}: "
        "`uv run dvc repro --force challenge` makes it again"
    )
