"""What the gates judge by: read, measured or scored when a gate first asks for it."""

import json
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
from sklearn.pipeline import Pipeline

from .. import team
from ..checksums import read_with_checksum
from ..config import Config
from ..errors import ProjectError
from ..evaluation.scores import CachedModel, Rows, cache_predictions, rows_of
from ..modeling import manifest
from ..modeling.inputs import inputs
from ..modeling.metrics import measure
from ..tracking import Version
from . import staleness
from .old_champion import score_with_own_code


@dataclass
class Evidence:
    """The candidate in models/, the champion, and what is known of both.

    What cannot be read, loaded or scored is a ProjectError at the first access.

    Attributes:
        config: The project's settings.
        root: The project's folder.
        champion_version: The champion in the registry; None if there is none.
        champion_folder: The champion's files; None if there is none.
        uncompared: Whether a champion that cannot be scored may stay unscored.
    """

    config: Config
    root: Path
    champion_version: Version | None
    champion_folder: Path | None
    uncompared: bool = False

    # The moment and the commit.

    @cached_property
    def now(self) -> datetime:
        """The moment of the judgement, in UTC."""
        return datetime.now(UTC)

    @cached_property
    def commit(self) -> str:
        """The commit that is checked out; empty outside a repository."""
        return self.git("rev-parse", "--verify", "--quiet", "HEAD")

    def git(self, *arguments: str) -> str:
        """Ask git about the project.

        Args:
            arguments: The subcommand and its arguments.

        Returns:
            What git prints; empty where it fails.
        """
        command = ["git", "-C", str(self.root)]
        command.extend(arguments)
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        # Only at the end: the first space of `git status --porcelain` has a meaning.
        return "" if done.returncode else done.stdout.rstrip()

    @cached_property
    def stale(self) -> list[str]:
        """What DVC finds changed since the pipeline ran."""
        return staleness.answer(self.root)

    # The candidate and the tables.

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """The candidate's manifest."""
        return manifest.read(self.root / "models")

    @cached_property
    def model(self) -> Pipeline:
        """The candidate, loaded and checked against its manifest."""
        return manifest.load(self.root / "models")

    @cached_property
    def train(self) -> pd.DataFrame:
        """The training set, as rows of the raw table."""
        return self._table("train")

    @cached_property
    def test(self) -> pd.DataFrame:
        """The test set, as rows of the raw table."""
        return self._table("test")

    @cached_property
    def _inputs(self) -> tuple[pd.DataFrame, pd.Series]:
        return inputs(self.config, self.test)

    @property
    def features(self) -> pd.DataFrame:
        """The features of the test set, one row for each of its rows."""
        features, _ = self._inputs
        return features

    @property
    def target(self) -> pd.Series:
        """The outcomes of the test set."""
        _, target = self._inputs
        return target

    # Predictions, made now.

    @cached_property
    def rows(self) -> Rows:
        """The rows of the test set to score on, with the baseline's predictions for them."""
        _, training_target = inputs(self.config, self.train)
        return rows_of(self.config, training_target, self.target)

    @cached_property
    def candidate(self) -> CachedModel:
        """The candidate's predictions for the test set."""
        return cache_predictions(self.model, self.features)

    @cached_property
    def champion(self) -> CachedModel | None:
        """The champion's predictions for the test set, made by the code of its training.

        None if there is no champion, or if it cannot be scored and may stay unscored.
        """
        version = self.champion_version
        folder = self.champion_folder
        if version is None or folder is None:
            return None
        try:
            return self._score_champion(version, folder)
        except ProjectError as error:
            if self.uncompared:
                return None
            raise ProjectError(
                f"the champion, version {version.number}, cannot be scored on these rows: {error}. "
                "To do without: make promote UNCOMPARED=yes WHY=..."
            ) from error

    def _score_champion(self, version: Version, folder: Path) -> CachedModel:
        if manifest.read(folder).get("code") == team.code_hash():
            return cache_predictions(manifest.load(folder), self.features)
        # Today's features may mean something else than those that the champion was trained on.
        table = self.root / self.config.table("processed", "test")
        commit = version.tags.get("git_commit", "")
        return score_with_own_code(self.root, commit, folder, table)

    @cached_property
    def measured(self) -> dict[str, float]:
        """The metrics of the candidate on the test set, measured again."""
        # Metrics of predictions that are not finite would fail with a riddle.
        self.require_finite_predictions()
        metrics = measure(self.config, self.model, self.features, self.target)
        return {"rows": len(self.test)} | metrics

    # Reports that take too long to make again.

    @cached_property
    def challenge(self) -> dict[str, Any]:
        """What stage `challenge` found about the candidate."""
        path = self.root / "reports" / "challenge.json"
        if not path.exists():
            raise ProjectError("reports/challenge.json is not there: `make pipeline` makes it")
        facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return self._of_candidate(path, facts, "make pipeline")

    @cached_property
    def profile(self) -> dict[str, Any]:
        """What `make profile` measured of the candidate."""
        path = self.root / "reports" / "profile.json"
        facts = read_with_checksum(path)
        return self._of_candidate(path, facts, "make profile")

    # What a gate demands of it.

    def require_finite_predictions(self) -> None:
        """Demand that the candidate predicts a finite number for every row of the test set.

        Raises:
            ProjectError: The number of rows for which it does not.
        """
        # Making them checks them.
        _ = self.candidate

    def require_reports_of_candidate(self) -> None:
        """Demand that the reports that are not made again are about the candidate.

        Raises:
            ProjectError: A report is missing, was edited, or is about another model.
        """
        # Each of them compares the checksum in the report with the candidate's when it is read.
        _ = self.challenge
        _ = self.profile

    def _table(self, step: str) -> pd.DataFrame:
        path = self.root / self.config.table("processed", step)
        if not path.exists():
            raise ProjectError(f"{path.name} is not there: `make pipeline` makes it")
        return pd.read_parquet(path)

    def _of_candidate(self, path: Path, facts: dict[str, Any], fix: str) -> dict[str, Any]:
        """The facts of a report, if they are about the candidate; `fix` makes the report again."""
        if facts.get("model") != self.manifest["sha256"]:
            raise ProjectError(f"{path.name} is about another model: `{fix}` makes it again")
        return facts
