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
from ..config import Config
from ..errors import ProjectError
from ..evaluation.scores import CachedModel, Rows, cache_predictions, rows_of
from ..modeling import manifest
from ..modeling.inputs import inputs
from ..modeling.metrics import measure
from ..tracking.records import Version
from . import staleness
from .checksums import read_sealed
from .old_champion import score_with_own_code


@dataclass
class Evidence:
    """The candidate in models/, the champion, and what is known of both.

    `champion_folder` holds the champion's files, and is None without one. `uncompared` allows a
    champion that needs other libraries than those installed to stay unscored.
    """

    config: Config
    root: Path
    champion_version: Version | None
    champion_folder: Path | None
    uncompared: bool = False

    @cached_property
    def now(self) -> datetime:
        """The moment of the judgement."""
        return datetime.now(UTC)

    @cached_property
    def commit(self) -> str:
        """The commit that is checked out; empty outside a repository."""
        return self.git("rev-parse", "--verify", "--quiet", "HEAD")

    def git(self, *arguments: str) -> str:
        """What git says of the project; nothing where it fails."""
        git = ["git", "-C", str(self.root), *arguments]
        done = subprocess.run(git, capture_output=True, text=True, check=False)
        return "" if done.returncode else done.stdout.rstrip()

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """The candidate's manifest."""
        return manifest.read(self.root / "models")

    @cached_property
    def model(self) -> Pipeline:
        """The candidate."""
        return manifest.load(self.root / "models")

    @cached_property
    def train(self) -> pd.DataFrame:
        """The rows that the candidate learned from."""
        return self._table("train")

    @cached_property
    def test(self) -> pd.DataFrame:
        """The rows that were held out."""
        return self._table("test")

    @cached_property
    def _inputs(self) -> tuple[pd.DataFrame, pd.Series]:
        return inputs(self.config, self.test)

    @property
    def features(self) -> pd.DataFrame:
        """What the model reads of the held-out rows."""
        return self._inputs[0]

    @property
    def target(self) -> pd.Series:
        """What came of the held-out rows."""
        return self._inputs[1]

    @cached_property
    def rows(self) -> Rows:
        """The held-out rows to score on."""
        return rows_of(self.config, inputs(self.config, self.train)[1], self.target)

    @cached_property
    def candidate(self) -> CachedModel:
        """The candidate's predictions for the held-out rows."""
        return cache_predictions(self.model, self.features)

    @cached_property
    def champion(self) -> CachedModel | None:
        """The champion's predictions for the same rows, made by the code of its training."""
        if self.champion_version is None or self.champion_folder is None:
            return None
        try:
            if manifest.read(self.champion_folder).get("code") == team.code_hash():
                return cache_predictions(manifest.load(self.champion_folder), self.features)
            path = self.root / self.config.table("processed", "test")
            commit = self.champion_version.tags.get("git_commit", "")
            return score_with_own_code(self.root, commit, self.champion_folder, path)
        except ProjectError as error:
            if self.uncompared:
                return None
            raise ProjectError(
                f"the champion, version {self.champion_version.number}, cannot be scored on these "
                f"rows: {error}. To do without: make promote UNCOMPARED=yes WHY=..."
            ) from error

    @cached_property
    def measured(self) -> dict[str, float]:
        """The metrics, measured again."""
        self.candidate  # noqa: B018 - says it plainly where predictions are not finite
        metrics = measure(self.config, self.model, self.features, self.target)
        return {"rows": len(self.test)} | metrics

    @cached_property
    def challenge(self) -> dict[str, Any]:
        """What stage `challenge` found about this model."""
        path = self.root / "reports" / "challenge.json"
        if not path.exists():
            raise ProjectError("reports/challenge.json is not there: `make pipeline` makes it")
        facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return self._of_this_model(path, facts, "make pipeline")

    @cached_property
    def profile(self) -> dict[str, Any]:
        """What `make profile` measured of this model."""
        path = self.root / "reports" / "profile.json"
        return self._of_this_model(path, read_sealed(path), "make profile")

    @cached_property
    def stale(self) -> list[str]:
        """What DVC finds changed since the pipeline ran."""
        return staleness.answer(self.root)

    def _table(self, step: str) -> pd.DataFrame:
        path = self.root / self.config.table("processed", step)
        if not path.exists():
            raise ProjectError(f"{path.name} is not there: `make pipeline` makes it")
        return pd.read_parquet(path)

    def _of_this_model(self, path: Path, facts: dict[str, Any], mend: str) -> dict[str, Any]:
        if facts.get("model") != self.manifest["sha256"]:
            raise ProjectError(f"{path.name} is about another model: `{mend}` makes it anew")
        return facts
