"""Model processes and the queue before them: what queued while one worked is its next batch.

So a request that comes to an idle process is answered at once and alone, and the more come, the
more are answered together.
"""

import asyncio
import logging
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import cast

from . import LENGTHS, Header, Loading, OverloadedError, RefusedVersionError, pack, unpack

log = logging.getLogger(__name__)

MAX_BATCH = 64
MAX_BATCH_BYTES = 1 << 20
"""Requests in a batch, and bytes of all of them: a larger one is predicted by itself."""

LINGER_SECONDS = 0.001
"""For which a process waits after a batch if requests are queued; an idle one adds no delay."""

LOAD_SECONDS = 60
"""In which a version must have loaded and answered its golden requests."""

CLOSE_SECONDS = 10
"""In which a process must end once it has nothing left to do; it writes its log meanwhile."""

GRACE_SECONDS = 0.2
"""Between two looks whether a process ended, and for what it wrote before to come."""

MAX_TRIES = 2
"""Of a request whose process ended before it answered."""

PAUSES = (0, 0.5, 1, 2, 5)
"""Seconds before a process that ended is started again, by how many starts failed."""

ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
"""Processes share the cores; threads of each would only wait for the others'."""


@dataclass(eq=False)
class Pending:
    """A request that waits for its answer."""

    header: Header
    body: bytes
    answer: "asyncio.Future[tuple[Header, bytes]]"
    tries: int = 0


class ModelProcess:
    """A process that has loaded a version."""

    def __init__(self, process: Process, ready: Header) -> None:
        """Take a process that said that it is ready, and what it said."""
        self._process = process
        self._stdin = cast(asyncio.StreamWriter, process.stdin)
        self._stdout = cast(asyncio.StreamReader, process.stdout)
        self.ready = ready
        self.end = asyncio.ensure_future(process.wait())

    @classmethod
    async def start(cls, loading: Loading) -> "ModelProcess":
        """Start a process, and wait until it has answered the golden requests.

        Raises:
            RefusedVersionError: It says why the version cannot be used, ended, or took too long.
        """
        module = f"{loading.package}.mlops.serving.backend"
        environment = os.environ | ONE_THREAD | {"PYTHONPATH": str(loading.source)}
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", module), stdin=PIPE, stdout=PIPE, env=environment
            )
        except OSError as error:
            raise RefusedVersionError(f"no process can be started: {error.strerror}") from None
        one = cls(process, {})
        try:
            async with asyncio.timeout(LOAD_SECONDS):
                one.ready, _ = await one.ask(pack(loading.message))
            failure = one.ready["failure"]
        except TimeoutError:
            failure = f"it was not ready in {LOAD_SECONDS} seconds"
        except EOFError:
            failure = "its process ended before it was ready; this log says above what it printed"
        # Its machinery may be older than this one.
        except (ValueError, KeyError) as error:
            failure = f"its process answers otherwise than expected: {error!r}"
        except BaseException:
            await one.kill()
            raise
        if failure:
            await one.kill()
            raise RefusedVersionError(failure)
        return one

    async def ask(self, message: bytes) -> tuple[Header, list[bytes]]:
        """Send a message and return what comes back; EOFError if the process ended."""
        answer = asyncio.ensure_future(self._exchange(message))
        has_ended = False
        try:
            while not answer.done():
                # The pipe need not say so: a child of the process may hold it open.
                if has_ended:
                    raise EOFError
                has_ended = self._process.returncode is not None
                await asyncio.wait({answer}, timeout=GRACE_SECONDS)
            return answer.result()
        finally:
            answer.cancel()

    async def _exchange(self, message: bytes) -> tuple[Header, list[bytes]]:
        # It ended while it had nothing to do: uvloop would raise RuntimeError.
        if self._stdin.is_closing():
            raise EOFError
        try:
            self._stdin.write(message)
            await self._stdin.drain()
            n_head, n_rest = LENGTHS.unpack(await self._stdout.readexactly(LENGTHS.size))
            head = await self._stdout.readexactly(n_head)
            return unpack(head, await self._stdout.readexactly(n_rest))
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise EOFError from error

    async def close(self) -> None:
        """Let the process end by itself, with its log written."""
        self._stdin.close()
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._process.wait()
        except TimeoutError:
            await self.kill()

    async def kill(self) -> None:
        """End the process at once."""
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()


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
        for one in self._queue:
            if not one.answer.done():
                one.answer.set_exception(OverloadedError())

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

    async def _restart(self) -> ModelProcess:
        """A new process for one that ended; tried for as long as it takes."""
        n_failures = 0
        while True:
            await asyncio.sleep(PAUSES[min(n_failures, len(PAUSES) - 1)])
            try:
                return await ModelProcess.start(self.loading)
            except RefusedVersionError as error:
                log.error("a model process cannot be started again: %s", error)
                n_failures += 1
