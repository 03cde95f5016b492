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
from optuna.trial import TrialState
from sklearn.model_selection import cross_val_score

from .. import team
from ..checksums import file_hash
from ..config import Config, Range
from ..errors import ProjectError
from . import manifest
from .inputs import Inputs
from .metrics import quiet
from .selection import bad_setting_in_fit, candidates, folds, hint

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
    tuning, models = config.tuning, candidates(config)
    have = {f"{name}.{key}" for name in models for key in config.model.settings(name)}
    for name in tuning.search:
        if name not in models:
            raise ProjectError(
                f"tuning.search.{name}: model.py has no such candidate: {hint(name, models)}"
            )
    searched = {f"{name}.{key}" for name, space in tuning.search.items() for key in space}
    for where, names in {"search": searched, "fixed": {*tuning.fixed}}.items():
        for name in sorted(names - have):
            message = f"tuning.{where}: {name} is no setting under model"
            raise ProjectError(f"{message}: {hint(name, have)}")
    if blank := [name for name, reason in tuning.fixed.items() if not reason.strip()]:
        raise ProjectError(f"tuning.fixed: say why {blank[0]} is not searched")
    if gaps := sorted(have - searched - {*tuning.fixed}) if tuning.trials else []:
        raise ProjectError(
            f"never tuned: {', '.join(gaps)}. Give each a range in tuning.search, or in "
            f"tuning.fixed a reason, as in `{gaps[0]}: why it stays as it is`"
        )


def search(config: Config, root: Path, name: str, data: Inputs) -> Found:
    """The best of the present settings and of those that Optuna proposes, trial by trial."""
    features, target, groups = data
    tuning, present, began = config.tuning, config.model.settings(name), monotonic()
    space = {key: _distribution(values) for key, values in tuning.search[name].items()}
    pairs = folds(config, target, groups, tuning.folds)

    def score(settings: dict[str, Any]) -> float:
        changed = config.with_settings(name, settings)
        model = candidates(changed)[name]
        how = {"scoring": config.selection.metric, "cv": pairs, "error_score": "raise"}
        try:
            with quiet():
                mean = cross_val_score(model, features, target, **how).mean()
            if not np.isfinite(mean):
                raise ValueError("a class is missing from a fold")
        except Exception as error:
            if refused := bad_setting_in_fit(changed, name, features, target):
                raise refused from None
            if not isinstance(error, ValueError):
                raise
            metric = config.selection.metric
            message = f"tuning: {name} with {settings} cannot be scored by {metric}: {error}"
            raise ProjectError(message) from None
        return round(float(mean), 6)

    with _study(root, f"{name}-{_hash_of_inputs(config, root, name)}") as study:
        if "present" not in study.user_attrs:
            study.set_user_attr("present", score(present))
        for n in range(1, tuning.trials):
            done = study.get_trials(deepcopy=False, states=[TrialState.COMPLETE])
            if len(done) >= n:
                continue
            # Of its own seed, and blind to trials that were cut off: so it goes on as it began.
            seed = (config.seed + n) % 2**32
            study.sampler = optuna.samplers.TPESampler(
                seed=seed, n_startup_trials=N_STARTUP_TRIALS, constant_liar=False
            )
            trial = study.ask(space)
            told = study.tell(trial, score(present | _rounded(trial.params)))
            if monotonic() - began > PATIENCE:
                print(f"{name}: trial {n + 1} of {tuning.trials}, {told.value}", file=sys.stderr)
        done = study.get_trials(deepcopy=False, states=[TrialState.COMPLETE])
        scores = [study.user_attrs["present"], *(trial.value for trial in done)]
        tried = [{key: present[key] for key in space}, *(_rounded(trial.params) for trial in done)]
        return Found(tried[int(np.argmax(scores))], scores)


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


def _rounded(settings: dict[str, Any]) -> dict[str, Any]:
    """With four digits that count: more say nothing, and nobody reads them."""
    return {k: float(f"{v:.4g}") if isinstance(v, float) else v for k, v in settings.items()}
