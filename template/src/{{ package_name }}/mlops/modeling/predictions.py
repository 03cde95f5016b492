"""Predictions that are made once, to be scored often."""

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.pipeline import Pipeline

from ..errors import ProjectError


class CachedRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Stands in for a regressor whose predictions are known: its input is row numbers.

    So scikit-learn's scorers can score any selection of rows, and the model predicts only once.
    """

    def __init__(self, predictions: np.ndarray) -> None:
        """Keep the predictions.

        Args:
            predictions: One number a row, shape (n_rows,).
        """
        self.predictions = predictions

    @property
    def outputs(self) -> np.ndarray:
        """All that the model says about each row, as numbers: its predictions."""
        return self.predictions

    def predict(self, rows: np.ndarray) -> np.ndarray:
        """Return the predictions of the rows with these numbers."""
        return self.predictions.take(rows)


class CachedClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Stands in for a classifier whose predictions are known: its input is row numbers."""

    def __init__(
        self, predictions: np.ndarray, probabilities: np.ndarray, classes: np.ndarray
    ) -> None:
        """Keep the predictions.

        Args:
            predictions: One class a row, shape (n_rows,).
            probabilities: Shape (n_rows, n_classes).
            classes: The classes in the order of the columns of `probabilities`.
        """
        self.predictions = predictions
        self.probabilities = probabilities
        # With the underscore, because that is where scikit-learn's scorers look.
        self.classes_ = classes

    @property
    def outputs(self) -> np.ndarray:
        """All that the model says about each row, as numbers: its probabilities."""
        return self.probabilities

    def predict(self, rows: np.ndarray) -> np.ndarray:
        """Return the predicted classes of the rows with these numbers."""
        return self.predictions.take(rows)

    def predict_proba(self, rows: np.ndarray) -> np.ndarray:
        """Return the probabilities of the rows with these numbers, one column a class."""
        return self.probabilities.take(rows, axis=0)

    def probability_of(self, truth: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Return the probability that the outcome of each row had.

        Args:
            truth: The outcome of each of the rows.
            rows: Their numbers.

        Returns:
            One number a row; 0 for a class that the model does not know.
        """
        # -1 for such a class.
        columns = pd.Index(self.classes_).get_indexer(pd.Index(truth))
        return np.where(columns < 0, 0, self.probabilities[rows, columns])

    def squared_distances(self, truth: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Return the squared distance of each row to 1 for what came true and 0 for the others.

        Brier, 1950, doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2.

        Args:
            truth: The outcome of each of the rows.
            rows: Their numbers.

        Returns:
            One number a row, 0 at best and 2 at worst.
        """
        squares = np.square(self.predict_proba(rows)).sum(axis=1)
        distances: np.ndarray = squares - 2 * self.probability_of(truth, rows) + 1
        return distances


class CachedDecider(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Stands in for a classifier without probabilities, such as a support vector machine."""

    def __init__(self, predictions: np.ndarray, decisions: np.ndarray, classes: np.ndarray) -> None:
        """Keep the predictions.

        Args:
            predictions: One class a row, shape (n_rows,).
            decisions: What the decision function gives, by which scorers can rank rows; shape
                (n_rows,), or (n_rows, n_classes) with more than two classes.
            classes: The classes in the model's order.
        """
        self.predictions = predictions
        self.decisions = decisions
        self.classes_ = classes

    @property
    def outputs(self) -> np.ndarray:
        """All that the model says about each row, as numbers: its decisions."""
        return self.decisions

    def predict(self, rows: np.ndarray) -> np.ndarray:
        """Return the predicted classes of the rows with these numbers."""
        return self.predictions.take(rows)

    def decision_function(self, rows: np.ndarray) -> np.ndarray:
        """Return the decisions on the rows with these numbers."""
        return self.decisions.take(rows, axis=0)


MOST_PROBABLE = {
    *("LogisticRegression", "HistGradientBoostingClassifier", "GradientBoostingClassifier"),
    *("RandomForestClassifier", "ExtraTreesClassifier", "DecisionTreeClassifier"),
    *("MLPClassifier", "GaussianNB", "LGBMClassifier", "XGBClassifier"),
}
"""Classifiers that predict the most probable class: it need not be computed a second time.

Not so a classifier with a threshold of its own, nor a support vector machine.
"""

NEAR = 1e-9
"""Difference of two probabilities that may be rounding."""


class Outputs:
    """What a model says about rows: classes and probabilities with the work for both done once."""

    def __init__(self, model: Pipeline) -> None:
        """Take a fitted model."""
        self._final = model.steps[-1][1]
        self._takes_most_probable = type(self._final).__name__ in MOST_PROBABLE
        self._steps = model[:-1] if len(model.steps) > 1 else None

    def of(self, features: pd.DataFrame) -> tuple[np.ndarray, np.ndarray | None]:
        """Predict rows.

        Args:
            features: What the model reads.

        Returns:
            The predictions, shape (n_rows,), as `predict` gives them; the probabilities, shape
            (n_rows, n_classes), as `predict_proba` does, or None if the model has none.
        """
        table = self._steps.transform(features) if self._steps else features
        if not hasattr(self._final, "predict_proba"):
            return np.asarray(self._final.predict(table)), None
        probabilities = np.asarray(self._final.predict_proba(table))
        if self._takes_most_probable and not _has_ties(probabilities):
            return self._final.classes_[probabilities.argmax(axis=1)], probabilities
        return np.asarray(self._final.predict(table)), probabilities


def _has_ties(probabilities: np.ndarray) -> bool:
    """Whether two classes of a row are so near that the order of a sum decides, or one is NaN."""
    highest = np.partition(probabilities, -2, axis=1)[:, -2:]
    return not bool((highest[:, 1] - highest[:, 0] > NEAR).all())


CachedModel = CachedRegressor | CachedClassifier | CachedDecider


def cache_predictions(model: BaseEstimator, features: pd.DataFrame) -> CachedModel:
    """Predict once, to score often.

    Args:
        model: A fitted regressor or classifier.
        features: The rows to predict, in the order in which they will be numbered.

    Returns:
        A model that answers row numbers with these predictions.

    Raises:
        ProjectError: A prediction is not a finite number.
    """
    predictions = np.asarray(model.predict(features))
    # Only what is behind the classes is checked, since a class may be a string.
    if hasattr(model, "predict_proba"):
        probabilities = np.asarray(model.predict_proba(features))
        _refuse_infinite(probabilities)
        return CachedClassifier(predictions, probabilities, model.classes_)
    if hasattr(model, "decision_function"):
        decisions = np.asarray(model.decision_function(features))
        _refuse_infinite(decisions)
        return CachedDecider(predictions, decisions, model.classes_)
    _refuse_infinite(predictions)
    return CachedRegressor(predictions)


def _refuse_infinite(predictions: np.ndarray) -> None:
    by_row = np.isfinite(predictions).reshape(len(predictions), -1)
    n_bad = int((~by_row.all(axis=1)).sum())
    if n_bad:
        raise ProjectError(f"the model predicts no finite number in {n_bad:,} of its rows")
