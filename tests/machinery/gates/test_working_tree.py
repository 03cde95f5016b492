"""Gate `working_tree`: what is promoted stands committed."""

from collections.abc import Callable
from pathlib import Path

import pytest
from churn_radar.mlops.config import Config
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.gates import identity
from churn_radar.mlops.promotion.evidence import Evidence


def test_what_is_not_committed_is_refused(evidence: Evidence) -> None:
    assert identity.working_tree(evidence).status == "passed"
    (evidence.root / "new.txt").write_text("new\n")
    verdict = identity.working_tree(evidence)
    assert (verdict.status, verdict.value) == ("refused", 1)
    assert "new.txt" in verdict.reason


Git = Callable[..., None]


def test_what_was_not_verified_is_refused(
    evidence: Evidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Evidence, "is_verified", False)
    verdict = identity.working_tree(evidence)
    assert verdict.status == "refused"
    assert "`make verify` did not pass with just these files" in verdict.reason


@pytest.mark.parametrize(
    ("key", "value"), [("status.showUntrackedFiles", "no"), ("core.excludesFile", "mine.ignore")]
)
def test_settings_of_a_persons_git_hide_nothing(
    key: str, value: str, evidence: Evidence, git: Git
) -> None:
    git("config", key, value)
    (evidence.root / "mine.ignore").write_text("*.py\n")
    (evidence.root / "new.py").write_text("new\n")
    assert "new.py" in identity.working_tree(evidence).reason


def test_what_one_clone_excludes_is_not_hidden(evidence: Evidence) -> None:
    (evidence.root / ".git" / "info").mkdir(exist_ok=True)
    (evidence.root / ".git" / "info" / "exclude").write_text("*.py\n")
    (evidence.root / "new.py").write_text("new\n")
    assert "new.py" in identity.working_tree(evidence).reason


@pytest.mark.parametrize("how", ["--assume-unchanged", "--skip-worktree"])
def test_a_file_in_which_git_looks_for_no_change_is_refused(
    how: str, evidence: Evidence, git: Git
) -> None:
    git("update-index", how, "dvc.yaml")
    verdict = identity.working_tree(evidence)
    assert verdict.status == "refused"
    assert "told to ignore changes in dvc.yaml" in verdict.reason


def test_a_git_that_fails_is_not_clean(evidence: Evidence) -> None:
    (evidence.root / ".git" / "index").write_bytes(b"broken")
    with pytest.raises(ProjectError, match="git ls-files failed"):
        identity.working_tree(evidence)


def test_a_broken_setting_of_git_is_refused(evidence: Evidence) -> None:
    with (evidence.root / ".git" / "config").open("a") as config:
        config.write("[core]\n\tbare = maybe\n")
    assert identity.working_tree(evidence).status == "refused"


def test_a_folder_that_is_no_repository_is_refused(config: Config, tmp_path: Path) -> None:
    assert identity.working_tree(Evidence(config, tmp_path)).status == "refused"


def test_a_module_that_git_ignores_is_not_committed(evidence: Evidence, git: Git) -> None:
    """Python imports it all the same."""
    package = evidence.root / "src" / "churn_radar"
    package.mkdir(parents=True)
    with (evidence.root / ".gitignore").open("a") as ignored:
        ignored.write("helper.py\n")
    git("commit", "--quiet", "--no-verify", "--all", "--message", "Ignore it")
    assert identity.working_tree(evidence).status == "passed"
    (package / "helper.py").write_text("FACTOR = 2\n")
    assert "helper.py" in identity.working_tree(evidence).reason
