"""A model that was withdrawn or lost stays known, in every clone."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from churn_radar.mlops.config import Config
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.gates import Reasons
from churn_radar.mlops.promotion import record, restore
from churn_radar.mlops.promotion.evidence import Evidence
from churn_radar.mlops.promotion.promote import promote
from churn_radar.mlops.promotion.restore import rollback
from churn_radar.mlops.tracking import hashes_of, registry
from machinery.promotion.champions import champion_verdict, recorded, try_it
from machinery.promotion.known import another

pytestmark = pytest.mark.usefixtures("all_pass")


def test_what_was_lost_before_is_not_forgotten_in_another_clone(
    config: Config, project: Path, clone: Callable[[], Path]
) -> None:
    try_it(config, project)
    record.write(project, recorded(project) | {"behind_best": 0.0125})
    second = clone()
    assert Evidence(config, second).behind_best == 0.0125
    restore.pull(config, second)
    version = registry.by_alias(second, config.model.name, "champion")
    assert version is not None
    assert float(version.tags["behind_best"]) == 0.0125


def test_a_rollback_that_dvc_does_not_take_is_one_for_all_who_ask(
    config: Config, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service follows the alias, and the version that is not wanted must not wait for DVC."""
    try_it(config, project)
    another(project)
    try_it(config, project)

    def fail(*_: str, cwd: Path) -> None:
        raise ProjectError("dvc add failed: no space left")

    monkeypatch.setattr(record, "dvc", fail)
    with pytest.raises(ProjectError, match=r"version 1 is champion again, but .*no space left"):
        rollback(config, project, "complaints")
    version = registry.by_alias(project, config.model.name, "champion")
    assert version is not None
    assert version.number == recorded(project)["version"] == 1
    assert hashes_of(project / record.FILES) == recorded(project)["files"]


def test_a_model_that_was_withdrawn_is_known_in_another_clone(
    config: Config, project: Path, clone: Callable[[], Path]
) -> None:
    try_it(config, project)
    another(project)
    try_it(config, project)
    rollback(config, project, "complaints")
    second = clone()
    restore.pull(config, second)
    verdict = champion_verdict(config, second)
    assert verdict.status == "refused"
    assert "this model was withdrawn by" in verdict.reason
    assert ": complaints; AGAIN= with a reason" in verdict.reason


def test_a_withdrawn_model_comes_back_by_no_other_way(
    config: Config, project: Path, clone: Callable[[], Path]
) -> None:
    def bring(text: str) -> None:
        """Give the colleague the record and the files that the project has now."""
        (colleague / record.RECORD).write_text(text)
        shutil.copytree(project / record.FILES, colleague / record.FILES, dirs_exist_ok=True)

    try_it(config, project)
    colleague = clone()
    restore.pull(config, colleague)
    another(project)
    try_it(config, project)
    second = (project / record.RECORD).read_text()
    bring(second)
    restore.pull(config, colleague)
    rollback(config, project, "complaints")
    # The colleague's champion is the one that was withdrawn, and may not become `previous`.
    bring((project / record.RECORD).read_text())
    assert champion_verdict(config, colleague).status == "refused"
    with pytest.raises(ProjectError, match="git names another champion"):
        rollback(config, colleague, "")
    restore.pull(config, colleague)
    assert registry.by_alias(colleague, config.model.name, "previous") is None
    # Nor does a revert of the rollback bring it back.
    newest = registry.versions(project, config.model.name)[0]
    record.copy_files(project, registry.fetch(project, config.model.name, newest))
    (project / record.RECORD).write_text(second)
    with pytest.raises(ProjectError, match=r"withdrew at .*: complaints\. Bring the record"):
        restore.pull(config, project)


def test_a_withdrawn_model_that_is_champion_for_a_reason_is_withdrawn_no_more(
    config: Config, project: Path
) -> None:
    try_it(config, project)
    another(project)
    try_it(config, project)
    withdrawn = recorded(project)["sha256"]
    rollback(config, project, "complaints")
    assert withdrawn in recorded(project)["withdrawn"]
    reasons = Reasons(again="they were about another model")
    assert promote(config, project, "a test", lambda *_: None, reasons).promoted
    assert (recorded(project)["sha256"], recorded(project)["withdrawn"]) == (withdrawn, {})


def test_no_way_back_to_a_model_that_was_withdrawn(config: Config, project: Path) -> None:
    try_it(config, project)
    first = recorded(project)["sha256"]
    another(project)
    try_it(config, project)
    record.write(project, recorded(project) | {"withdrawn": {first: {}}})
    with pytest.raises(ProjectError, match="the champion before was withdrawn"):
        rollback(config, project, "")
