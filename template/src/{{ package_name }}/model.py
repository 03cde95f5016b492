"""YOURS. The models to choose from; their settings stand in params.yaml."""

from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from .config import Config
from .features import FEATURES


def prepare() -> ColumnTransformer:
    """Numbers are filled and scaled, categories become one column a value."""
    fill = SimpleImputer(strategy="median", keep_empty_features=True)
    numeric = make_pipeline(fill, StandardScaler())
    categorical = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    return ColumnTransformer(
        [
            ("numeric", numeric, [f.name for f in FEATURES if f.kind == "numeric"]),
            ("categorical", categorical, [f.name for f in FEATURES if f.kind == "categorical"]),
        ]
    )


def candidates(config: Config) -> dict[str, Pipeline]:
    """The models to compare, the simplest first: the first that is good enough is taken.

    Each is a pipeline whose last step is the estimator.
    """
    linear, boosting = config.model.linear, config.model.boosting
    if config.task == "classification":
        estimators = {
            "baseline": DummyClassifier(strategy="prior"),
            "linear": LogisticRegression(**{"max_iter": 1000} | linear),
            "boosting": HistGradientBoostingClassifier(random_state=config.seed, **boosting),
        }
    else:
        estimators = {
            "baseline": DummyRegressor(strategy="mean"),
            "linear": Ridge(**linear),
            "boosting": HistGradientBoostingRegressor(random_state=config.seed, **boosting),
        }
    return {name: make_pipeline(prepare(), model) for name, model in estimators.items()}
