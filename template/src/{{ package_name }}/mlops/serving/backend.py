"""A model process: answers whatever queued while it worked, by one version and that one's code.

`python -m <package>.mlops.serving.backend` reads from standard input what to load, then batches of
requests, and writes answers to standard output. It ends when its input ends, so none outlives the
front.
"""

import gc
import json
import os
import signal
import sys
from pathlib import Path
from time import perf_counter
from typing import Any, BinaryIO

import numpy as np
import sklearn
from pydantic_core import to_json

from .. import team
from ..checksums import file_hash
from ..config import load_config
from ..errors import ProjectError
from . import LENGTHS, Asked, Header, pack, problem, unpack
from .log import PredictionLog
from .logged import Logged
from .predictor import Answer, Predictor

TOLERANCE = 1e-9
"""By which an answer may differ from the golden one: the order of a sum may be another."""

N_TIMED = 10
"""Golden rows that are answered one by one, to see how long that takes."""

GC_THRESHOLD = 50_000
"""New objects between two collections of garbage."""


def main() -> None:
    """Load a version, say so, and answer until the input ends."""
    # What ends a whole group of processes reaches this one too: it is the front that ends it, by
    # closing its input, once what is in flight was answered.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    messages, answers = _pipes()
    # Parameters were looked at when the model was fitted.
    sklearn.set_config(skip_parameter_validation=True)
    first = _read(messages)
    if first is None:
        return
    loading, _ = first
    try:
        config = load_config(Path(loading["root"]))
        folder = Path(loading["folder"])
        _require_files(folder, loading["files"])
        predictor = Predictor(config, folder, loading["facts"], loading["edges"])
        warm_up(predictor, config.serving.warm_up_ms)
        writer = f"v{loading['facts']['version']}-{os.getpid()}"
        log = PredictionLog(Path(loading["root"]), config, writer)
    except ProjectError as error:
        _write(answers, pack({"failure": str(error)}))
        return
    # What was loaded stays: to look for garbage in it again and again would delay answers.
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD)
    _write(answers, pack(_ready(predictor)))
    try:
        while (message := _read(messages)) is not None:
            _answer(predictor, log, *message, answers)
    except (BrokenPipeError, EOFError):
        print("the service ended before this process", file=sys.stderr, flush=True)
    finally:
        _close(log)


def _close(log: PredictionLog) -> None:
    try:
        log.close()
    except ProjectError as error:
        print(error, file=sys.stderr, flush=True)


def _require_files(folder: Path, known: dict[str, str]) -> None:
    """Demand the files that were registered: they may have changed since the front looked."""
    for name, sha256 in known.items():
        if not (folder / name).exists():
            raise ProjectError(f"{folder / name} is gone: bring the version's files back")
        if file_hash(folder / name) != sha256:
            raise ProjectError(f"{folder / name} changed since the version was found")


def warm_up(predictor: Predictor, longest_ms: float) -> None:
    """Answer the golden requests, as users will ask them.

    Args:
        predictor: The loaded version.
        longest_ms: Milliseconds that a row may take, once everything is loaded.

    Raises:
        ProjectError: An answer is not the golden one, or came too late.
    """
    requests = []
    for number, row in enumerate(predictor.golden["rows"]):
        requests.append(Asked(str(number), "golden", False, json.dumps(row).encode()))
    answers, _ = predictor.answer(requests)
    for number, answer in enumerate(answers):
        found = json.loads(answer.body)
        if answer.status != 200:
            raise ProjectError(f"golden row {number} is refused: {found['detail'][0]['rule']}")
        answered = found["predictions"][0]
        expected = _golden_answer(predictor, number)
        if not _same(answered, expected):
            raise ProjectError(
                f"the model answers golden row {number} with {answered}, and did with "
                f"{expected} when it was registered"
            )
    durations = []
    for request in requests[:N_TIMED]:
        began = perf_counter()
        predictor.answer([request])
        durations.append(perf_counter() - began)
    # The fastest, since the machine may be busy with something else.
    fastest_ms = 1000 * min(durations)
    if fastest_ms > longest_ms:
        raise ProjectError(
            f"a golden row takes {fastest_ms:.0f} ms, more than serving.warm_up_ms in "
            f"params.yaml: {longest_ms:g}"
        )


def _golden_answer(predictor: Predictor, number: int) -> dict[str, Any]:
    prediction = predictor.golden["predictions"][number]
    if not predictor.golden["probabilities"]:
        return {"prediction": prediction}
    return {"prediction": prediction, "probabilities": predictor.golden["probabilities"][number]}


def _same(answered: dict[str, Any], expected: dict[str, Any]) -> bool:
    """Whether an answer is the golden one."""
    if "probabilities" in expected:
        found = np.array(list(answered["probabilities"].values()))
        close = np.allclose(found, expected["probabilities"], rtol=TOLERANCE, atol=TOLERANCE)
        return bool(close) and answered["prediction"] == expected["prediction"]
    if isinstance(expected["prediction"], float):
        return bool(
            np.isclose(answered["prediction"], expected["prediction"], rtol=TOLERANCE, atol=0)
        )
    return bool(answered["prediction"] == expected["prediction"])


def _ready(predictor: Predictor) -> Header:
    """What the front needs to know of a version that can answer."""
    return {
        "failure": None,
        "schema": predictor.reader.json_schema(),
        "edges": predictor.edges.tolist(),
        "classes": predictor.classes,
    }


def _answer(
    predictor: Predictor, log: PredictionLog, header: Header, bodies: list[bytes], out: BinaryIO
) -> None:
    requests = []
    for request, body in zip(header["requests"], bodies, strict=True):
        requests.append(Asked(request["id"], request["arm"], request["partial"], body))
    found, logged = _answers(predictor, requests)
    facts: list[dict[str, Any]] = []
    for one in found:
        facts.append(
            {
                "status": one.status,
                "buckets": one.buckets,
                "scores": one.scores if header["scores"] else [],
                "rejected": one.rejected,
                "non_finite": one.non_finite,
            }
        )
    # Answered before it is logged: nobody waits for the log.
    report = {"answers": facts, "log_problem": log.problem}
    _write(out, pack(report, [one.body for one in found]))
    for rows in logged:
        log.append(rows)


def _answers(predictor: Predictor, requests: list[Asked]) -> tuple[list[Answer], list[Logged]]:
    """The answers to requests; one that breaks the team's code does not break the others."""
    try:
        return predictor.answer(requests)
    except Exception as error:
        if len(requests) == 1:
            # The kind of error and its place, but no message: that may quote a row.
            name = type(error).__name__
            place = team.place_of(error, "the model or the machinery")
            print(f"{place}: {name}", file=sys.stderr, flush=True)
            rule = f"the team's code raised {name}: the service's log says where"
            detail = {"request_id": requests[0].id, "detail": [problem(None, "", rule)]}
            return [Answer(500, to_json(detail))], []
    answers = []
    logged = []
    for request in requests:
        answer, rows = _answers(predictor, [request])
        answers += answer
        logged += rows
    return answers, logged


def _pipes() -> tuple[BinaryIO, BinaryIO]:
    """The pipes to the front; what the team's code prints goes to standard error."""
    # A print in features.py must not end up between two answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return sys.stdin.buffer, answers


def _read(pipe: BinaryIO) -> tuple[Header, list[bytes]] | None:
    """The next message; None at the end of the input."""
    lengths = pipe.read(LENGTHS.size)
    if len(lengths) < LENGTHS.size:
        return None
    n_head, n_rest = LENGTHS.unpack(lengths)
    head = pipe.read(n_head)
    rest = pipe.read(n_rest)
    # The front was killed while it wrote.
    if len(head) < n_head or len(rest) < n_rest:
        raise EOFError
    return unpack(head, rest)


def _write(pipe: BinaryIO, message: bytes) -> None:
    pipe.write(message)
    pipe.flush()


if __name__ == "__main__":
    main()
