"""Which version an update takes, and what is said of one that it cannot take."""

from __future__ import annotations

from pathlib import Path

import pytest
import support
from messages import RefusalError
from repository import Repository
from upkeep import versions


@pytest.fixture
def _template(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A template whose tags do not sort as words do, with one that is no version."""
    for tag in ("v0.9.0", "v0.10.0", "nightly", "v1.0.0rc1"):
        support.commit(tmp_path, tag, tag)
    monkeypatch.setattr(versions, "TEMPLATE", Repository(tmp_path, tmp_path))


@pytest.mark.usefixtures("_template")
@pytest.mark.parametrize(
    ("recorded", "wanted", "taken"),
    [
        ("v0.9.0", "", "v0.10.0"),
        ("v0.10.0", "", ""),
        ("v0.9.0", "v1.0.0rc1", "v1.0.0rc1"),
        ("v0.9.0", "main", "main"),
    ],
)
def test_the_newest_release_is_taken_or_what_is_named(
    recorded: str, wanted: str, taken: str
) -> None:
    assert versions.version_to_take(recorded, wanted) == taken


@pytest.mark.usefixtures("_template")
@pytest.mark.parametrize(
    ("recorded", "wanted", "said"),
    [
        ("v0.9.0", "v0.11.0", "no version v0.11.0: the nearest is v0.10.0"),
        ("v0.10.0", "v0.9.0", "v0.9.0 is not newer than v0.10.0"),
        ("v0.10.0", "v0.10.0", "v0.10.0 is not newer than v0.10.0"),
        ("v0.9.0", "--all", "no version --all"),
    ],
)
def test_a_version_that_cannot_be_taken_is_one_sentence(
    recorded: str, wanted: str, said: str
) -> None:
    with pytest.raises(RefusalError, match=said):
        versions.version_to_take(recorded, wanted)


@pytest.mark.usefixtures("_template")
@pytest.mark.parametrize(
    ("answers", "said"),
    [({}, "records no version"), ({"_commit": "v0.9.1"}, "no such version: the nearest is v0.9.0")],
)
def test_a_project_must_have_a_version_of_the_template(answers: dict[str, str], said: str) -> None:
    with pytest.raises(RefusalError, match=said):
        versions.recorded_version(answers)
