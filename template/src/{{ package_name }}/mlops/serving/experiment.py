"""The report on an A/B test: which arm loses less, and whether the test can stop."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from math import log, sqrt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer
from rich.console import Console

from ..config import Config, load_config
from ..errors import ProjectError
from .traffic import entity_column

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

console = Console()

TRAFFIC = Path("models", "traffic.json")
REPORT = Path("reports", "ab.json")

ARMS = ("control", "treatment")

ALPHA = 0.05
"""Chance that a test of two equal models is ever stopped."""

MIN_ENTITIES = 50
"""In each arm, before a test may stop: the interval is an asymptotic one."""

TIGHTEST_AT = 1_000
"""Entities at which the interval is the tightest. Fixed, since it must not depend on the data."""

SPLIT_ALPHA = 0.001
"""Below this p-value the arms do not have the shares that were planned."""

LOSSES = {
    "classification": ("brier", "log_loss", "zero_one"),
    "regression": ("squared", "absolute"),
}
"""Losses of one row; the first is the default. Their mean is the loss of an arm."""


class Difference(NamedTuple):
    """The mean loss of the treatment less that of the control, with its confidence sequence."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Arm:
    """One arm of a test.

    Attributes:
        versions: The versions of the model that answered in it.
        n_entities: Entities with a label.
        n_rows: Rows with a label.
        n_waiting: Rows without one.
        loss: The mean over the entities; None without any.
    """

    versions: list[int]
    n_entities: int
    n_rows: int
    n_waiting: int
    loss: float | None


def ab_report(
    loss: Annotated[str, typer.Option(help="brier, log_loss, zero_one, squared, absolute.")] = "",
) -> None:
    """Say which arm of the A/B test is better, and whether the test can stop."""
    root = Path.cwd()
    report = compare(load_config(root), root, loss)
    path = root / REPORT
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    for line in describe(report):
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def difference(control: np.ndarray, treatment: np.ndarray, alpha: float = ALPHA) -> Difference:
    """Compute the difference of two means with an interval that holds at every look.

    It is the asymptotic confidence sequence of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas,
    "Time-uniform central limit theory and asymptotic confidence sequences", Annals of Statistics,
    2024, arXiv:2103.06476, theorem 2.2: after t observations

        mean ± sd * sqrt(2 * (t * rho^2 + 1) / (t^2 * rho^2) * log(sqrt(t * rho^2 + 1) / alpha))

    covers the truth at all t at once with probability 1 - alpha, so that whoever looks after each
    observation and stops when 0 is outside is wrong with probability alpha at most. Here t counts
    the entities of both arms, and the variance is that of the difference under random assignment
    (its section 3, without covariates): that of the treatment over its share, plus that of the
    control over its own. rho^2 = (-2 log(alpha) + log(-2 log(alpha)) + 1) / TIGHTEST_AT.

    Each arm's variance is at least the one that both have in common. By itself a small arm in
    which a rare loss did not happen yet seems to have none, and stops a test of equal models in
    three of ten cases (losses of 0 and 1, 2 % of ones, a tenth of the entities in the treatment).

    Args:
        control: The loss of each entity, shape (n_control,), at least two.
        treatment: The same of the other arm.
        alpha: The chance of an error at any time.
    """
    n_entities = len(control) + len(treatment)
    share = len(treatment) / n_entities
    of_treatment = treatment.var(ddof=1)
    of_control = control.var(ddof=1)
    squares = of_treatment * (len(treatment) - 1) + of_control * (len(control) - 1)
    common = squares / (n_entities - 2)
    variance = max(of_treatment, common) / share + max(of_control, common) / (1 - share)
    rho_squared = (-2 * log(alpha) + log(-2 * log(alpha)) + 1) / TIGHTEST_AT
    scale = n_entities * rho_squared + 1
    factor = 2 * scale / (n_entities**2 * rho_squared) * log(sqrt(scale) / alpha)
    half = sqrt(variance * factor)
    value = float(treatment.mean() - control.mean())
    return Difference(value, value - half, value + half)


def decide(found: Difference | None) -> str:
    """Return the stopping rule's word: stop once 0 is outside of the interval, else go on.

    Args:
        found: None while an arm has fewer than MIN_ENTITIES entities with a label.
    """
    if found is not None and found.high < 0:
        return "stop: treatment is better"
    if found is not None and found.low > 0:
        return "stop: treatment is worse"
    return "go on"


def compare(config: Config, root: Path, loss: str = "") -> dict[str, Any]:
    """Compare the arms of the A/B test that models/traffic.json describes.

    Rows of one entity, such as a customer, are alike, so their mean is one observation.

    Args:
        config: The project's settings.
        root: The project's folder.
        loss: One of LOSSES; empty takes the default of the task.

    Returns:
        The report, as reports/ab.json has it.

    Raises:
        ProjectError: No test runs, or no row of it is logged.
    """
    from .feedback import read_labels
    from .log import read_log

    traffic = _traffic(root)
    since = datetime.fromisoformat(traffic["since"])
    logged = read_log(root, since)
    logged = logged[logged["arm"].isin(ARMS)]
    if logged.empty:
        raise ProjectError("the A/B test has no prediction yet")
    name = _entity_name(config, logged)
    logged = logged.assign(entity=_entities(logged, name))
    n_arms = logged.groupby("entity")["arm"].transform("nunique")
    # Who had both versions tells nothing about either.
    sorted_out = logged[n_arms == 1]
    labelled = sorted_out.merge(read_labels(root), on=["request_id", "row"])
    chosen = _choose_loss(config, labelled, loss)
    labelled = labelled.assign(loss=row_losses(labelled, chosen))
    by_entity = labelled.groupby(["arm", "entity"])["loss"].mean()
    losses = {arm: by_entity[by_entity.index.get_level_values("arm") == arm] for arm in ARMS}
    found = None
    if min(len(values) for values in losses.values()) >= MIN_ENTITIES:
        found = difference(losses["control"].to_numpy(), losses["treatment"].to_numpy())
    # Rows without a label count too: labels that come late are not like those that come soon.
    arms = {}
    for arm in ARMS:
        rows = sorted_out[sorted_out["arm"] == arm]
        n_rows = int((labelled["arm"] == arm).sum())
        versions = sorted({int(version) for version in rows["version"]})
        mean = float(losses[arm].mean()) if len(losses[arm]) else None
        arms[arm] = Arm(versions, len(losses[arm]), n_rows, len(rows) - n_rows, mean)
    return {
        "since": since.isoformat(),
        "challenger": traffic["challenger"],
        "loss": chosen,
        "entity": name or "row",
        "arms": {arm: vars(facts) for arm, facts in arms.items()},
        "in_both_arms": int(logged.loc[n_arms > 1, "entity"].nunique()),
        "split_p_value": _split_p_value(sorted_out, float(traffic["share"])),
        "difference": found._asdict() if found else None,
        "alpha": ALPHA,
        "decision": decide(found),
    }


def row_losses(rows: pd.DataFrame, loss: str) -> np.ndarray:
    """Compute the loss of each row.

    Args:
        rows: Predictions with their `label`.
        loss: One of LOSSES. `brier` sums over the classes, so it is 0 at best and 2 at worst
            (Brier, 1950, doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2); a probability of 0
            counts as 10⁻¹⁵ in `log_loss`.
    """
    import numpy as np

    if loss == "zero_one":
        is_wrong = rows["prediction"].astype(str) != rows["label"].astype(str)
        return np.asarray(is_wrong, dtype=float)
    if loss in LOSSES["regression"]:
        error = np.asarray(rows["prediction"], dtype=float) - np.asarray(rows["label"], dtype=float)
        return np.asarray(np.abs(error) if loss == "absolute" else error**2)
    columns = _probability_columns(rows)
    probabilities = np.asarray(rows[columns].fillna(0), dtype=float)
    classes = np.array([name.removeprefix("probability_") for name in columns])
    came_true = np.asarray(rows["label"].astype(str))[:, np.newaxis] == classes
    of_truth = np.where(came_true, probabilities, 0).sum(axis=1)
    if loss == "log_loss":
        return np.asarray(-np.log(of_truth.clip(1e-15)))
    # Of a class that the model does not know the probability is 0.
    squares = np.square(probabilities).sum(axis=1) - np.square(of_truth)
    return np.asarray(squares + np.square(1 - of_truth))


def _probability_columns(rows: pd.DataFrame) -> list[str]:
    return [name for name in map(str, rows) if name.startswith("probability_")]


def describe(report: dict[str, Any]) -> list[str]:
    """Return the report as lines for a person.

    Args:
        report: What `compare` returned.
    """
    lines = [f"A/B test since {report['since']}: {report['loss']}, by {report['entity']}"]
    for name, arm in report["arms"].items():
        versions = ", ".join(map(str, arm["versions"])) or "none"
        mean = "unknown" if arm["loss"] is None else f"{arm['loss']:.4g}"
        lines.append(
            f"{name:<10} version {versions}: {arm['n_entities']:,} with a label "
            f"({arm['n_rows']:,} rows, {arm['n_waiting']:,} still without), "
            f"mean loss {mean}"
        )
    if report["in_both_arms"]:
        lines.append(f"{report['in_both_arms']:,} were in both arms and are left out")
    if report["split_p_value"] < SPLIT_ALPHA:
        lines.append("warning: the arms have other shares than planned: trust no difference")
    found = report["difference"]
    if found is None:
        lines.append(f"{report['decision']}: each arm needs {MIN_ENTITIES} with a label")
        return lines
    lines.append(
        f"treatment - control: {found['value']:.4g}, {1 - report['alpha']:.0%} confidence sequence "
        f"[{found['low']:.4g}, {found['high']:.4g}], valid however often you look"
    )
    lines.append(str(report["decision"]))
    return lines


def _traffic(root: Path) -> dict[str, Any]:
    """What models/traffic.json says about the test."""
    try:
        traffic: dict[str, Any] = json.loads((root / TRAFFIC).read_text(encoding="utf-8"))
    except FileNotFoundError:
        traffic = {}
    if traffic.get("mode") != "ab":
        raise ProjectError("no A/B test runs: `make traffic MODE=ab MODEL=version` begins one")
    return traffic


def _entity_name(config: Config, logged: pd.DataFrame) -> str | None:
    """The column by which the test was split; None where each row is an entity of its own."""
    # The same one by which the service chooses the arm.
    name = entity_column(config)
    return name if f"id_{name}" in logged else None


def _entities(logged: pd.DataFrame, name: str | None) -> pd.Series:
    if name:
        return logged[f"id_{name}"].astype(str)
    return logged["request_id"] + "/" + logged["row"].astype(str)


def _choose_loss(config: Config, labelled: pd.DataFrame, loss: str) -> str:
    """The loss that was asked for, or the task's default."""
    known = LOSSES[config.task]
    if loss and loss not in known:
        raise ProjectError(f"{loss} is no loss of a {config.task}: choose from {', '.join(known)}")
    # Without probabilities a classifier is only right or wrong.
    if loss or config.task == "regression":
        return loss or known[0]
    return "brier" if _probability_columns(labelled) else "zero_one"


def _split_p_value(rows: pd.DataFrame, share: float) -> float:
    """How likely the numbers of entities in the arms are under the planned share, in per cent."""
    from scipy.stats import binomtest

    # Entities, not rows: those of one entity go to one arm all together.
    arms = rows.drop_duplicates("entity")["arm"]
    n_treated = int((arms == "treatment").sum())
    return float(binomtest(n_treated, len(arms), share / 100).pvalue)
