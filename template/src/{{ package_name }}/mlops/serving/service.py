"""The versions that answer: loaded, warmed and swapped while requests flow."""

import asyncio
import logging
from contextlib import aclosing, suppress
from pathlib import Path
from time import perf_counter

from ..config import Config
from ..errors import ProjectError
from . import Loading, RefusedVersionError, versions
from . import traffic as traffic_state
from .batcher import Batcher, Standby
from .router import Facts, Router, Served
from .traffic import Traffic

log = logging.getLogger(__name__)

TICK = 0.5
"""Seconds between two looks at a canary."""

RELOAD_SECONDS = 30
"""After a try to load a champion, in which another is made while none answers."""


class Service(Router):
    """Loads, swaps and ends the versions that answer, and moves a canary through its stages."""

    def __init__(self, root: Path, config: Config) -> None:
        """Prepare the service of a project; `start` begins to load.

        Args:
            root: The project.
            config: Its settings.
        """
        super().__init__(config)
        self.root = root
        self.problem = "the champion is being loaded"
        self.in_flight = 0
        self._wanted: Facts | None = None
        self._tried = 0.0
        self._refused: dict[str, str] = {}
        self._unwritten: Traffic | None = None
        self._close_tasks: set[asyncio.Task[None]] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._change_task: asyncio.Task[None] | None = None
        # What a rollback will want.
        self._standby = Standby()

    async def start(self, scratch: Path) -> None:
        """Begin to look for versions, and to load them.

        Args:
            scratch: Where their code is unpacked.
        """
        self._tasks = [
            asyncio.create_task(self._follow_versions(scratch)),
            asyncio.create_task(self._watch()),
        ]

    async def close(self) -> None:
        """Answer what is in flight, then end all processes."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._end_change()
        await self.end_shadows()
        # Each process writes what is left of its log before it ends.
        for served in (self.champion, self.challenger):
            self._end(served)
        self._end_standby()
        await asyncio.gather(*self._close_tasks, return_exceptions=True)

    async def _follow_versions(self, scratch: Path) -> None:
        """Load what the process that watches the registry names."""
        while True:
            try:
                async with aclosing(versions.follow(self.root, scratch)) as changes:
                    async for wanted in changes:
                        await self._begin_change(wanted)
                log.error("the process that watches the registry ended; it is started again")
            # Whatever it is: without this task no promotion and no rollback would arrive.
            except Exception as error:
                log.error("a change of versions failed: %r", error)
            await asyncio.sleep(1)

    async def _begin_change(self, wanted: Facts) -> None:
        """Begin to load what is wanted, in place of what was wanted before."""
        # A version that loads for a minute must not keep a rollback waiting.
        await self._end_change()
        self._change_task = asyncio.create_task(self._change_to(wanted))

    async def _end_change(self) -> None:
        """Give up the change that goes on, if one does."""
        if self._change_task:
            self._change_task.cancel()
            await asyncio.gather(self._change_task, return_exceptions=True)

    async def _change_to(self, wanted: Facts) -> None:
        self._wanted = wanted
        self._tried = perf_counter()
        # Its cause may be gone: each change is a reason to try again.
        self._refused.clear()
        self.metrics.refused.clear()
        for problem in wanted["problems"]:
            log.error("%s", problem)
            self.metrics.refused.labels("", problem).set(1)
        # First, so that there are never more than two versions beside the one that is loaded.
        self._end_other_standby(wanted)
        before = (self.champion, self.challenger, self.traffic.salt)
        try:
            self._read_traffic()
            await self._change_champion(wanted)
            self._show_versions()
            await self._change_challenger(wanted)
            self._stand_by(wanted["previous"])
        # Nobody waits for this task, so nobody else would say it.
        except Exception as error:
            log.error("a change of versions failed: %r", error)
        if before != (self.champion, self.challenger, self.traffic.salt):
            self.begin_stage()
        self._show_versions()

    def _read_traffic(self) -> None:
        """Follow the file: it may have changed since the registry was asked."""
        try:
            self.traffic = traffic_state.read(self.root)
        except ProjectError as error:
            log.error("%s; the traffic stays as it is", error)

    async def _change_champion(self, wanted: Facts) -> None:
        old = self.champion
        self.champion = await self._swap(old, wanted["champion"], None)
        if self.champion is None:
            refusals = [*wanted["problems"], *self._refused.values()]
            self.problem = str(refusals[0]) if refusals else "there is no champion"
        elif self.champion is not old:
            # Its predictions were counted in the buckets of the champion that was.
            self._end(self.challenger)
            self.challenger = None

    async def _change_challenger(self, wanted: Facts) -> None:
        """Bring the challenger that the traffic names, and only that one."""
        named = self.traffic.challenger
        if self.champion and named == self.champion.version:
            self._end_traffic("it is champion now")
            named = None
        if self.challenger and self.challenger.version != named:
            self._end(self.challenger)
            self.challenger = None
        facts = wanted["challenger"]
        # Where the traffic has changed since the look, the next look names its challenger.
        if not self.champion or facts is None or int(facts["version"]) != named:
            return
        edges = self.champion.batcher.ready["edges"]
        self.challenger = await self._swap(self.challenger, facts, edges)
        reason = self._refused.get(_key(facts), "")
        # What cannot answer must not stay announced.
        if self.challenger is None and reason:
            self._end_traffic(reason)

    async def _swap(
        self, old: Served | None, wanted: Facts | None, edges: list[float] | None
    ) -> Served | None:
        """The version to serve from now on: the wanted one, once it has proved itself."""
        # The old one stays while the registry is away, or names none.
        is_known = old is not None and _key(old.facts) == _key(wanted)
        if wanted is None or is_known:
            return old
        began = perf_counter()
        try:
            batcher = await self._batcher_of(wanted, edges)
        except RefusedVersionError as error:
            log.error("version %s is not served: %s", wanted["version"], error)
            self._refused[_key(wanted)] = str(error)
            self.metrics.refused.labels(wanted["version"], str(error)).set(1)
            return old
        # The old one still answers what it has: only new requests go to the new one.
        retire = self._retire if edges is None else self._end
        retire(old)
        self.metrics.swaps.inc()
        seconds = perf_counter() - began
        log.warning("version %s answers, loaded in %.1f s", wanted["version"], seconds)
        return Served(wanted, batcher)

    def _stand_by(self, facts: Facts | None) -> None:
        """Load the version before the champion, unless it is there."""
        # After a rollback the registry may still name the champion for a moment.
        champion = self.champion.facts if self.champion else None
        if facts and not self._standby.key and _key(facts) != _key(champion):
            self._standby.begin(_key(facts), self._load(facts, None))

    def _end_other_standby(self, wanted: Facts) -> None:
        """End a standby that failed, or is neither the version before nor the next champion."""
        known = {_key(wanted["previous"]), _key(wanted["champion"])}
        if self._standby.has_failed() or self._standby.key not in known:
            self._end_standby()

    async def _batcher_of(self, wanted: Facts, edges: list[float] | None) -> Batcher:
        """The processes of a version: those of the standby, or new ones."""
        # A challenger is counted in the champion's buckets, which a standby does not know.
        standby = await self._standby.take(_key(wanted)) if edges is None else None
        return standby or await self._load(wanted, edges)

    async def _load(self, wanted: Facts, edges: list[float] | None) -> Batcher:
        message = {
            "root": str(self.root),
            "folder": wanted["folder"],
            "files": wanted["files"],
            "edges": edges,
            "facts": {name: wanted[name] for name in ("model", "version", "commit")},
        }
        timeout = self.config.serving.timeout_seconds
        loading = Loading(Path(wanted["source"]), wanted["package"], message, timeout)
        batcher = Batcher(loading, self.config.serving.workers)
        await batcher.start()
        return batcher

    def _retire(self, old: Served | None) -> None:
        """Let a version stand by if it is the one before the champion now; end any other."""
        previous = self._wanted["previous"] if self._wanted else None
        if old is None or self._standby.key or _key(old.facts) != _key(previous):
            self._end(old)
        else:
            self._standby.keep(_key(previous), old.batcher)

    def _end_standby(self) -> None:
        self._hold(asyncio.create_task(self._standby.end()))

    def _end(self, served: Served | None) -> None:
        """Let a version answer what it has, and end; nobody waits for it."""
        if served is None:
            return
        self._hold(asyncio.create_task(served.batcher.close()))

    def _hold(self, task: asyncio.Task[None]) -> None:
        """Keep a task until it is done: the event loop itself would let it be collected."""
        self._close_tasks.add(task)
        task.add_done_callback(self._close_tasks.discard)

    def _show_versions(self) -> None:
        self.metrics.model.clear()
        self.metrics.log_fails.clear()
        for arm, served in (("champion", self.champion), ("challenger", self.challenger)):
            if served:
                facts = served.facts
                labels = (facts["model"], facts["version"], facts["commit"], arm)
                self.metrics.model.labels(*labels).set(1)
                served.batcher.is_wanting_scores = self.traffic.mode == "shadow"

    async def _watch(self) -> None:
        """Look after a canary, and try again to load a champion that was refused."""
        while True:
            await asyncio.sleep(TICK)
            try:
                if self.traffic.mode == "canary" and self.challenger:
                    self._judge_canary()
                if self._unwritten:
                    self._write_traffic(self._unwritten)
                is_due = perf_counter() - self._tried > RELOAD_SECONDS
                is_loading = self._change_task and not self._change_task.done()
                if self.champion is None and self._wanted and is_due and not is_loading:
                    await self._begin_change(self._wanted)
            # Whatever it is: a canary that nobody watches would go on for ever.
            except Exception as error:
                log.error("the look at the canary failed: %r", error)

    def _judge_canary(self) -> None:
        # Somebody may have ended it by a command that has not arrived here yet. A file that cannot
        # be read is no such command, and no reason to let a bad canary go on.
        with suppress(ProjectError):
            if traffic_state.read(self.root) != self.traffic:
                return
        settings = self.config.serving.canary
        reason = traffic_state.fault(self.champion_arm, self.challenger_arm, settings)
        if reason:
            self._end_traffic(reason)
            return
        # After its last stage it goes on to be judged.
        if self.traffic.outcome:
            return
        is_long_enough = perf_counter() - self.stage_began >= settings.stage_seconds
        if is_long_enough and self.challenger_arm.rows >= settings.stage_rows:
            stage = traffic_state.next_stage(self.traffic, settings)
            # First the file: a share that the next start would not know does not begin.
            self._write_traffic(stage)
            self._follow(stage)

    def _end_traffic(self, reason: str) -> None:
        """Let the champion answer alone, at once and after the next start."""
        ended = traffic_state.end(self.traffic, reason)
        self._follow(ended)
        # Until it can be written it is tried again.
        self._unwritten = ended
        self._write_traffic(ended)

    def _write_traffic(self, traffic: Traffic) -> None:
        traffic_state.write(self.root, traffic)
        self._unwritten = None

    def _follow(self, traffic: Traffic) -> None:
        share = f"{traffic.mode} of version {traffic.challenger} at {traffic.share:g} %"
        log.warning("traffic: %s", traffic.outcome or share)
        self.traffic = traffic
        self.begin_stage()


def _key(facts: Facts | None) -> str:
    """What tells a version from others, also from one of the same number in a new registry."""
    return f"{facts['version']}:{facts['sha256']}" if facts else ""
