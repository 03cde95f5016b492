"""An update merges whole trees: edits stay in place, and what nobody can decide is listed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import copier
import pytest
import support
import yaml
from plumbum import local
from releases import Releases, first_release, with_few_files
from support import Project

CHECKS = ".github/workflows/checks.yml"
TRAIN = "docker/train.Dockerfile"


@pytest.fixture(scope="module")
def releases(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Releases:
    """The template's v1.0.0, and a v2.0.0 with one change of each kind."""
    small = with_few_files(template, tmp_path_factory.mktemp("template"))
    releases = first_release(small, tmp_path_factory.mktemp("merges"))
    docker = releases.path / "template/docker"
    shutil.move(docker / "train.Dockerfile.jinja", docker / "training.Dockerfile.jinja")
    changes: dict[str, Callable[[str], str] | None] = {
        f"template/{CHECKS}": before_the_jobs,
        "template/CONTRIBUTING.md.jinja": None,
        "template/LICENSE.jinja": first_line("Of v2."),
        "template/Makefile.jinja": lambda old: f"# of v2\n{old}# also of v2\n",
        "template/.github/workflows/extra.yml": first_line("name: of v2"),
        "template/pyproject.toml.jinja": before_ruff,
    }
    releases.release("v2.0.0", changes)
    return releases


def first_line(text: str) -> Callable[[str], str]:
    """Return an edit that puts a line before all others."""
    return lambda old: f"{text}\n{old}"


def before_the_jobs(text: str) -> str:
    """Add a job that looks like those after it."""
    start, jobs, rest = text.partition("\njobs:\n")
    assert jobs
    name, _, body = rest.partition("\n")
    first_job = body.partition("\n\n")[0]
    return f"{start}{jobs}  of_v2:\n{first_job}\n\n{name}\n{body}"


def before_ruff(text: str) -> str:
    """Add a table in the middle."""
    assert "[tool.ruff]\n" in text
    return text.replace("[tool.ruff]\n", "[tool.new]\nof = 2\n\n[tool.ruff]\n", 1)


def edit(project: Project, name: str, change: Callable[[str], str]) -> None:
    """Change a file of the project, or make it."""
    path = project.path / name
    path.parent.mkdir(exist_ok=True)
    old = path.read_text("utf-8") if path.exists() else ""
    path.write_text(change(old), encoding="utf-8")


def jobs(project: Project) -> Any:
    """Return the jobs of the workflow."""
    return yaml.safe_load(project.text(CHECKS))["jobs"]


def last_brings_lfs(text: str) -> str:
    """Let the last job that checks out bring large files too."""
    option = "persist-credentials: false\n"
    start, found, end = text.rpartition(option)
    assert found
    indent = start.rpartition("\n")[2]
    return f"{start}{option}{indent}lfs: true\n{end}"


def test_what_both_changed_elsewhere_is_merged_in_its_place(
    releases: Releases, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    project = releases.project(tmp_path / "project")
    edit(project, CHECKS, last_brings_lfs)
    before = jobs(project)
    edit(project, "CONTRIBUTING.md", first_line("Of the team."))
    edit(project, TRAIN, first_line("# of the team"))
    edit(project, "README.md", lambda old: f"{old}A line that ends in spaces  \n")
    edit(project, ".gitattributes", lambda old: f"{old}/Makefile -diff\n")
    edit(project, "Makefile", lambda old: f"{old}# of the team\n")
    edit(project, "reports/tuning.json", lambda _: "{}")
    (project.path / "LICENSE").unlink()
    support.commit(project.path, "A month of work")
    # As a person may have set it for other repositories.
    support.git(project.path, "config", "apply.whitespace", "error")

    updated = releases.update(project)

    after = jobs(updated)
    assert after.pop("of_v2") == {**next(iter(before.values()))}
    assert after == before
    assert updated.text("CONTRIBUTING.md").startswith("Of the team.\n")
    assert updated.text("docker/training.Dockerfile").startswith("# of the team\n")
    assert not (updated.path / TRAIN).exists()
    assert updated.text("README.md").endswith("A line that ends in spaces  \n")
    assert updated.text("Makefile").startswith("# of v2\n")
    assert updated.text("Makefile").endswith("# also of v2\n# of the team\n")
    # DVC has it in this version, and takes no file that git has.
    assert updated.text("reports/tuning.json") == "{}"
    assert support.git(updated.path, "ls-files", "reports") == ""
    shutil.rmtree(updated.path / "reports")
    assert not (updated.path / "LICENSE").exists()
    printed = capfd.readouterr().out
    assert "CONTRIBUTING.md: the template has it no more" in printed
    assert f"{TRAIN} is now docker/training.Dockerfile" in printed
    # A second time there is nothing to do.
    support.commit(updated.path, "Update")
    releases.update(updated)
    assert support.git(updated.path, "status", "--porcelain") == ""


def test_what_nobody_can_decide_is_listed_and_ends_with_an_error(
    releases: Releases, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    project = releases.project(tmp_path / "project")
    edit(project, "Makefile", first_line("# of the team"))
    edit(project, ".github/workflows/extra.yml", first_line("name: of the team"))
    edit(project, "pyproject.toml", lambda old: f"{old}\n[tool.new]\nof = 1\n")
    support.commit(project.path, "A month of work")

    with pytest.raises(copier.errors.TaskError):
        releases.update(project)

    printed = capfd.readouterr().err
    assert "  - Makefile: both changed the same lines: choose between the marks\n" in printed
    assert "  - .github/workflows/extra.yml: you and the template added it." in printed
    assert "  - pyproject.toml cannot be read: Cannot declare ('tool', 'new') twice" in printed
    assert "# of the team\n" in project.text("Makefile")
    assert ">>>>>>> the template, v2.0.0\n" in project.text("Makefile")
    assert project.text(".github/workflows/extra.yml") == "name: of the team\n"
    theirs = support.git(project.path, "show", ":3:.github/workflows/extra.yml")
    assert theirs == "name: of v2\n"
    assert not releases.log.exists(), "what is not merged is not verified"
    support.git(project.path, "reset", "--quiet", "--hard")
    support.git(project.path, "clean", "--quiet", "--force", "-d")
    assert "_commit: v1.0.0" in project.text(".copier-answers.yml")


def test_renovate_sees_each_new_file_that_the_merge_brought(
    releases: Releases, tmp_path: Path
) -> None:
    """It takes what git lists as changed, deleted or unknown, and not what is staged as new."""
    preset = json.loads((support.ROOT / "presets/renovate.json").read_text("utf-8"))
    (rule,) = preset["packageRules"]
    assert (rule["recreateWhen"], rule["ignoreScripts"]) == ("never", False)
    project = releases.project(tmp_path / "project")
    with local.env(**preset["env"]):
        updated = releases.update(project)
    status = support.git(updated.path, "status", "--porcelain", "--untracked-files=all")
    found = set(status.splitlines())
    assert {"?? .github/workflows/extra.yml", "?? docker/training.Dockerfile"} <= found
    assert {f" D {TRAIN}", " M Makefile", " D CONTRIBUTING.md"} <= found
    assert not any(line.startswith(("A", "M", "D", "R")) for line in found)


def test_an_update_that_would_lose_a_file_is_refused_before_it_writes(
    releases: Releases, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    project = releases.project(tmp_path / "project")
    (project.path / ".github/workflows/extra.yml").write_text("mine\n", encoding="utf-8")
    edit(project, ".gitignore", lambda old: f"{old}extra.yml\n")
    support.commit(project.path, "Keep it to ourselves")
    before = project.files()

    with pytest.raises(copier.errors.TaskError):
        releases.update(project)

    assert ".github/workflows/extra.yml is not in git" in capfd.readouterr().err
    assert project.files() == before
