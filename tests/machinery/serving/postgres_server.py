"""A PostgreSQL server for the tests, of the binaries that this machine has."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import psycopg
import pytest

PASSWORD = "open sesame/%"  # noqa: S105
QUOTED = "open%20sesame%2F%25"


def binary(name: str) -> str:
    """The path of one of PostgreSQL's binaries; Debian keeps them out of PATH."""
    found = shutil.which(name)
    if found:
        return found
    for path in sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True):
        return str(path)
    pytest.skip(f"{name} is not on this machine: apt-get install postgresql")


class Server:
    """PostgreSQL on a loopback port. It ends with the tests, even where they are killed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # It refuses to run as root.
        self.prefix: list[str] = []
        if os.geteuid() == 0:
            self.prefix = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
            shutil.chown(folder, "postgres", "postgres")
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = int(free.getsockname()[1])
        (folder / "password").write_text(PASSWORD)
        (folder / "password").chmod(0o644)
        command = [
            binary("initdb"),
            "-D",
            "data",
            "-U",
            "log",
            "--pwfile=password",
            "-A",
            "scram-sha-256",
        ]
        command += ["--no-sync", "-E", "UTF8", "--locale=C"]
        subprocess.run([*self.prefix, *command], cwd=folder, check=True, capture_output=True)
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"postgresql://log:{QUOTED}@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        dies_with_us = [*(self.prefix or ["setpriv"]), "--pdeathsig=INT"]
        command = [binary("postgres"), "-D", "data", "-p", str(self.port), "-F"]
        command += ["-c", "listen_addresses=127.0.0.1", "-k", str(self.folder)]
        with (self.folder / "log.txt").open("ab") as output:
            self.process = subprocess.Popen(
                [*dies_with_us, *command], cwd=self.folder, stdout=output, stderr=output
            )
        deadline = time.monotonic() + 30
        while not self.answers():
            assert self.process.poll() is None, (self.folder / "log.txt").read_text()
            assert time.monotonic() < deadline, (self.folder / "log.txt").read_text()
            time.sleep(0.05)

    def answers(self) -> bool:
        try:
            with psycopg.connect(self.url):
                return True
        except psycopg.OperationalError:
            return False

    def stop(self) -> None:
        if self.process:
            # SIGINT ends it without waiting for its clients.
            self.process.send_signal(signal.SIGINT)
            self.process.wait(30)
            self.process = None

    def query(self, question: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            answer = connection.execute(question.encode())
            return answer.fetchall() if answer.description else []
