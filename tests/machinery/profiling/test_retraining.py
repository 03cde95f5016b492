"""Training twice more reads its own rows alone, and its predictions are compared."""

import json
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from churn_radar.mlops.config import Config
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.evaluation.scores import CachedClassifier, CachedRegressor
from churn_radar.mlops.gates import Verdict, budget, reproducible
from churn_radar.mlops.modeling import manifest
from churn_radar.mlops.modeling.inputs import inputs
from churn_radar.mlops.modeling.storage import save_model
from churn_radar.mlops.profiling import retraining
from churn_radar.model import candidates
from machinery.profiling.known import judged

PLANT = """

sound_candidates = candidates


def candidates(config):
    import os, pathlib, socket, sqlite3, subprocess, time, urllib.request
    from datetime import UTC, date, datetime

    import pandas as pd

    return sound_candidates(config.with_settings("linear", {{"C": 1e-3 * float({value})}}))
"""
"""A model whose strength depends on something else than rows, code and settings."""


def planted(folder: Path, value: str) -> Path:
    """Write the package with a model that depends on the value of an expression."""
    ignored = shutil.ignore_patterns("__pycache__")
    code: Path = shutil.copytree(retraining.CODE, folder / retraining.CODE.name, ignore=ignored)
    with (code / "model.py").open("a", encoding="utf-8") as file:
        file.write(PLANT.format(value=value))
    return code


@pytest.fixture
def port() -> Iterator[int]:
    """The port of a server on loopback that takes connections."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


OUTSIDE = {
    "the test set": ("len(pd.read_parquet({test!r}))", "training opens {test}, which is not among"),
    "a file of the person's": ("len(open({other!r}).read())", "training opens {other}, which is"),
    "a database": ("bool(sqlite3.connect({other!r}))", "training opens {other}, which is not"),
    "a file that it makes": (
        "pathlib.Path({other!r} + '2').write_text('1')",
        "training opens {other}2, which is not among the training rows",
    ),
    "a port": (
        "bool(socket.create_connection(('127.0.0.1', {port})))",
        "training connects to 127.0.0.1: its rows are all",
    ),
    "an address": (
        "bool(socket.socket().connect(('127.0.0.1', {port})) or 1)",
        "training connects to 127.0.0.1:{port}: its rows",
    ),
    "a page": (
        "len(urllib.request.urlopen('http://127.0.0.1:{port}/').read())",
        "training connects to http://127.0.0.1:{port}/: its rows",
    ),
    "a program": ("subprocess.run(['true']).returncode + 1", "training runs true: its rows are"),
    "a variable": ("os.environ['STRENGTH']", "KeyError: 'STRENGTH'"),
}
"""By what training reaches for: how, and what is said."""


@pytest.mark.parametrize("name", OUTSIDE)
def test_training_that_reaches_outside_is_refused(
    name: str,
    port: int,
    config: Config,
    profiled: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(retraining, "CIRCUMSTANCES", retraining.CIRCUMSTANCES[:1])
    monkeypatch.setenv("STRENGTH", "1")
    other = tmp_path / "other.csv"
    other.touch()
    places = {
        "test": str((profiled / config.table("processed", "test")).resolve()),
        "other": str(other.resolve()),
        "port": port,
    }
    value, said = (text.format(**places) for text in OUTSIDE[name])
    with pytest.raises(ProjectError) as refused:
        retraining.retrain_twice(config, profiled, planted(tmp_path, value))
    reason = str(refused.value)
    assert reason.startswith(f"training from its own rows alone failed: {said}")
    assert "\n" not in reason
    assert [path.name for path in tmp_path.glob("other*")] == ["other.csv"]
    for gate in (reproducible.reproducible, budget.budget):
        assert judged(gate, config, failure=reason) == Verdict("refused", reason)


@pytest.mark.parametrize(
    "value",
    [
        "date.today().year",
        "datetime.now(UTC).weekday() + 1",
        "pd.Timestamp.now().day",
        "time.localtime(0).tm_hour + 1",  # the same moment, where it is another hour
    ],
)
def test_training_that_depends_on_the_time_is_refused(
    value: str, config: Config, profiled: Path, tmp_path: Path
) -> None:
    found = retraining.retrain_twice(config, profiled, planted(tmp_path, value))
    verdict = judged(reproducible.reproducible, config, **found)
    assert (verdict.status, verdict.value) == ("refused", found["spread"])
    assert found["spread"] > 0
    assert verdict.reason.endswith("read no clock")


def test_training_that_depends_on_the_environment_is_refused(
    config: Config, profiled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRENGTH", "1000")
    assert float(config.model.settings("linear").get("C", 1)) == 1
    code = planted(tmp_path, "os.environ.get('STRENGTH', 1)")
    # The candidate has the C of 1 that the variable gives; without the variable it has another.
    found = retraining.retrain_twice(config, profiled, code)
    verdict = judged(reproducible.reproducible, config, **found)
    assert (verdict.status, verdict.value) == ("refused", found["difference"])
    assert "a variable of the environment" in verdict.reason


def test_training_may_read_what_is_installed_and_write_where_libraries_do(
    config: Config, profiled: Path, tmp_path: Path
) -> None:
    value = (
        "pathlib.Path.home().joinpath('cache').write_text('0' * 999)"
        " + len(__import__('tempfile').mkstemp())"
        " - bool(__import__('platform').platform()) - bool(open(os.devnull))"
        " + bool(os.path.exists('/nowhere'))"
    )
    found = retraining.retrain_twice(config, profiled, planted(tmp_path, value))
    assert found["digests"][0] == found["digests"][1]


def test_a_model_of_other_rows_is_refused(config: Config, profiled: Path, tmp_path: Path) -> None:
    other = shutil.copytree(profiled, tmp_path / "other")
    steps = [other / config.table("processed", step) for step in ("train", "test")]
    table = pd.concat([pd.read_parquet(step) for step in steps], ignore_index=True)
    chosen = json.loads((other / "reports" / "selection.json").read_text())["chosen"]
    save_model(candidates(config)[chosen].fit(*inputs(config, table)), other / retraining.MODEL)
    manifest.write(config, other)
    found = retraining.compare(config, other, [profiled / retraining.MODEL] * 2)
    verdict = judged(reproducible.reproducible, config, **found)
    assert verdict.status == "refused"
    assert verdict.value == found["difference"] > reproducible.TOLERANCE
    assert "models/model.skops" in verdict.reason


def test_predictions_are_compared_by_what_they_mean() -> None:
    probabilities = np.array([[0.2, 0.8], [0.5, 0.5]])
    one = CachedClassifier(np.zeros(2), probabilities, np.array([0, 1]))
    other = CachedClassifier(np.zeros(2), probabilities / 2, np.array([0, 1]))
    assert retraining.difference(one, other, 1.0) == 0.4
    stranger = CachedClassifier(np.zeros(2), probabilities, np.array([0, 2]))
    assert retraining.difference(one, stranger, 1.0) == 1.0
    numbers = [CachedRegressor(np.array(values)) for values in ([1.0, 2.0], [1.0, 6.0])]
    assert retraining.difference(*numbers, 2.0) == 2.0
    assert retraining.difference(numbers[0], one, 2.0) == 1.0
