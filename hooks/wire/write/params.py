"""Writes params.yaml."""

import yaml
from mlops.config import Config

from ..facts import Facts

TEXT = """\
# Yours: an update of the template never touches this file.
{head}
{data}
selection:
  metric: {metric} # a scikit-learn scorer
  folds: {folds}

{model}{kept}"""
KEPT = {"tuning", "tracking", "gates", "cost"}
OF_COLUMNS = {"gates": {"slices": {"critical"}, "features": {"kept"}}}
"""What names columns of the table that was there before."""


def text(facts: Facts, config: Config) -> str:
    """The file; what does not depend on the table stays as it is in the present one."""
    roles, read = facts.roles, facts.read.model_dump(exclude_defaults=True)
    setting = "C" if roles.task == "classification" else "alpha"
    model = config.model.model_dump()
    linear = "linear" in config.model.sections  # the team may have replaced the candidates
    if linear:
        model |= {"linear": {setting: 1.0}}
    stands = config.model_dump(include=KEPT, exclude=OF_COLUMNS, exclude_unset=True)
    kept = {name: section for name, section in stands.items() if section}
    if tuning := kept.get("tuning"):
        tuning |= {"folds": min(config.tuning.folds, facts.folds)}
        if linear:
            search = {"linear": {setting: {"low": 0.001, "high": 1000.0, "log": True}}}
            fixed = {k: v for k, v in config.tuning.fixed.items() if not k.startswith("linear.")}
            tuning |= {"search": tuning.get("search", {}) | search, "fixed": fixed}
    data = {
        "name": facts.dataset,
        "raw": facts.raw.as_posix(),
        "target": roles.target,
        "time": roles.time,
        "group": roles.group,
        "ids": roles.ids,
        "slices": roles.slices,
        "sensitive": roles.sensitive,
        "test_share": 0.25,
        "read": read,
    }
    return TEXT.format(
        head=_yaml({"task": roles.task, "seed": config.seed}),
        data=_yaml({"data": {name: value for name, value in data.items() if value}}),
        metric=facts.metric,
        folds=facts.folds,
        model=_yaml({"model": model}),
        kept="".join(f"\n{_yaml({name: section})}" for name, section in kept.items()),
    )


def _yaml(values: dict[str, object]) -> str:
    return yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=1000)
