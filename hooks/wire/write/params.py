"""Writes params.yaml."""

from typing import Any

import yaml
from mlops.config import Config, SettingsDumper

from ..facts import Facts

FILE = """\
# Yours: an update of the template never touches this file.
{head}
{data}
selection:
  metric: {metric} # a scikit-learn scorer
  folds: {folds}

{model}{kept}"""
KEPT = {"defaults", "behaviours", "tuning", "tracking", "gates", "hosting"}
"""Sections that do not depend on the table."""

OF_COLUMNS = {
    "gates": {
        "drift": {"explained"},
        "features": {"kept"},
        "leakage": {"explained"},
        "slices": {"critical", "retired"},
    }
}
"""Settings in them that name columns of the table that was there before.

Of `explained` under `leakage` stays what is about columns that this table has as well.
"""

STRENGTHS = {"low": 0.001, "high": 1000.0, "log": True}
"""The range in which the regularization of the linear model is searched."""


def text(facts: Facts, config: Config) -> str:
    """Return the file.

    Args:
        facts: What was found out about the table.
        config: The settings as they are now; what does not depend on the table is kept.
    """
    kept = config.model_dump(include=KEPT, exclude=OF_COLUMNS, exclude_unset=True)
    model = config.model.model_dump()
    # Only if it is there: the team may have replaced the candidates.
    if "linear" in config.model.sections:
        strength = "C" if facts.roles.task == "classification" else "alpha"
        model["linear"] = {strength: 1.0}
        _search_strength(kept, strength)
    if kept.get("tuning"):
        kept["tuning"]["folds"] = min(config.tuning.folds, facts.folds)
    _keep_reasons(kept, facts)
    sections = [f"\n{_yaml({name: section})}" for name, section in kept.items() if section]
    return FILE.format(
        head=_yaml({"task": facts.roles.task, "seed": config.seed}),
        data=_yaml({"data": _data(facts)}),
        metric=facts.metric,
        folds=facts.folds,
        model=_yaml({"model": model}),
        kept="".join(sections),
    )


def _data(facts: Facts) -> dict[str, Any]:
    """Return the section `data`, without what is empty."""
    roles = facts.roles
    settings = {
        "name": facts.dataset,
        "raw": facts.raw.as_posix(),
        "target": roles.target,
        "time": roles.time,
        "group": roles.group,
        "ids": roles.ids,
        "slices": roles.slices,
        "sensitive": roles.sensitive,
        "test_share": 0.25,
        "read": facts.read.model_dump(exclude_defaults=True),
    }
    return {name: value for name, value in settings.items() if value}


def _search_strength(kept: dict[str, Any], strength: str) -> None:
    """Search the one setting that the linear model of this task has, if models are tuned."""
    tuning = kept.get("tuning")
    if not tuning:
        return
    # Whatever was searched or fixed before may be a setting of the other task's model.
    search = tuning.setdefault("search", {})
    search["linear"] = {strength: STRENGTHS}
    fixed = tuning.get("fixed", {})
    tuning["fixed"] = {
        setting: why for setting, why in fixed.items() if not setting.startswith("linear.")
    }


def _keep_reasons(kept: dict[str, Any], facts: Facts) -> None:
    """Keep why features may tell so much: wiring left them in for these reasons."""
    names = [facts.feature_name(column) for column in facts.features]
    explained = facts.leakage.explained
    reasons = {name: explained[name] for name in names if name in explained}
    if "leakage" in kept.get("gates", {}):
        kept["gates"]["leakage"]["explained"] = reasons


def _yaml(values: dict[str, Any]) -> str:
    # Another text would be read as a number: `missing: ['1e5']`.
    return yaml.dump(values, Dumper=SettingsDumper, sort_keys=False, allow_unicode=True, width=1000)
