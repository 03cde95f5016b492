"""Promotion and rollback: who wins, what stays, what is written down."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from churn_radar.mlops.config import Config
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.gates import Verdict
from churn_radar.mlops.promotion import promote as module
from churn_radar.mlops.promotion.evidence import Evidence
from churn_radar.mlops.promotion.promote import Outcome, promote
from churn_radar.mlops.promotion.restore import rollback
from churn_radar.mlops.tracking import Version, registry
from filelock import FileLock
from machinery.promotion.known import another

ALIASES = ("champion", "previous")


@pytest.fixture
def let(config: Config, monkeypatch: pytest.MonkeyPatch) -> dict[str, Verdict]:
    """What the gates are to say; no time is spent on measuring."""
    metric = config.selection.metric
    measured = {"rows": 9, metric: 0.8, f"{metric}_low": 0.7, f"{metric}_high": 0.9}
    monkeypatch.setattr(Evidence, "measured", measured)
    said = {"floor": Verdict("passed", "good"), "slices": Verdict("inconclusive", "small")}
    monkeypatch.setattr(module, "judge", lambda _: iter(said.items()))
    return said


def silent(_: str, __: Verdict) -> None:
    """Nobody listens."""


def try_it(config: Config, root: Path) -> Outcome:
    return promote(config, root, "a test", silent)


def aliases(config: Config, root: Path) -> dict[str, int | None]:
    found = {a: registry.by_alias(root, config.model.name, a) for a in ALIASES}
    return {alias: version and version.number for alias, version in found.items()}


@pytest.mark.usefixtures("let")
def test_each_champion_makes_place_for_the_next(config: Config, project: Path) -> None:
    first = try_it(config, project)
    assert (first.promoted, first.version, first.champion) == (True, 1, None)
    assert "as the first" in first.summary
    another(project)
    second = try_it(config, project)
    assert (second.promoted, second.version, second.champion) == (True, 2, 1)
    assert "Inconclusive: slices" in second.summary
    assert aliases(config, project) == {"champion": 2, "previous": 1}
    report = json.loads((project / "reports" / "promotion.json").read_text())
    assert report["why"] == "a test"
    assert report["verdicts"]["floor"]["reason"] == "good"
    assert second.summary in (project / "reports" / "promotion.md").read_text()
    version = registry.by_alias(project, config.model.name, "champion")
    assert version is not None
    assert json.loads(version.tags["promoted"])["why"] == "a test"


def test_a_refusal_changes_nothing_but_a_tag(
    config: Config, project: Path, let: dict[str, Verdict]
) -> None:
    try_it(config, project)
    another(project)
    let["floor"] = Verdict("refused", "too bad", 0.1, 0.2)
    outcome = try_it(config, project)
    assert not outcome.promoted
    assert "refused by floor. Version 1 stays champion" in outcome.summary
    assert aliases(config, project) == {"champion": 1, "previous": None}
    newest = registry.versions(project, config.model.name)[0]
    assert (newest.number, newest.tags["refused"]) == (2, "floor: too bad")
    assert json.loads((project / "reports" / "promotion.json").read_text())["promoted"] is False


def test_a_champion_names_the_commit_that_was_promoted(
    config: Config, project: Path, let: dict[str, Verdict], git: Callable[..., None]
) -> None:
    let["working_tree"] = Verdict("refused", "not committed")
    try_it(config, project)
    git("commit", "--quiet", "--allow-empty", "--no-verify", "--message", "Now it is")
    del let["working_tree"]
    assert try_it(config, project).version == 1
    version = registry.by_alias(project, config.model.name, "champion")
    assert version is not None
    assert version.tags["git_commit"] == Evidence(config, project).commit


def test_the_way_back(config: Config, project: Path, let: dict[str, Verdict]) -> None:
    with pytest.raises(ProjectError, match="no previous champion"):
        rollback(config, project, "")
    try_it(config, project)
    another(project)
    try_it(config, project)
    assert "Version 1" in rollback(config, project, "complaints")
    assert aliases(config, project) == {"champion": 1, "previous": None}
    old, new = registry.versions(project, config.model.name)[::-1]
    assert json.loads(old.tags["restored"])["why"] == "complaints"
    assert json.loads(new.tags["withdrawn"])["who"]
    with pytest.raises(ProjectError, match="nothing was changed"):
        rollback(config, project, "")


@pytest.mark.usefixtures("let")
def test_no_way_back_to_a_model_that_cannot_be_loaded(config: Config, project: Path) -> None:
    try_it(config, project)
    version = registry.by_alias(project, config.model.name, "champion")
    assert version is not None
    another(project)
    try_it(config, project)
    (registry.fetch(project, config.model.name, version) / "model.skops").write_bytes(b"spoilt")
    with pytest.raises(ProjectError, match="not the file"):
        rollback(config, project, "")
    assert aliases(config, project) == {"champion": 2, "previous": 1}


@pytest.mark.usefixtures("let")
def test_two_at_once_cannot_both_win(
    config: Config, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        FileLock(project / "models" / "promotion.lock"),
        pytest.raises(ProjectError, match="another promotion or rollback is running"),
    ):
        try_it(config, project)
    try_it(config, project)
    another(project)
    first = registry.by_alias(project, config.model.name, "champion")
    assert first is not None

    def meanwhile(evidence: Evidence) -> Iterator[tuple[str, Verdict]]:
        """While the gates judge, somebody on another machine promotes."""
        registry.set_alias(project, config.model.name, "champion", 2)
        yield "floor", Verdict("passed", "good")

    monkeypatch.setattr(module, "judge", meanwhile)
    with pytest.raises(ProjectError, match="another promotion came first"):
        try_it(config, project)
    assert aliases(config, project)["previous"] is None


@pytest.mark.parametrize("place", ["models/", "the registry"])
def test_a_model_that_changes_while_it_is_judged_is_not_promoted(
    place: str,
    config: Config,
    project: Path,
    let: dict[str, Verdict],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    try_it(config, project)
    another(project)

    def meanwhile(evidence: Evidence) -> Iterator[tuple[str, Verdict]]:
        folder = evidence.candidate_folder if place == "the registry" else project / "models"
        assert folder is not None
        yield from let.items()
        (folder / "model.skops").write_bytes(b"a dummy")

    monkeypatch.setattr(module, "judge", meanwhile)
    with pytest.raises(ProjectError, match=f"{place}.* has another model"):
        try_it(config, project)
    assert aliases(config, project) == {"champion": 1, "previous": None}


@pytest.mark.usefixtures("let")
def test_what_a_champion_lost_stays_with_its_version(
    config: Config, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Evidence, "behind_best", 0.0125)
    try_it(config, project)
    version = registry.by_alias(project, config.model.name, "champion")
    assert version is not None
    assert version.tags["behind_best"] == "0.012500"


def test_losses_add_up_and_gains_make_up_for_them(
    config: Config, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = Version(1, {"behind_best": "0.03"}, "run", "source")
    evidence = Evidence(config, project, version)
    assert Evidence(config, project).behind_best == 0
    evidence.__dict__["cached_champion"] = evidence.cached_candidate
    assert evidence.behind_best == pytest.approx(0.03)
    skill = evidence.rows.skill(evidence.rows.score(evidence.cached_candidate))
    evidence.__dict__["cached_champion"] = evidence.rows.baseline  # of no skill
    assert evidence.behind_best == pytest.approx(max(0, 0.03 - skill))
    evidence.__dict__["cached_champion"] = evidence.cached_candidate
    evidence.__dict__["cached_candidate"] = evidence.rows.baseline
    assert evidence.behind_best == pytest.approx(0.03 + skill)
    evidence.__dict__["cached_champion"] = None  # not compared
    assert evidence.behind_best == pytest.approx(0.03)


def test_without_a_model_there_is_nothing_to_promote(config: Config, project: Path) -> None:
    (project / "models" / "model.skops").unlink()
    with pytest.raises(ProjectError, match="run `make pipeline`"):
        try_it(config, project)
