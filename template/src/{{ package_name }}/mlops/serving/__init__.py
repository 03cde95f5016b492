"""The service: it answers requests with the champion, and swaps models under load.

Here stands how its front and a model process speak to each other: a header in JSON, then bytes. A
model process is run by the code of its own version, which may be older than the front's. So neither
the frame nor the fields that are there may change; a new field may be added.
"""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from struct import Struct
from typing import Any, cast

LENGTHS = Struct("!II")
"""Before each message: the bytes of its header, and of all that follows the header."""

LOAD_SECONDS = 60
"""In which a version must have loaded and answered its golden requests."""

CLOSE_SECONDS = 10
"""In which a process must end once it has nothing left to do; it writes its log meanwhile."""

GRACE_SECONDS = 0.2
"""Between two looks whether a process ended, and for what it wrote before to come."""

ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
"""Processes share the cores; threads of each would only wait for the others'."""

Header = dict[str, Any]
Problem = dict[str, Any]


class RefusedVersionError(Exception):
    """A version that cannot be loaded, or does not give its golden answers."""


class OverloadedError(Exception):
    """No process is there that could answer in time."""


def problem(row: int | None, column: str, rule: str) -> Problem:
    """Return what is wrong with a row, without its value: that may be nobody's business.

    Args:
        row: Its number in the request, from 0; None if it is the request as a whole.
        column: The column; empty if it is the row as a whole.
        rule: The rule that is broken.
    """
    return {"row": row, "column": column, "rule": rule}


@dataclass(frozen=True)
class Loading:
    """What a model process has to load.

    Attributes:
        source: The folder in which Python finds the package: the version's own code.
        package: The name of the package.
        message: The project's root, the version's folder, and the facts about it.
        timeout: Seconds in which a batch must be answered.
    """

    source: Path
    package: str
    message: Header
    timeout: float


@dataclass(frozen=True)
class Asked:
    """A request as the front passes it on.

    Attributes:
        id: Its id.
        arm: For whom the version answers: `champion`, `canary` and the like.
        partial: Whether rows that break a rule are left out, instead of refusing them all.
        body: Its rows in JSON.
    """

    id: str
    arm: str
    partial: bool
    body: bytes


@dataclass(eq=False)
class Pending:
    """A request that waits for its answer."""

    header: Header
    body: bytes
    answer: "asyncio.Future[tuple[Header, bytes]]"
    tries: int = 0


def pack(header: Header, bodies: Sequence[bytes] = ()) -> bytes:
    """Return a message.

    Args:
        header: What can be written as JSON.
        bodies: What is sent as it is; the header gets their `sizes`.
    """
    # The bodies are not part of the JSON, since to quote them would cost more than to predict.
    sizes = [len(body) for body in bodies]
    head = json.dumps(header | {"sizes": sizes}).encode()
    return b"".join([LENGTHS.pack(len(head), sum(sizes)), head, *bodies])


def unpack(head: bytes, rest: bytes) -> tuple[Header, list[bytes]]:
    """Return header and bodies of a message.

    Args:
        head: The bytes of the header.
        rest: The bytes that follow it.
    """
    header: Header = json.loads(head)
    bodies = []
    start = 0
    for size in header["sizes"]:
        bodies.append(rest[start : start + size])
        start += size
    return header, bodies


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
