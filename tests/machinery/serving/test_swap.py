"""Versions are swapped while requests flow: none fails, and each answer is its version's own."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from churn_radar.mlops.checksums import file_hash
from churn_radar.mlops.config import Config
from churn_radar.mlops.serving.log import read_log
from churn_radar.mlops.tracking import registry
from machinery.serving import known
from machinery.serving.known import Load, Server

N_SWAPS = 10

FAULTS = ("model.skops", "golden.json", "code.zip", "answers")
"""A file that was changed after it was registered, or a library that computes otherwise."""

Body = dict[str, Any]


@pytest.fixture(autouse=True)
def first_again(config: Config, served: Path, server: Server) -> Iterator[None]:
    """Bring the first version back after each test."""
    yield
    known.make_champion(config, served, 1)
    server.wait(lambda: server.version() == 1, "the way back")


def own_answers(config: Config, root: Path, load: Load, requests: pd.DataFrame) -> dict[int, int]:
    """Hold each answer against what its version predicts; return how many each version gave."""
    expected = {number: known.offline(config, root, number, requests) for number in (1, 2)}
    counts = {1: 0, 2: 0}
    for position, status, answer, _ in load.answers:
        assert status == 200
        found = known.online(answer)[0]
        version = answer["version"]
        np.testing.assert_allclose(found, expected[version][position], rtol=1e-9, atol=1e-9)
        counts[version] += 1
    return counts


def test_ten_swaps_under_load_fail_nobody(
    config: Config, served: Path, server: Server, requests: pd.DataFrame, bodies: list[Body]
) -> None:
    swaps = server.metric("model_swaps_total")
    with Load(server, bodies, pause=known.PAUSE) as load:
        for number in [2, 1] * (N_SWAPS // 2):
            known.make_champion(config, served, number)
            server.wait_for_version(number)
    assert load.failures == []
    assert server.metric("model_swaps_total") == swaps + N_SWAPS
    counts = own_answers(config, served, load, requests)
    assert min(counts.values()) > 0


@pytest.fixture
def with_previous(config: Config, served: Path, server: Server) -> Iterator[Server]:
    """Version 2 answers, and version 1, which did before, stands by."""
    known.make_champion(config, served, 1)
    server.wait_for_version(1)
    registry.set_alias(served, config.model.name, "previous", 1)
    known.make_champion(config, served, 2)
    server.wait_for_version(2)
    yield server
    registry.drop_alias(served, config.model.name, "previous")
    server.wait(lambda: len(server.model_processes()) == 1, "the end of the standby")


def test_the_version_before_stands_by_and_a_rollback_starts_no_process(
    config: Config, served: Path, with_previous: Server, bodies: list[Body]
) -> None:
    server = with_previous
    processes = set(server.model_processes())
    assert len(processes) == 2
    with Load(server, bodies) as load:
        known.make_champion(config, served, 1)
        registry.drop_alias(served, config.model.name, "previous")
        server.wait_for_version(1)
        server.wait(lambda: len(server.model_processes()) == 1, "the end of version 2")
        assert set(server.model_processes()) < processes
    assert load.failures == []


def test_a_service_that_starts_loads_the_version_before_too(
    config: Config, served: Path, with_previous: Server
) -> None:
    with known.serving(served) as another:
        another.wait_for_version(2)
        another.wait(lambda: len(another.model_processes()) == 2, "a standby")


def test_a_standby_that_was_killed_is_started_again(
    config: Config, served: Path, with_previous: Server, bodies: list[Body]
) -> None:
    server = with_previous
    for process in server.model_processes():
        os.kill(process, signal.SIGKILL)
    known.make_champion(config, served, 1)
    registry.drop_alias(served, config.model.name, "previous")
    server.wait_for_version(1)
    assert server.predict(bodies[0]).status == 200


def test_a_version_before_that_cannot_be_had_keeps_nobody_from_answering(
    config: Config, served: Path, server: Server
) -> None:
    known.retrain(config, served, seed=40)
    version = known.register(config, served)
    folder = registry.fetch(served, config.model.name, version)
    with (folder / "model.skops").open("ab") as file:
        file.write(b" ")
    registry.set_alias(served, config.model.name, "previous", version.number)
    before = server.version()
    known.make_champion(config, served, version.number)
    expected = f"model.skops of version {version.number}"
    server.wait(lambda: expected in server.log.read_text(), "a refusal")
    registry.drop_alias(served, config.model.name, "previous")
    assert server.version() == before


def test_a_killed_model_process_fails_nobody(
    config: Config, served: Path, server: Server, requests: pd.DataFrame, bodies: list[Body]
) -> None:
    with Load(server, bodies, pause=known.PAUSE) as load:
        for _ in range(3):
            server.wait(lambda: len(server.model_processes()) == 1, "a process")
            (process,) = server.model_processes()
            answered = len(load.answers)
            os.kill(process, signal.SIGKILL)
            load.wait_for(answered + 20)
    assert load.failures == []
    own_answers(config, served, load, requests)


def test_a_process_that_ends_while_nobody_asks_is_started_again(
    server: Server, bodies: list[Body]
) -> None:
    (process,) = server.model_processes()
    os.kill(process, signal.SIGKILL)
    server.wait(lambda: server.model_processes() not in ([], [process]), "another process")
    assert server.predict(bodies[0]).status == 200


@pytest.mark.parametrize("fault", FAULTS)
def test_a_version_that_is_not_what_was_registered_is_refused(
    config: Config, served: Path, server: Server, bodies: list[Body], fault: str
) -> None:
    known.retrain(config, served, seed=10 + FAULTS.index(fault))
    version = known.register(config, served)
    folder = registry.fetch(served, config.model.name, version)
    if fault == "answers":
        # As if another library computed otherwise: the file is the registered one.
        path = folder / "golden.json"
        golden = json.loads(path.read_text())
        golden["probabilities"][0].reverse()
        path.write_text(json.dumps(golden))
        registry.tag(served, config.model.name, version.number, "golden", file_hash(path))
    else:
        with (folder / fault).open("ab") as file:
            file.write(b" ")
    with Load(server, bodies, pause=known.PAUSE) as load:
        known.make_champion(config, served, version.number)
        expected = {
            "answers": "golden row",
            "code.zip": "code.zip is not the code",
        }.get(fault, f"{fault} of version {version.number}")
        server.wait(lambda: expected in server.log.read_text(), "a refusal")
        assert server.version() == 1
    assert load.failures == []
    assert {answer["version"] for _, _, answer, _ in load.answers} == {1}
    if fault == "answers":
        assert server.metric('model_refused{reason="the model answers golden row') == 1


def test_an_answer_in_flight_is_finished_before_the_service_ends(
    served: Path, bodies: list[Body]
) -> None:
    rows = bodies * 40
    with known.serving(served) as server, ThreadPoolExecutor() as pool:
        asked = pool.submit(server.predict, rows)
        server.wait(lambda: server.metric("requests_in_flight") == 1, "the request")
        server.process.terminate()
        answer = asked.result()
    assert answer.status == 200
    assert len(answer.body["predictions"]) == len(rows)
    assert server.process.returncode in (0, -signal.SIGTERM)


def test_a_killed_process_loses_no_row_that_was_on_the_disk(
    served: Path, server: Server, bodies: list[Body]
) -> None:
    server.predict(bodies[:10])
    folder = served / "data" / "feedback" / "predictions"
    server.wait(lambda: len(read_log(served)) >= 10, "the log")
    before = set(read_log(served)["request_id"])
    asked = [server.predict(bodies[number]).body["request_id"] for number in range(20)]
    server.wait(lambda: set(asked) <= set(read_log(served)["request_id"]), "the next write")
    (process,) = server.model_processes()
    os.kill(process, signal.SIGKILL)
    server.wait(lambda: process not in server.model_processes(), "the end of the process")
    after = read_log(served)
    assert before | set(asked) <= set(after["request_id"])
    assert not after.duplicated(["request_id", "row", "arm"]).any()
    # Nothing about a person, and nothing sensitive.
    names = set(after.columns)
    assert not {"id_email", "feature_email", "feature_gender", "id_gender"} & names
    assert {"id_customer_id", "prediction", "feature_region"} <= names
    assert list(folder.glob("*.parquet"))
