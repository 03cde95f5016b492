"""`make update`: merge and verify in a second work tree, and hand over a branch."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from guard import names_of_then, stored_answers, unsafe_paths
from machine import identity_problem, problems
from messages import SCRATCH, RefusalError, bullets, complain
from refresh import after_merge
from repository import Repository
from steps import Step, environment, say
from trees import ANSWERS, owner_of, yours

from upkeep.migrate import announcement
from upkeep.scratch import LOCAL_CONFIG, run_there, undisturbed, worktree
from upkeep.versions import recorded_version, version_to_take

KINDS = {"A": "new", "D": "deleted", "R": "moved", "U": "conflict"}
"""What the letters of `git diff --name-status` say; all others are changes."""


@dataclass(frozen=True)
class Change:
    """What an update does to one file.

    Attributes:
        owner: Whose file it is.
        kind: What happens to it.
        name: Its path from the project's root; for a file that moved, the new one.
    """

    owner: str
    kind: str
    name: str


def update(repository: Repository, wanted: str, *, preview: bool) -> int:
    """Merge a newer version of the template, verify the result, and make a branch of it.

    The work tree is not touched: all of it happens in a second one, of the last commit.

    Args:
        repository: Of the project.
        wanted: The version to take; empty means the newest release.
        preview: Whether to say only what would change, and make no branch.

    Returns:
        The exit status: 0 if the update is merged and verified, or there is none.

    Raises:
        RefusalError: Something stands in the way.
        GitError: git refused.
    """
    stored = stored_answers(repository.place)
    recorded = recorded_version(stored)
    version = version_to_take(recorded, wanted)
    if not version:
        say(f"This project has {recorded}, and the template no newer release: nothing to do.")
        return 0
    branch = f"update/{version}"
    # The second work tree has what was committed, and nothing else.
    unseen = uncommitted(repository, yours(stored))
    found = list(obstacles(repository, stored["package_name"], (recorded, version)))
    if not preview:
        found += no_branch(repository, branch, unseen)
    if found:
        raise RefusalError(f"nothing was changed. Put this right first:\n{bullets(found)}")
    if unseen:
        say(f"What is not committed does not count here: {', '.join(unseen)}")
    say(f"Merging {version} of the template into a copy of the last commit.")
    with worktree(repository) as scratch:
        merged = merge_there(scratch, version)
        if stored_answers(scratch.place)["_commit"] == stored["_commit"]:
            # The guard of that version refused, and said why.
            return 1
        # Shown before the verification, which takes minutes.
        before = changes(scratch)
        show(f"From {recorded} to {version}", before)
        if not merged:
            complain(solve(branch, version))
            return 1
        verified = verify_there(scratch)
        # Whatever .gitignore says of it: it may hold credentials.
        (scratch.place / LOCAL_CONFIG).unlink(missing_ok=True)
        scratch.git("add", "--all")
        show("The verification wrote", [one for one in changes(scratch) if one not in before])
        if preview:
            ending = "verifies" if verified else "does not verify"
            say(f"\nThis update {ending}. It was a preview: nothing was changed.")
        else:
            hand_over(scratch, branch, f"Update the template from {recorded} to {version}")
            say(next_steps(branch, verified=verified))
        if waiting := announcement(scratch.place):
            say(f"\n{waiting}")
    return 0 if verified else 1


def uncommitted(repository: Repository, owned: Container[str]) -> list[str]:
    """Return the files that differ from the last commit and that an update merges.

    Args:
        repository: Of the project.
        owned: Files that are recorded as the team's.

    Returns:
        Paths from the project's root; the team's own files are not among them.
    """
    found = []
    for path in repository.names("diff", "--name-only", "-z", "HEAD"):
        name = path.removeprefix(repository.prefix)
        if name == ANSWERS or owner_of(name, owned) in ("template", "shared"):
            found.append(name)
    return found


def obstacles(repository: Repository, package: str, versions: tuple[str, str]) -> Iterator[str]:
    """Find what a switch to the updated branch would write over, as git does not keep it.

    Args:
        repository: Of the project.
        package: The name of the Python package.
        versions: The one that the project has, and the one that it is to have.

    Yields:
        One sentence for each.
    """
    # The guard of that version looks at the second work tree, in which nothing is ignored.
    names: set[str] = set()
    for version in versions:
        names |= names_of_then(package, version)
    yield from unsafe_paths(repository, names)


def no_branch(repository: Repository, branch: str, unseen: list[str]) -> Iterator[str]:
    """Find what stands in the way of a branch that could be merged.

    Args:
        repository: Of the project.
        branch: Its name.
        unseen: Files with changes that are not committed.

    Yields:
        One sentence for each.
    """
    author = identity_problem(environment())
    if author:
        yield author
    if repository.git("branch", "--list", branch).strip():
        yield f"the branch {branch} is there: merge it, or `git branch --delete --force {branch}`."
    if unseen:
        yield f"not committed: {', '.join(unseen)}. An update merges it: commit it, or `git stash`."


def merge_there(scratch: Repository, version: str) -> bool:
    """Let Copier update the project in the second work tree, with the hooks of that version.

    Args:
        scratch: The project there.
        version: The version to take.

    Returns:
        Whether all is merged; if not, the hooks have said what is left.

    Raises:
        RefusalError: Copier refused.
    """
    # Imported here: it takes a second, and what is refused needs none of it.
    import copier
    from plumbum import local

    try:
        # Copier gives its hooks the variables that plumbum holds.
        with local.env(**{SCRATCH: "yes"}):
            copier.run_update(
                scratch.place,
                vcs_ref=version,
                defaults=True,
                overwrite=True,
                quiet=True,
                unsafe=True,
            )
    except copier.errors.TaskError:
        return False
    except (copier.errors.UserMessageError, ValueError) as error:
        raise RefusalError(f"Copier refused: {error}") from None
    return True


def changes(scratch: Repository) -> list[Change]:
    """Return what is staged in the second work tree: what an update does to each file.

    Args:
        scratch: The project there.
    """
    listed = scratch.names("diff", "--cached", "--name-status", "-M", "-z", "HEAD")
    found = []
    fields = iter(listed)
    for status in fields:
        name = next(fields)
        if status.startswith("R"):
            name = next(fields)
        name = name.removeprefix(scratch.prefix)
        found.append(Change(owner_of(name), KINDS.get(status[0], "changed"), name))
    # A file that is not merged is listed once more, as changed.
    conflicts = {change.name for change in found if change.kind == "conflict"}
    return [one for one in found if one.kind == "conflict" or one.name not in conflicts]


def show(title: str, found: list[Change]) -> None:
    """Print what changes, in whose files."""
    if not found:
        return
    say(f"\n{title}:")
    for change in sorted(found, key=lambda change: (change.owner, change.name)):
        say(f"  {change.owner:<10}{change.kind:<10}{change.name}")


def verify_there(scratch: Repository) -> bool:
    """Refresh the environment of the second work tree, bring the data, and verify.

    Args:
        scratch: The project there, merged.

    Returns:
        Whether every check passed; if not, what failed was said.

    Raises:
        RefusalError: The machine lacks something.
    """
    answers: Mapping[str, Any] = stored_answers(scratch.place)
    slug = str(answers["package_name"]).replace("_", "-")
    python = str(answers["python_version"])
    found = problems(scratch.place, python, environment(), commits=False)
    if found:
        raise RefusalError(f"nothing was changed. Put this right first:\n{bullets(found)}")
    # `setup` would bring it too, but writes the git hooks of the project with this environment.
    bring = ["uv", "run", "--no-sync", slug, "data"]
    environment_step, verify = after_merge(slug)
    say("")
    return run_there(scratch, (environment_step, Step("data", "brings the data", [bring]), verify))


def hand_over(scratch: Repository, branch: str, message: str) -> None:
    """Commit what is staged in the second work tree, and name it.

    Args:
        scratch: The project there.
        branch: The name, which is new.
        message: That of the commit.
    """
    # A commit without its branch would be lost, and a branch without a word be a surprise.
    with undisturbed():
        # No hooks, since they would repeat what was verified; no prompt for a signing key.
        scratch.git("commit", "--quiet", "--no-verify", "--no-gpg-sign", "--message", message)
        scratch.git("branch", branch)


def solve(branch: str, version: str) -> str:
    """Say how to solve conflicts, of which the hooks have listed each."""
    return (
        "Nothing was changed here. To solve these, commit what is yours and update in place:\n"
        f"  git switch --create {branch}\n"
        '  uvx --with "copier>=9.19" copier update --trust --defaults --vcs-ref '
        f"{version}"
    )


def next_steps(branch: str, *, verified: bool) -> str:
    """Say what to do with the branch."""
    if verified:
        return (
            f"\nThe branch {branch} has the update, and every check passed. Next:\n"
            f"  git diff HEAD...{branch}\n"
            f"  git merge {branch}      # or push it, and open a pull request\n"
            "  make setup && uv run dvc checkout && make verify"
        )
    return (
        f"\nThe branch {branch} has the update, and does not verify. Next:\n"
        f"  git switch {branch}\n"
        "  make setup && make verify   # correct what fails, and commit"
    )
