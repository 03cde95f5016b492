"""Who answers a request: the champion, the challenger, or both."""

import asyncio
import json
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from ..config import Config
from . import Header, OverloadedError
from . import traffic as traffic_state
from .batcher import Batcher
from .metrics import Metrics
from .traffic import Arm, Traffic

MAX_SHADOWED = 64
"""Requests that may wait for the shadow: it must never slow down the champion."""

CHALLENGER_SHARE = 0.5
"""Of the time that a request may take, after which the champion answers in a canary's place."""

Facts = dict[str, Any]


@dataclass(frozen=True)
class Served:
    """A version that answers."""

    facts: Facts
    batcher: Batcher

    @property
    def version(self) -> int:
        """Its number in the registry."""
        return int(self.facts["version"])


@dataclass(frozen=True)
class Reply:
    """An answer to a client: its HTTP status, and a body in JSON."""

    status: int
    body: bytes


def _is_worse(canary: Header, champion: Header) -> bool:
    """Whether a canary refuses what the champion answers: a request, or rows of it."""
    if champion["status"] != 200:
        return False
    n_refused = sum(canary["rejected"].values())
    n_refused_anyway = sum(champion["rejected"].values())
    return bool(canary["status"] != 200 or n_refused > n_refused_anyway)


class Router:
    """The two versions, how requests are shared between them, and what was seen of both."""

    def __init__(self, config: Config) -> None:
        """Begin without a version.

        Args:
            config: The settings.
        """
        self.config = config
        self.metrics = Metrics()
        self.champion: Served | None = None
        self.challenger: Served | None = None
        self.traffic = Traffic()
        self.begin_stage()
        self._shadows: set[asyncio.Task[None]] = set()

    def begin_stage(self) -> None:
        """Forget what was seen of both versions."""
        self.champion_arm = Arm()
        self.challenger_arm = Arm()
        self.stage_began = perf_counter()

    async def answer(self, request_id: str, body: bytes, *, partial: bool) -> Reply:
        """Answer a request by the versions that are to answer it.

        Args:
            request_id: Its id.
            body: Its rows in JSON.
            partial: Whether rows that break a rule are left out.

        Returns:
            Status and body.

        Raises:
            OverloadedError: No version is loaded, or its processes end at this request.
        """
        header = {"id": request_id, "partial": partial}
        challenger = self.challenger
        # While another challenger is being loaded, this one is nobody's choice any more.
        is_meant = challenger is not None and challenger.version == self.traffic.challenger
        if challenger is None or not is_meant or self.traffic.mode == "champion":
            return (await self._ask_champion("champion", header, body))[1]
        if self.traffic.mode == "shadow":
            report, reply = await self._ask_champion("champion", header, body)
            self._shadow(challenger, header, body, report)
            return reply
        if self.traffic.mode == "canary":
            return await self._answer_with_canary(challenger, header, body)
        return await self._answer_in_test(challenger, header, body)

    async def _ask_champion(self, arm: str, header: Header, body: bytes) -> tuple[Header, Reply]:
        # Whoever it is now: a request may have waited for the challenger meanwhile.
        if self.champion is None:
            raise OverloadedError
        return await self._ask(self.champion, arm, header, body)

    async def _ask(
        self, served: Served, arm: str, header: Header, body: bytes
    ) -> tuple[Header, Reply]:
        began = perf_counter()
        report, answer = await served.batcher.ask(header | {"arm": arm}, body)
        # The wait in the queue counts: that is what the client feels.
        seconds = perf_counter() - began
        self.metrics.count(served.version, arm, report)
        log_fails = served.batcher.log_problem is not None
        self.metrics.log_fails.labels(served.version).set(log_fails)
        self.metrics.seconds.labels(arm).observe(seconds)
        if served is self.champion:
            self.champion_arm.add(report["buckets"], seconds)
        elif served is self.challenger:
            self.challenger_arm.add(report["buckets"], seconds)
        return report, Reply(report["status"], answer)

    def _shadow(self, challenger: Served, header: Header, body: bytes, report: Header) -> None:
        """Let the challenger answer too, later and to nobody."""
        if len(self._shadows) >= MAX_SHADOWED:
            self.metrics.skipped.inc()
            return
        task = asyncio.create_task(self._compare(challenger, header, body, report))
        # Held here: the event loop itself would let a task be collected.
        self._shadows.add(task)
        task.add_done_callback(self._shadows.discard)

    async def _compare(
        self, challenger: Served, header: Header, body: bytes, report: Header
    ) -> None:
        try:
            async with asyncio.timeout(self.config.serving.timeout_seconds):
                shadow, _ = await self._ask(challenger, "shadow", header, body)
        except (OverloadedError, TimeoutError):
            self.metrics.skipped.inc()
            return
        self.metrics.compare(report["scores"], shadow["scores"])

    async def _answer_with_canary(self, challenger: Served, header: Header, body: bytes) -> Reply:
        """The canary's answer, if it is its turn and it refuses no row; else the champion's."""
        report: Header = {}
        if traffic_state.is_for_challenger(self.traffic, header["id"]):
            seconds = CHALLENGER_SHARE * self.config.serving.timeout_seconds
            try:
                async with asyncio.timeout(seconds):
                    report, reply = await self._ask(challenger, "canary", header, body)
                if reply.status == 200 and not report["rejected"]:
                    return reply
            except (OverloadedError, TimeoutError):
                report = {"status": 503, "rejected": {}}
        of_champion, answer = await self._ask_champion("champion", header, body)
        # Another canary may have begun meanwhile.
        if report and challenger is self.challenger and _is_worse(report, of_champion):
            self.challenger_arm.errors += 1
        return answer

    async def _answer_in_test(self, challenger: Served, header: Header, body: bytes) -> Reply:
        """The answer of an A/B test, in which each entity always has the same version."""
        try:
            rows = json.loads(body)
        except (ValueError, RecursionError):
            rows = None
        listed = rows if isinstance(rows, list) else [rows]
        arms = {traffic_state.arm_of(self.traffic, row, self.config) for row in listed}
        if arms == {"treatment"}:
            return (await self._ask(challenger, "treatment", header, body))[1]
        # Rows of both arms, or of nobody known, are answered, and are no part of the test.
        arm = "control" if arms == {"control"} else "champion"
        return (await self._ask_champion(arm, header, body))[1]

    async def end_shadows(self) -> None:
        """Give up what only the shadow would have answered."""
        for task in self._shadows:
            task.cancel()
        await asyncio.gather(*self._shadows, return_exceptions=True)
