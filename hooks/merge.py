"""The merge of an update: three whole trees, as git merges branches.

Copier 9 applies the team's changes as a patch to the new render, and hunks that fit elsewhere land
elsewhere. Here the old render is the base, so that a change stays in its place or is a conflict.
Once Copier merges so itself (https://github.com/copier-org/copier/pull/2376), this goes.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml
from additions import settle_additions
from guard import foreign_answers
from parsing import problem
from repository import Repository
from trees import ANSWERS, drop, files_of, is_teams, rendered, tree_of, yours

BASE, OURS, THEIRS = b"1", b"2", b"3"
"""The stages under which git keeps the versions of a file that is not merged."""

MOVED_APART = {
    BASE: "you and the template moved it to different places: `git rm --cached` this one",
    OURS: "here you moved it, and the template elsewhere: `git add` it, or `git rm --force` it",
    THEIRS: "here the template moved it, and you elsewhere: `git add` it, or `git rm --force` it",
}
"""What to do about a file that both moved, for each of its three names."""

Answers = Mapping[str, Any]


@dataclass
class Merge:
    """What came of the merge.

    Attributes:
        conflicts: What to do about each file that git holds in two versions.
        broken: Why a file that was merged can no longer be read.
        kept: Files that the template dropped and the team had changed: they are the team's now.
        moved: Where the team's changes went with a file that the template moved.
        passed: Files recorded as the team's in which the template has something new.
    """

    conflicts: dict[str, str] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    kept: list[str] = field(default_factory=list)
    moved: dict[str, str] = field(default_factory=dict)
    passed: list[str] = field(default_factory=list)


def merge(repository: Repository, version: str) -> Merge:
    """Merge what is new in the template into HEAD, in the place of what Copier made of it.

    Args:
        repository: Of the project, whose answers are those of the update already.
        version: The commit or tag of the template to merge.

    Returns:
        What came of it. The changes are staged; HEAD is as it was.

    Raises:
        GitError: git refused.
    """
    written = (repository.place / ANSWERS).read_bytes()
    new: Answers = yaml.safe_load(written)
    old: Answers = yaml.safe_load(repository.git("show", f"HEAD:{repository.prefix}{ANSWERS}"))
    head = commit(repository)
    result = Merge()
    base, theirs = trees(repository, (old, new), version, result)
    labels = {
        f"GITHEAD_{head}": "this project",
        f"GITHEAD_{theirs}": f"the template, {new['_commit']}",
    }
    # Exit status 1 says that there are conflicts.
    labelled = replace(repository, env=labels)
    labelled.git("merge-recursive", base, "--", head, theirs, allowed=(0, 1))
    (repository.place / ANSWERS).write_bytes(written)
    repository.git("add", "--force", "--", f"{repository.prefix}{ANSWERS}")
    origins = renames(repository, base, head) | renames(repository, base, theirs)
    settle(repository, origins, result)
    changed = repository.names("diff", "--name-only", "--no-renames", "-z", base, head)
    look_through(repository, set(changed), result)
    return result


def commit(repository: Repository) -> str:
    """Return the commit that is checked out."""
    return repository.git("rev-parse", "HEAD").decode().strip()


def trees(
    repository: Repository, answers: tuple[Answers, Answers], version: str, result: Merge
) -> tuple[str, str]:
    """Render both versions, and bring the work tree back to HEAD.

    Args:
        repository: Of the project.
        answers: Those of the last update, and those of this one.
        version: The commit or tag of this one.
        result: Gets the files that the template changed and the team keeps to itself.

    Returns:
        The trees of the old and of the new render, without what is the team's.
    """
    old, new = answers
    with rendered(old, old["_commit"]) as before, rendered(new, version) as after:
        names_before = files_of(before)
        names_after = files_of(after)
        # Copier writes none of the team's files, so one that git does not keep is not its work.
        restore(repository, {name for name in names_before | names_after if not is_teams(name)})
        owned = yours(new)
        known = without_option(old, new, version, names_after)
        seeds = names_after - present(repository) - known - owned.keys()
        seeds = {name for name in seeds if not os.path.lexists(repository.place / name)}
        result.passed += changed_files(before, after, sorted(owned))
        drop(before, {name for name in names_before if is_teams(name) or name in owned})
        drop(after, {name for name in names_after - seeds if is_teams(name) or name in owned})
        return tree_of(repository, before), tree_of(repository, after)


def changed_files(before: Path, after: Path, names: list[str]) -> list[str]:
    """Return those of some files that differ between two renders, or that one lacks.

    Args:
        before: The render of the old version.
        after: That of the new one.
        names: Paths in them.
    """
    found = []
    for name in names:
        versions = []
        for folder in (before, after):
            path = folder / name
            versions.append(path.read_bytes() if path.is_file() else None)
        if versions[0] != versions[1]:
            found.append(name)
    return found


def present(repository: Repository) -> set[str]:
    """Return the paths of the project's files in HEAD."""
    within = f"HEAD:{repository.prefix}"
    return set(repository.names("ls-tree", "-r", "-z", "--name-only", "--full-tree", within))


def without_option(old: Answers, new: Answers, version: str, names: set[str]) -> set[str]:
    """Return the files that the new version renders from the old answers as well.

    Of the team's files, only those of an option that was just switched on are to appear.

    Args:
        old: The answers of the last update.
        new: The answers of this one.
        version: The new version.
        names: The files that it renders from the new answers.
    """
    known = dict(new)
    for name, answer in old.items():
        if not list(foreign_answers({name: answer})):
            known[name] = answer
    if given(known) == given(new):
        return names
    with rendered(known, version) as folder:
        return files_of(folder)


def given(answers: Answers) -> dict[str, Any]:
    """Return the answers without what Copier adds of its own."""
    return {name: answer for name, answer in answers.items() if not name.startswith("_")}


def restore(repository: Repository, names: set[str]) -> None:
    """Bring index and work tree back to HEAD, as before Copier wrote.

    The guard has seen that what git does not keep was at none of these paths.

    Args:
        repository: Of the project.
        names: All paths that Copier may have written.
    """
    repository.git("read-tree", "--reset", "-u", "HEAD")
    written = names | {f"{name}.rej" for name in names}
    here = repository.prefix or "."
    for name in repository.names("ls-files", "-z", "--others", "--", here):
        path = repository.top / name
        if name.removeprefix(repository.prefix) in written:
            path.unlink()
            remove_empty(repository, name)


def remove_empty(repository: Repository, name: str) -> None:
    """Remove the folders of a path that hold nothing any more."""
    folder = (repository.top / name).parent
    while folder != repository.place and not os.listdir(folder):
        folder.rmdir()
        folder = folder.parent


def renames(repository: Repository, base: str, other: str) -> dict[str, str]:
    """Return what each file that was moved was called before.

    Args:
        repository: Of the project.
        base: The tree or commit before.
        other: The one after.
    """
    listed = repository.names("diff", "--name-status", "--diff-filter=R", "-M", "-z", base, other)
    # A status, the old name and the new one, for each.
    return dict(zip(listed[2::3], listed[1::3], strict=True))


def settle(repository: Repository, origins: Mapping[str, str], result: Merge) -> None:
    """Decide what git leaves to a person and the rules of ownership decide.

    Args:
        repository: Of the project, after the merge.
        origins: What each file that either side moved was called.
        result: Gets what was kept, and the conflicts that are left.
    """
    found = unmerged(repository)
    # What both moved to different places has its base alone, under a name that nobody kept.
    apart = {name for name, entries in found.items() if set(entries) == {BASE}}
    for name, entries in found.items():
        stages = set(entries)
        # A file that went along with a folder has no origin that is known: it may be one of them.
        if len(stages) == 1 and apart and origins.get(name, name) in apart | {name}:
            result.conflicts[name] = MOVED_APART[stages.pop()]
        elif stages in ({BASE, OURS}, {OURS}):
            # The template dropped it; the stage is alone if the team had moved it as well.
            repository.git("update-index", "--add", "--cacheinfo", f"{entries[OURS]},{name}")
            repository.git("checkout-index", "--force", "--", name)
            result.kept.append(name)
        elif stages in ({BASE, THEIRS}, {THEIRS}):
            # The team dropped it; the stage is alone if the template has moved it as well.
            repository.git("rm", "--cached", "--force", "--quiet", "--", name)
            (repository.top / name).unlink(missing_ok=True)
            remove_empty(repository, name)
        elif stages == {OURS, THEIRS}:
            repository.git("checkout-index", "--force", "--stage=2", "--", name)
            result.conflicts[name] = (
                f"you and the template added it. Yours is in place; `git show :3:{name}` shows the "
                "template's"
            )
        elif stages == {BASE, OURS, THEIRS} and has_marks(repository, name):
            versions = [entries[stage] for stage in (BASE, OURS, THEIRS)]
            if settle_additions(repository, name, versions):
                continue
            result.conflicts[name] = "both changed the same lines: choose between the marks"
        else:
            result.conflicts[name] = (
                f"both changed it. `git show :2:{name}` shows yours, :3: the template's"
            )


def unmerged(repository: Repository) -> dict[str, dict[bytes, str]]:
    """Return the `mode,hash` of each stage of every file that is not merged, by its path."""
    found: dict[str, dict[bytes, str]] = defaultdict(dict)
    for entry in repository.git("ls-files", "--unmerged", "-z").split(b"\0"):
        if entry:
            facts, _, name = entry.partition(b"\t")
            mode, blob, stage = facts.split()
            found[os.fsdecode(name)][stage] = f"{mode.decode()},{blob.decode()}"
    return found


def has_marks(repository: Repository, name: str) -> bool:
    """Return whether git wrote both versions into the file; it does so in texts alone."""
    path = repository.top / name
    return path.is_file() and b"\n>>>>>>> " in path.read_bytes()


def look_through(repository: Repository, changed: set[str], result: Merge) -> None:
    """Find the files that moved, and those that were merged and cannot be read any more.

    Args:
        repository: Of the project, after the merge.
        changed: The files that the team had changed.
        result: Gets what was found.
    """
    listed = repository.names("diff", "--cached", "--name-status", "-M", "-z", "HEAD")
    fields = iter(listed)
    for status in fields:
        name = next(fields)
        if status.startswith("R"):
            target = next(fields)
            if name in changed:
                result.moved[name] = target
            name = target
        if status.startswith(("A", "M", "R")) and name not in result.conflicts:
            reason = problem(name, (repository.top / name).read_bytes())
            if reason:
                result.broken[name] = reason
