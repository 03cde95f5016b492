"""Plays random histories of teams through updates: ours, and Copier's own on the same project.

Ours is what Copier runs: the guard, then Copier's own update, then the merge in its place. So one
run of Copier gives both results.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import random
import shutil
import tempfile
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

import copier
import guard
import merge
import pytest
import support
import trees
from histories import oracle
from histories.edits import SETTINGS, Work, work_on
from histories.oracle import Files, Finding, files_of
from histories.templates import make_versions, quick_copier
from histories.versions import NAMES, between
from plumbum import local
from repository import GitError, repository_of
from update import report

Answers = dict[str, str | bool]
STARTER: Answers = {"preset": "starter", "ci": "github", "use_docker": True}
ANSWERS: list[Answers] = [
    STARTER,
    STARTER | {"formatter": "ruff", "user_email": "ada@example.org"},
    STARTER | {"license": "MIT", "python_version": "3.12"},
    {"preset": "starter"},
]
"""Small projects: what is merged is the same, and there is less of it to wait for."""


IN_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of its own is made in it


@dataclass
class Lab:
    """The versions, and the projects that histories start from.

    Attributes:
        folder: Where all is.
        template: The versions, with Copier's own updates.
        starts: A fresh project by its version and answers.
    """

    folder: Path
    template: Path
    starts: dict[str, Path] = field(default_factory=dict)
    hooks: dict[str, tuple[Path, ModuleType]] = field(default_factory=dict)

    def start(self, version: str, answers: Answers) -> Path:
        """Return a fresh project without a repository."""
        key = json.dumps([version, answers], sort_keys=True)
        if key not in self.starts:
            target = self.folder / f"start-{len(self.starts)}"
            copier.run_copy(
                str(self.template),
                target,
                data=dict(answers),
                vcs_ref=version,
                defaults=True,
                quiet=True,
            )
            self.starts[key] = target
        return self.starts[key]

    def at(self, version: str) -> tuple[Path, ModuleType]:
        """Return the template with a version checked out, and that version's owners."""
        if version not in self.hooks:
            place = self.folder / f"at-{version}"
            support.git(self.folder, "clone", "--quiet", str(self.template), str(place))
            support.git(place, "checkout", "--quiet", version)
            spec = importlib.util.spec_from_file_location("owners", place / "tools/ownership.py")
            assert spec
            assert spec.loader
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            self.hooks[version] = (place, module)
        return self.hooks[version]


@contextlib.contextmanager
def open_lab(source: Path = support.ROOT) -> Iterator[Lab]:
    """Make the versions, and let Copier render each once.

    Args:
        source: This repository.

    Yields:
        The lab.
    """
    # In memory where that can be: there are thousands of small files.
    where = IN_MEMORY if IN_MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(dir=where) as name, pytest.MonkeyPatch.context() as patch:
        # What Copier and the merge write for a moment is there too.
        patch.setattr(tempfile, "tempdir", name)
        folder = Path(name)
        cache = folder / "cache"
        cache.mkdir()
        with quick_copier(cache):
            yield Lab(folder, make_versions(source, folder / "template", engine=False))


@dataclass
class Played:
    """What came of one history.

    Attributes:
        name: Its seed and the versions.
        log: What the team did, and its settings.
        ours: What our update did wrong.
        plain: What Copier's own did wrong.
        conflicts: The conflicts that ours left, all listed.
        plain_conflicts: Those of Copier's own.
        refused: Whether the guard refused.
        edited: How many files of the template the team had changed.
        placed: In how many of them every change has one right place.
    """

    name: str
    log: list[str]
    ours: list[Finding] = field(default_factory=list)
    plain: list[Finding] = field(default_factory=list)
    conflicts: int = 0
    plain_conflicts: int = 0
    refused: bool = False
    edited: int = 0
    placed: int = 0


def play(
    lab: Lab,
    seed: int,
    n_versions: int,
    sets: Sequence[Answers] = ANSWERS,
    work_on: Callable[[Work], None] = work_on,
    start: str = "",
) -> Played:
    """Play one history: start, months of work, an update, the same update again.

    Args:
        lab: The versions.
        seed: Decides what the team does.
        n_versions: How many versions the update goes over.
        sets: The answers to choose from.
        work_on: What the team does.
        start: The version that the project is made of; empty for any.

    Returns:
        What came of it.
    """
    chance = random.Random(seed)  # noqa: S311 - no secret
    answers = chance.choice(sets)
    start = start or chance.choice(NAMES[: len(NAMES) - n_versions])
    end = NAMES[NAMES.index(start) + n_versions]
    root = lab.folder / "history"
    shutil.rmtree(root, ignore_errors=True)
    place = root / "services/churn" if chance.randrange(6) == 0 else root
    shutil.copytree(lab.start(start, answers), place)
    support.commit(root, "Start")
    work = Work(place, chance)
    work_on(work)
    support.commit(root, "Months of work")
    if work.ignored:
        prefix = place.relative_to(root)
        names = [str(prefix / name) for name in work.ignored]
        support.git(root, "rm", "--cached", "--quiet", "--ignore-unmatch", "--", *names)
        support.commit(root, "Ignore")
    played = Played(f"seed {seed}, {start} to {end}", [*work.log, work.refused, str(place)])
    with settings(root, chance, played.log):
        if work.uncommitted:
            leave(root, work)
        Player(lab, root, work, played).play(start, end, answers)
    return played


def leave(root: Path, work: Work) -> None:
    """Leave a change beside the project, or in it a file that git was told not to mention."""
    notes = root / "notes.txt"
    notes.write_text("first\n", "utf-8")
    if root == work.place:
        support.git(root, "config", "status.showUntrackedFiles", "no")
        work.ignored[notes.name] = notes.read_bytes()
    else:
        support.git(root, "add", "--force", notes.name)
        support.git(root, "commit", "--quiet", "--no-gpg-sign", "--message", "Notes")
        notes.write_text("second\n", "utf-8")


@contextlib.contextmanager
def settings(root: Path, chance: random.Random, log: list[str]) -> Iterator[None]:
    """Set what some people set, for this repository or for all of theirs."""
    chosen = chance.sample(sorted(SETTINGS), chance.randint(0, 5))
    log += [f"{name}={SETTINGS[name]}" for name in chosen]
    everywhere = root.parent / "gitconfig"
    everywhere.unlink(missing_ok=True)
    (root.parent / "attributes").write_text("* merge=union\n", "utf-8")
    (root.parent / "excludes").write_text("*.yml\n*.rej\n", "utf-8")
    (root.parent / "order").write_text("*.md\n*.toml\n", "utf-8")
    for name in chosen:
        scope = ["--file", str(everywhere)] if chance.randrange(2) else ["--local"]
        support.git(root, "config", *scope, name, SETTINGS[name].format(folder=root.parent))
    with pytest.MonkeyPatch.context() as patch, local.env(GIT_CONFIG_GLOBAL=str(everywhere)):
        patch.setenv("GIT_CONFIG_GLOBAL", str(everywhere))
        yield


@dataclass
class Player:
    """Updates one project, and looks at what came of it."""

    lab: Lab
    root: Path
    work: Work
    played: Played

    def play(self, start: str, end: str, answers: Answers) -> None:
        """Update twice, and take the first update back in a copy."""
        place = self.work.place
        before = files_of(place)
        template, owners = self.lab.at(end)
        update = oracle.Update(
            old=files_of(self.lab.start(start, answers)),
            head=committed(self.root, place),
            new=files_of(self.lab.start(end, answers)),
            moves=self.work.moves,
            versions=between(start, end),
            is_teams=lambda name: "team" in owners.owners(name),
        )
        for want in update.wanted():
            if want.base not in (oracle.NOTHING, want.mine):
                self.played.edited += 1
                self.played.placed += want.right is not None
        ours = self.played.ours
        with engine(self.lab.template, template, owners):
            refusals = refusals_of(place)
            self.played.refused = bool(refusals)
            if bool(refusals) != bool(self.work.refused):
                ours.append(Finding("refusal", self.work.refused, "; ".join(refusals)))
            crash = self.plainly(update, end)
            if refusals:
                return
            if crash:
                ours.append(Finding("crashed", "Copier", crash))
                return
            try:
                status = merged(place, end)
            except (GitError, OSError) as error:
                ours.append(Finding("crashed", "merge", str(error)))
                return
            after = self.without_ignored(files_of(place), ours)
            unmerged = conflicts_of(self.root, place)
            self.played.conflicts = len(unmerged)
            ours += oracle.compare(update, after, unmerged)
            broken = oracle.unreadable(after, update.head, unmerged)
            if bool(status) != bool(unmerged or broken):
                ours.append(Finding("status", str(status), f"{list(unmerged)} {broken}"))
            self.take_back(before)
            self.again(end, unmerged)

    def plainly(self, update: oracle.Update, end: str) -> str:
        """Let Copier update as it does on its own; return what ended it, if something did."""
        place = self.work.place
        plain = self.played.plain
        try:
            run_copier(place, end)
        except Exception:
            crash = traceback.format_exc(limit=-2)
            plain.append(Finding("crashed", "Copier", crash))
            return crash
        after = self.without_ignored(files_of(place), plain)
        unmerged = conflicts_of(self.root, place)
        self.played.plain_conflicts = len(unmerged)
        plain += oracle.compare(update, after, unmerged)
        plain += [
            Finding("unreadable", name) for name in oracle.unreadable(after, update.head, unmerged)
        ]
        if unmerged:
            plain.append(Finding("status", "0", "there are conflicts"))
        return ""

    def without_ignored(self, after: Files, found: list[Finding]) -> Files:
        """Return the files that git keeps; those that it ignores must be as they were."""
        for name, content in self.work.ignored.items():
            if after.get(name, oracle.NOTHING)[1] != content:
                found.append(Finding("lost", name, "git did not keep it"))
        return {name: file for name, file in after.items() if name not in self.work.ignored}

    def take_back(self, before: Files) -> None:
        """Give the update up in a copy, as the message says."""
        aside = self.root.with_name("aside")
        shutil.rmtree(aside, ignore_errors=True)
        shutil.copytree(self.root, aside, symlinks=True)
        support.git(aside, "reset", "--quiet", "--hard")
        support.git(aside, "clean", "--quiet", "--force", "-d")
        restored = unix(files_of(aside / self.work.place.relative_to(self.root)))
        was = unix(before)
        if restored != was:
            differ = [
                name for name in was.keys() | restored.keys() if was.get(name) != restored.get(name)
            ]
            self.played.ours.append(Finding("restore", ", ".join(differ)))

    def again(self, end: str, unmerged: Mapping[str, bytes | None]) -> None:
        """Solve the conflicts, commit, and update once more: nothing may change."""
        ours = self.played.ours
        place = self.work.place
        for name, content in unmerged.items():
            if content is not None:
                (place / name).write_bytes(content)
        support.git(self.root, "-c", "core.safecrlf=false", "add", "--all")
        support.git(self.root, "commit", "--quiet", "--no-gpg-sign", "--message", "Update")
        refusals = refusals_of(place)
        if refusals:
            ours.append(Finding("second", "refused", "; ".join(refusals)))
            return
        try:
            run_copier(place, end)
            status = merged(place, end)
        except Exception as error:
            ours.append(Finding("second", "crashed", str(error)))
            return
        changed = support.git(self.root, "status", "--porcelain", "--untracked-files=all")
        if changed or status:
            ours.append(Finding("second", str(status), changed))


@contextlib.contextmanager
def engine(template: Path, clone: Path, owners: ModuleType) -> Iterator[None]:
    """Let guard and merge belong to one version of the template, as its clone's hooks do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(guard, "REPOSITORY", clone)
        patch.setattr("update.REPOSITORY", clone)
        # By one address each version is rendered once.
        patch.setattr(trees, "REPOSITORY", template)
        patch.setattr(guard, "TEMPLATE", clone / "template")
        patch.setattr(trees, "owners", owners.owners)
        yield


def refusals_of(place: Path, **answers: str | bool) -> list[str]:
    """Return what the guard says of an update to these answers."""
    return guard.refusals(repository_of(place), guard.stored_answers(place) | answers)


def run_copier(place: Path, version: str, **answers: str | bool) -> None:
    """Update as Copier does on its own."""
    with contextlib.redirect_stderr(io.StringIO()):
        copier.run_update(
            place,
            data=answers,
            vcs_ref=version,
            defaults=True,
            overwrite=True,
            quiet=True,
            unsafe=True,
        )


def merged(place: Path, version: str) -> int:
    """Merge a version in the place of Copier, and return the exit status."""
    with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
        return report(merge.merge(repository_of(place), version))


def committed(root: Path, place: Path) -> Files:
    """Return the project's files as git keeps them."""
    scratch = root.with_name("committed")
    shutil.rmtree(scratch, ignore_errors=True)
    support.git(root, "checkout-index", "--all", f"--prefix={scratch}/")
    return files_of(scratch / place.relative_to(root))


def conflicts_of(root: Path, place: Path) -> dict[str, bytes | None]:
    """Return the conflicts in the project, each with the team's version as git keeps it."""
    prefix = "" if root == place else f"{place.relative_to(root).as_posix()}/"
    found: dict[str, bytes | None] = {}
    for entry in support.git(root, "ls-files", "--unmerged", "-z").split("\0"):
        if entry:
            facts, name = entry.split("\t", 1)
            name = name.removeprefix(prefix)
            found.setdefault(name, None)
            if facts.endswith(" 2"):
                found[name] = blob(root, facts.split()[1])
    return found


def blob(root: Path, name: str) -> bytes:
    """Return what git keeps under a hash."""
    return bytes(repository_of(root).git("cat-file", "blob", name))


def unix(files: Files) -> Files:
    """Return the files with the line ends that git keeps."""
    return {name: (kind, text.replace(b"\r\n", b"\n")) for name, (kind, text) in files.items()}
