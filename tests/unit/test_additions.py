"""What the team only added is merged in its place; what somebody must decide stays a conflict."""

from __future__ import annotations

import pytest
import support
from additions import merged_additions
from hypothesis import given
from hypothesis import strategies as st
from repository import Repository

LINE = st.text("ab}\\f é", min_size=1, max_size=3).map(lambda text: f"{text}\n")
LINES = st.lists(LINE, max_size=6).map("".join)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """A repository: git merges files in one alone."""
    folder = tmp_path_factory.mktemp("repository")
    support.git(folder, "init", "--quiet")
    return Repository(folder, folder)


def merged(repository: Repository, name: str, *versions: str) -> str | None:
    """Merge the old render, the team's file and the new render."""
    base, ours, theirs = (version.encode() for version in versions)
    found = merged_additions(repository, name, (base, ours, theirs))
    return None if found is None else found.decode()


@given(base=LINES.filter(bool), theirs=LINES.filter(bool), added=LINES)
def test_what_the_team_wrote_below_the_last_line_stays_below_it(
    repository: Repository, base: str, theirs: str, added: str
) -> None:
    assert merged(repository, "Makefile", base, base + added, theirs) == theirs + added


def test_an_edit_and_a_tail_each_keep_their_place(repository: Repository) -> None:
    middle = "".join(f"line {number}\n" for number in range(9))
    base = f"first\n{middle}last\n"
    ours = f"first of the team\n{middle}last\ntail\n"
    theirs = f"first\n{middle}last of v2\nnew\n"
    expected = f"first of the team\n{middle}last of v2\nnew\ntail\n"
    assert merged(repository, "Makefile", base, ours, theirs) == expected


def listing(*entries: str) -> str:
    """Return a project's dependencies."""
    lines = "".join(f'    "{entry}",\n' for entry in entries)
    return f"dependencies = [\n{lines}]\n"


def test_packages_that_both_listed_in_one_place_are_all_listed(repository: Repository) -> None:
    base = listing("pandera>=0.26", "psutil>=6")
    ours = listing("pandera>=0.26", "polars>=1", "psutil>=6")
    theirs = listing("pandera>=0.26", "prometheus-client>=0.21", "psutil>=6")
    expected = listing("pandera>=0.26", "polars>=1", "prometheus-client>=0.21", "psutil>=6")
    assert merged(repository, "pyproject.toml", base, ours, theirs) == expected
    # The order of lines elsewhere may matter.
    assert merged(repository, "steps.txt", base, ours, theirs) is None


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        pytest.param(("a", "polars>=1", "b"), ("a", "polars>=2", "b"), id="the same package"),
        pytest.param(("a>=1", "b"), ("a>=2", "b"), id="another bound"),
        pytest.param(("b",), ("a>=2", "b"), id="one side removed it"),
    ],
)
def test_what_somebody_must_decide_is_a_conflict(
    repository: Repository, ours: tuple[str, ...], theirs: tuple[str, ...]
) -> None:
    versions = [listing(*entries) for entries in (("a", "b"), ours, theirs)]
    assert merged(repository, "pyproject.toml", *versions) is None


@pytest.mark.parametrize("other", [b"\xff\n", b"no end of the line"])
def test_what_is_no_text_is_left_to_a_person(repository: Repository, other: bytes) -> None:
    assert merged_additions(repository, "data", (b"a\n", other, b"b\n")) is None
