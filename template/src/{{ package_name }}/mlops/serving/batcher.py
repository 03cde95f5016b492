"""Model processes and the queue before them: what queued while one worked is its next batch.

So a request that comes to an idle process is answered at once and alone, and the more come, the
more are answered together.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from . import (
    CLOSE_SECONDS,
    Header,
    Loading,
    ModelProcess,
    OverloadedError,
    Pending,
    RefusedVersionError,
    pack,
)

log = logging.getLogger(__name__)

MAX_BATCH = 64
MAX_BATCH_BYTES = 1 << 20
"""Requests in a batch, and bytes of all of them: a larger one is predicted by itself."""

LINGER_SECONDS = 0.001
"""For which a process waits after a batch if requests are queued; an idle one adds no delay."""

MAX_TRIES = 2
"""Of a request whose process ended before it answered."""

PAUSES = (0, 0.5, 1, 2, 5)
"""Seconds before a process that ended is started again, by how many starts failed."""

GONE = "the model's processes cannot be started again; the log of the service says why"


@dataclass(eq=False)
class Batcher:
    """The processes of one version, and the requests that wait for them.

    Attributes:
        loading: What each process has to load.
        size: How many processes there are.
        ready: What the processes said when they were ready.
        is_wanting_scores: Whether answers are to hold the score of each row.
        log_problem: Why predictions are not logged at the moment; None if they are.
        n_alive: How many processes can answer at the moment.
    """

    loading: Loading
    size: int
    ready: Header = field(default_factory=dict)
    is_wanting_scores: bool = False
    log_problem: str | None = None
    n_alive: int = 0
    _queue: deque[Pending] = field(default_factory=deque)
    _filled: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: list["asyncio.Task[None]"] = field(default_factory=list)
    _is_closing: bool = False
    _is_gone: bool = False

    async def start(self) -> None:
        """Start all processes; RefusedVersionError if the version cannot be used."""
        # Side by side: most of the time goes by in imports.
        starts = [asyncio.create_task(ModelProcess.start(self.loading)) for _ in range(self.size)]
        try:
            started = await asyncio.gather(*starts, return_exceptions=True)
        except asyncio.CancelledError:
            for start in starts:
                if start.done() and not start.cancelled() and not start.exception():
                    await start.result().kill()
            raise
        processes = [one for one in started if isinstance(one, ModelProcess)]
        failures = [one for one in started if isinstance(one, BaseException)]
        # One that starts while another fails would answer for a version that is refused.
        if failures:
            await asyncio.gather(*(process.close() for process in processes))
            raise failures[0]
        self.ready = processes[0].ready
        self.n_alive = len(processes)
        self._tasks = [asyncio.create_task(self._work(process)) for process in processes]

    async def ask(self, header: Header, body: bytes) -> tuple[Header, bytes]:
        """Return the answer to a request.

        Args:
            header: Its `id`, `arm` and `partial`.
            body: Its rows in JSON.

        Returns:
            What the process says about the answer, and its body.

        Raises:
            OverloadedError: The processes ended at this request, and again; or it comes too late.
        """
        if self._is_closing:
            raise OverloadedError
        if self._is_gone:
            raise OverloadedError(GONE)
        waiting = Pending(header, body, asyncio.get_running_loop().create_future())
        self._queue.append(waiting)
        self._filled.set()
        try:
            return await waiting.answer
        except asyncio.CancelledError:
            # Nobody waits for it any more: not to be predicted, logged or kept.
            with suppress(ValueError):
                self._queue.remove(waiting)
            raise

    async def close(self) -> None:
        """Answer what is queued, then end the processes."""
        self._is_closing = True
        self._filled.set()
        _, late = await asyncio.wait(self._tasks, timeout=self.loading.timeout + CLOSE_SECONDS)
        for task in late:
            task.cancel()
        self._refuse_queued("")

    async def _work(self, process: ModelProcess) -> None:
        """Give a process one batch after the other; start another one where it ends."""
        while True:
            batch: list[Pending] = []
            try:
                batch = await self._take(process)
                if not batch:
                    break
                # Requests that come from here on are the next batch.
                await self._answer(batch, process)
                # Those just answered ask again at once: with who waits they are one batch, not two.
                if self._queue:
                    await asyncio.sleep(LINGER_SECONDS)
            except asyncio.CancelledError:
                await process.kill()
                raise
            # An answer that cannot be read is a sign of a process in disorder as well.
            except Exception as error:
                log.error("a model process ended, or did not answer: %s", type(error).__name__)
                await process.kill()
                self.n_alive -= 1
                self._put_back(batch)
                process = await self._restart()
                self.n_alive += 1
        await process.close()

    async def _answer(self, batch: Sequence[Pending], process: ModelProcess) -> None:
        """Let a process answer a batch; EOFError or TimeoutError if it does not."""
        bodies = [one.body for one in batch]
        header = {"requests": [one.header for one in batch], "scores": self.is_wanting_scores}
        async with asyncio.timeout(self.loading.timeout):
            report, answers = await process.ask(pack(header, bodies))
        self.log_problem = report["log_problem"]
        for one, facts, answer in zip(batch, report["answers"], answers, strict=True):
            # Whoever asked may have gone.
            if not one.answer.done():
                one.answer.set_result((facts, answer))

    async def _take(self, process: ModelProcess) -> list[Pending]:
        """The next batch; empty once this is closing; EOFError if the idle process ends."""
        while not self._queue:
            if self._is_closing:
                return []
            self._filled.clear()
            filled = asyncio.ensure_future(self._filled.wait())
            await asyncio.wait({filled, process.end}, return_when=asyncio.FIRST_COMPLETED)
            if not filled.done():
                filled.cancel()
                raise EOFError
        batch = [self._queue.popleft()]
        n_bytes = len(batch[0].body)
        # What made a process end before is tried alone, so that it harms no other.
        while self._queue and len(batch) < MAX_BATCH and not batch[0].tries:
            n_bytes += len(self._queue[0].body)
            if n_bytes > MAX_BATCH_BYTES or self._queue[0].tries:
                break
            batch.append(self._queue.popleft())
        return batch

    def _put_back(self, batch: Sequence[Pending]) -> None:
        """Queue the requests of a process that ended before all others, but not too often."""
        for one in reversed(batch):
            one.tries += 1
            if one.answer.done():
                continue
            if one.tries < MAX_TRIES:
                self._queue.appendleft(one)
            else:
                one.answer.set_exception(OverloadedError("the model process ended at this request"))
        self._filled.set()

    def _refuse_queued(self, reason: str) -> None:
        for one in self._queue:
            if not one.answer.done():
                one.answer.set_exception(OverloadedError(reason))

    async def _restart(self) -> ModelProcess:
        """A new process for one that ended; tried for as long as it takes."""
        n_failures = 0
        while True:
            await asyncio.sleep(PAUSES[min(n_failures, len(PAUSES) - 1)])
            try:
                process = await ModelProcess.start(self.loading)
            except RefusedVersionError as error:
                log.error("a model process cannot be started again: %s", error)
                n_failures += 1
                # Nobody would answer before the time of each request is over.
                self._is_gone = not self.n_alive
                if self._is_gone:
                    self._refuse_queued(GONE)
            else:
                self._is_gone = False
                return process


class Standby:
    """A version that is loaded and does not answer yet, so that a rollback waits for no import."""

    def __init__(self) -> None:
        """Begin without one; `key` tells a version from others, and is empty without one."""
        self.key = ""
        self._loading: asyncio.Task[Batcher] | None = None

    def begin(self, key: str, loading: Coroutine[Any, Any, Batcher]) -> None:
        """Load a version; none may stand by."""
        self.key = key
        self._loading = asyncio.create_task(loading)

    def keep(self, key: str, batcher: Batcher) -> None:
        """Let a version that answered stand by; none may do so yet."""
        self.begin(key, _loaded(batcher))

    def has_failed(self) -> bool:
        """Whether it could not be loaded, or has no process left."""
        if self._loading is None or not self._loading.done():
            return False
        if self._loading.cancelled() or self._loading.exception():
            return True
        return not self._loading.result().n_alive

    async def take(self, key: str) -> Batcher | None:
        """The version with this key, which stands by no more; None if another one does.

        Raises:
            RefusedVersionError: It cannot be used.
        """
        if self._loading is None or key != self.key:
            return None
        try:
            return await asyncio.shield(self._loading)
        finally:
            # A change that is given up for another one may want it again.
            if self._loading.done():
                self.key, self._loading = "", None

    def end(self) -> Coroutine[Any, Any, None]:
        """Forget the version; return what gives its loading up, or ends it."""
        loading = self._loading
        self.key, self._loading = "", None
        return _close_when_loaded(loading)


async def _loaded(batcher: Batcher) -> Batcher:
    return batcher


async def _close_when_loaded(loading: "asyncio.Task[Batcher] | None") -> None:
    if loading is None:
        return
    loading.cancel()
    (loaded,) = await asyncio.gather(loading, return_exceptions=True)
    if isinstance(loaded, Batcher):
        await loaded.close()
