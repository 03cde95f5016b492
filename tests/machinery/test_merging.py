"""Branches that changed the model merge without conflicts, and a switch brings a branch's data."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from churn_radar.mlops import team
from churn_radar.mlops.evaluation.card import MARKS, merge_cards
from churn_radar.mlops.git import follow_checkout, git, set_merge_drivers

TEMPLATE = Path(__file__).parents[2] / "template"
BRANCHES = ("tenure", "calls", "region")
MADE = ("dvc.lock", "reports/metrics.json", "reports/slices.json")


def _run_pipeline(root: Path) -> None:
    """Write what the stages would: files that differ wherever the code does."""
    code = b"".join(path.read_bytes() for path in sorted((root / "src").iterdir()))
    digest = hashlib.sha256(code).hexdigest()
    for name in MADE:
        (root / name).write_text(f"{digest}\n")
    card = root / "docs" / "model-card.md"
    before, _, rest = card.read_text().partition(MARKS[0])
    _, _, after = rest.partition(MARKS[1])
    card.write_text(f"{before}{MARKS[0]}\n{digest}\n{MARKS[1]}{after}")


def _commit(root: Path, message: str) -> None:
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", message)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three branches, each with a module, a line in the card, and what the pipeline made of it."""
    monkeypatch.setenv("PYTHONPATH", str(team.PACKAGE.parent))
    root = tmp_path / "project"
    for folder in ("src", "reports", "docs"):
        (root / folder).mkdir(parents=True)
    shutil.copy(TEMPLATE / ".gitattributes", root)
    (root / "src" / "features.py").write_text("x = 1\n")
    lines = "\n\n".join(f"About {name}." for name in BRANCHES)
    (root / "docs" / "model-card.md").write_text(f"{lines}\n\n{MARKS[0]}\n{MARKS[1]}\n")
    git(root, "init", "--quiet", "-b", "main")
    set_merge_drivers(root)
    _run_pipeline(root)
    _commit(root, "Start")
    for name in BRANCHES:
        git(root, "switch", "--quiet", "-c", name, "main")
        (root / "src" / f"{name}.py").write_text(f"{name} = 1\n")
        card = root / "docs" / "model-card.md"
        card.write_text(card.read_text().replace(f"About {name}.", f"What {name} does."))
        _run_pipeline(root)
        _commit(root, name)
    git(root, "switch", "--quiet", "main")
    return root


@pytest.mark.parametrize("order", [BRANCHES, BRANCHES[::-1]])
def test_three_branches_merge_in_any_order_and_one_run_ends_clean(
    order: tuple[str, ...], repository: Path
) -> None:
    said = [git(repository, "merge", "--no-edit", name) for name in order]
    for printed in said[1:]:
        for name in MADE:
            assert f"{name} is kept as it is here: make pipeline writes it again" in printed
    card = (repository / "docs" / "model-card.md").read_text()
    assert [f"What {name} does." in card for name in order] == [True] * len(order)
    assert git(repository, "status", "--porcelain") == ""
    _run_pipeline(repository)
    _commit(repository, "Run the pipeline")
    assert git(repository, "status", "--porcelain") == ""
    lock = (repository / "dvc.lock").read_text()
    git(repository, "switch", "--quiet", "-c", "again", "main")
    _run_pipeline(repository)
    assert (repository / "dvc.lock").read_text() == lock


def test_what_people_wrote_differently_stays_a_conflict(tmp_path: Path) -> None:
    pages = []
    for name in ("base", "ours", "theirs"):
        page = tmp_path / name
        page.write_text(f"About {name}.\n\n{MARKS[0]}\n{name}\n{MARKS[1]}\n")
        pages.append(page)
    assert merge_cards(*pages) == 1
    merged = pages[1].read_text()
    assert "About ours." in merged
    assert "About theirs." in merged
    assert merged.endswith(f"\n{MARKS[0]}\nours\n{MARKS[1]}\n")


def test_a_card_without_marks_merges_as_text(tmp_path: Path) -> None:
    lines = ["first\n", "\n", "\n", "\n", "last\n"]
    (tmp_path / "base").write_text("".join(lines))
    (tmp_path / "ours").write_text("".join(["one\n", *lines[1:]]))
    (tmp_path / "theirs").write_text("".join([*lines[:-1], "two\n"]))
    assert merge_cards(tmp_path / "base", tmp_path / "ours", tmp_path / "theirs") == 0
    assert (tmp_path / "ours").read_text() == "".join(["one\n", *lines[1:-1], "two\n"])


@pytest.fixture
def data_repository(tmp_path: Path) -> tuple[Path, Callable[[str, str], dict[str, str]]]:
    """A table with DVC in two versions, and what pre-commit says of a switch between branches."""

    def dvc(*arguments: str) -> None:
        subprocess.run(["dvc", *arguments, "--quiet"], cwd=tmp_path, check=True)

    git(tmp_path, "init", "--quiet", "-b", "main")
    dvc("init")
    for version, branch in (("old", "main"), ("new", "feature/june")):
        if branch != "main":
            git(tmp_path, "switch", "--quiet", "-c", branch)
        (tmp_path / "table.csv").write_text(f"{version}\n")
        dvc("add", "table.csv")
        _commit(tmp_path, version)

    def switch(before: str, after: str) -> dict[str, str]:
        git(tmp_path, "switch", "--quiet", after)
        commits = [git(tmp_path, "rev-parse", name) for name in (before, after)]
        return dict(
            zip(("PRE_COMMIT_FROM_REF", "PRE_COMMIT_TO_REF"), commits, strict=True),
            PRE_COMMIT_CHECKOUT_TYPE="1",
        )

    return tmp_path, switch


def test_a_switch_brings_the_data_and_loses_none(
    data_repository: tuple[Path, Callable[[str, str], dict[str, str]]],
) -> None:
    root, switch = data_repository
    table = root / "table.csv"
    environ = switch("feature/june", "main")
    assert follow_checkout(root, environ | {"PRE_COMMIT_CHECKOUT_TYPE": "0"}) == ""
    assert table.read_text() == "new\n"
    assert follow_checkout(root, environ) == ""
    assert table.read_text() == "old\n"
    # What is nowhere else is not overwritten.
    table.write_text("edited\n")
    assert "dvc checkout --force" in follow_checkout(root, switch("main", "feature/june"))
    assert table.read_text() == "edited\n"


def test_a_switch_that_changes_no_data_does_not_wait_for_dvc(
    data_repository: tuple[Path, Callable[[str, str], dict[str, str]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    root, switch = data_repository
    git(root, "branch", "same")
    environ = switch("feature/june", "same")
    monkeypatch.setattr(subprocess, "run", _only_git(subprocess.run))
    assert follow_checkout(root, environ) == ""


def _only_git(run: Callable[..., object]) -> Callable[..., object]:
    def guarded(command: list[str], **options: object) -> object:
        assert command[0] == "git"
        return run(command, **options)

    return guarded
