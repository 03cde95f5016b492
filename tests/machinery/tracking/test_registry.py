"""Model versions, their files, aliases and tags."""

from pathlib import Path

import pytest
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.tracking import registry, runs
from churn_radar.mlops.tracking.runs import store
from machinery.tracking.known import MODEL, registered


def test_a_model_with_a_bad_name_or_no_manifest_is_refused(root: Path) -> None:
    with pytest.raises(ProjectError, match="model name 'My Model' breaks the rule"):
        registry.register(root, "My Model", root / "models", None, {})
    (root / "models" / "manifest.json").unlink()
    with pytest.raises(ProjectError, match=r"manifest\.json is missing: run `make pipeline`"):
        registry.register(root, MODEL, root / "models", None, {})
    assert registry.versions(root, MODEL) == []


def test_the_same_model_is_the_same_version(root: Path) -> None:
    (run,) = runs.recent(root, 1)
    first = registered(root, "first", run.id)
    assert (first.number, first.run, first.tags["chosen"]) == (1, run.id, "linear")
    assert registered(root, "first") == first
    # Two models of one run, and one of none: each keeps its own files.
    assert registered(root, "second", run.id).number == 2
    assert registered(root, "third").number == 3
    versions = registry.versions(root, MODEL)
    assert [version.number for version in versions] == [3, 2, 1]
    folders = [registry.fetch(root, MODEL, version) for version in versions]
    contents = [(folder / "model.skops").read_text() for folder in folders]
    assert contents == ["third", "second", "first"]
    assert all((folder / "manifest.json").exists() for folder in folders)


def test_a_run_that_is_not_there_has_no_model(root: Path) -> None:
    with pytest.raises(ProjectError, match="0123"):
        registered(root, "first", "0123")
    assert registry.versions(root, MODEL) == []


def test_an_alias_is_set_moved_and_dropped(root: Path) -> None:
    assert registry.by_alias(root, MODEL, "champion") is None
    registered(root, "first")
    registered(root, "second")
    assert registry.by_alias(root, MODEL, "champion") is None
    for number in (1, 2):
        registry.set_alias(root, MODEL, "champion", number)
        champion = registry.by_alias(root, MODEL, "champion")
        assert champion is not None
        assert champion.number == number
    assert registry.aliases(root) == {MODEL: {"champion": 2}}
    for _ in range(2):
        registry.drop_alias(root, MODEL, "champion")
        assert registry.aliases(root) == {MODEL: {}}
    with pytest.raises(ProjectError, match="9"):
        registry.set_alias(root, MODEL, "champion", 9)


def test_an_alias_is_dropped_among_more_models_than_one_page_holds(root: Path) -> None:
    with store(root) as client:
        # Names before MODEL in the order of the pages.
        for number in range(100):
            client.create_registered_model(f"another-{number}")
    registered(root, "first")
    registry.set_alias(root, MODEL, "champion", 1)
    found = registry.aliases(root)
    assert len(found) == 101
    assert found[MODEL] == {"champion": 1}
    registry.drop_alias(root, MODEL, "champion")
    assert registry.by_alias(root, MODEL, "champion") is None


def test_a_tag_is_written_over(root: Path) -> None:
    registered(root, "first")
    for value in ("floor: 0.1 is less than 0.2", "none"):
        registry.tag(root, MODEL, 1, "refused", value)
        assert registry.versions(root, MODEL)[0].tags["refused"] == value
    with pytest.raises(ProjectError, match="9"):
        registry.tag(root, MODEL, 9, "refused", "")


def test_a_folder_that_was_moved_is_whole(root: Path, tmp_path: Path) -> None:
    registered(root, "first")
    moved = root.rename(tmp_path / "moved")
    (version,) = registry.versions(moved, MODEL)
    folder = registry.fetch(moved, MODEL, version)
    assert (folder / "model.skops").read_text() == "first"
    assert folder.is_relative_to(moved)
    assert registered(moved, "first").number == 1
    assert registered(moved, "second").number == 2
    assert not root.exists()
