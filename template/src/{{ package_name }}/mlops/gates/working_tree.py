"""What is promoted can be found again, and holds: it is committed, and was verified."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import Verdict

if TYPE_CHECKING:
    from ..promotion.evidence import Evidence

SHOWN = "HMRCK?U"
"""Letters of `git ls-files -v` for files in which git looks for changes; S and lower case hide."""

CODE = ":(glob)src/**/*.py"

N_LISTED = 5
"""At most so many files are named."""


def check(evidence: Evidence) -> Verdict:
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
        listed = ", ".join(hidden[:N_LISTED])
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
        listed = ", ".join(changed[:N_LISTED])
        n_more = len(changed) - N_LISTED
        more = f" and {n_more} more" if n_more > 0 else ""
        reason = f"not committed: {listed}{more}; `git add --all && git commit`"
        return Verdict("refused", reason, len(changed), 0)
    if not evidence.is_verified:
        return Verdict("refused", "`make verify` did not pass with just these files: run it")
    return Verdict("passed", f"all is verified and committed as {evidence.commit[:7]}", 0, 0)
