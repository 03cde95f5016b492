"""Shadow, canary and A/B test of a running service: nobody sees a bad challenger."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from churn_radar.mlops.checksums import file_hash
from churn_radar.mlops.config import Config
from churn_radar.mlops.serving import LOAD_SECONDS, traffic
from churn_radar.mlops.tracking import registry
from machinery.serving import known
from machinery.serving.known import QUICK, Load, Server

Body = dict[str, Any]

TIMEOUT = 4
"""Seconds in which a request must be answered where one version hangs."""


@pytest.fixture
def champion_alone(served: Path, server: Server) -> Iterator[None]:
    """End whatever a test began."""
    yield
    traffic.write(served, traffic.begin("champion", None, 0, QUICK))
    server.wait(lambda: state(server)["mode"] == "champion", "the end of a test")


def state(server: Server) -> dict[str, Any]:
    found: dict[str, Any] = server.ask("GET", "/model").body["traffic"]
    return found


def begin(root: Path, server: Server, mode: str, challenger: int, share: float = 50) -> None:
    traffic.write(root, traffic.begin(mode, challenger, share, QUICK))
    server.wait(
        lambda: (
            (server.ask("GET", "/model").body["challenger"] or {}).get("version") == challenger
            and state(server)["mode"] == mode
        ),
        mode,
    )


@pytest.mark.usefixtures("champion_alone")
def test_a_shadow_answers_to_nobody_and_its_differences_are_recorded(
    served: Path, server: Server, bodies: list[Body]
) -> None:
    begin(served, server, "shadow", 2)
    answers = [server.predict(body) for body in bodies[:20]]
    assert {answer.body["version"] for answer in answers} == {1}
    server.wait(lambda: server.metric("shadow_difference_count") >= 20, "the shadow's answers")
    assert server.metric("shadow_difference_sum") > 0
    assert server.metric('predictions_total{arm="shadow"') >= 20


@pytest.mark.usefixtures("champion_alone")
def test_the_mode_changes_while_the_challenger_stays(
    served: Path, server: Server, bodies: list[Body]
) -> None:
    for mode in ("shadow", "ab", "shadow"):
        begin(served, server, mode, 2)
        assert server.predict(bodies[0]).status == 200


@pytest.mark.usefixtures("champion_alone")
def test_a_row_of_nobody_known_is_no_part_of_a_test(
    served: Path, server: Server, bodies: list[Body]
) -> None:
    begin(served, server, "ab", 2, share=99)
    nobody = {name: value for name, value in bodies[0].items() if name != "customer_id"}
    assert server.predict(nobody).status == 422
    # Half a character is no UTF-8.
    body = b'{"customer_id": "\\ud800"}'
    assert server.ask("POST", "/predict", body, known.JSON).status in (400, 422)


@pytest.mark.usefixtures("champion_alone")
def test_a_challenger_that_becomes_champion_is_no_challenger_any_more(
    config: Config, served: Path, server: Server, bodies: list[Body]
) -> None:
    begin(served, server, "canary", 2)
    known.make_champion(config, served, 2)
    server.wait(lambda: "it is champion now" in state(server)["outcome"], "the end of the canary")
    known.make_champion(config, served, 1)
    server.wait_for_version(1)
    assert {server.predict(body).body["version"] for body in bodies[:20]} == {1}


@pytest.mark.usefixtures("champion_alone")
def test_a_test_gives_each_entity_one_version(
    served: Path, server: Server, bodies: list[Body]
) -> None:
    begin(served, server, "ab", 2)
    first = [server.predict(body).body["version"] for body in bodies[:40]]
    again = [server.predict(body).body["version"] for body in bodies[:40]]
    assert first == again
    assert set(first) == {1, 2}
    # Rows of both arms have one answer, by the champion.
    assert server.predict(bodies[:40]).body["version"] == 1


@pytest.mark.usefixtures("champion_alone")
def test_a_bad_canary_ends_in_its_first_stage_and_nobody_saw_a_failure(
    config: Config, served: Path, server: Server, bodies: list[Body]
) -> None:
    number = known.spoil(config, served)
    with Load(server, bodies) as load:
        begin(served, server, "canary", number)
        server.wait(lambda: state(server)["mode"] == "champion", "the end of the canary")
    assert load.failures == []
    outcome = state(server)["outcome"]
    assert re.fullmatch(
        rf"The canary of version {number} ended at 20 %: its predictions .*", outcome
    )
    # It is written down, so a restart does not begin again.
    written = json.loads((served / traffic.STATE).read_text())
    assert (written["mode"], written["outcome"]) == ("champion", outcome)


@pytest.mark.usefixtures("champion_alone")
def test_a_canary_that_hangs_is_ended_and_keeps_nobody_waiting(
    config: Config, served: Path, bodies: list[Body], tmp_path: Path
) -> None:
    number = known.hang(config, served)
    with known.serving_with(served, tmp_path, {"timeout_seconds": TIMEOUT}) as another:
        begin(served, another, "canary", number)
        (tmp_path / "hang").touch()
        with Load(another, bodies) as load:
            another.wait(lambda: state(another)["mode"] == "champion", "the end of the canary")
        assert load.failures == []
        assert "were errors" in state(another)["outcome"]
        # It hangs while it is loaded, and keeps no rollback waiting.
        began = monotonic()
        traffic.write(served, traffic.begin("shadow", number, 0, QUICK))
        another.wait(lambda: state(another)["mode"] == "shadow", "the loading of a shadow")
        known.make_champion(config, served, 2)
        another.wait_for_version(2)
        assert monotonic() - began < LOAD_SECONDS
        (tmp_path / "hang").unlink()
        begin(served, another, "shadow", number)
        (tmp_path / "hang").touch()
        assert {another.predict(body).body["version"] for body in bodies[:5]} == {2}
        began = monotonic()
    # A shadow that hangs does not keep the service from ending.
    assert another.process.returncode == -signal.SIGTERM
    assert monotonic() - began < known.SECONDS
    known.make_champion(config, served, 1)


@pytest.mark.usefixtures("champion_alone")
def test_a_sound_canary_passes_all_stages_and_survives_a_restart(
    served: Path, server: Server, bodies: list[Body]
) -> None:
    with Load(server, bodies) as load:
        begin(served, server, "canary", 2)
        server.wait(lambda: "all stages passed" in state(server)["outcome"], "the last stage")
    assert load.failures == []
    versions = [answer["version"] for _, _, answer, _ in load.answers]
    assert set(versions) == {1, 2}
    assert state(server)["share"] == 50
    with known.serving(served) as another:
        another.wait(lambda: another.ask("GET", "/model").body["challenger"] is not None, "it")
        assert state(another)["mode"] == "canary"


@pytest.mark.usefixtures("champion_alone")
def test_a_challenger_that_cannot_be_loaded_is_not_announced(
    config: Config, served: Path, server: Server, bodies: list[Body]
) -> None:
    known.retrain(config, served, seed=7)
    version = known.register(config, served)
    folder = registry.fetch(served, config.model.name, version)
    golden = folder / "golden.json"
    golden.write_text(golden.read_text().replace('"predictions": [', '"predictions": [7,'))
    registry.tag(served, config.model.name, version.number, "golden", file_hash(golden))
    traffic.write(served, traffic.begin("canary", version.number, 50, QUICK))
    server.wait(lambda: "the model answers golden row" in state(server)["outcome"], "a refusal")
    assert state(server)["mode"] == "champion"
    assert server.predict(bodies[0]).body["version"] == 1
