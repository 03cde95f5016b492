"""The service: it answers requests with the champion, and swaps models under load.

Here stands how its front and a model process speak to each other: a header in JSON, then bytes. A
model process is run by the code of its own version, which may be older than the front's. So neither
the frame nor the fields that are there may change; a new field may be added.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from struct import Struct
from typing import Any

LENGTHS = Struct("!II")
"""Before each message: the bytes of its header, and of all that follows the header."""

Header = dict[str, Any]


class RefusedVersionError(Exception):
    """A version that cannot be loaded, or does not give its golden answers."""


class OverloadedError(Exception):
    """No process is there that could answer in time."""


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
