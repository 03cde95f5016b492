"""Candidates that must be refused: by a name of the fault the gate that exists for it, and how."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from e2e.promotions import edit, measured_as_before, record, settle
from support import commit

RAW = "data/raw/customers_raw.csv"
TEST = "data/processed/customers_test.parquet"
TRAIN = "data/processed/customers_train.parquet"


@dataclass(frozen=True)
class BadCandidate:
    """A fault to plant in a project, and the gate that exists to refuse it."""

    gate: str
    plant: Callable[[Path], None]
    stages: tuple[str, ...] = ()
    """What runs after planting, to make evidence that belongs to the candidate."""
    measured: bool = False
    """Whether the fault is in the measurement, or shows only when it is taken."""


# --- faults of the model --------------------------------------------------------------------------

TRAIN_STAGE = "mlops/pipeline/train.py"
INPUTS = "mlops/modeling/inputs.py"
RETURN_FEATURES = "return pd.DataFrame(columns, index=rows.index)"
CHOOSE = "    chosen = one_standard_error(scores)\n"
FIT = ".fit(features, target)\n"
SAVE = "    save_model(model, "
# What a model learns from noise is a direction by chance, which can be a right one: of twelve seeds
# on each of four tables, seven models in all have more skill than the floor. This seed has none.
FIT_SHUFFLED = ".fit(features, target.sample(frac=1, random_state=5).to_numpy())\n"


def shuffled(project: Path) -> None:
    """The outcomes are dealt out anew before they are learned."""
    edit(project, TRAIN_STAGE, FIT, FIT_SHUFFLED)


def held_out_rows(project: Path) -> None:
    """The training table is sound; the code reads the other one as well."""
    both = (
        '    rows = pd.concat([rows, pd.read_parquet(root / config.table("processed", "test"))])\n'
        "    features, target = inputs(config, rows)\n"
    )
    edit(project, TRAIN_STAGE, CHOOSE, CHOOSE + both)


def hash_seeded(project: Path) -> None:
    """Sets are iterated in another order in each process."""
    order = (
        "    columns = {str(n): n for n in {hash(name) for name in features}}\n"
        "    first = sorted(columns)[0]\n"
        "    model[-1].coef_ *= 1 + len(first) / 100 + int(first) % 97 / 1000\n"
    )
    edit(project, TRAIN_STAGE, SAVE, order + SAVE)


def make_model(project: Path, text: str) -> None:
    """`text` makes the model that is chosen, whatever the comparison says."""
    place = 'LogisticRegression(**{"max_iter": 1000} | linear),'
    edit(project, "model.py", place, f"{text},")
    edit(project, TRAIN_STAGE, CHOOSE, '    chosen = "linear"\n')


def tree(project: Path, text: str) -> None:
    linear = "from sklearn.linear_model import LogisticRegression, Ridge\n"
    edit(project, "model.py", linear, linear + "from sklearn.tree import DecisionTreeClassifier\n")
    make_model(project, text)


def stump(project: Path) -> None:
    tree(project, "DecisionTreeClassifier(max_depth=1)")


AVERAGE = {
    **{"tenure_months": 24, "monthly_charge": 60, "support_calls": 2, "data_gb": 20, "has_app": 1},
    **{"months_since_complaint": 36, "payment_risk": 0.3, "network_risk": 0.3},
    **{"region": "north", "contract_type": "monthly"},
}


def ruined_in_one_region(project: Path) -> None:
    """What the model reads of the west is what it would read of the average customer."""
    wrong = (
        f"average = {AVERAGE}\n"
        "    columns = {\n"
        "        n: c.where(rows['region'] != 'west', average[n]) for n, c in columns.items()\n"
        "    }\n"
        f"    {RETURN_FEATURES}"
    )
    edit(project, INPUTS, RETURN_FEATURES, wrong)


def group_gap(project: Path) -> None:
    """Women are taken for customers without trouble."""
    wrong = (
        "calm = rows['gender'] == 'female'\n"
        "    columns['support_calls'] = columns['support_calls'].where(~calm, 0)\n"
        "    columns['tenure_months'] = columns['tenure_months'].where(~calm, 60)\n"
        f"    {RETURN_FEATURES}"
    )
    edit(project, INPUTS, RETURN_FEATURES, wrong)


def new_feature(project: Path, name: str, compute: str) -> None:
    """A feature more, declared as it should be, before the categories."""
    function = f"def {name}(customers: pd.DataFrame) -> pd.Series:\n    return {compute}\n\n\n"
    edit(project, "features.py", "NEVER = 36.0", f"{function}NEVER = 36.0")
    entry = f'    Feature("{name}", "numeric", "team", "code", "It might help.", {name}),\n'
    edit(project, "features.py", '    Feature("region"', f'{entry}    Feature("region"')
    last = "    network_risk: float = pa.Field(ge=0, le=1)\n"
    edit(project, "schemas.py", last, f"{last}    {name}: float\n")


def leaked_target(project: Path) -> None:
    """A column of the request is filled in after the outcome, which no schema can tell."""
    rows = pd.read_csv(project / RAW)
    known = rows["churned"].notna()
    rows.loc[known, "payment_risk"] = rows.loc[known, "churned"].astype(float) * 0.8 + 0.1
    rows.to_csv(project / RAW, index=False)


def in_another_unit(project: Path) -> None:
    """From some month on the use of data is in another unit, within the bounds of the schema."""
    rows = pd.read_csv(project / RAW)
    months = sorted(rows["event_month"].unique())
    late = rows["event_month"] >= months[len(months) // 2]
    rows.loc[late, "data_gb"] /= 10
    rows.to_csv(project / RAW, index=False)


def broken_rule(project: Path) -> None:
    """Rows of both tables break a rule that came after them."""
    old = "tenure_months: int = pa.Field(ge=0"
    edit(project, "schemas.py", old, old.replace("ge=0", "ge=3"))


def useless_feature(project: Path) -> None:
    """What does not help costs more than a team is ready to pay."""
    settle(project, gates={"features": {"max_microseconds": 0.001}})
    new_feature(project, "odd_cents", 'customers["monthly_charge"].mul(100).round() % 11')


def not_a_number(project: Path) -> None:
    """Answers NaN where a number is far from all that was learned."""
    text = (
        "\n\nclass Numb(LogisticRegression):\n    def predict_proba(self, rows):\n"
        "        found = super().predict_proba(rows)\n"
        "        found[(abs(rows) > 1e6).any(axis=1)] = float('nan')\n        return found\n\n\n"
        "def candidates("
    )
    edit(project, "model.py", "\n\ndef candidates(", text)
    make_model(project, 'Numb(**{"max_iter": 1000} | linear)')


def beaten(project: Path) -> None:
    """A tree that learns by heart is worse than one of its own features."""
    tree(project, "DecisionTreeClassifier(random_state=1)")


# --- faults of the evidence: nothing is trained ---------------------------------------------------


def not_committed(project: Path) -> None:
    edit(project, "features.py", "NEVER = 36.0", "NEVER = 24.0")


def of_another_commit(project: Path) -> None:
    settle(project, selection={"folds": 4})
    commit(project, "Other settings, old evidence")


def of_other_data(project: Path) -> None:
    raw = project / "data" / "raw" / "customers_raw.csv"
    text = raw.read_text()
    raw.unlink()  # it may be a link into DVC's cache
    raw.write_text(text.replace(",monthly,", ",yearly,", 1))
    commit(project, "Other data, old evidence")


def on_other_rows(project: Path) -> None:
    """The candidate was judged on rows that are easier than those that it is compared on."""
    path = project / TEST
    rows = pd.read_parquet(path)
    path.unlink()
    rows.tail(len(rows) // 2).to_parquet(path, index=False)


def of_another_model(project: Path) -> None:
    model = project / "models" / "model.skops"
    content = model.read_bytes()
    model.unlink()
    model.write_bytes(content + b"\0")


def edited_and_recorded(project: Path) -> None:
    """Somebody lifts the score, and lets DVC and git believe it."""
    path = project / "reports" / "metrics.json"
    metrics = json.loads(path.read_text())
    path.write_text(json.dumps(metrics | {"roc_auc": 0.99}, indent=2) + "\n")
    record(project)


def edited_measure(project: Path) -> None:
    path = project / "reports" / "profile.json"
    path.write_text(path.read_text().replace('"measured_at": "20', '"measured_at": "21'))


def of_last_month(project: Path) -> None:
    measured_as_before(project, measured_at="2026-01-01T00:00:00+00:00")


def held_out_rows_edited(project: Path) -> None:
    path = project / TEST
    rows = pd.read_parquet(path)
    path.unlink()
    rows.assign(tenure_months=-1).to_parquet(path, index=False)
    record(project)


def overlapping_rows(project: Path) -> None:
    train, test = pd.read_parquet(project / TRAIN), pd.read_parquet(project / TEST)
    (project / TRAIN).unlink()
    pd.concat([train, test]).to_parquet(project / TRAIN, index=False)
    record(project)


def absent_library(project: Path) -> None:
    path = project / "models" / "manifest.json"
    facts = json.loads(path.read_text())
    path.write_text(json.dumps(facts | {"libraries": facts["libraries"] | {"numpy": "1.0.0"}}))
    record(project)


def too_large(project: Path) -> None:
    settle(project, gates={"budget": {"model_mb": 1e-6}})


AFTER_TRAINING = ("train", "evaluate", "challenge")
AFTER_NEW_DATA = ("ingest", "validate", "split", *AFTER_TRAINING)
BAD_MODELS = {
    "labels shuffled": BadCandidate("floor", shuffled, AFTER_TRAINING),
    "held-out rows learned": BadCandidate(
        "reproducible", held_out_rows, AFTER_TRAINING, measured=True
    ),
    "another model in each process": BadCandidate(
        "reproducible", hash_seeded, AFTER_TRAINING, measured=True
    ),
    "a stump": BadCandidate("champion", stump, AFTER_TRAINING),
    "ruined in one region": BadCandidate("slices", ruined_in_one_region, AFTER_TRAINING),
    "a gap between groups": BadCandidate("groups", group_gap, AFTER_TRAINING),
    "a leaked target": BadCandidate("leakage", leaked_target, AFTER_NEW_DATA),
    "another unit": BadCandidate("drift", in_another_unit, AFTER_NEW_DATA),
    "broken rows": BadCandidate("schema", broken_rule, AFTER_TRAINING),
    "a useless and expensive feature": BadCandidate("features", useless_feature, AFTER_TRAINING),
    "no number far out": BadCandidate("numerics", not_a_number, AFTER_TRAINING),
    "over budget": BadCandidate("budget", too_large, AFTER_TRAINING),
    "beaten by one feature": BadCandidate("simpler", beaten, AFTER_TRAINING),
}
"""What is wrong with the model: its code, its data and its evidence belong together."""

BAD_EVIDENCE = {
    "not committed": BadCandidate("working_tree", not_committed),
    "another commit": BadCandidate("provenance", of_another_commit),
    "other data": BadCandidate("provenance", of_other_data),
    "other rows": BadCandidate("provenance", on_other_rows),
    "another model file": BadCandidate("artifact", of_another_model),
    "metrics edited": BadCandidate("provenance", edited_and_recorded),
    "measures edited": BadCandidate("provenance", edited_measure, measured=True),
    "old evidence": BadCandidate("freshness", of_last_month, measured=True),
    "held-out rows edited": BadCandidate("provenance", held_out_rows_edited),
    "held-out rows in the training table": BadCandidate("provenance", overlapping_rows),
    "another library": BadCandidate("artifact", absent_library),
}
"""What is wrong with the evidence: nothing is trained."""
