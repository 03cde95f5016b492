"""Shadow, canary and A/B test: who answers whom, what ends a canary, what survives a restart."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
import pytest
from churn_radar.mlops.bounds import Canary
from churn_radar.mlops.checksums import file_hash
from churn_radar.mlops.config import Config
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.serving import Loading, commands, traffic, versions
from churn_radar.mlops.serving.batcher import LOAD_SECONDS, Batcher
from churn_radar.mlops.serving.router import Router, Served
from churn_radar.mlops.serving.service import Service
from churn_radar.mlops.serving.traffic import Arm, Traffic
from churn_radar.mlops.serving.versions import find_all
from churn_radar.mlops.tracking import registry
from hypothesis import given
from hypothesis import strategies as st
from machinery.serving import known
from machinery.serving.known import Load, Server

Body = dict[str, Any]
QUICK = Canary(stages=[20, 50], stage_seconds=1, stage_rows=150)
TIMEOUT = 4
"""Seconds in which a request must be answered where one version hangs."""


def arm(n: int = 500, seconds: float = 0.01, buckets: tuple[int, ...] = (300, 200)) -> Arm:
    found = Arm()
    for _ in range(n):
        found.add((1, 0), seconds)
    found.rows = sum(buckets)
    found.buckets = list(buckets)
    return found


def test_a_sound_challenger_has_no_fault() -> None:
    assert traffic.fault(arm(), arm(), Canary()) == ""
    # Nothing was seen yet.
    assert traffic.fault(Arm(), Arm(), Canary()) == ""


@pytest.mark.parametrize(
    ("challenger", "reason"),
    [
        (arm(seconds=0.05), "95th percentile"),
        (arm(buckets=(0, 500)), "spread otherwise"),
    ],
)
def test_a_bad_challenger_is_told_by_its_answers(challenger: Arm, reason: str) -> None:
    assert reason in traffic.fault(arm(), challenger, Canary())


def test_an_error_ends_a_canary() -> None:
    challenger = arm()
    challenger.errors = 1
    assert "1 of its answers" in traffic.fault(arm(), challenger, Canary())
    assert traffic.fault(arm(), challenger, Canary(max_errors=1)) == ""


def test_a_machine_that_stalls_ends_no_canary() -> None:
    champion, stalled = arm(n=60), arm(n=60)
    stalled.seconds.extend([0.5] * 8)
    assert stalled.slow > 10 * champion.slow
    assert traffic.fault(champion, stalled, Canary()) == ""
    stalled.seconds.extend([0.5] * 60)
    assert "95th percentile" in traffic.fault(champion, stalled, Canary())


def test_equal_arms_are_hardly_ever_taken_for_different_ones() -> None:
    rng = np.random.default_rng(2026)
    shares = np.full(10, 0.1)
    for n_rows in (20, 200, 2_000):
        for _ in range(500):
            one, other = rng.multinomial(10 * n_rows, shares), rng.multinomial(n_rows, shares)
            shift, noise = traffic.prediction_shift(one.tolist(), other.tolist())
            assert shift <= noise


@given(st.text(), st.floats(0.1, 99.9))
def test_an_entity_always_has_the_same_version(key: str, share: float) -> None:
    state = Traffic("ab", 2, share, salt="a")
    first = traffic.is_for_challenger(state, key)
    assert traffic.is_for_challenger(state, key) == first
    # Who was with the challenger stays there when the share grows.
    if first:
        assert traffic.is_for_challenger(Traffic("ab", 2, 100, salt="a"), key)


def test_the_share_is_kept() -> None:
    state = Traffic("canary", 2, 25, salt="b")
    n_challenger = sum(traffic.is_for_challenger(state, str(number)) for number in range(10_000))
    assert 2_300 < n_challenger < 2_700


def test_a_misspelt_mode_or_a_share_that_is_none_is_one_sentence() -> None:
    with pytest.raises(ProjectError, match="did you mean canary"):
        traffic.begin("canarry", 2, 50, Canary())
    for share in (0, 100, 150):
        with pytest.raises(ProjectError, match="is no share"):
            traffic.begin("ab", 2, share, Canary())


@pytest.mark.parametrize(
    "broken",
    [
        *("{", "[]", "null", '{"share": "50"}', '{"share": null}', '{"share": 101}'),
        *('{"mode": "bogus"}', '{"challenger": true}', '{"stage": -7}', '{"since": 5}'),
    ],
)
def test_a_broken_state_is_one_sentence(broken: str, tmp_path: Path) -> None:
    path = tmp_path / traffic.STATE
    path.parent.mkdir()
    path.write_text(broken)
    with pytest.raises(ProjectError, match=r"make traffic MODE=champion"):
        traffic.read(tmp_path)


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


def served_by(version: int) -> Served:
    loading = Loading(Path(), "", {}, 1)
    return Served({"version": version}, Batcher(loading, 1))


def test_a_canary_is_judged_after_its_last_stage_too(config: Config, tmp_path: Path) -> None:
    last = replace(traffic.begin("canary", 2, 0, QUICK), stage=1, share=50)
    passed = traffic.next_stage(last, QUICK)
    traffic.write(tmp_path, passed)
    service = Service(tmp_path, config)
    service.traffic = passed
    service.champion, service.challenger = served_by(1), served_by(2)
    service._judge_canary()
    assert service.traffic == passed
    service.challenger_arm.errors = 1
    service._judge_canary()
    assert service.traffic.mode == traffic.read(tmp_path).mode == "champion"
    assert "1 of its answers were errors" in service.traffic.outcome


@pytest.mark.parametrize(
    ("status", "rejected", "is_fault"),
    [(200, {}, False), (422, {"age: finite": 1}, True), (200, {"age: finite": 1}, True)],
)
def test_what_a_canary_refuses_the_champion_answers(
    config: Config, status: int, rejected: dict[str, int], is_fault: bool
) -> None:
    def answering(version: int, status: int, rejected: dict[str, int]) -> Served:
        async def ask(*_: object) -> tuple[dict[str, Any], bytes]:
            buckets = [1, 0] if status == 200 else []
            facts = {"status": status, "buckets": buckets, "rejected": rejected, "non_finite": 0}
            return facts, str(version).encode()

        served = served_by(version)
        served.batcher.ask = ask
        return served

    router = Router(config)
    router.champion = answering(1, 200, {})
    router.challenger = answering(2, status, rejected)
    router.traffic = Traffic(mode="canary", challenger=2, share=100)
    reply = asyncio.run(router.answer("r1", b"{}", partial=True))
    assert reply.body == (b"1" if is_fault else b"2")
    assert router.challenger_arm.errors == is_fault
    # A row that both refuse is the client's fault.
    router.champion = answering(1, 422, {"age: finite": 1})
    asyncio.run(router.answer("r2", b"{}", partial=True))
    assert router.challenger_arm.errors == is_fault


def test_the_end_of_a_canary_that_cannot_be_written_holds_all_the_same(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = Service(tmp_path, config)
    service.traffic = traffic.begin("canary", 2, 0, QUICK)
    traffic.write(tmp_path, service.traffic)
    write = traffic.write

    def refuse(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(traffic, "write", refuse)
    with pytest.raises(OSError, match="no space left"):
        service._end_traffic("it is bad")
    assert service.traffic.mode == "champion"
    assert service._unwritten == service.traffic
    monkeypatch.setattr(traffic, "write", write)
    service._write_traffic(service.traffic)
    assert service._unwritten is None
    assert traffic.read(tmp_path) == service.traffic


def test_a_request_that_nobody_waits_for_is_not_kept() -> None:
    async def ask_and_go() -> int:
        batcher = served_by(1).batcher
        request = asyncio.create_task(batcher.ask({}, b"{}"))
        await asyncio.sleep(0)
        assert len(batcher._queue) == 1
        request.cancel()
        await asyncio.gather(request, return_exceptions=True)
        return len(batcher._queue)

    assert asyncio.run(ask_and_go()) == 0


def test_a_version_that_cannot_be_read_does_not_hide_the_other(
    config: Config, served: Path, tmp_path: Path
) -> None:
    traffic.write(served, traffic.begin("shadow", 2, 0, QUICK))
    registry.tag(served, config.model.name, 2, "record", "{")
    try:
        found = find_all(served, tmp_path, from_registry=True)
    finally:
        registry.tag(served, config.model.name, 2, "record", "{}")
        traffic.write(served, traffic.begin("champion", None, 0, QUICK))
    assert found["champion"]["version"] == 1
    assert found["challenger"] is None
    (problem,) = found["problems"]
    assert problem.startswith("challenger: it cannot be read: JSONDecodeError")


def test_a_registry_that_is_away_names_nobody_else(
    config: Config, served: Path, tmp_path: Path
) -> None:
    (tmp_path / "models").mkdir()
    shutil.copyfile(served / "params.yaml", tmp_path / "params.yaml")
    (tmp_path / "models" / "champion.json").write_text("{}")
    found = find_all(tmp_path, tmp_path, from_registry=True)
    assert found["champion"] is None
    assert "mlflow.db is gone" in found["problems"][0]
    assert not (tmp_path / "models" / "mlflow.db").exists()


def test_a_registry_that_is_replaced_is_opened_again(
    served: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = tmp_path / "models" / "mlflow.db"
    database.parent.mkdir()
    database.touch()
    monkeypatch.setattr(versions, "PAUSE", 0)
    looks = versions.changes(tmp_path)
    next(looks)
    other = tmp_path / "other.db"
    other.touch()
    other.replace(database)
    # The process ends, and the front starts another one.
    assert list(looks) == []


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


def test_a_typo_in_the_mode_is_told_before_the_registry_is_asked(
    served: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(served)
    mistakes = {
        ("canarry", "", ""): "did you mean canary",
        ("canary", "", ""): "MODEL= is missing",
        ("canary", "2", "5"): "SHARE=5 is for MODE=ab",
        ("ab", "2", "half"): "SHARE=half is no number",
        ("ab", "2", "100"): "SHARE=100 is no share",
        ("canary", "99", ""): "MODEL=99 is no version",
        ("shadow", "1", ""): "version 1 is the champion",
    }
    for (mode, model, share), said in mistakes.items():
        with pytest.raises(ProjectError, match=said):
            commands.traffic(mode, model=model, share=share)


def test_nothing_begins_without_a_champion_or_with_files_that_are_gone(
    config: Config, served: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(served, tmp_path / "own")
    monkeypatch.chdir(tmp_path / "own")
    monkeypatch.setattr(registry, "by_alias", lambda *_: None)
    with pytest.raises(ProjectError, match="there is no champion yet"):
        commands.traffic("canary", model="2", share="")
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path / "own")
    gone = registry.versions(tmp_path / "own", config.model.name)[0]
    monkeypatch.setattr(registry, "fetch", refuse_as_gone)
    with pytest.raises(ProjectError, match="the files are gone"):
        commands.traffic("shadow", model=str(gone.number), share="")
    assert traffic.read(tmp_path / "own").mode == "champion"


def refuse_as_gone(*_: object) -> Path:
    raise ProjectError("the files are gone")
