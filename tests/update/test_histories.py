"""Random histories of teams go through updates, and nothing of theirs is lost or moved.

`make histories` plays hundreds; here are a few, and faults that the oracle must see.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import support
from answers import SETS
from histories import oracle
from histories.edits import Work
from histories.oracle import Files, Update, compare, files_of
from histories.play import (
    STARTER,
    Answers,
    Lab,
    engine,
    merged,
    open_lab,
    play,
    refusals_of,
    run_copier,
)
from histories.versions import FIRST, MLOPS, NAMES, NIGHTLY, REMOVED_LICENSE, TRAIN, Swap, Version


@pytest.fixture(scope="module")
def lab(template: Path) -> Iterator[Lab]:
    """The versions, each rendered once."""
    with open_lab(template) as lab:
        yield lab


@pytest.mark.parametrize("seed", range(1, 7))
@pytest.mark.parametrize("n_versions", [1, 3])
def test_an_update_keeps_all_that_a_team_did(lab: Lab, seed: int, n_versions: int) -> None:
    played = play(lab, seed, n_versions, sets=[STARTER])
    assert played.ours == [], played.log


def updated(lab: Lab, place: Path, version: str, **answers: str | bool) -> Files:
    """Update a project through guard, Copier and merge, commit, and return its files."""
    with engine(lab.template, *lab.at(version)):
        assert refusals_of(place, **answers) == []
        run_copier(place, version, **answers)
        assert merged(place, version) == 0
    support.commit(place, version)
    return files_of(place)


def started(lab: Lab, answers: Answers, folder: str) -> Path:
    """Return a project of the first version, in a repository where all is committed."""
    place = lab.folder / folder
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(lab.start(FIRST, answers), place)
    support.commit(place, "Start")
    return place


def not_the_teams(lab: Lab, files: Files) -> Files:
    """Return the files that an update may touch."""
    _, owners = lab.at(NAMES[-1])
    return {name: file for name, file in files.items() if "team" not in owners.owners(name)}


@pytest.mark.parametrize("answers", SETS.values(), ids=SETS.keys())
def test_over_all_versions_an_unedited_project_becomes_a_fresh_copy(
    lab: Lab, answers: Answers
) -> None:
    """Whatever was answered: files that were added, moved, split and retired included."""
    later: Answers = {"license": "MIT"} if answers.get("license") == REMOVED_LICENSE else {}
    found = updated(lab, started(lab, answers, "unedited"), NAMES[-1], **later)
    fresh = files_of(lab.start(NAMES[-1], answers | later))
    assert not_the_teams(lab, found) == not_the_teams(lab, fresh)


def test_versions_at_once_give_what_one_after_another_does(lab: Lab) -> None:
    at_once = updated(lab, started(lab, STARTER, "once"), NAMES[-1])
    slowly = started(lab, STARTER, "slowly")
    for version in NAMES[1:]:
        in_steps = updated(lab, slowly, version)
    assert in_steps == at_once


def fetch_all_in_the_last_job(work: Work) -> None:
    """Change the second of two jobs that look alike; the next version adds one between them."""
    start, option, end = work.text(NIGHTLY).rpartition("          persist-credentials: false\n")
    work.write(NIGHTLY, f"{start}{option}          fetch-depth: 0\n{end}")


def test_copiers_own_update_is_caught_when_it_moves_an_edit(lab: Lab) -> None:
    played = play(lab, 0, 1, sets=[STARTER], work_on=fetch_all_in_the_last_job, start=FIRST)
    assert played.ours == []
    assert [(finding.kind, finding.name) for finding in played.plain] == [("displaced", NIGHTLY)]


def delete_what_moves(work: Work) -> None:
    """Delete a file that a later version changes and moves."""
    (work.place / TRAIN).unlink()


def move_what_goes(work: Work) -> None:
    """Move a file that a later version drops."""
    work.move(".dvcignore", "docs/.dvcignore")


def move_what_moves(work: Work) -> None:
    """Move a file that a later version moves elsewhere."""
    work.move(TRAIN, "ops/own.Dockerfile")


def take_both(work: Work) -> None:
    """Let git take both sides' lines everywhere, with a file that a later version adds too."""
    support.git(work.place, "config", "merge.default", "union")
    work.write(".github/workflows/audit.yml", "# of the team\n")


def keep_out_of_git(work: Work) -> None:
    """Keep a file of the team's, and one that a later version leaves to the team, out of git."""
    for name in ("params.yaml", ".github/CODEOWNERS"):
        work.write(".gitignore", f"{work.text('.gitignore')}/{name}\n")
        work.ignored[name] = (work.place / name).read_bytes()


def move_one_and_delete_another(work: Work) -> None:
    """Move a file that a later version moves elsewhere, and delete another that it moves."""
    work.move(f"{MLOPS}/git.py", f"{MLOPS}/own_git.py")
    (work.place / TRAIN).unlink()


@pytest.mark.parametrize(
    ("work_on", "n_conflicts"),
    [
        (delete_what_moves, 0),
        (move_what_goes, 0),
        (move_what_moves, 3),
        (move_one_and_delete_another, 3),
        (take_both, 1),
        (keep_out_of_git, 0),
    ],
)
def test_one_sides_wish_needs_nobody_and_two_are_listed(
    lab: Lab, work_on: Callable[[Work], None], n_conflicts: int
) -> None:
    played = play(lab, 0, 3, sets=[STARTER], work_on=work_on, start=FIRST)
    assert played.ours == []
    assert played.conflicts == n_conflicts


# --- the oracle -----------------------------------------------------------------------------------

OLD: Files = {
    "a": ("file", b"one\ntwo\nthree\n"),
    "gone": ("file", b"x\n"),
    "same": ("file", b"x\n"),
    "own.py": ("file", b"x\n"),
}
HEAD: Files = OLD | {"a": ("file", b"one\nmine\n"), "own.py": ("exec", b"y\n")}
NEW: Files = OLD | {"a": ("file", b"ONE\ntwo\nthree\n"), "more": ("file", b"x\n")}
AFTER: Files = HEAD | {"a": ("file", b"ONE\nmine\n"), "more": ("file", b"x\n")}
AFTER = {name: file for name, file in AFTER.items() if name != "gone"}
UPDATE = Update(
    old=OLD,
    head=HEAD,
    new={name: file for name, file in NEW.items() if name != "gone"},
    moves={},
    versions=[Version(swaps={"a": [Swap("one", "ONE")]}, added={"more": "x\n"}, retired=("gone",))],
    is_teams=lambda name: name == "own.py",
)


def test_a_right_update_has_no_findings() -> None:
    assert compare(UPDATE, AFTER, {}) == []


def test_a_listed_conflict_is_right_where_both_changed_the_file() -> None:
    assert compare(UPDATE, AFTER, {"a": HEAD["a"][1]}) == []


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"a": ("file", b"ONE\ntwo\n")}, "lost"),
        ({"a": ("exec", b"ONE\nmine\n")}, "lost"),
        ({"a": ("file", b"mine\nONE\n")}, "displaced"),
        ({"a": ("file", b"ONE\nmine\nthree\n")}, "revived"),
        ({"a": ("file", b"one\nmine\n")}, "missed"),
        ({"own.py": ("exec", b"y\nmore\n")}, "lost"),
        ({"same": ("file", b"x\ny\n")}, "missed"),
        ({"gone": ("file", b"x\n")}, "revived"),
        ({"other": ("file", b"x\n")}, "stray"),
    ],
)
def test_a_wrong_update_is_found(change: Files, kind: str) -> None:
    (found,) = compare(UPDATE, {**AFTER, **change}, {})
    assert found.kind == kind


@pytest.mark.parametrize(("name", "kind"), [("own.py", "owned"), ("same", "needless")])
def test_a_conflict_that_nobody_needs_is_found(name: str, kind: str) -> None:
    (found,) = compare(UPDATE, AFTER, {name: AFTER[name][1]})
    assert found.kind == kind


def test_a_conflict_that_lost_the_teams_lines_is_found() -> None:
    (found,) = compare(UPDATE, {**AFTER, "a": ("file", b"ONE\n")}, {"a": None})
    assert (found.kind, found.detail) == ("lost", "in a conflict")


def test_a_file_that_cannot_be_read_any_more_is_found() -> None:
    after = {"x.toml": ("file", b"[a]\n[a]\n"), "y.toml": ("file", b"[a]\n[a]\n")}
    head = {"y.toml": after["y.toml"]}
    assert oracle.unreadable(after, head, []) == ["x.toml"]
    assert oracle.unreadable(after, head, ["x.toml"]) == []


def test_a_place_that_the_team_copied_is_left_open() -> None:
    update = replace(UPDATE, head=HEAD | {"a": ("file", b"one\none\nmine\n")})
    (want,) = [want for want in update.wanted() if want.places == ("a",)]
    assert want.right is None
