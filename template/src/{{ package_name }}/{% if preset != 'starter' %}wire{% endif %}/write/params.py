"""Writes params.yaml."""

import yaml

from ..facts import Facts

TEXT = """\
# Yours: an update of the template never touches this file.
{head}
{data}
selection:
  metric: {metric} # a scikit-learn scorer
  folds: {folds}

model:
{model}"""


def text(facts: Facts, seed: int, model: dict[str, object]) -> str:
    """The file; `model` is the part of that name in the present one."""
    roles, read = facts.roles, facts.read.model_dump(exclude_defaults=True)
    linear = {"C": 1.0} if roles.task == "classification" else {"alpha": 1.0}
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
        head=_yaml({"task": roles.task, "seed": seed}),
        data=_yaml({"data": {name: value for name, value in data.items() if value}}),
        metric=facts.metric,
        folds=facts.folds,
        model="".join(f"  {line}\n" for line in _yaml(model | {"linear": linear}).splitlines()),
    )


def _yaml(values: dict[str, object]) -> str:
    return yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=1000)
