"""After the merge of `copier update`: an unfinished one is refused, a finished one verified."""

from __future__ import annotations

import run
from hypothesis import example, given
from hypothesis import strategies as st
from unit.hooks_lab import SYNC, VERIFY, Lab


def test_update_locks_verifies_and_commits_nothing(lab: Lab) -> None:
    place = lab.repository(lab.project())
    (place / "Makefile").write_text("merged\n", "utf-8")
    head = lab.git(place, "rev-parse", "HEAD")

    done = lab.hook("update", place)

    assert done.returncode == 0, done.stderr
    assert lab.calls == [SYNC, VERIFY]
    assert lab.git(place, "rev-parse", "HEAD") == head
    assert lab.git(place, "diff", "--cached", "--name-only") == ""
    assert "slug is updated" in done.stdout


def test_update_refuses_unmerged_files(lab: Lab) -> None:
    place = lab.repository(lab.project())
    name = "Makefile ünï"
    for branch in ("ours", "theirs"):
        lab.git(place, "checkout", "--quiet", "-b", branch, "main")
        (place / name).write_text(f"{branch}\n", "utf-8")
        lab.git(place, "add", "--all")
        lab.git(place, "commit", "--quiet", "--message", branch)
    lab.git(place, "merge", "ours", status=1)

    done = lab.hook("update", place)

    assert done.returncode == 1
    assert f"\n  - {name}\n" in done.stderr
    assert "`git add` the files, then `uv lock && make setup && make verify`" in done.stderr
    assert lab.calls == []


def test_update_refuses_rejected_changes(lab: Lab) -> None:
    place = lab.repository(lab.project())
    (place / "src/code.py.rej").touch()

    done = lab.hook("update", place)

    assert done.returncode == 1
    assert "\n  - src/code.py.rej\n" in done.stderr
    assert lab.calls == []


def test_update_that_does_not_verify_stays_in_place(lab: Lab) -> None:
    place = lab.repository(lab.project())
    (place / "Makefile").write_text("merged\n", "utf-8")
    lab.uv = {VERIFY: {"status": 1}}

    done = lab.hook("update", place)

    assert done.returncode == 1
    assert "Failed at verify" in done.stderr
    assert f"The files are kept in {place}" in done.stderr
    assert "`git stash --include-untracked` sets the update aside" in done.stderr
    assert (place / "Makefile").read_text("utf-8") == "merged\n"


def test_update_checks_the_machine(lab: Lab) -> None:
    place = lab.repository(lab.project())
    lab.uv = {"python find": {"status": 2, "says": "error: none"}}

    done = lab.hook("update", place)

    assert done.returncode == 1
    assert "  - No Python 3.11 or later is installed" in done.stderr
    assert lab.calls == []


def test_update_outside_git_is_refused(lab: Lab) -> None:
    done = lab.hook("update", lab.project())

    assert done.returncode == 1
    assert "git could not list" in done.stderr
    assert "not a git repository" in done.stderr


@given(st.lists(st.text(st.characters(exclude_characters="\0"), min_size=1)))
@example(["a\tb.rej"])
def test_paths_come_back_as_git_wrote_them(names: list[str]) -> None:
    plain = "".join(f"{name}\0" for name in names)
    staged = "".join(f"100644 {'a' * 40} {n}\t{name}\0" for name in names for n in (1, 2, 3))

    assert run.paths(staged) == run.paths(plain) == sorted(set(names))


@given(st.text())
def test_paths_take_any_text(text: str) -> None:
    assert all("\0" not in path for path in run.paths(text))
