"""One version of a model, as it answers requests: rows are read, checked and predicted at once."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import time
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from pydantic_core import to_json

from .. import team
from ..config import Config
from ..data.rules import Rules
from ..modeling import manifest
from ..modeling.inputs import feature_table
from ..modeling.predictions import Outputs
from ..promotion import golden
from . import Asked, Problem, problem
from .logged import Logged, label_columns
from .requests import Columns, RefusedRequest, RequestReader, Row

N_BUCKETS = 10
"""In which predictions are counted, for a look at how they are spread."""


@dataclass
class Answer:
    """What becomes of a request.

    Attributes:
        status: The HTTP status.
        body: JSON.
        buckets: How many predictions fell into each bucket.
        scores: The prediction of each row as one number; NaN of a row that was left out.
        rejected: How many rows broke a rule, by column and rule.
        non_finite: Rows for which the model gives no finite number.
    """

    status: int
    body: bytes
    buckets: list[int] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    rejected: dict[str, int] = field(default_factory=dict)
    non_finite: int = 0


class Part(NamedTuple):
    """Rows that were predicted together; each list and table has one entry a row.

    Attributes:
        positions: Where they are in the batch.
        rows: The rows as they were asked for.
        features: What the model read.
        predictions: Shape (n_rows,).
        probabilities: Shape (n_rows, n_classes); None if the model has none.
    """

    positions: list[int]
    rows: pd.DataFrame
    features: pd.DataFrame
    predictions: np.ndarray
    probabilities: np.ndarray | None

    def only(self, kept: list[int]) -> "Part":
        """Return some of the rows, by their numbers."""
        probabilities = None if self.probabilities is None else self.probabilities[kept]
        return Part(
            [self.positions[row] for row in kept],
            self.rows.iloc[kept],
            self.features.iloc[kept],
            self.predictions[kept],
            probabilities,
        )


class Batch:
    """The rows of several requests, by their positions."""

    def __init__(self) -> None:
        """Begin without rows."""
        # None for one that is not sound, and for those of `many`, which are read by columns.
        self.rows: list[Row | None] = []
        self.owners: list[Asked] = []
        self.numbers: list[int] = []
        self.predictions: list[dict[str, Any] | None] = []
        self.scores: list[float] = []
        self.problems: dict[int, Problem] = {}
        self.non_finite: set[int] = set()
        self.many: list[tuple[range, Columns]] = []
        self.parts: list[Part] = []

    def add(self, request: Asked, rows: Sequence[Row | None]) -> range:
        """Add the rows of a request; return their positions."""
        start = len(self.rows)
        # Lists of one length, so that a position means the same in each of them.
        self.rows += rows
        self.owners += [request] * len(rows)
        self.numbers += range(len(rows))
        self.predictions += [None] * len(rows)
        self.scores += [float("nan")] * len(rows)
        return range(start, len(self.rows))

    def refuse(self, position: int, column: str, rule: str) -> None:
        """Note what is wrong with a row; of several problems the first one is kept."""
        self.problems.setdefault(position, problem(self.numbers[position], column, rule))


class Predictor:
    """A loaded version."""

    def __init__(
        self, config: Config, folder: Path, facts: dict[str, Any], edges: list[float] | None = None
    ) -> None:
        """Load a version.

        Args:
            config: The settings.
            folder: The version's files.
            facts: What each answer says about it: `model`, `version` and `commit`.
            edges: The inner bounds of the champion's buckets, for its challenger; None: its own.

        Raises:
            ProjectError: It cannot be loaded, or was registered without golden requests.
        """
        self.facts = facts
        self.outputs = Outputs(manifest.load(folder))
        self.classes = manifest.read(folder).get("classes")
        self.features = team.features()
        self.label_columns = label_columns(config)
        self.golden = golden.read(folder)
        examples = self.golden["rows"]
        names, max_rows = config.data.read.names, config.serving.max_rows
        self.reader = RequestReader(team.request(), list(examples[0]), examples, names, max_rows)
        # Compiled once: pandera itself would take longer than the model.
        self.request_rules = Rules(team.request(), finite=True)
        self.feature_rules = Rules(team.feature_schema(), finite=True)
        self.edges = self._edges() if edges is None else np.asarray(edges)

    def _edges(self) -> np.ndarray:
        """The inner bounds of the buckets: by the probability, by the class, or by tenths."""
        tenths = np.linspace(0, 1, N_BUCKETS + 1)[1:-1]
        # Tenths of the golden predictions, since nobody knows the range of a number beforehand.
        if self.classes is None:
            return np.asarray(np.quantile(np.asarray(self.golden["predictions"], float), tenths))
        if len(self.classes) == 2 and self.golden["probabilities"]:
            return tenths
        return np.arange(len(self.classes) - 1) + 0.5

    def _scores(self, predictions: np.ndarray, probabilities: np.ndarray | None) -> np.ndarray:
        """One number a row: the second of two probabilities, the class's place, or the number."""
        if self.classes is None:
            return predictions.astype(float)
        if probabilities is not None and probabilities.shape[1] == 2:
            return probabilities[:, 1].astype(float)
        places = {str(name): place for place, name in enumerate(self.classes)}
        return np.array([places[str(name)] for name in predictions], float)

    def answer(self, requests: Sequence[Asked]) -> tuple[list[Answer], list[Logged]]:
        """Answer requests, whose rows are predicted together.

        Args:
            requests: Whatever came while the last ones were answered.

        Returns:
            The answer to each request, and the rows that were answered, for the log.
        """
        batch = Batch()
        found: list[Answer | range] = []
        for request in requests:
            try:
                found.append(self._read(request, batch))
            except RefusedRequest as refused:
                found.append(self._refusal(request, refused.status, refused.problems))
        # One table, unless rows lack different optional columns.
        for positions, table in self.reader.tables(batch.rows, batch.many):
            self._predict(batch, positions, table)
        answers = []
        answered: set[int] = set()
        for request, one in zip(requests, found, strict=True):
            answer = one if isinstance(one, Answer) else self._answer(request, batch, one)
            answers.append(answer)
            # A sound row of a refused request was predicted, and nobody has seen it.
            if answer.status == 200 and isinstance(one, range):
                answered.update(position for position in one if position not in batch.problems)
        logged = [self._as_logged(batch, part, answered) for part in batch.parts]
        return answers, [rows for rows in logged if rows.rows]

    def _read(self, request: Asked, batch: Batch) -> range:
        """Read a request's rows into the batch; return their positions there."""
        values = self.reader.values(request.body)
        columns = self.reader.by_columns(values)
        if columns is not None:
            positions = batch.add(request, [None] * len(values))
            batch.many.append((positions, columns))
            return positions
        rows, problems = self.reader.rows(values, partial=request.partial)
        positions = batch.add(request, rows)
        for found in problems:
            batch.refuse(positions.start + found["row"], found["column"], found["rule"])
        return positions

    def _predict(self, batch: Batch, positions: list[int], table: pd.DataFrame) -> None:
        """Predict the rows of a table that hold all rules, and note what is wrong with others."""
        table = _sound(batch, positions, self.request_rules, table)
        if table.empty:
            return
        # The index of both tables tells where a row was in the first one.
        features = feature_table(self.features, table)
        features = _sound(batch, positions, self.feature_rules, features)
        if features.empty:
            return
        # Rows whose features break a rule are gone from here on.
        if len(features) < len(table):
            table = table.loc[features.index]
        positions = [positions[row] for row in table.index.tolist()]
        predictions, probabilities = self.outputs.of(features)
        scores = self._scores(predictions, probabilities)
        answered = self._as_json(predictions, probabilities)
        for position, score, answer in zip(positions, scores.tolist(), answered, strict=True):
            batch.scores[position] = score
            batch.predictions[position] = answer
        # Values far outside of the training rows can overflow.
        finite = np.isfinite(scores)
        if probabilities is not None:
            finite &= np.isfinite(probabilities).all(axis=1)
        for row in np.flatnonzero(~finite).tolist():
            batch.non_finite.add(positions[row])
            batch.refuse(positions[row], "", "the model gives no finite number for this row")
        batch.parts.append(Part(positions, table, features, predictions, probabilities))

    def _as_json(
        self, predictions: np.ndarray, probabilities: np.ndarray | None
    ) -> list[dict[str, Any]]:
        """What a client gets for each row."""
        values = predictions.tolist()
        if self.classes is None or probabilities is None:
            return [{"prediction": value} for value in values]
        names = [str(name) for name in self.classes]
        by_class = [dict(zip(names, shares, strict=True)) for shares in probabilities.tolist()]
        answered = zip(values, by_class, strict=True)
        return [{"prediction": value, "probabilities": shares} for value, shares in answered]

    def _as_logged(self, batch: Batch, part: Part, answered: set[int]) -> Logged:
        """The rows for the log: those that were answered, and not refused with others."""
        kept = [row for row, position in enumerate(part.positions) if position in answered]
        if len(kept) < len(part.positions):
            part = part.only(kept)
        ids = [name for name in self.label_columns if name in part.rows]
        owners = [batch.owners[position] for position in part.positions]
        return Logged(
            request_ids=[owner.id for owner in owners],
            rows=[batch.numbers[position] for position in part.positions],
            arms=[owner.arm for owner in owners],
            times=[time()] * len(owners),
            version=self.facts["version"],
            features=part.features,
            ids=part.rows[ids],
            predictions=part.predictions,
            probabilities=part.probabilities,
            classes=() if part.probabilities is None or self.classes is None else self.classes,
        )

    def _answer(self, request: Asked, batch: Batch, positions: range) -> Answer:
        """The answer to a request whose rows were read."""
        rows = slice(positions.start, positions.stop)
        problems = [batch.problems[at] for at in positions if at in batch.problems]
        non_finite = len(batch.non_finite.intersection(positions))
        if problems and not request.partial:
            refused = self._refusal(request, 422, problems)
            refused.non_finite = non_finite
            return refused
        # What JSON cannot hold must not be written: NaN is no number there.
        predictions = batch.predictions[rows]
        for found in problems:
            predictions[found["row"]] = None
        body = {**self.facts, "request_id": request.id, "predictions": predictions}
        if request.partial:
            body["rejected"] = problems
        scores = np.asarray(batch.scores[rows])
        known = scores[np.isfinite(scores)]
        # On an edge a value counts to the bucket above, as 0.1 to that from 0.1 to 0.2.
        places = np.searchsorted(self.edges, known, side="right")
        buckets = np.bincount(places, minlength=len(self.edges) + 1).tolist()
        counted = self._count(problems)
        return Answer(200, to_json(body), buckets, scores.tolist(), counted, non_finite)

    def _refusal(self, request: Asked, status: int, problems: list[Problem]) -> Answer:
        body = to_json({"request_id": request.id, "detail": problems})
        return Answer(status, body, rejected=self._count(problems))

    def _count(self, problems: Sequence[Problem]) -> dict[str, int]:
        """How many rows broke each rule: no names that a client made up, or they never end."""
        found: Counter[str] = Counter()
        for one in problems:
            if one["row"] is not None:
                column = one["column"] if one["column"] in self.reader.column_of else ""
                found[f"{column}: {one['rule']}"] += 1
        return dict(found)


def _sound(batch: Batch, positions: list[int], rules: Rules, rows: pd.DataFrame) -> pd.DataFrame:
    """The rows that hold the rules, with the schema's types; what others break is noted."""
    sound, broken = rules.split(rows)
    for row, column, rule in broken:
        batch.refuse(positions[rows.index[row]], column, f"breaks the rule {rule}")
    return sound
