"""Migrations write what they mean, once, and nothing else; a team that declines loses nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import support
from hypothesis import given
from hypothesis import strategies as st
from messages import RefusalError
from repository import Repository
from upkeep import migrate
from upkeep.migrations import MIGRATIONS, rename_cost
from upkeep.places import Migration, Place, replaced

CASES = support.ROOT / "tests" / "migrations"
NAME = "rename-cost"


@pytest.fixture
def project(tmp_path: Path) -> Repository:
    """A project in which every migration is pending, committed."""
    place = tmp_path / "project"
    for migration in MIGRATIONS:
        shutil.copytree(CASES / migration.name / "before", place, dirs_exist_ok=True)
    (place / "pyproject.toml").write_text('[project]\nname = "x"\n')
    support.commit(place, "Start")
    return Repository(place, place)


def decline(project: Repository, lines: str) -> None:
    with (project.place / "pyproject.toml").open("a") as file:
        file.write(f"[tool.copier-mlops.declined]\n{lines}\n")


@pytest.mark.parametrize("migration", MIGRATIONS, ids=lambda migration: migration.name)
def test_a_migration_writes_its_spans_and_is_done(migration: Migration, tmp_path: Path) -> None:
    before = CASES / migration.name / "before"
    place = tmp_path / "project"
    shutil.copytree(before, place)
    support.commit(place, "Start")
    repository = Repository(place, place)
    places = migration.find(place)
    assert places
    assert migrate.apply(repository, migration, places, commit=False) == []
    changed = support.git(place, "diff", "--name-only").split()
    for name in changed:
        assert (place / name).read_bytes() == (CASES / migration.name / "after" / name).read_bytes()
    expected = {path.name for path in (CASES / migration.name / "after").iterdir()}
    assert set(changed) == expected
    assert migration.find(place) == []


@pytest.mark.parametrize("migration", MIGRATIONS, ids=lambda migration: migration.name)
def test_the_page_and_the_changelog_say_what_a_migration_does(migration: Migration) -> None:
    page = (support.ROOT / "docs" / "reference" / "migrations.md").read_text()
    _, _, section = page.partition(f"## {migration.since}\n")
    section = section.partition("\n## ")[0]
    assert f"`{migration.name}`" in section
    assert migration.until in section
    assert f"`{migration.name}`" in (support.ROOT / "CHANGELOG.md").read_text()


def test_without_a_name_they_are_listed_and_nothing_is_written(
    project: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    assert migrate.migrate(project, "", commit=False) == 0
    said = capsys.readouterr().out
    assert "rename-cost, since v0.2.0: " in said
    assert "works until version 0.3.0" in said
    assert '\n  -"cost":   { requests' in said
    assert "\n  +hosting:   { requests" in said
    assert "make migrate APPLY=<name>" in said
    assert support.git(project.place, "status", "--porcelain") == ""


@pytest.mark.parametrize("wanted", [NAME, "all"])
def test_each_that_is_written_can_be_a_commit(project: Repository, wanted: str) -> None:
    assert migrate.migrate(project, wanted, commit=True) == 0
    assert support.git(project.place, "status", "--porcelain") == ""
    assert f"Migrate to v0.2.0: {NAME}" in support.git(project.place, "log", "--format=%s")
    commits = support.git(project.place, "rev-list", "HEAD")
    # A second time there is nothing to do.
    assert migrate.migrate(project, "all", commit=True) == 0
    assert support.git(project.place, "rev-list", "HEAD") == commits


def test_what_is_not_committed_is_not_written_over(project: Repository) -> None:
    settings = project.place / "params.yaml"
    text = settings.read_text() + "# mine\n"
    settings.write_text(text)
    with pytest.raises(RefusalError, match=r"params\.yaml is not committed"):
        migrate.migrate(project, "all", commit=False)
    assert settings.read_text() == text


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ('rename-costs = "no"', "there is no migration rename-costs: did you mean rename-cost"),
        ('rename-cost = " "', "rename-cost needs a reason in words"),
        ("rename-cost = true", "rename-cost needs a reason in words"),
    ],
)
def test_only_a_reason_declines(project: Repository, lines: str, said: str) -> None:
    decline(project, lines)
    with pytest.raises(RefusalError, match=said):
        migrate.pending(project.place)


def test_what_was_declined_is_not_asked_for_again(
    project: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    decline(project, f'{NAME} = "our dashboards read it"')
    assert migrate.migrate(project, "", commit=False) == 0
    assert "No migration is pending." in capsys.readouterr().out
    assert migrate.announcement(project.place) == ""


def test_an_unknown_name_is_refused(project: Repository) -> None:
    with pytest.raises(RefusalError, match="no migration renam-cost: did you mean rename-cost"):
        migrate.migrate(project, "renam-cost", commit=False)


def test_an_update_says_what_is_pending(project: Repository) -> None:
    assert NAME in migrate.announcement(project.place)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("hosting: {core_month: 1}\ncost: {core_month: 1}\n", "params.yaml:2: `hosting` is there"),
        ("task: [\n", "params.yaml:1: cannot be read, so correct it first"),
    ],
)
def test_what_no_program_can_decide_is_left_to_a_person(
    project: Repository, text: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (project.place / "params.yaml").write_text(text)
    support.commit(project.place, "Edit")
    assert migrate.migrate(project, NAME, commit=False) == 1
    assert said in capsys.readouterr().out
    assert (project.place / "params.yaml").read_text() == text


@pytest.mark.parametrize(
    ("text", "said"),
    [("{", "would break params.yaml"), ("cost", "did not settle, and nothing was changed")],
)
def test_a_migration_that_goes_wrong_leaves_the_file_as_it_was(
    project: Repository, text: str, said: str
) -> None:
    def find(place: Path) -> list[Place]:
        (found,) = rename_cost.find(place)
        return [Place(found.path, found.line, found.what, found.span, text)]

    wrong = Migration(NAME, "v0.2.0", "never", "It is wrong.", find)
    before = (project.place / "params.yaml").read_bytes()
    with pytest.raises(RefusalError, match=said):
        migrate.apply(project, wrong, find(project.place), commit=False)
    assert (project.place / "params.yaml").read_bytes() == before


@given(
    above=st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=20),
    end=st.sampled_from(["\n", "\r\n"]),
    begin=st.sampled_from(["", "\ufeff"]),
)
def test_a_key_is_found_by_its_place_whatever_is_above_it(
    above: str, end: str, begin: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    place = tmp_path_factory.mktemp("settings")
    lines = [f"{begin}# cost: {above}", "costs: {cost: 1}", "cost: {cost: cost} # cost", ""]
    text = end.join(lines)
    (place / "params.yaml").write_bytes(text.encode())
    found = rename_cost.find(place)
    expected = text.replace(f"{end}cost:", f"{end}hosting:")
    assert replaced(text, found) == expected


def test_a_project_without_settings_has_nothing_to_rename(tmp_path: Path) -> None:
    assert rename_cost.find(tmp_path) == []
    (tmp_path / "params.yaml").write_text("- cost\n")
    assert rename_cost.find(tmp_path) == []
