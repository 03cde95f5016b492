"""What git keeps of the champion, and how another registry comes to the same one."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from churn_radar.mlops.config import Config
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.gates import Reasons, Verdict, champion
from churn_radar.mlops.promotion import promote as module
from churn_radar.mlops.promotion import record, restore
from churn_radar.mlops.promotion.evidence import Evidence
from churn_radar.mlops.promotion.promote import promote
from churn_radar.mlops.promotion.restore import rollback
from churn_radar.mlops.tracking import registry
from machinery.promotion.champions import champion_verdict, recorded, try_it
from machinery.promotion.known import another

pytestmark = pytest.mark.usefixtures("all_pass")


def test_a_promotion_writes_the_record_into_git_and_into_the_registry(
    config: Config, project: Path
) -> None:
    assert record.read(project) is None
    try_it(config, project)
    found = recorded(project)
    assert (found["version"], found["champion_before"], found["why"]) == (1, None, "a test")
    assert found["verdicts"]["floor"]["reason"] == "good"
    assert found["changed_thresholds"] == {}
    version = registry.by_alias(project, config.model.name, "champion")
    assert version is not None
    assert json.loads(version.tags["record"]) == found
    assert (project / record.FILES / "model.skops").exists()


def test_a_threshold_that_was_loosened_shows(config: Config, project: Path) -> None:
    try_it(config, project)
    another(project)
    floor = config.gates.floor.model_copy(update={"skill": 0.01})
    gates = config.gates.model_copy(update={"floor": floor})
    try_it(config.model_copy(update={"gates": gates}), project)
    assert recorded(project)["changed_thresholds"] == {"floor.skill": [0.05, 0.01]}


def test_an_edited_machinery_shows(config: Config, project: Path, git: Callable[..., None]) -> None:
    package = project / "src" / "churn_radar"
    (package / "mlops" / "gates").mkdir(parents=True)
    for name in ("mlops/gates/worth.py", "model.py"):
        (package / name).write_text("# as it came\n")
    (project / ".copier-answers.yml").write_text("_commit: v1.0.0\n")
    git("add", "--all")
    git("commit", "--quiet", "--no-verify", "--message", "Copy the template")
    for name in ("mlops/gates/worth.py", "model.py"):
        (package / name).write_text("# as I like it\n")
    git("commit", "--quiet", "--no-verify", "--all", "--message", "Edit")
    # A comment among the answers brings no machinery, and hides no edit of it.
    (project / ".copier-answers.yml").write_text("# a comment\n_commit: v1.0.0\n")
    git("commit", "--quiet", "--no-verify", "--all", "--message", "Comment")
    outcome = promote(config, project, "a test", lambda *_: None)
    edited = "src/churn_radar/mlops/gates/worth.py"
    assert recorded(project)["edited_machinery"] == [edited]
    assert outcome.summary.endswith(f"The machinery was edited here: {edited}.")


def test_a_rollback_records_the_version_that_is_champion_again(
    config: Config, project: Path
) -> None:
    try_it(config, project)
    first = recorded(project)
    another(project)
    try_it(config, project)
    assert recorded(project)["sha256"] != first["sha256"]
    rollback(config, project, "complaints")
    again = recorded(project)
    assert (again["sha256"], again["why"], again["restored"]) == (
        first["sha256"],
        "complaints",
        True,
    )


def test_another_clone_takes_the_same_champion(
    config: Config, project: Path, clone: Callable[[], Path]
) -> None:
    try_it(config, project)
    second = clone()
    verdict = champion_verdict(config, second)
    assert verdict.status == "refused"
    assert "git names another champion than this registry" in verdict.reason
    assert "make registry-pull" in verdict.reason
    assert "is champion here" in restore.pull(config, second)
    taken = registry.by_alias(second, config.model.name, "champion")
    assert taken is not None
    assert taken.tags["sha256"] == recorded(project)["sha256"]
    assert "the champion already" in champion_verdict(config, second).reason
    assert "already" in restore.pull(config, second)


def test_a_registry_that_was_lost_makes_nobody_the_first(
    config: Config, project: Path, clone: Callable[[], Path]
) -> None:
    try_it(config, project)
    left = clone()
    assert champion_verdict(config, left).status == "refused"
    for_a_reason = champion_verdict(config, left, Reasons(uncompared="the disk broke"))
    assert for_a_reason.status == "inconclusive"
    assert "not compared: the disk broke" in for_a_reason.reason


def test_a_missing_champion_does_not_spare_the_one_that_is_here(
    config: Config, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    try_it(config, project)
    facts = recorded(project) | {"sha256": "of a colleague's model"}
    record.write(project, facts)
    assert champion_verdict(config, project).status == "refused"
    verdict = champion_verdict(config, project, Reasons(uncompared="no network"))
    assert verdict.status == "refused"
    assert "it is the champion already" in verdict.reason
    another(project)
    better = Verdict("passed", "skill score differs by +0.1")
    monkeypatch.setattr(champion, "_compare", lambda _: better)
    verdict = champion_verdict(config, project, Reasons(uncompared="no network"))
    assert verdict.status == "inconclusive"
    assert "differs by +0.1" in verdict.reason
    assert "not compared: no network" in verdict.reason


def test_a_record_that_was_removed_makes_nobody_the_first(
    config: Config, project: Path, git: Callable[..., None], clone: Callable[[], Path]
) -> None:
    assert champion_verdict(config, project).status == "passed"
    (project / ".gitignore").write_text("/models/*\n!/models/champion.json\n/reports/*\n")
    try_it(config, project)
    for message in ("Promote", "Remove the record"):
        git("add", "--all")
        git("commit", "--quiet", "--no-verify", "--message", message)
        (project / record.RECORD).unlink(missing_ok=True)
    verdict = champion_verdict(config, clone())
    assert verdict.status == "refused"
    assert "git had models/champion.json before or in commit" in verdict.reason


def test_a_promotion_that_was_stopped_before_its_record_is_no_riddle(
    config: Config, project: Path
) -> None:
    try_it(config, project)
    first = (project / record.RECORD).read_text()
    another(project)
    try_it(config, project)
    (project / record.RECORD).write_text(first)
    assert champion_verdict(config, project).reason.startswith("it is the champion already")


def test_a_champion_without_its_files_is_one_sentence(
    config: Config, project: Path, clone: Callable[[], Path]
) -> None:
    with pytest.raises(ProjectError, match="no champion was promoted"):
        restore.pull(config, project)
    try_it(config, project)
    second = clone()
    shutil.rmtree(second / record.FILES)
    with pytest.raises(ProjectError, match="does not hold the model that"):
        restore.pull(config, second)


@pytest.mark.parametrize("text", ["<<<<<<< HEAD\n", "[]", '{"sha256": "a", "version": 1}'])
def test_a_record_that_cannot_be_read_is_one_sentence(text: str, project: Path) -> None:
    (project / record.RECORD).write_text(text)
    with pytest.raises(ProjectError, match=r"git checkout HEAD -- models/champion\.json"):
        record.read(project)


def test_the_mended_code_of_the_same_model_is_another_version(
    config: Config, project: Path
) -> None:
    """A champion is scored by the code that is registered with it."""
    first = module.register_candidate(config, project, "")
    path = project / "models" / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"snapshot": "of mended code"}))
    second = module.register_candidate(config, project, "")
    assert (first.number, second.number) == (1, 2)
    assert module.register_candidate(config, project, "").number == 2


def test_code_that_was_exchanged_on_the_way_is_not_taken(
    config: Config, project: Path, clone: Callable[[], Path]
) -> None:
    try_it(config, project)
    second = clone()
    (second / record.FILES / "code.zip").write_bytes(b"other code")
    with pytest.raises(ProjectError, match="does not hold the model"):
        restore.pull(config, second)


def test_without_the_record_the_registry_remembers(config: Config, project: Path) -> None:
    try_it(config, project)
    (project / record.RECORD).unlink()
    version = registry.by_alias(project, config.model.name, "champion")
    assert Evidence(config, project, version).recorded["why"] == "a test"


def test_files_that_nobody_pushed_are_asked_for(
    config: Config, project: Path, clone: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    try_it(config, project)
    second = clone()
    shutil.rmtree(second / record.FILES)

    def fail(*_: str, cwd: Path) -> None:
        raise ProjectError("dvc pull failed: ")

    monkeypatch.setattr(restore, "dvc", fail)
    with pytest.raises(ProjectError, match="who promoted it runs `uv run dvc push --all-commits`"):
        restore.pull(config, second)


def test_a_branch_without_the_record_makes_nobody_the_first(
    config: Config, project: Path, git: Callable[..., None], clone: Callable[[], Path]
) -> None:
    """The first promotion is on another branch, and this one began before it."""
    (project / ".gitignore").write_text("/models/*\n!/models/champion.json\n/reports/*\n")
    git("switch", "--quiet", "--create", "promoted")
    try_it(config, project)
    git("add", "--all")
    git("commit", "--quiet", "--no-verify", "--message", "Promote")
    git("switch", "--quiet", "main")
    assert not (project / record.RECORD).exists()
    verdict = champion_verdict(config, clone())
    assert verdict.status == "refused"
    assert "no model is the first where a champion was" in verdict.reason


def test_a_champion_in_the_place_of_one_that_is_not_here_is_not_the_first(
    config: Config, project: Path, clone: Callable[[], Path]
) -> None:
    try_it(config, project)
    second = clone()
    another(second)
    reasons = Reasons(uncompared="the disk broke")
    summary = promote(config, second, "a test", lambda *_: None, reasons).summary
    assert "in the place of one that is not here" in summary
