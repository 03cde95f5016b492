"""A project asks its template: for an update as a branch, what is wrong, what was edited."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
import support
from messages import RefusalError
from releases import Releases, first_release, with_few_files
from repository import Repository, repository_of
from support import Project
from unit.hooks_lab import FAKE_UV, install
from upkeep import owning, versions

DATA = "run --no-sync churn-radar data"
VERIFY = "run --no-sync churn-radar verify"


@pytest.fixture(scope="module")
def releases(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Releases:
    """A v1.0.0 of few files, which is quick to render, and a v2.0.0 with another Makefile."""
    small = with_few_files(template, tmp_path_factory.mktemp("template"))
    releases = first_release(small, tmp_path_factory.mktemp("releases"))
    project = releases.project(releases.path.parent / "project")
    assert project.path.is_dir()
    releases.release("v2.0.0", {"template/Makefile.jinja": lambda old: f"# of v2\n{old}"})
    return releases


@dataclass(frozen=True)
class Asked:
    """A project that asks its template, on a machine with a fake uv."""

    releases: Releases
    project: Project
    folder: Path

    def start(self, *arguments: str, **uv: object) -> subprocess.Popen[str]:
        """Begin a command, with what uv says of some of its own."""
        plan = {"data": DATA, "verify": VERIFY}
        variables = {
            "PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "FAKE_LOG": str(self.folder / "uv.log"),
            "FAKE_UV": json.dumps({plan[name]: what for name, what in uv.items()}),
            "TMPDIR": str(self.folder / "temporary"),
        }
        command = [sys.executable, str(self.releases.path / "hooks/upkeep"), *arguments]
        return subprocess.Popen(
            command,
            cwd=self.project.path,
            env=os.environ | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )

    def calls(self) -> list[str]:
        """Return what uv was asked, without the question for an interpreter."""
        log = self.folder / "uv.log"
        lines = log.read_text("utf-8").splitlines() if log.exists() else []
        return [line for line in lines if not line.startswith("python find")]

    def state(self) -> tuple[str, str, str, str, dict[str, bytes]]:
        """Return what no preview and no failed update may change."""
        asked = ("status --porcelain", "branch", "worktree list", "worktree prune --dry-run -v")
        said = [support.git(self.project.path, *question.split()) for question in asked]
        files = Project(self.project.path).files()
        return said[0], said[1], said[2], said[3], files


@pytest.fixture
def asked(releases: Releases, tmp_path: Path) -> Asked:
    """The project of v1.0.0, where nothing stands in the way."""
    path = shutil.copytree(releases.path.parent / "project", tmp_path / "project")
    install(tmp_path / "bin", "uv", FAKE_UV)
    (tmp_path / "temporary").mkdir()
    return Asked(releases, Project(path), tmp_path)


def test_an_update_is_verified_beside_the_project_and_handed_over_as_a_branch(
    asked: Asked,
) -> None:
    params = asked.project.path / "params.yaml"
    params.write_text(f"{params.read_text('utf-8')}# not committed\n", encoding="utf-8")
    head = support.git(asked.project.path, "rev-parse", "HEAD")
    before = Project(asked.project.path).files()

    done = asked.start("update")
    out, errors = done.communicate()

    assert done.returncode == 0, errors
    assert "  template  changed   Makefile\n" in out
    assert "git merge update/v2.0.0" in out
    assert asked.calls() == ["sync --quiet", DATA, VERIFY]
    assert Project(asked.project.path).files() == before
    git = asked.project.path
    assert support.git(git, "rev-parse", "HEAD", "update/v2.0.0^") == f"{head}{head}"
    changed = support.git(git, "diff", "--name-only", "HEAD", "update/v2.0.0").split()
    # The last two are what the fake uv touched in the second work tree.
    assert changed == [".copier-answers.yml", "Makefile", "dvc.lock", "uv.lock"]
    assert support.git(git, "show", "update/v2.0.0:Makefile").startswith("# of v2\n")
    assert len(support.git(git, "worktree", "list").splitlines()) == 1
    assert list((asked.folder / "temporary").iterdir()) == []

    again = asked.start("update")
    _, errors = again.communicate()
    assert again.returncode == 1
    assert "the branch update/v2.0.0 is there: merge it" in errors


def test_a_preview_says_whether_the_update_verifies_and_touches_nothing(asked: Asked) -> None:
    before = asked.state()

    done = asked.start("update", "--preview", verify={"status": 1, "says": "a test fails"})
    out, errors = done.communicate()

    assert done.returncode == 1
    assert "  template  changed   Makefile\n" in out
    assert "a test fails" in errors
    assert "This update does not verify. It was a preview: nothing was changed." in out
    assert asked.state() == before


def without_behaviours(asked: Asked) -> str:
    """Let the project be one of the first version, and return its settings."""
    params = asked.project.path / "params.yaml"
    lines = [line for line in params.read_text("utf-8").splitlines() if "defaults:" not in line]
    text = "\n".join([*lines, ""])
    params.write_text(text, encoding="utf-8")
    support.commit(asked.project.path, "As the first version made it")
    return text


def test_a_behaviour_is_tried_beside_the_project_and_turned_on(asked: Asked) -> None:
    text = without_behaviours(asked)
    head = support.git(asked.project.path, "rev-parse", "--short", "HEAD").strip()

    done = asked.start("behaviour", "--name", "stratified-groups")
    out, errors = done.communicate()

    assert done.returncode == 0, errors
    assert "It may move which rows are held out" in out
    compare = f"run --no-sync churn-radar compare --with {head}"
    assert asked.calls() == ["sync --quiet", DATA, "run --no-sync dvc repro", compare]
    params = asked.project.path / "params.yaml"
    assert params.read_text("utf-8") == f"{text}behaviours: [stratified-groups]\n"
    assert support.git(asked.project.path, "status", "--porcelain") == " M params.yaml\n"
    assert len(support.git(asked.project.path, "worktree", "list").splitlines()) == 1


def test_a_behaviour_with_which_the_pipeline_fails_is_not_turned_on(asked: Asked) -> None:
    without_behaviours(asked)
    before = asked.state()

    done = asked.start("behaviour", "--name", "stratified-groups", data={"status": 1})
    out, errors = done.communicate()

    assert done.returncode == 1
    assert "Failed at data" in errors
    assert "Nothing was changed." in out
    assert asked.state() == before


def test_conflicts_are_listed_and_touch_nothing(asked: Asked) -> None:
    makefile = asked.project.path / "Makefile"
    makefile.write_text(f"# of the team\n{makefile.read_text('utf-8')}", encoding="utf-8")
    support.commit(asked.project.path, "A line where the template has one")
    before = asked.state()

    done = asked.start("update")
    out, errors = done.communicate()

    assert done.returncode == 1
    assert "  - Makefile: both changed the same lines" in errors
    assert "git reset" not in errors, "there is nothing to give up"
    assert "copier update --trust --defaults --vcs-ref v2.0.0" in errors
    assert "  template  conflict  Makefile\n" in out
    assert asked.calls() == [], "what is not merged is not verified"
    assert asked.state() == before


def test_ctrl_c_leaves_no_trace(asked: Asked) -> None:
    before = asked.state()
    done = asked.start("update")
    # The second work tree is there, and Copier begins.
    while not list((asked.folder / "temporary").glob("update-*/project/Makefile")):
        assert done.poll() is None
        time.sleep(0.01)
    done.send_signal(signal.SIGINT)
    _, errors = done.communicate(timeout=20)
    assert done.returncode == 130
    assert "Stopped. Nothing was changed." in errors
    assert "Traceback" not in errors
    assert asked.state() == before
    assert list((asked.folder / "temporary").iterdir()) == []


def test_what_an_update_would_not_see_or_write_over_is_refused(asked: Asked) -> None:
    makefile = asked.project.path / "Makefile"
    makefile.write_text("help:\n", encoding="utf-8")
    support.git(asked.project.path, "rm", "--cached", "--quiet", "LICENSE")
    before = asked.state()

    done = asked.start("update")
    _, errors = done.communicate()

    assert done.returncode == 1
    assert errors.startswith("error: nothing was changed.")
    assert "not committed: LICENSE, Makefile." in errors
    assert "LICENSE is not in git, and the update would write over it" in errors
    assert asked.state() == before


def test_doctor_says_what_is_wrong_and_template_diff_what_was_edited(asked: Asked) -> None:
    git = asked.project.path
    makefile = git / "Makefile"
    makefile.write_text(f"{makefile.read_text('utf-8')}# of the team\n", encoding="utf-8")
    (git / "LICENSE").unlink()
    (git / "params.yaml").write_text("seed: 7\n", encoding="utf-8")
    (git / "Makefile.rej").touch()
    before = asked.state()

    examined = asked.start("doctor", "--json")
    out, errors = examined.communicate()
    shown = asked.start("template-diff")
    difference, _ = shown.communicate()

    assert examined.returncode == 2, errors
    facts = json.loads(out)
    assert facts["status"] == "broken"
    assert (facts["version"], facts["newer"]) == ("v1.0.0", ["v2.0.0"])
    assert facts["drift"] == {"template": ["LICENSE", "Makefile"], "shared": []}
    assert len(facts["refusals"]) == 1
    assert facts["refusals"][0].endswith("could not place, then delete: Makefile.rej.")
    assert (shown.returncode, "\n+# of the team\n" in difference) == (0, True)
    assert "seed" not in difference
    assert asked.state() == before


def test_a_file_that_is_owned_is_left_alone_until_it_is_given_back(
    asked: Asked, capfd: pytest.CaptureFixture[str]
) -> None:
    git = asked.project.path
    makefile = git / "Makefile"
    makefile.write_text(f"{makefile.read_text('utf-8')}# of the team\n", encoding="utf-8")
    support.commit(git, "A line of the team's")
    owned = asked.start("own", "--", "Makefile")
    assert owned.wait() == 0
    changed = support.git(git, "diff", "--unified=0").splitlines()
    assert [line for line in changed if re.match(r"[+-][^+-]", line)] == [
        "-yours: {}",
        "+yours:",
        "+    Makefile: v1.0.0",
    ]
    support.commit(git, "Own the Makefile")

    updated = asked.releases.update(asked.project)
    assert not updated.text("Makefile").startswith("# of v2\n")
    said = capfd.readouterr().out
    assert "Makefile is yours, and the template has something new in it" in said
    assert "    Makefile: v1.0.0\n" in updated.text(".copier-answers.yml")
    support.commit(git, "Update")

    returned = asked.start("disown", "--", "./Makefile")
    out, errors = returned.communicate()
    assert returned.returncode == 0, errors
    assert "with what came since v1.0.0" in out
    assert updated.text("Makefile").startswith("# of v2\n")
    assert updated.text("Makefile").endswith("# of the team\n")
    assert "\nyours: {}\n" in updated.text(".copier-answers.yml")


@pytest.mark.parametrize(
    ("command", "file", "said"),
    [
        ("own", "", "say which file: make own FILE=Makefile"),
        ("own", "params.yaml", "none of the template's files: it is yours already"),
        ("own", "notes.md", "none of the template's files: it is yours already"),
        ("own", ".copier-answers.yml", "is written by tools"),
        ("own", "docker", "docker is a folder: name a file in it"),
        ("own", "../other", "../other is outside the project"),
        ("disown", "Makefile", "Makefile is not recorded as yours (none is)"),
    ],
)
def test_a_file_that_cannot_be_owned_is_one_sentence(
    asked: Asked, monkeypatch: pytest.MonkeyPatch, command: str, file: str, said: str
) -> None:
    monkeypatch.setattr(versions, "TEMPLATE", Repository(asked.releases.path, asked.releases.path))
    monkeypatch.chdir(asked.project.path)
    repository = repository_of(asked.project.path)
    with pytest.raises(RefusalError, match=re.escape(said)):
        getattr(owning, command)(repository, file)


def test_doctor_without_answers_says_how_to_bring_them_back(asked: Asked) -> None:
    (asked.project.path / ".copier-answers.yml").write_text("- \n", encoding="utf-8")
    done = asked.start("doctor")
    _, errors = done.communicate()
    assert done.returncode == 2
    assert errors == (
        "error: .copier-answers.yml cannot be read: bring it back with "
        "`git checkout HEAD -- .copier-answers.yml`\n"
    )
