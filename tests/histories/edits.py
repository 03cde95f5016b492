"""What teams do to a project, at random: the edits of one history."""

from __future__ import annotations

import os
import random
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import ownership
from histories.versions import CHECKS, MLOPS, NIGHTLY, PACKAGE
from parsing import problem

SENTINEL = "# The template's part ends here; what stands below is yours."


class SkipError(Exception):
    """The edit does not fit this project."""


@dataclass
class Work:
    """A project while a team works on it.

    Attributes:
        place: The project's folder.
        random: Decides everything.
        moves: Where the team has put files of the template.
        ignored: Files that git does not keep.
        uncommitted: Whether there is work that git does not have.
        refused: Why the guard must refuse the update, if it must.
        log: The edits, in order.
    """

    place: Path
    random: random.Random
    moves: dict[str, str] = field(default_factory=dict)
    ignored: dict[str, bytes] = field(default_factory=dict)
    uncommitted: bool = False
    refused: str = ""
    log: list[str] = field(default_factory=list)
    count: int = 0

    def names(self, *owners: str, ends: tuple[str, ...] = ()) -> list[str]:
        """Return the files of some owners, where they are now."""
        found = []
        for path in sorted(self.place.rglob("*")):
            name = path.relative_to(self.place).as_posix()
            kept = path.is_file() and not path.is_symlink() and not name.startswith(".git/")
            origin = {now: then for then, now in self.moves.items()}.get(name, name)
            owner = ownership.owners(origin)
            if kept and owner and owner[0] in owners and (not ends or name.endswith(ends)):
                found.append(name)
        return found

    def pick(self, *owners: str, ends: tuple[str, ...] = ()) -> str:
        """Return one of them."""
        names = self.names(*owners, ends=ends)
        if not names:
            raise SkipError
        return self.random.choice(names)

    def fresh(self) -> str:
        """Return words that stand nowhere else."""
        self.count += 1
        return f"team {self.count}"

    def text(self, name: str) -> str:
        """Return the text of a file, if it is one."""
        try:
            return (self.place / name).read_bytes().decode("utf-8")
        except (UnicodeDecodeError, OSError):
            raise SkipError from None

    def write(self, name: str, text: str) -> None:
        """Write a file that can be read, as a team's own checks demand."""
        content = text.encode("utf-8")
        if problem(name, content):
            raise SkipError
        path = self.place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        # One that git does not keep must stay as it was written last.
        if name in self.ignored:
            self.ignored[name] = content

    def move(self, old: str, new: str) -> None:
        """Move a file."""
        if (self.place / new).exists():
            raise SkipError
        (self.place / new).parent.mkdir(parents=True, exist_ok=True)
        (self.place / old).rename(self.place / new)
        origin = {now: then for then, now in self.moves.items()}.get(old, old)
        self.moves[origin] = new


OURS = ("template", "shared")


def remark(work: Work, name: str) -> str:
    """Return a line that changes nothing in a file."""
    return f"Of {work.fresh()}." if name.endswith(".md") else f"# of {work.fresh()}"


def insert_line(work: Work) -> None:
    """Write a remark somewhere, as deep as what follows."""
    name = work.pick(*OURS)
    lines = work.text(name).splitlines(keepends=True)
    at = work.random.randint(0, len(lines))
    depth = re.match(r" *", lines[at] if at < len(lines) else "")
    lines.insert(at, f"{depth[0] if depth else ''}{remark(work, name)}\n")
    work.write(name, "".join(lines))


def change_line(work: Work) -> None:
    """Change a line and keep its meaning."""
    name = work.pick(*OURS)
    lines = work.text(name).splitlines(keepends=True)
    full = [number for number, line in enumerate(lines) if len(line) > 5 and line.endswith("\n")]
    if not full:
        raise SkipError
    at = work.random.choice(full)
    lines[at] = f"{lines[at].rstrip()}  {remark(work, name)}\n"
    work.write(name, "".join(lines))


def delete_lines(work: Work) -> None:
    """Delete some lines."""
    name = work.pick(*OURS)
    lines = work.text(name).splitlines(keepends=True)
    if len(lines) < 8:
        raise SkipError
    at = work.random.randrange(len(lines) - 4)
    del lines[at : at + work.random.randint(1, 4)]
    work.write(name, "".join(lines))


def insert_block(work: Work) -> None:
    """Write some remarks at once."""
    name = work.pick(*OURS)
    lines = work.text(name).splitlines(keepends=True)
    at = work.random.randint(0, len(lines))
    lines[at:at] = [f"{remark(work, name)}\n" for _ in range(work.random.randint(2, 8))]
    work.write(name, "".join(lines))


def fetch_all(work: Work) -> None:
    """Let one of several jobs that look alike fetch the whole history."""
    name = work.random.choice([CHECKS, NIGHTLY])
    option = "          persist-credentials: false\n"
    parts = work.text(name).split(option)
    if len(parts) < 2:
        raise SkipError
    at = work.random.randrange(len(parts) - 1)
    parts[at + 1] = f"          fetch-depth: 0 {remark(work, name)}\n{parts[at + 1]}"
    work.write(name, option.join(parts))


def add_step(work: Work) -> None:
    """Add a step at the end of one of the jobs."""
    lines = work.text(CHECKS).splitlines(keepends=True)
    ends = [number for number, line in enumerate(lines) if line == "\n" and number > 30]
    at = work.random.choice([*ends, len(lines)])
    word = work.fresh()
    lines[at:at] = [f"      - name: Of {word}\n", f"        run: echo {word}\n"]
    work.write(CHECKS, "".join(lines))


def copy_job(work: Work) -> None:
    """Copy a job under another name."""
    head, _, jobs = work.text(CHECKS).partition("\njobs:\n")
    blocks = jobs.split("\n\n")
    block = work.random.choice(blocks)
    own = re.sub(r"^ +(\w+):", f"  own_{work.count}:", block, count=1)
    blocks.insert(work.random.randint(0, len(blocks) - 1), own.rstrip("\n"))
    work.count += 1
    work.write(CHECKS, f"{head}\njobs:\n" + "\n\n".join(blocks))


def add_dependency(work: Work) -> None:
    """Add a package below the comment, to those of the project or of the tools."""
    parts = work.text("pyproject.toml").split(f"    {SENTINEL}\n")
    if len(parts) < 2:
        raise SkipError
    at = work.random.randrange(1, len(parts))
    parts[at] = f'    "of-{work.fresh().replace(" ", "-")}>=1",\n{parts[at]}'
    work.write("pyproject.toml", f"    {SENTINEL}\n".join(parts))


def add_below(work: Work) -> None:
    """Add to a shared file below its comment, or at its end."""
    name = work.random.choice(["pyproject.toml", "README.md", ".gitignore", "dvc.yaml"])
    word = work.fresh()
    added = {
        "pyproject.toml": f"\n[tool.{word.replace(' ', '-')}]\nlevel = 1\n",
        "README.md": f"\n## Of {word}\n\nMore of it.\n",
        ".gitignore": f"/{word}/\n",
        "dvc.yaml": f"\n  {word.replace(' ', '_')}:\n    cmd: echo {word}\n",
    }
    work.write(name, work.text(name) + added[name])


def add_target(work: Work) -> None:
    """Add a target to the Makefile, between two others."""
    parts = work.text("Makefile").split("\n\n")
    at = work.random.randrange(2, len(parts))
    word = work.fresh().replace(" ", "-")
    parts.insert(at, f"{word}:  ## Do it\n\techo {word}")
    work.write("Makefile", "\n\n".join(parts))


def reformat(work: Work) -> None:
    """Change the layout of a whole file."""
    name = work.pick(*OURS, ends=(".md", ".py", ".toml", ".yml"))
    text = work.text(name)
    ways: list[Callable[[str], str]] = [
        lambda old: old.replace("\n\n", "\n\n\n"),
        lambda old: old.replace("\n", " \n"),
        lambda old: old.replace('"', "'"),
        lambda old: old.rstrip("\n"),
        lambda old: old.replace("\n", "\r\n"),
    ]
    work.write(name, work.random.choice(ways)(text))


def move_file(work: Work) -> None:
    """Move a file of the template, and maybe change it."""
    name = work.pick("template")
    folder = work.random.choice(["ops", "docs/own", os.path.dirname(name) or "ops"])
    work.move(name, f"{folder}/own_{os.path.basename(name)}")


def move_folder(work: Work) -> None:
    """Move a folder of the template."""
    for name in work.names("template"):
        if name.startswith("docker/"):
            work.move(name, name.replace("docker/", "deploy/"))


def delete_file(work: Work) -> None:
    """Delete a file of the template."""
    (work.place / work.pick("template")).unlink()


def delete_folder(work: Work) -> None:
    """Delete a folder of the template."""
    folder = work.random.choice(["docker", f"{MLOPS}/verify", ".dvc", ".github"])
    if not (work.place / folder).is_dir():
        raise SkipError
    shutil.rmtree(work.place / folder)


def change_mode(work: Work) -> None:
    """Make a file executable."""
    (work.place / work.pick(*OURS, "team")).chmod(0o755)


def make_binary(work: Work) -> None:
    """Put a binary in the place of a text, or add one, or a text that git takes for one."""
    way = work.random.randrange(3)
    content = bytes(work.random.randrange(256) for _ in range(300)) + b"\0"
    if way == 0:
        (work.place / work.pick(*OURS, ends=(".md", ".dvcignore", "CODEOWNERS"))).write_bytes(
            content
        )
    elif way == 1:
        name = f"docs/{work.fresh()} ünï.png"
        (work.place / name).write_bytes(content)
    else:
        name = work.pick("template", ends=("LICENSE", "Dockerfile", "compose.yaml"))
        attributes = work.text(".gitattributes")
        work.write(".gitattributes", f"{attributes}/{name} -diff\n")
        work.write(name, f"# of {work.fresh()}\n{work.text(name)}")


def link_file(work: Work) -> None:
    """Put a link in the place of a file."""
    name = work.pick("template")
    (work.place / name).unlink()
    (work.place / name).symlink_to("params.yaml")


def edit_own(work: Work) -> None:
    """Change a file of the team's."""
    name = work.pick("team", ends=(".py", ".md", ".yaml"))
    work.write(name, f"{work.text(name)}\n{remark(work, name)}\n")


def rewrite_own(work: Work) -> None:
    """Write a file of the team's anew."""
    name = work.pick("team", ends=(".py",))
    work.write(name, f'"""Of {work.fresh()}."""\n')


def delete_own(work: Work) -> None:
    """Delete a file of the team's."""
    (work.place / work.pick("team")).unlink()


def move_own(work: Work) -> None:
    """Move a file of the team's."""
    name = work.pick("team", ends=(".py",))
    (work.place / name).rename(work.place / PACKAGE / f"own_{work.count}.py")
    work.count += 1


def add_own(work: Work) -> None:
    """Add a file, in a folder of the team's, of nobody's or of the template's."""
    folders = [PACKAGE, "tests/data", "scripts", f"{MLOPS}/verify", ".github/workflows", "docker"]
    folder = work.random.choice(folders)
    suffix = ".yml" if ".github" in folder else ".py"
    work.write(f"{folder}/{work.fresh().replace(' ', '_')}{suffix}", f"# of {work.fresh()}\n")


def add_what_comes(work: Work) -> None:
    """Add a file where a later version has one."""
    names = [".github/workflows/audit.yml", f"{MLOPS}/data/counts.py", f"{MLOPS}/watch/drift.py"]
    work.write(work.random.choice(names), f"# of {work.fresh()}\n")


def ignore_what_comes(work: Work) -> None:
    """Let git ignore a path at which a later version has a file."""
    work.write(".gitignore", f"{work.text('.gitignore')}/.github/workflows/audit.yml\n")


def keep_secret(work: Work) -> None:
    """Keep a file that git ignores."""
    work.write(".gitignore", f"{work.text('.gitignore')}/.env\n")
    (work.place / ".env").write_text(f"TOKEN={work.fresh()}\n")
    work.ignored[".env"] = (work.place / ".env").read_bytes()


def set_attribute(work: Work) -> None:
    """Let git treat some files in a way of their own."""
    lines = [
        "/.gitignore merge=union",
        "/Makefile -merge",
        "/README.md -text",
        "*.py diff=python",
        "/pyproject.toml binary",
    ]
    work.write(".gitattributes", f"{work.text('.gitattributes')}{work.random.choice(lines)}\n")


CHANGING_OWNER = (".github/CODEOWNERS", "docs/data-card.md")
"""Whether the guard refuses these depends on the versions."""


def untrack(work: Work, owner: str = "template") -> str:
    """Take a file out of git and keep it."""
    name = work.pick(owner)
    if name in CHANGING_OWNER or name in work.moves.values():
        raise SkipError
    work.write(".gitignore", f"{work.text('.gitignore')}/{name}\n")
    work.ignored[name] = (work.place / name).read_bytes()
    return name


def untrack_own(work: Work) -> None:
    """Take a file of the team's out of git and keep it: no update has to do with it."""
    untrack(work, "team")


def untrack_theirs(work: Work) -> None:
    """Take a file of the template's out of git, over which an update would write."""
    work.refused = f"{untrack(work)} is untracked"


def leave_rejected(work: Work) -> None:
    """Leave what an update before could not place."""
    work.write(".gitignore", f"{work.text('.gitignore')}*.rej\n")
    (work.place / "Makefile.rej").write_text("-a\n+b\n")
    work.ignored["Makefile.rej"] = (work.place / "Makefile.rej").read_bytes()
    work.refused = "an old .rej"


def make_folder(work: Work) -> None:
    """Make a folder where the template has a file."""
    name = work.pick("template")
    if name in work.moves.values():
        raise SkipError
    (work.place / name).unlink()
    (work.place / name).mkdir()
    work.write(f"{name}/own.txt", "own\n")
    work.refused = f"{name} is a folder"


def rename_package(work: Work) -> None:
    """Give the package's folder another name."""
    (work.place / PACKAGE).rename(work.place / "src/own_name")
    work.refused = "the package has another name"


def leave_uncommitted(work: Work) -> None:
    """Leave work that is not committed where Copier does not look."""
    work.uncommitted = True
    work.refused = "what is not committed"


EDITS: dict[Callable[[Work], None], int] = {
    insert_line: 14,
    change_line: 12,
    delete_lines: 10,
    insert_block: 6,
    fetch_all: 8,
    add_step: 6,
    copy_job: 3,
    add_dependency: 6,
    add_below: 6,
    add_target: 5,
    reformat: 4,
    move_file: 4,
    move_folder: 1,
    delete_file: 4,
    delete_folder: 1,
    change_mode: 3,
    make_binary: 4,
    link_file: 1,
    edit_own: 5,
    rewrite_own: 3,
    delete_own: 2,
    move_own: 2,
    add_own: 6,
    add_what_comes: 1,
    ignore_what_comes: 1,
    keep_secret: 3,
    set_attribute: 2,
    untrack_own: 2,
}
"""The edits, and how often each is made."""

LAST: list[Callable[[Work], None]] = [
    untrack_theirs,
    leave_rejected,
    make_folder,
    rename_package,
    leave_uncommitted,
]
"""After these the guard refuses; one history in twelve ends with one."""

SETTINGS = {
    "apply.whitespace": "error",
    "commit.gpgSign": "true",
    "core.abbrev": "5",
    "core.attributesFile": "{folder}/attributes",
    "core.autocrlf": "true",
    "core.bigFileThreshold": "1k",
    "core.checkStat": "minimal",
    "core.eol": "crlf",
    "core.excludesFile": "{folder}/excludes",
    "core.fileMode": "false",
    "core.ignoreCase": "true",
    "core.quotePath": "true",
    "core.safecrlf": "true",
    "core.splitIndex": "true",
    "core.untrackedCache": "true",
    "core.whitespace": "trailing-space,tab-in-indent,cr-at-eol",
    "color.ui": "always",
    "diff.algorithm": "patience",
    "diff.context": "0",
    "diff.external": "false",
    "diff.mnemonicPrefix": "true",
    "diff.orderFile": "{folder}/order",
    "diff.noprefix": "true",
    "diff.relative": "true",
    "diff.renameLimit": "1",
    "diff.renames": "false",
    "index.version": "4",
    "merge.conflictStyle": "diff3",
    "merge.default": "union",
    "merge.directoryRenames": "false",
    "merge.pipeline.driver": "false",
    "merge.renameLimit": "1",
    "merge.renames": "false",
    "merge.renormalize": "true",
    "merge.verbosity": "5",
    "rerere.autoUpdate": "true",
    "rerere.enabled": "true",
    "status.relativePaths": "false",
    "status.showUntrackedFiles": "no",
    "submodule.recurse": "true",
}
"""Settings of git that change what merges, patches and listings do."""


def work_on(work: Work) -> None:
    """Make some edits, as many as a quarter of a year brings."""
    wanted = work.random.randint(2, 12)
    choices = list(EDITS)
    weights = list(EDITS.values())
    for edit in work.random.choices(choices, weights, k=wanted):
        make(work, edit)
    if work.random.randrange(12) == 0:
        make(work, work.random.choice(LAST))


def make(work: Work, edit: Callable[[Work], None]) -> None:
    """Make one edit, if it fits."""
    try:
        edit(work)
    except SkipError:
        return
    work.log.append(edit.__name__)
