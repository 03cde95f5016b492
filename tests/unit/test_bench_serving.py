"""The benchmark of the service compares only servers that answer what the pipeline says."""

from __future__ import annotations

from typing import cast

import pytest
from benchmarks.serving.measure import Server, ServerError, check
from benchmarks.serving.peers import PEERS, Probabilities, Rows, tensor

ROWS = [{"a": 0.25, "b": 1.0}, {"a": 0.5, "b": 1.0}]
EXPECTED = [[0.75, 0.25], [0.5, 0.5]]


class Answers:
    """Stands in for a server: it answers with column `a`, and adds an error to one row."""

    peer = PEERS[0]

    def __init__(self, error: float) -> None:
        self.error = error

    def post(self, rows: Rows, path: str = "") -> Probabilities:
        shifted = [row["a"] + self.error * (row["a"] == 0.5) for row in rows]
        return [[1 - value, value] for value in shifted]


def test_equal_answers_pass() -> None:
    assert check(cast("Server", Answers(0.0)), ROWS, EXPECTED) == 0.0


@pytest.mark.parametrize("error", [1e-6, float("nan")])
def test_other_answers_are_refused(error: float) -> None:
    with pytest.raises(ServerError, match="differ from the pipeline's"):
        check(cast("Server", Answers(error)), ROWS, EXPECTED)


def test_tensor_keeps_rows() -> None:
    (written,) = tensor(ROWS)["inputs"]
    assert written["shape"] == [2, 2]
    assert written["data"] == [0.25, 1.0, 0.5, 1.0]
