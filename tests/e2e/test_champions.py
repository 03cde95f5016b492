"""One champion, whatever happens to the process."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from e2e.copier_runs import run, succeed
from e2e.promotions import aliases, promote, say_verified
from support import commit, git

# One process makes the project that these tests share: it takes minutes.
pytestmark = pytest.mark.xdist_group("promoted_project")

TESTS = Path(__file__).parent.parent

KILLED = """
import os, sys
from pathlib import Path

# What every process would import again.
import mlflow.store.model_registry.sqlalchemy_store
import mlflow.store.tracking.sqlalchemy_store
from churn_radar.mlops.config import load_config
from churn_radar.mlops.gates import Verdict
from churn_radar.mlops.modeling import manifest
from churn_radar.mlops.promotion import promote as promotion
from churn_radar.mlops.promotion import record, restore
from churn_radar.mlops.promotion.evidence import Evidence
from churn_radar.mlops.tracking import registry

sys.path.append(sys.argv[1])
from machinery.promotion.known import another

root, config = Path(), load_config(Path())
promotion.judge = lambda _: iter([("floor", Verdict("passed", "as told"))])
record.dvc = lambda *_, cwd: None  # which takes a second, and has nothing to do with aliases
whole = {name: getattr(registry, name) for name in ("add", "tag", "set_alias", "drop_alias")}


def in_a_process(act, left=99):
    "Let a process act, and end it at once where so many changes of the registry are made."
    if child := os.fork():
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    def call(name):
        def ending(*arguments):
            nonlocal left
            left -= 1
            if left < 0:
                os.kill(os.getpid(), 9)
            return whole[name](*arguments)

        return ending

    for name in whole:
        setattr(registry, name, call(name))
    act()
    os._exit(0)


def promote():
    promotion.promote(config, root, "", lambda *_: None)


def champion():
    version = registry.by_alias(root, config.model.name, "champion")
    model = manifest.load(registry.fetch(root, config.model.name, version))
    assert len(model.predict(Evidence(config, root).features)) > 0
    print(version.number, flush=True)


def rollback():
    restore.rollback(config, root, "")


# How many changes of the registry each of them makes.
for act, changes in ((promote, 6), (rollback, 4)):
    for left in range(changes + 1):
        another(root)
        if act is not promote:
            assert in_a_process(promote) == 0
        print(in_a_process(act, left), end=" ", flush=True)
        assert in_a_process(champion) == 0
"""


def test_a_killed_promotion_leaves_one_champion(candidate_project: Path) -> None:
    """Killed before each change of the registry; what is left loads and predicts."""
    said = succeed(candidate_project, "uv", "run", "--no-sync", "python", "-c", KILLED, str(TESTS))
    rows = [line.split() for line in said.splitlines() if re.fullmatch(r"-?\d+ \d+", line)]
    assert [status for status, _ in rows] == [*["-9"] * 6, "0", *["-9"] * 4, "0"], said


def test_of_two_promotions_at_once_one_wins(candidate_project: Path) -> None:
    say_verified(candidate_project)
    command = ["make", "promote", "WHY=me first"]
    both = [
        subprocess.Popen(
            command, cwd=candidate_project, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        for _ in range(2)
    ]
    said = [process.communicate()[0].decode() for process in both]
    assert sorted(process.returncode != 0 for process in both) == [False, True], said
    loser = said[both[0].returncode == 0]
    assert "another promotion or rollback is running" in loser or "champion already" in loser
    assert aliases(candidate_project)["previous"] == 1


def test_a_champion_that_cannot_be_loaded_is_replaced_by_leave_alone(
    candidate_project: Path,
) -> None:
    (manifest,) = candidate_project.glob("models/mlruns/*/artifacts/model-*/manifest.json")
    sound = manifest.read_text()
    manifest.write_text(sound.replace('"numpy": "', '"numpy": "0.'))
    status, refused, output = promote(candidate_project)
    assert status != 0
    assert "numpy 0." in refused["champion"]
    assert "UNCOMPARED=" in refused["champion"]
    status, output = run(candidate_project, "make", "promote", "WHY=a try", "UNCOMPARED=yes")
    assert status != 0
    assert "UNCOMPARED=yes is no reason" in output
    status, _, output = promote(candidate_project, "UNCOMPARED=a new numpy")
    assert status == 0, output
    assert "inconclusive champion" in output
    status, output = run(candidate_project, "make", "rollback", "WHY=complaints")
    assert status != 0
    assert "numpy 0." in output
    manifest.write_text(sound)


def test_two_clones_share_a_champion_by_git_and_dvc(
    candidate_project: Path, tmp_path: Path
) -> None:
    """The second one is compared with the first one's champion, and its record follows."""
    dvc = ("uv", "run", "--no-sync", "dvc")
    shared = ("remote", "modify", "--local", "local", "url", str(tmp_path / "storage"))
    succeed(candidate_project, *dvc, *shared)
    succeed(candidate_project, *dvc, "push", "--quiet")
    git(tmp_path, "clone", "--quiet", str(candidate_project), "second")
    second = tmp_path / "second"
    succeed(second, "uv", "sync", "--quiet", "--locked")
    succeed(second, *dvc, *shared)
    succeed(second, *dvc, "pull", "--quiet", "dvc.yaml", "data/raw/customers_raw.csv.dvc")
    shutil.copy(candidate_project / "reports" / "profile.json", second / "reports")
    assert not (second / "models" / "champion").exists()
    status, refused, _ = promote(second)
    assert status != 0
    assert refused.keys() == {"champion"}
    assert "git names another champion than this registry" in refused["champion"]
    assert "is champion here" in succeed(second, "make", "registry-pull")
    status, refused, output = promote(second)
    assert (status, refused) == (0, {}), output
    assert re.search(r"skill score differs from version \d", output)

    commit(second, "Promote the next one")
    succeed(second, *dvc, "push", "--quiet")
    git(candidate_project, "pull", "--quiet", str(second), "HEAD")
    status, refused, _ = promote(candidate_project)
    assert "git names another champion than this registry" in refused["champion"]
    succeed(candidate_project, "make", "registry-pull")
    newest = max(aliases(candidate_project).values())
    assert aliases(candidate_project) == {"champion": newest, "previous": 1}
