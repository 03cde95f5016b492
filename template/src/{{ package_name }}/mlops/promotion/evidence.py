"""What the gates judge by: read, measured or scored when a gate first asks for it."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from sklearn.pipeline import Pipeline

from ..checksums import file_hash, read_with_checksum
from ..config import Config
from ..errors import ProjectError
from ..evaluation.scores import CachedModel, Rows, cache_predictions, rows_of
from ..gates import NO_REASONS, Reasons
from ..git import commit_of, git
from ..modeling import manifest
from ..modeling.inputs import inputs
from ..modeling.metrics import measure
from ..pipeline.split import divide
from ..tracking import MODEL_FILES, Version, registry
from . import changes_since_pipeline, is_verified, record
from .rescoring import score_test_set


@dataclass
class Evidence:
    """The candidate, the champion, and what is known of both.

    The candidate is loaded from the registry, since that is the file which would be promoted.

    What cannot be read, loaded or scored is a ProjectError at the first access.

    Attributes:
        config: The project's settings.
        root: The project's folder.
        champion_version: The champion in the registry; None if there is none.
        candidate_version: The candidate in the registry; None before it is registered.
        candidate_folder: The candidate's files in the registry; None before it is registered.
        reasons: Why what a gate would refuse is wanted all the same.
    """

    config: Config
    root: Path
    champion_version: Version | None = None
    candidate_version: Version | None = None
    candidate_folder: Path | None = None
    reasons: Reasons = NO_REASONS

    @cached_property
    def now(self) -> datetime:
        """The moment of the judgement, in UTC."""
        return datetime.now(UTC)

    @cached_property
    def commit(self) -> str:
        """The commit that is checked out; empty if git names none."""
        return commit_of(self.root)

    def files(self, *arguments: str) -> list[str]:
        """Ask git for a list of files, whatever their names hold.

        Args:
            arguments: The subcommand and its arguments; it must know `-z`.

        Returns:
            The lines of the answer.

        Raises:
            ProjectError: git fails.
        """
        subcommand, *others = arguments
        # With -z a name is written as it is, and ends with a zero byte.
        return [name for name in git(self.root, subcommand, "-z", *others).split("\0") if name]

    @cached_property
    def frozen(self) -> list[str]:
        """The stages of dvc.yaml that DVC is told not to look at."""
        path = self.root / "dvc.yaml"
        if not path.exists():
            raise ProjectError("dvc.yaml is not there: nothing says how the evidence was made")
        stages = yaml.safe_load(path.read_text(encoding="utf-8"))["stages"]
        return [name for name, stage in stages.items() if stage.get("frozen")]

    @cached_property
    def is_verified(self) -> bool:
        """Whether `make verify` passed with exactly these files."""
        return is_verified(self.root)

    @cached_property
    def stale(self) -> list[str]:
        """What DVC finds changed since the pipeline ran."""
        return changes_since_pipeline(self.root)

    # The candidate and the tables.

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """The candidate's manifest."""
        return manifest.read(self.root / "models")

    @cached_property
    def model(self) -> Pipeline:
        """The candidate, loaded and checked against its manifest."""
        return manifest.load(self.candidate_folder or self.root / "models")

    @cached_property
    def train(self) -> pd.DataFrame:
        """The training set, as rows of the raw table."""
        return self._table("train")

    @cached_property
    def test(self) -> pd.DataFrame:
        """The test set, as rows of the raw table."""
        return self._table("test")

    @cached_property
    def is_split_as_the_code_does(self) -> bool:
        """Whether splitting the validated table again gives these two tables, row by row."""
        path = self.root / self.config.table("interim", "validate")
        if not path.exists():
            raise ProjectError(f"{path.name} is not there: `make pipeline` makes it")
        table = pd.read_parquet(path)
        again = divide(table[table[self.config.data.target].notna()], self.config)
        pairs = zip(again, (self.train, self.test), strict=True)
        return all(made.reset_index(drop=True).equals(found) for made, found in pairs)

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

    @cached_property
    def rows(self) -> Rows:
        """The rows of the test set to score on, with the baseline's predictions for them."""
        _, training_target = inputs(self.config, self.train)
        return rows_of(self.config, training_target, self.target)

    @cached_property
    def cached_candidate(self) -> CachedModel:
        """The candidate's predictions for the test set."""
        return cache_predictions(self.model, self.features)

    @cached_property
    def cached_champion(self) -> CachedModel | None:
        """The champion's predictions for the test set, made by the code of its training.

        None if there is no champion, or if it cannot be scored and may stay unscored.
        """
        version = self.champion_version
        if version is None:
            return None
        try:
            return self._score_champion(version)
        except ProjectError as error:
            if self.reasons.uncompared:
                return None
            raise ProjectError(
                f"the champion, version {version.number}, cannot be scored on these rows: {error}. "
                'To do without: make promote UNCOMPARED="its libraries are gone" WHY=...'
            ) from error

    @property
    def champion_if_scored(self) -> CachedModel | None:
        """The champion's predictions, for gates that leave it to `champion` to say why not."""
        try:
            return self.cached_champion
        except ProjectError:
            return None

    def _score_champion(self, version: Version) -> CachedModel:
        folder = registry.fetch(self.root, self.config.model.name, version)
        return score_test_set(self, folder, version.tags.get("git_commit", ""))

    @cached_property
    def missing_champion(self) -> str:
        """Why the registry's champion is not the one that git names; empty if it is."""
        return record.missing_champion(self.config, self.root, self.champion_version)

    @cached_property
    def recorded(self) -> dict[str, Any]:
        """What git, or else the registry, has of the champion's promotion; empty without one."""
        by_tag = {}
        if self.champion_version:
            by_tag = json.loads(self.champion_version.tags.get("record", "{}"))
        return record.read(self.root) or by_tag

    @property
    def behind_best(self) -> float:
        """Skill by which the candidate is behind the best champion so far; 0 if it is ahead.

        Small losses, none of them shown, add up: each champion's version and record have the sum.
        """
        behind = float(self.recorded.get("behind_best", 0))
        if self.champion_version:
            behind = max(behind, float(self.champion_version.tags.get("behind_best", 0)))
        if self.cached_champion is None:  # what nobody compared makes up for nothing
            return behind
        champion_skill = self.rows.skill(self.rows.score(self.cached_champion))
        candidate_skill = self.rows.skill(self.rows.score(self.cached_candidate))
        return max(0.0, behind + champion_skill - candidate_skill)

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

    def require_one_identity(self) -> None:
        """Demand that what was judged is what would be promoted.

        Raises:
            ProjectError: The model in models/, its manifest and the registry's copy of both do not
                have the same checksum.
        """
        ours = self.root / "models"
        if file_hash(ours / MODEL_FILES[0]) != self.manifest["sha256"]:
            raise ProjectError(
                "models/ has another model than models/manifest.json describes; "
                "`uv run dvc repro --force train` makes the model again"
            )
        if self.candidate_version is None or self.candidate_folder is None:
            return
        theirs = self.candidate_folder
        # The manifest names the code and the libraries that a champion is scored with.
        different = [n for n in MODEL_FILES if file_hash(ours / n) != file_hash(theirs / n)]
        if self.candidate_version.tags.get("sha256") != self.manifest["sha256"]:
            different.append("tag")
        if different:
            raise ProjectError(
                f"the registry's copy of version {self.candidate_version.number} has another model "
                f"than models/, by its {different[0]}; it was changed after it was registered: "
                "bring the registry's files back"
            )

    def require_finite_predictions(self) -> None:
        """Demand that the candidate predicts a finite number for every row of the test set.

        Raises:
            ProjectError: The number of rows for which it does not.
        """
        # Making them checks them.
        _ = self.cached_candidate

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
