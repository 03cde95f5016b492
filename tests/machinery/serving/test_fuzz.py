"""No input makes the service fail: what schemathesis and hypothesis think of, and slow clients.

`FUZZ_EXAMPLES=1000 pytest tests/machinery/serving/test_fuzz.py` looks longer, and elsewhere each
time.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from machinery.serving import known
from machinery.serving.known import JSON, Answered, Server

IS_LONG = "FUZZ_EXAMPLES" in os.environ
N_EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "50"))
KEY = "clé secrète"
WITH_KEY = JSON | {"X-API-Key": KEY.encode().decode("latin-1")}
STRICT = {"max_waiting": 4, "timeout_seconds": 2}
STATUSES = {200, 400, 408, 413, 415, 422}

Body = dict[str, Any]

fuzzed = settings(
    max_examples=N_EXAMPLES,
    deadline=None,
    derandomize=not IS_LONG,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module", autouse=True)
def nothing_failed(server: Server) -> Iterator[None]:
    """In the end it answers as in the beginning, and no error was logged on the way."""
    yield
    assert "Traceback" not in server.log.read_text()
    assert "ended" not in server.log.read_text()
    assert server.ask("GET", "/ready").status == 200
    # Names and messages that a client made up are no metrics: they would never end.
    assert server.ask("GET", "/metrics").body.count("rejected_rows_total{") < 200


def explore(server: Server, folder: Path, *options: str) -> None:
    """Let schemathesis ask what the service documents, in a process of its own."""
    seed = () if IS_LONG else ("--seed", "2026")
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", "--max-examples", str(N_EXAMPLES)),
        *(f"http://127.0.0.1:{server.port}/openapi.json", *seed, *options),
    ]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_answer_is_documented(server: Server, tmp_path: Path) -> None:
    # Rows have rules beside those of the schema, and with partial=true bad ones are no error.
    explore(
        server, tmp_path, "--exclude-checks", "positive_data_acceptance,negative_data_rejection"
    )


@pytest.fixture(scope="session")
def row(bodies: list[Body]) -> Body:
    """A row that holds all rules; alone, since hypothesis shows what a test is given."""
    return bodies[0]


def judged(answer: Answered) -> Answered:
    """See that an answer is one of those that are documented."""
    assert answer.status in STATUSES
    assert answer.headers["x-request-id"]
    assert answer.headers["content-type"] == "application/json"
    if answer.status != 200:
        assert answer.body["detail"]
        assert all(set(found) == {"row", "column", "rule"} for found in answer.body["detail"])
    return answer


@fuzzed
@given(body=st.binary(max_size=1000), partial=st.booleans())
def test_bytes_are_refused(server: Server, body: bytes, partial: bool) -> None:
    query = "?partial=true" if partial else ""
    assert judged(server.ask("POST", f"/predict{query}", body, JSON)).status != 200 or partial


scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(10**15, 10**400)
    | st.floats()
    | st.text()
    | st.sampled_from(["", "2026-01-31", "9999-12-31T23:59:59Z", "north", "NaN", "1e400", "-"])
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8
)


@fuzzed
@given(changes=st.lists(st.tuples(st.data(), values), max_size=3), partial=st.booleans())
def test_a_row_with_any_value(
    server: Server, row: Body, changes: list[tuple[Any, Any]], partial: bool
) -> None:
    changed = dict(row)
    names = st.sampled_from(list(changed)) | st.text()
    for data, value in changes:
        changed[data.draw(names)] = value
    body = json.dumps([changed, row]).encode()
    query = "?partial=true" if partial else ""
    answer = judged(server.ask("POST", f"/predict{query}", body, JSON))
    if answer.status == 200:
        # The sound row beside it has its prediction.
        assert answer.body["predictions"][1] is not None


@fuzzed
@given(value=values)
def test_json_that_is_no_row(server: Server, value: Any) -> None:
    assert judged(server.predict(value)).status == 422


# Control characters are no HTTP: they are refused before it comes to the service.
in_headers = st.characters(min_codepoint=32, max_codepoint=255, exclude_categories=["Cc"])


@fuzzed
@given(
    kind=st.text(in_headers, max_size=40)
    | st.sampled_from(["application/json; charset=utf-16", "APPLICATION/JSON", "text/json"]),
    request_id=st.text(in_headers, max_size=100),
)
def test_any_header(server: Server, row: Body, kind: str, request_id: str) -> None:
    headers = {"Content-Type": kind.strip(), "X-Request-ID": request_id.strip()}
    answer = judged(server.ask("POST", "/predict", json.dumps(row).encode(), headers))
    is_json = kind.partition(";")[0].strip().lower() == "application/json"
    assert answer.status == (200 if is_json else 415)
    assert answer.headers["x-request-id"] == answer.body["request_id"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"[" * 1_000_000, 400),
        (b'{"a":' * 1_000_000, 400),
        (b"[" + b",".join([b"{}"] * 1_000_000) + b"]", 413),
        (b'{"tenure_months": ' + b"1" * 5_000_000 + b"}", 400),
        (b"{" + b",".join(b'"k%d":1' % number for number in range(500_000)) + b"}", 422),
        (b'{"' + b"k" * 5_000_000 + b'": 1}', 422),
        (json.dumps([{"k" * 800 + str(number): 1} for number in range(9_000)]).encode(), 422),
    ],
    ids=["lists", "objects", "a million rows", "digits", "names", "a name", "8 MB"],
)
def test_what_is_huge_is_refused_in_time(server: Server, body: bytes, status: int) -> None:
    began = time.monotonic()
    try:
        answer = judged(server.ask("POST", "/predict", body, JSON))
    except (BrokenPipeError, ConnectionResetError):
        # Refused by its declared length, before the client had sent it all.
        assert len(body) > 8 << 20
        return
    assert answer.status == status
    assert len(json.dumps(answer.body)) < 100_000
    assert time.monotonic() - began < 8


# --- connections ----------------------------------------------------------------------------------


def raw(body: bytes, length: int | None = None) -> bytes:
    """A request as it goes over the wire."""
    length = len(body) if length is None else length
    head = f"POST /predict HTTP/1.1\r\nHost: here\r\nX-API-Key: {KEY}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    return head.encode() + body


@fuzzed
@given(sent=st.binary(max_size=200), is_reset=st.booleans())
def test_bytes_that_are_not_http(server: Server, sent: bytes, is_reset: bool) -> None:
    with closing(socket.create_connection(("127.0.0.1", server.port), known.SECONDS)) as client:
        client.sendall(sent)
        if not is_reset:
            client.shutdown(socket.SHUT_WR)
            answer = client.recv(1000)
            assert not answer or answer.startswith(b"HTTP/1.1 4")


@pytest.mark.parametrize("how", ["half closed", "reset"])
@pytest.mark.parametrize("part", [30, 120, 200])
def test_a_client_that_goes_harms_nobody(
    server: Server, bodies: list[Body], how: str, part: int
) -> None:
    request = raw(json.dumps(bodies[0]).encode())
    with closing(socket.create_connection(("127.0.0.1", server.port), known.SECONDS)) as client:
        client.sendall(request[:part])
        if how == "half closed":
            client.shutdown(socket.SHUT_WR)
            assert b"HTTP/1.1 5" not in client.recv(1000)
    server.wait(lambda: server.metric("requests_in_flight") == 0, "the end of the request")
    assert server.predict(bodies[0]).status == 200


def test_pipelined_requests_are_answered_in_their_order(server: Server, bodies: list[Body]) -> None:
    expected = [server.predict(body).body["predictions"] for body in bodies[:5]]
    with closing(socket.create_connection(("127.0.0.1", server.port), known.SECONDS)) as client:
        client.sendall(b"".join(raw(json.dumps(body).encode()) for body in bodies[:5]))
        answers = client.makefile("rb")
        found = []
        for _ in expected:
            assert answers.readline().startswith(b"HTTP/1.1 200")
            length = int(http.client.parse_headers(answers)["content-length"])
            found.append(json.loads(answers.read(length))["predictions"])
    assert found == expected


# --- limits ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def strict(served: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The same versions served with narrow limits, to those who have the key."""
    root = tmp_path_factory.mktemp("strict")
    with known.serving_with(served, root, STRICT, SERVING_API_KEY=KEY) as running:
        yield running
    assert "Traceback" not in running.log.read_text()


def test_only_who_has_the_key_is_answered(
    strict: Server, bodies: list[Body], tmp_path: Path
) -> None:
    body = json.dumps(bodies[0]).encode()
    for headers in (JSON, JSON | {"X-API-Key": "wrong"}, JSON | {"X-API-Key": KEY[:-1]}):
        for method, path in (("POST", "/predict"), ("GET", "/model"), ("GET", "/metrics")):
            answer = strict.ask(method, path, body, headers)
            assert answer.status == 401
            assert answer.body["detail"][0]["rule"]
    assert strict.ask("POST", "/predict", body, WITH_KEY).status == 200
    assert strict.ask("GET", "/model", headers=WITH_KEY).status == 200
    # What an orchestrator asks needs none.
    assert strict.ask("GET", "/health").status == strict.ask("GET", "/ready").status == 200
    explore(
        *(strict, tmp_path, "--header", f"X-API-Key: {WITH_KEY['X-API-Key']}"),
        *("--phases", "coverage", "--checks", "ignored_auth,status_code_conformance"),
    )
    document = strict.ask("GET", "/openapi.json").body
    assert document["paths"]["/predict"]["post"]["security"] == [{"key": []}]
    assert KEY not in json.dumps(document, ensure_ascii=False)


def test_a_body_that_trickles_is_refused_in_time(strict: Server, bodies: list[Body]) -> None:
    request = raw(json.dumps(bodies[0]).encode())
    began = time.monotonic()
    with closing(socket.create_connection(("127.0.0.1", strict.port), known.SECONDS)) as client:
        client.sendall(request[:200])
        client.settimeout(0.1)
        answer = b""
        for position in range(200, len(request)):
            client.sendall(request[position : position + 1])
            try:
                answer = client.recv(1000)
                break
            except TimeoutError:
                assert time.monotonic() - began < STRICT["timeout_seconds"] + 5
    assert answer.startswith(b"HTTP/1.1 408")
    assert time.monotonic() - began >= STRICT["timeout_seconds"]


def test_more_than_may_wait_get_503_and_then_it_recovers(
    strict: Server, bodies: list[Body]
) -> None:
    body = json.dumps(bodies * 5).encode()
    answers: list[Answered] = []

    def ask() -> None:
        answers.append(strict.ask("POST", "/predict", body, WITH_KEY))

    threads = [threading.Thread(target=ask) for _ in range(10 * STRICT["max_waiting"])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counts = Counter(answer.status for answer in answers)
    assert set(counts) == {200, 503}
    for answer in answers:
        assert answer.status == 200 or int(answer.headers["retry-after"]) > 0
    assert strict.ask("POST", "/predict", body, WITH_KEY).status == 200
