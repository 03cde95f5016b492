"""Real tables: wired, checked, run through the stages and tested; some of them have a champion.

Usage: python tests/known_tables.py [name of a table ...]

Prints a line of JSON for each table: its name, what came out, and why.
"""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import support
from real_tables import OVERRIDES, TABLES, data_file
from table_runs import outcome_of, prepare, render_project

if TYPE_CHECKING:
    # Imports the package of a project, which each process makes for itself.
    from machinery.serving.known import Server

FLOORS = {
    "tumours": ("roc_auc", 0.97),
    "eights": ("average_precision", 0.9),
    "penguins": ("accuracy", 0.95),
    "diabetes": ("r2", 0.35),
    "modechoice": ("roc_auc", 0.85),
    "elnino": ("r2", 0.85),
}
"""What anybody reaches on these tables."""

GROUPED = {"modechoice": "individual"}
"""Tables with several rows of each person, and the column that says whose they are."""

ORDERED = {"penguins": "year", "elnino": "date"}
"""Tables in the order of time, and the column that says when."""

WITH_A_CHAMPION = ("tumours", "eights", "penguins", "diabetes", "modechoice", "elnino")
"""Two classes, a rare one, three, a number, several rows of each person, and a time series."""

SERVED = ("penguins", "diabetes")
"""Three classes, and a number: tables whose champion is served over HTTP."""

N_SERVED = 50
"""Rows that it is asked for."""

CODE = tuple(f"src/churn_radar/{name}.py" for name in ("schemas", "features", "example"))
TEXTS = (*CODE, "params.yaml", "docs/data-card.md", "docs/model-card.md")
"""What wiring and the stages write for a table, apart from reports."""

CHECKS = (
    ("black", "--quiet", *CODE),  # what `make wire` does with what it wrote
    ("ruff", "check", "--no-cache", "--quiet"),
    ("mypy",),
    ("detect-secrets-hook", *TEXTS),
)
SPELLING = ("codespell", *TEXTS)


def check_project(name: str, project: Path) -> None:
    """What was written is as good as any; the model reaches its floor, and becomes champion."""
    from churn_radar.mlops.verify import check_names

    # `make wire` lets the spelling check ignore the words of the data, of which the nasty one has.
    for command in CHECKS if name == "nasty" else (*CHECKS, SPELLING):
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, f"{command[0]}:\n{done.stdout}{done.stderr}"
    check_names(project)
    metric, floor = FLOORS.get(name, ("rows", 0))
    metrics = json.loads((project / "reports" / "metrics.json").read_text())
    assert metrics[metric] > floor
    check_split(name, project)
    if name in WITH_A_CHAMPION:
        check_promotion(name, project)


def check_split(name: str, project: Path) -> None:
    """Nobody is on both sides of the split; the test rows are the newest."""
    from churn_radar.mlops.config import load_config

    config = load_config(project)
    whole = pd.read_parquet(config.table("interim", "validate"))
    train = pd.read_parquet(config.table("processed", "train"))
    test = pd.read_parquet(config.table("processed", "test"))
    assert len(train) + len(test) == len(whole)
    if entity := GROUPED.get(name):
        assert whole[entity].duplicated().any(), "each is there once: nothing to keep together"
        assert not set(train[entity]) & set(test[entity])
    if time := ORDERED.get(name):
        assert train[time].max() < test[time].min()


def check_promotion(name: str, project: Path) -> None:
    """A sound model passes every gate; one that learned shuffled labels does not."""
    from churn_radar.mlops.pipeline import train

    refused = refusals_of_promotion(project)
    if refused:  # what a team does about a column that tells so much: it says why
        assert refused.keys() == {"leakage"}, refused
        explain_leaks(project)
        refused = refusals_of_promotion(project)
    assert refused == {}, refused
    if name in SERVED:
        check_service(project)
    train.inputs = shuffled(train.inputs)
    run_stages(project, "train", "evaluate", "challenge")
    reuse_profile(project)
    refused = refusals_of_promotion(project)
    assert {"floor", "champion"} <= refused.keys(), refused


def check_service(project: Path) -> None:
    """The service answers as the pipeline does, and swaps versions while it is asked."""
    import numpy as np
    from churn_radar.mlops.config import load_config
    from churn_radar.mlops.modeling.inputs import request_columns
    from churn_radar.mlops.promotion.golden import as_json
    from machinery.serving import known

    config = load_config(project)
    test = pd.read_parquet(config.table("processed", "test"))
    rows = request_columns(test).head(N_SERVED)
    bodies = as_json(rows)
    expected = {1: known.offline(config, project, 1, rows)}
    kept = {path: path.read_bytes() for path in (project / "models").glob("*.*")}
    known.retrain(config, project, seed=1)
    known.register(config, project)
    expected[2] = known.offline(config, project, 2, rows)
    with known.serving(project) as server:
        answer = server.predict(bodies)
        found = known.online(answer.body)
        np.testing.assert_allclose(found, expected[1], rtol=1e-9, atol=1e-9)
        with known.Load(server, bodies, n_clients=2, pause=known.PAUSE) as load:
            for number in (2, 1):
                known.make_champion(config, project, number)
                server.wait_for_version(number)
        check_canary(project, server, bodies)
    assert load.failures == []
    for position, _, one, _ in load.answers:
        own = expected[one["version"]][position]
        np.testing.assert_allclose(known.online(one)[0], own, rtol=1e-9, atol=1e-9)
    # The candidate that the rest of the test is about.
    for path, content in kept.items():
        if not path.name.startswith("mlflow"):
            path.write_bytes(content)


def check_canary(project: Path, server: Server, bodies: list[dict[str, Any]]) -> None:
    """A challenger that predicts otherwise is ended in the first stage."""
    from churn_radar.mlops.bounds import Canary
    from churn_radar.mlops.config import load_config
    from churn_radar.mlops.serving import traffic
    from machinery.serving import known

    number = known.spoil(load_config(project), project)
    traffic.write(project, traffic.begin("canary", number, 0, Canary(stages=[50])))

    def has_ended() -> bool:
        state = server.ask("GET", "/model").body["traffic"]
        return str(state["outcome"]).startswith(f"The canary of version {number} ended")

    with known.Load(server, bodies, n_clients=2) as load:
        server.wait(has_ended, "the end of the canary")
    assert load.failures == []
    assert traffic.read(project).stage == 0
    assert "its predictions are spread otherwise" in traffic.read(project).outcome


def shuffled(inputs: Callable[..., tuple[pd.DataFrame, pd.Series]]) -> Callable[..., object]:
    """Return `inputs` with its outcomes shuffled, so that a model is trained on noise."""

    def with_another_order(*arguments: object) -> tuple[pd.DataFrame, pd.Series]:
        features, target = inputs(*arguments)
        # What a model learns from noise can be right by chance: with this seed it is not.
        other = target.sample(frac=1, random_state=5).set_axis(target.index)
        return features, other

    return with_another_order


def explain_leaks(project: Path) -> None:
    """Give a reason for each feature that alone tells nearly all."""
    import yaml

    challenge = json.loads((project / "reports" / "challenge.json").read_text())
    path = project / "params.yaml"
    params = yaml.safe_load(path.read_text())
    why = dict.fromkeys(challenge["features"], "It is known before the outcome.")
    params["gates"]["leakage"]["explained"] = why
    path.write_text(yaml.safe_dump(params, sort_keys=False))
    run_stages(project, "challenge", "report")


def run_stages(project: Path, *stages: str) -> None:
    from churn_radar.mlops import pipeline
    from churn_radar.mlops.config import load_config

    config = load_config(project)
    for name in stages:
        pipeline.run_stage(name, config, project)


def reuse_profile(project: Path) -> None:
    """Reuse the profile that is there for this model: measuring would take most of the time."""
    from churn_radar.mlops.checksums import read_with_checksum, write_with_checksum
    from churn_radar.mlops.config import load_config
    from churn_radar.mlops.profiling.profile import REPORT, fingerprint

    of_another = read_with_checksum(project / REPORT)
    of_this_model = fingerprint(load_config(project), project)
    write_with_checksum(project / REPORT, of_another | of_this_model)


def refusals_of_promotion(project: Path) -> dict[str, str]:
    """Commit, measure and judge as `make promote` does; return the gates that refuse, and why.

    DVC and `make verify` are left out, since they take seconds; tests of whole projects cover them.
    """
    from churn_radar.mlops.config import load_config
    from churn_radar.mlops.profiling.profile import profile
    from churn_radar.mlops.promotion import record
    from churn_radar.mlops.promotion.evidence import Evidence
    from churn_radar.mlops.promotion.promote import promote

    config = load_config(project)
    (project / f"{config.data.raw}.dvc").write_text("outs: []\n")
    support.commit(project, "Next candidate")
    profile(missing=True)
    Evidence.stale = []
    Evidence.is_verified = True
    record.dvc = lambda *_, cwd: None
    outcome = promote(config, project, "a test", lambda *_: None)
    refused = {name: v.reason for name, v in outcome.verdicts.items() if v.status == "refused"}
    assert outcome.promoted == (not refused)
    return refused


def main() -> int:
    """Run every table; return 1 if one was not green."""
    prepare()
    names = sys.argv[1:] or [*TABLES, "nasty"]
    statuses = set()
    with tempfile.TemporaryDirectory() as scratch:
        os.environ.setdefault("MYPY_CACHE_DIR", str(Path(scratch, "mypy")))  # mostly of libraries
        os.environ["PYTHONPATH"] = "src"  # for the processes that a project starts
        project = render_project(Path(scratch))
        for name in names:
            path, target = data_file(name, Path(scratch))
            finish = functools.partial(check_project, name)
            overrides = OVERRIDES.get(name, {})
            status, reason = outcome_of(project, path, target, finish, **overrides)
            statuses.add(status)
            print(json.dumps({"table": name, "status": status, "reason": reason}), flush=True)
    return statuses != {"green"}


if __name__ == "__main__":
    sys.exit(main())
