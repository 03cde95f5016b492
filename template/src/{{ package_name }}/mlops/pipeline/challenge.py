"""Stage `challenge`: the model against simpler ones, and each of its features against chance."""

import json
from pathlib import Path

import pandas as pd

from ..checksums import file_hash
from ..config import Config
from ..evaluation.importance import compare_on_rows, feature_worth, small_tree
from ..evaluation.scores import cache_predictions, rows_of
from ..modeling import with_tuned_settings
from ..modeling.inputs import inputs, training_sample
from ..modeling.selection import candidates, simpler_candidates
from ..modeling.storage import load_model

MAX_ROWS = 5_000
"""Enough to tell a feature from chance; of a larger training set a sample is taken."""


def challenge(config: Config, root: Path) -> str:
    """Write reports/challenge.json: how much better the model is, and what each feature is worth.

    Models are compared on the test set. Features are measured on the training set alone, because
    what is dropped for its result on the test set makes that result too good.

    Args:
        config: The settings, as read from params.yaml.
        root: The project's folder.

    Returns:
        The skill score over the baseline, and how many features are useful.

    Raises:
        ProjectError: A prediction is not finite, or the baseline is perfect on the test set.
    """
    config = with_tuned_settings(config, root)
    model_path = root / "models" / "model.skops"
    selection = json.loads((root / "reports" / "selection.json").read_text(encoding="utf-8"))
    chosen = selection["chosen"]

    # The best feature is chosen on the training set as well, as a model would be.
    worth = feature_worth(config, chosen, training_sample(config, root, MAX_ROWS))
    best_feature = max(worth, key=lambda name: worth[name]["univariate"])

    train = pd.read_parquet(root / config.table("processed", "train"))
    test = pd.read_parquet(root / config.table("processed", "test"))
    train_features, train_target = inputs(config, train)
    test_features, test_target = inputs(config, test)
    rows = rows_of(config, train_target, test_target)
    model = cache_predictions(load_model(model_path), test_features)

    tree = small_tree(config, train_features[[best_feature]], train_target)
    simpler = {
        "baseline": rows.baseline,
        "one feature": cache_predictions(tree, test_features[[best_feature]]),
    }
    for name, candidate in simpler_candidates(candidates(config), chosen).items():
        candidate.fit(train_features, train_target)
        # A team may have a candidate of its own that is called baseline.
        key = f"candidate {name}" if name in simpler else name
        simpler[key] = cache_predictions(candidate, test_features)
    comparison = compare_on_rows(rows, model, simpler)
    # The gate names the feature that does as well as the model.
    comparison["one feature"] = {"feature": best_feature} | comparison["one feature"]

    # The hash says which model this is about, so that no gate takes it for evidence of another.
    report = {"model": file_hash(model_path), "simpler": comparison, "features": worth}
    text = json.dumps(report, indent=2, ensure_ascii=False) + "\n"
    (root / "reports" / "challenge.json").write_text(text, encoding="utf-8")
    n_useful = sum(facts["useful"] for facts in worth.values())
    gain = comparison["baseline"]["difference"]
    return f"skill {gain:.3f} over the baseline, {n_useful} of {len(worth)} features are useful"
