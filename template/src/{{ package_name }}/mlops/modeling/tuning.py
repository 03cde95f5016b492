"""Search the settings of each candidate by cross-validation on the training set."""

import hashlib
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
import optuna
from optuna import distributions
from optuna.trial import FrozenTrial, TrialState
from sklearn.model_selection import cross_val_score

from .. import team
from ..bounds import Range
from ..checksums import file_hash
from ..config import Config
from ..errors import ProjectError, hint
from . import manifest
from .inputs import Inputs
from .metrics import quiet
from .selection import WHY_UNDEFINED, bad_setting_in_fit, candidates, folds

MAX_ROWS = 20_000
"""As many rows tell settings apart; of a larger training set a sample is taken."""

N_STARTUP_TRIALS = 5
"""Trials drawn at random before the sampler uses what the earlier ones found."""

PATIENCE = 2
"""Seconds of silence before each trial is printed."""

DECISIVE_MODULES = ("inputs.py", "selection.py", "tuning.py")
"""Modules of this room that decide a trial's score, beside the team's."""


@dataclass(frozen=True)
class Found:
    """The best settings, and the score of every trial."""

    settings: dict[str, Any]
    scores: list[float]


def refuse_gaps(config: Config) -> None:
    """ProjectError unless each candidate's every setting is searched, or fixed with a reason."""
    tuning = config.tuning
    models = candidates(config)
    for name in tuning.search:
        if name not in models:
            raise ProjectError(
                f"tuning.search.{name}: model.py has no such candidate: {hint(name, models)}"
            )
    settings = {f"{name}.{key}" for name in models for key in config.model.settings(name)}
    searched = {f"{name}.{key}" for name, space in tuning.search.items() for key in space}
    fixed = set(tuning.fixed)
    _refuse_unknown("search", searched, settings)
    _refuse_unknown("fixed", fixed, settings)
    for name, reason in tuning.fixed.items():
        if not reason.strip():
            raise ProjectError(f"tuning.fixed: say why {name} is not searched")
    gaps = sorted(settings - searched - fixed)
    # Without trials nothing is searched, so nothing needs a range.
    if gaps and tuning.trials:
        raise ProjectError(
            f"never tuned: {', '.join(gaps)}. Give each a range in tuning.search, or in "
            f"tuning.fixed a reason, as in `{gaps[0]}: why it stays as it is`"
        )


def _refuse_unknown(section: str, names: set[str], settings: set[str]) -> None:
    """Raise ProjectError if a section under `tuning` lists what is not a candidate's setting."""
    for name in sorted(names - settings):
        raise ProjectError(
            f"tuning.{section}: {name} is no setting under model: {hint(name, settings)}"
        )


def search(config: Config, root: Path, name: str, data: Inputs) -> Found:
    """Search the best settings of a candidate, trial by trial.

    Args:
        config: The project's settings.
        root: The project's folder; a search that was cut off goes on from models/tuning.db.
        name: The candidate.
        data: The training set or a sample of it.

    Returns:
        The best of the present settings and of those that Optuna proposes.

    Raises:
        ProjectError: A candidate cannot be fitted or scored with some settings.
    """
    began = monotonic()
    tuning = config.tuning
    present = config.model.settings(name)
    space = {key: _distribution(values) for key, values in tuning.search[name].items()}
    pairs = folds(config, data.target, data.groups, tuning.folds)
    with _study(root, f"{name}-{_hash_of_inputs(config, root, name)}") as study:
        if "present" not in study.user_attrs:
            study.set_user_attr("present", _score(config, name, present, data, pairs))
        n_done = len(_completed_trials(study))
        # The present settings count as the first trial.
        for n in range(n_done + 1, tuning.trials):
            # Of its own seed, and blind to trials that were cut off: so it goes on as it began.
            seed = (config.seed + n) % 2**32
            study.sampler = optuna.samplers.TPESampler(
                seed=seed, n_startup_trials=N_STARTUP_TRIALS, constant_liar=False
            )
            trial = study.ask(space)
            proposed = present | _round_settings(trial.params)
            value = _score(config, name, proposed, data, pairs)
            study.tell(trial, value)
            if monotonic() - began > PATIENCE:
                print(f"{name}: trial {n + 1} of {tuning.trials}, {value}", file=sys.stderr)
        scores = [study.user_attrs["present"]]
        tried = [{key: present[key] for key in space}]
        for completed in _completed_trials(study):
            scores.append(completed.value)
            tried.append(_round_settings(completed.params))
    best = int(np.argmax(scores))
    return Found(tried[best], scores)


def _completed_trials(study: optuna.Study) -> list[FrozenTrial]:
    return study.get_trials(deepcopy=False, states=[TrialState.COMPLETE])


def _score(
    config: Config,
    name: str,
    settings: dict[str, Any],
    data: Inputs,
    pairs: list[tuple[np.ndarray, np.ndarray]],
) -> float:
    """The mean score of a candidate over the folds, with these settings."""
    features, target, _ = data
    metric = config.selection.metric
    changed = config.with_settings(name, settings)
    model = candidates(changed)[name]
    try:
        with quiet():
            by_fold = cross_val_score(
                model, features, target, scoring=metric, cv=pairs, error_score="raise"
            )
        if not np.isfinite(by_fold).all():
            raise ValueError(f"it is undefined in a fold, since {WHY_UNDEFINED[config.task]}")
    except Exception as error:
        refused = bad_setting_in_fit(changed, name, features, target)
        if refused:
            raise refused from None
        if not isinstance(error, ValueError):
            raise
        message = f"tuning: {name} with {settings} cannot be scored by {metric}: {error}"
        raise ProjectError(message) from None
    return round(float(by_fold.mean()), 6)


@contextmanager
def _study(root: Path, name: str) -> Iterator[optuna.Study]:
    """The study of that name, new or as it was left."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    path = root / "models" / "tuning.db"
    path.parent.mkdir(parents=True, exist_ok=True)
    storage = optuna.storages.RDBStorage(f"sqlite:///{path}")
    try:
        how: dict[str, Any] = {"direction": "maximize", "load_if_exists": True}
        yield optuna.create_study(storage=storage, study_name=name, **how)
    finally:
        storage.remove_session()
        storage.engine.dispose()


def _hash_of_inputs(config: Config, root: Path, name: str) -> str:
    """A hash of all that decides what the trials of a candidate find."""
    settings = config.model_dump(mode="json", include={"task", "seed", "data", "selection"})
    decisive = [
        settings,
        config.tuning.model_dump(mode="json", include={"trials", "folds"}),
        config.tuning.model_dump(mode="json")["search"][name],
        config.model.settings(name),
        file_hash(root / config.table("processed", "train")),
        team.code_hash(),
        *(file_hash(Path(__file__).with_name(module)) for module in DECISIVE_MODULES),
        manifest.libraries() | {"optuna": optuna.__version__},
    ]
    return hashlib.sha256(json.dumps(decisive).encode()).hexdigest()[:16]


def _distribution(values: Range | list[Any]) -> distributions.BaseDistribution:
    if isinstance(values, list):
        return distributions.CategoricalDistribution(values)
    if isinstance(values.low, int) and isinstance(values.high, int):
        return distributions.IntDistribution(values.low, values.high, log=values.log)
    return distributions.FloatDistribution(values.low, values.high, log=values.log)


def _round_settings(settings: dict[str, Any]) -> dict[str, Any]:
    """With four digits that count: more say nothing, and nobody reads them."""
    return {k: float(f"{v:.4g}") if isinstance(v, float) else v for k, v in settings.items()}
