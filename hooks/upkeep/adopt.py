"""`make adopt`: bring the template into a repository that is there already, over nothing of it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from guard import uncommitted
from messages import RefusalError, bullets
from repository import GitError, Repository, repository_of
from steps import say
from trees import ANSWERS, files_of, is_teams, render_into, tree_of

from upkeep.guess import colliding_practices, guess_answers
from upkeep.owning import record
from upkeep.versions import TEMPLATE

PAPERS = (".md", ".rst", ".txt")
"""Endings of files that people read and no program does."""

AUTHOR = {
    f"GIT_{role}_{part}": value
    for role in ("AUTHOR", "COMMITTER")
    for part, value in (("NAME", "copier-mlops"), ("EMAIL", "copier-mlops@localhost"))
}
"""Whose the commit of the bare render is: no person's."""


@dataclass
class Adoption:
    """What came of an adoption: paths from the repository's root.

    Attributes:
        added: Files that the repository did not have.
        same: Files that it had, with the same content.
        alone: Files that it had and that only people read: left alone.
        by_hand: Files that it had and that programs read: for a person to merge.
    """

    added: list[str] = field(default_factory=list)
    same: list[str] = field(default_factory=list)
    alone: list[str] = field(default_factory=list)
    by_hand: list[str] = field(default_factory=list)


def adopt(folder: Path, given: Iterable[str]) -> int:
    """Bring the newest release into a repository.

    Args:
        folder: The repository.
        given: Answers, as `name=value`; they count before what is guessed.

    Returns:
        The exit status, 0.

    Raises:
        RefusalError: It is no repository, has work that is not committed or the template already,
            or an answer is refused. Nothing was written.
        GitError: git refused.
    """
    repository = ready(folder)
    version = newest_version()
    # What a person says counts before what a program guesses.
    answers = guess_answers(repository) | parsed(given)
    # Once with every practice on, to see which of them a file stands in the way of.
    with rendered(answers, version) as render:
        in_the_way = colliding_practices(repository.place, files_of(render))
    # What a person gave counts, whatever is in its way.
    off = {question: found for question, found in in_the_way.items() if question not in answers}
    answers |= {question: answer for question, (answer, _) in off.items()}
    with rendered(answers, version) as render:
        # It is no file of the template's, but what Copier notes of this render.
        written = (render / ANSWERS).read_text(encoding="utf-8")
        (render / ANSWERS).unlink()
        result = compare(repository.place, render)
        branch = keep_render(repository, render, version)
        # Nothing but these is written, so that nothing can be written over.
        for name in result.added:
            target = repository.place / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(render / name, target, follow_symlinks=False)
    record_answers(repository, written, result, version)
    say("\n".join(report(repository, answers, result)))
    say("\n".join(next_steps(branch, result, off)))
    return 0


def ready(folder: Path) -> Repository:
    """Return a repository that can be brought back by git, whatever happens.

    Args:
        folder: What the person named.

    Raises:
        RefusalError: It is none, or something is not committed, or the template is there already.
    """
    if not folder.is_dir():
        raise RefusalError(f"{folder} is no folder: make adopt PROJECT=../their-repository")
    try:
        repository = repository_of(folder)
        # A repository without a commit has nothing to go back to.
        repository.git("rev-parse", "--verify", "HEAD")
    except GitError:
        raise RefusalError(
            f"{folder} has no commit of git, so nothing could be brought back: `git init`, then "
            "`git add --all && git commit`"
        ) from None
    if (repository.place / ANSWERS).exists():
        raise RefusalError(f"{folder} has {ANSWERS}, so it has the template already: `make update`")
    found = list(uncommitted(repository, set()))
    if found:
        raise RefusalError(f"nothing was written. Put this right first:\n{bullets(found)}")
    return repository


def newest_version() -> str:
    """Return the newest release; a template without one has its last commit."""
    described = TEMPLATE.git("describe", "--tags", "--abbrev=0", allowed=(0, 128)).decode().strip()
    return described or TEMPLATE.git("rev-parse", "HEAD").decode().strip()


def parsed(given: Iterable[str]) -> dict[str, Any]:
    """Return answers as Copier takes them.

    Args:
        given: Each as `name=value`.

    Raises:
        RefusalError: One has no equals sign.
    """
    answers = {}
    for text in given:
        # A value may hold further equals signs.
        name, sign, value = text.partition("=")
        if not sign:
            raise RefusalError(f"{text} is no answer: write it as package_name=churn_radar")
        answers[name] = yaml.safe_load(value)
    return answers


@contextmanager
def rendered(answers: Mapping[str, Any], version: str) -> Iterator[Path]:
    """Render a version of the template in a folder that goes away, with the answers file.

    Args:
        answers: All others have their defaults.
        version: A tag or a commit of the template.

    Yields:
        The folder.

    Raises:
        RefusalError: An answer is refused.
    """
    # Imported here: it takes a second, and what is refused before needs none of it.
    import copier

    with TemporaryDirectory() as folder:
        target = Path(folder, "project")
        try:
            render_into(target, answers, version)
        except (copier.errors.UserMessageError, ValueError) as error:
            raise RefusalError(
                f"an answer is refused: {error} Give another one, as in ANSWERS='package_name=...'"
            ) from None
        yield target


def compare(place: Path, render: Path) -> Adoption:
    """Compare a render with what a repository has.

    Args:
        place: The repository's folder.
        render: What the template makes.

    Raises:
        RefusalError: A file is where the template has a folder, or a folder in a file's place.
    """
    found = Adoption()
    in_the_way = set()
    for name in sorted(files_of(render)):
        path = place / name
        for folder in PurePosixPath(name).parents:
            if (place / folder).is_file():
                in_the_way.add(f"{folder} is a file, and the template has a folder there")
        if path.is_dir() and not path.is_symlink():
            in_the_way.add(f"{name} is a folder, and the template has a file there")
        # A link that leads nowhere is theirs as well.
        elif not os.path.lexists(path):
            found.added.append(name)
        elif path.is_file() and path.read_bytes() == (render / name).read_bytes():
            found.same.append(name)
        elif name.endswith(PAPERS) or name.startswith("LICENSE"):
            found.alone.append(name)
        else:
            found.by_hand.append(name)
    if in_the_way:
        raise RefusalError(
            f"nothing was written. Move these away first:\n{bullets(sorted(in_the_way))}"
        )
    return found


def keep_render(repository: Repository, render: Path, version: str) -> str:
    """Commit the bare render on a branch of its own, from which a person merges files.

    Args:
        repository: The one to adopt.
        render: What the template makes.
        version: Of the template.

    Returns:
        The branch.
    """
    branch = f"adopt/{version}"
    # As git keeps the whole repository with it, so that paths are the same in both.
    tree = tree_of(repository, render)
    nobody = replace(repository, env=AUTHOR)
    made = nobody.git("commit-tree", tree, "-m", f"What the template {version} makes")
    repository.git("branch", "--force", branch, made.decode().strip())
    return branch


def record_answers(repository: Repository, text: str, result: Adoption, version: str) -> None:
    """Write the answers file: with the address of the template, and what is the team's.

    Args:
        repository: The one that was adopted.
        text: The answers as Copier wrote them.
        result: What came of it.
        version: Of the template.
    """
    address = TEMPLATE.git("remote", "get-url", "origin", allowed=(0, 2)).decode().strip()
    answers = yaml.safe_load(text)
    answers["_src_path"] = address or answers["_src_path"]
    (repository.place / ANSWERS).write_text(text, encoding="utf-8", newline="\n")
    # The team's own need no record: no update touches them.
    theirs = [name for name in result.alone + result.by_hand if not is_teams(name)]
    record(repository, answers, dict.fromkeys(theirs, version))


def report(repository: Repository, answers: Mapping[str, Any], result: Adoption) -> Iterator[str]:
    """Say what was done.

    Args:
        repository: The one that was adopted.
        answers: Those that were guessed or given.
        result: What came of it.

    Yields:
        Lines.
    """
    yield "Nothing of yours was changed. The answers, guessed from what is there:"
    for question, answer in answers.items():
        yield f"  {question}: {answer}"
    yield f"\nadded       {len(result.added)} files"
    yield f"same        {len(result.same)} files"
    if result.alone:
        yield f"left alone  {', '.join(result.alone)}"
    if result.by_hand:
        yield f"by hand     {', '.join(result.by_hand)}"
    names = [f":(literal){repository.prefix}{name}" for name in result.added]
    ignored = repository.names(
        "ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--", *names
    )
    if ignored:
        yield f"ignored     by your .gitignore: {', '.join(ignored)}"
        yield "            An update needs them in git: `git add --force` them."


def next_steps(branch: str, result: Adoption, off: Mapping[str, tuple[Any, str]]) -> Iterator[str]:
    """Say what a person does next.

    Args:
        branch: It has the bare render.
        result: What came of the adoption.
        off: The practices that were left out, with the file in their way.

    Yields:
        Lines.
    """
    yield "\nNext:"
    if result.by_hand:
        yield "  take into your files what you want of the template's, hunk by hunk:"
        for name in result.by_hand:
            yield f"    git checkout --patch {branch} -- {name}"
    yield "  make setup && make verify"
    yield "  git add --all && git commit"
    if result.by_hand:
        yield "Updates leave these files to you; `make disown FILE=` lets them merge one again."
    for question, (_, name) in off.items():
        yield f"{question} is off, since {name} is yours: `copier update --data {question}=...`"
    yield "To give it up: git clean --force -d"
