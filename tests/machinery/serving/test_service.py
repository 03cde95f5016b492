"""What the front decides by itself, without a model process."""

from __future__ import annotations

import asyncio
import io
import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from churn_radar.mlops.config import Config
from churn_radar.mlops.serving import (
    LENGTHS,
    Header,
    Loading,
    ModelProcess,
    OverloadedError,
    RefusedVersionError,
    app,
    backend,
    batcher,
    traffic,
)
from churn_radar.mlops.serving.batcher import Batcher
from churn_radar.mlops.serving.router import Facts, Router, Served
from churn_radar.mlops.serving.service import Service
from churn_radar.mlops.serving.traffic import Traffic
from machinery.serving import known
from machinery.serving.known import QUICK


def served_by(version: int) -> Served:
    loading = Loading(Path(), "", {}, 1)
    return Served({"version": version, "model": "m", "commit": ""}, Batcher(loading, 1))


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


def test_a_challenger_is_not_taken_from_the_standby_whose_buckets_are_its_own(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = {"version": 1, "sha256": "a", "model": "m", "commit": ""}
    stands_by = served_by(1).batcher
    stands_by.n_alive = 1
    loaded = []

    async def load(_: Service, wanted: Facts, edges: list[float] | None) -> Batcher:
        loaded.append(edges)
        return served_by(1).batcher

    async def take_both() -> tuple[Batcher, Batcher]:
        service = Service(tmp_path, config)
        service._standby.keep("1:a", stands_by)
        challenger = await service._batcher_of(facts, [0.5])
        return challenger, await service._batcher_of(facts, None)

    monkeypatch.setattr(Service, "_load", load)
    challenger, champion = asyncio.run(take_both())
    assert loaded == [[0.5]]
    assert challenger is not stands_by
    assert champion is stands_by


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


def test_requests_do_not_wait_for_a_version_that_cannot_be_started_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Ended(ModelProcess):
        def __init__(self) -> None:
            self.ready: Header = {}
            self.end = asyncio.get_running_loop().create_future()

        async def ask(self, message: bytes) -> tuple[Header, list[bytes]]:
            raise EOFError

        async def kill(self) -> None: ...

    is_first = True

    async def start(_: Loading) -> ModelProcess:
        nonlocal is_first
        if not is_first:
            raise RefusedVersionError("its files are gone")
        is_first = False
        return Ended()

    async def ask_twice() -> None:
        asked = Batcher(Loading(Path(), "", {}, known.SECONDS), 1)
        await asked.start()
        for _ in range(2):
            async with asyncio.timeout(known.SECONDS / 2):
                with pytest.raises(OverloadedError, match="cannot be started again"):
                    await asked.ask({"id": "1"}, b"{}")
        for task in asked._tasks:
            task.cancel()

    monkeypatch.setattr(batcher.ModelProcess, "start", start)
    asyncio.run(ask_twice())


def test_a_load_that_is_given_up_leaves_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    class Process:
        is_killed = False

        async def kill(self) -> None:
            self.is_killed = True

    ready = Process()
    starts = iter([True, False])

    async def start(_: Loading) -> Process:
        if not next(starts):
            await asyncio.sleep(known.SECONDS)
        return ready

    async def begin_and_give_up() -> None:
        loading = asyncio.create_task(Batcher(Loading(Path(), "", {}, 1), 2).start())
        await asyncio.sleep(0.1)
        loading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await loading

    monkeypatch.setattr(batcher.ModelProcess, "start", start)
    asyncio.run(begin_and_give_up())
    assert ready.is_killed


def test_the_newest_wish_ends_the_load_of_a_champion(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given_up: list[int] = []

    async def swap(_: Service, old: Served | None, wanted: Facts, __: object) -> Served | None:
        if wanted["version"] == 6:
            try:
                await asyncio.sleep(known.SECONDS)
            except asyncio.CancelledError:
                given_up.append(6)
                raise
        return served_by(wanted["version"])

    async def promote_and_roll_back() -> Service:
        service = Service(tmp_path, config)
        for version in (6, 1):
            champion = {"version": version, "sha256": "", "model": "m", "commit": ""}
            await service._begin_change(
                {"champion": champion, "challenger": None, "previous": None, "problems": []}
            )
            await asyncio.sleep(0.1)
        return service

    monkeypatch.setattr(Service, "_swap", swap)
    service = asyncio.run(promote_and_roll_back())
    assert given_up == [6]
    assert service.champion is not None
    assert service.champion.version == 1


CHILD_SECONDS = 5

FORKS = f"""
import os, time
if os.fork() == 0:
    time.sleep({CHILD_SECONDS})
"""
"""Ends, and leaves a child that holds its pipes."""


def test_a_process_that_ended_is_known_though_its_child_holds_the_pipe() -> None:
    async def ask() -> float:
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", FORKS), stdin=pipe, stdout=pipe
        )
        began = monotonic()
        with pytest.raises(EOFError):
            await batcher.ModelProcess(process, {}).ask(b"x")
        seconds = monotonic() - began
        # While there is a loop: the child keeps the pipes open.
        process._transport.close()  # type: ignore[attr-defined]
        return seconds

    assert asyncio.run(ask()) < CHILD_SECONDS


@pytest.mark.parametrize("message", [LENGTHS.pack(9, 0) + b"{}", LENGTHS.pack(2, 9) + b"{}abc"])
def test_half_a_message_is_the_end(message: bytes) -> None:
    with pytest.raises(EOFError):
        backend._read(io.BytesIO(message))
    assert backend._read(io.BytesIO(message[:3])) is None


def test_the_next_start_removes_what_a_killed_service_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    left, new, foreign = (tmp_path / f"served-{name}" for name in ("left", "new", "foreign"))
    for folder in (left, new, foreign):
        (folder / "code").mkdir(parents=True)
    for folder in (left, new):
        (folder / app.LOCK).touch()
    long_ago = time.time() - 2 * app.NEW_SECONDS
    os.utime(left, (long_ago, long_ago))
    os.utime(foreign, (long_ago, long_ago))
    with app.scratch_folder() as running:
        os.utime(running, (long_ago, long_ago))
        with app.scratch_folder() as other:
            # The lock of the first one is held, however old its folder is.
            assert {*tmp_path.iterdir()} == {new, foreign, running, other}
    assert {*tmp_path.iterdir()} == {new, foreign}
