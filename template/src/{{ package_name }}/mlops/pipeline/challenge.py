"""Stage `challenge`: the model against simpler ones, and each of its features against chance."""

import json
from pathlib import Path

import pandas as pd

from ..config import Config, tuned
from ..evaluation.importance import compared, feature_worth, simpler_candidates, small_tree
from ..evaluation.scores import remember, rows_of
from ..hashing import file_hash
from ..modeling.candidates import candidates
from ..modeling.inputs import inputs, training_sample
from ..modeling.storage import load_model

MAX_ROWS = 5_000
"""As many rows tell a feature from chance."""


def challenge(config: Config, root: Path) -> str:
    """Write how much better the model is than simpler ones, and what each feature is worth.

    Models are compared on the test set, features on the training set alone.
    """
    config = tuned(config, root)
    path = root / "models" / "model.skops"
    selection = json.loads((root / "reports" / "selection.json").read_text(encoding="utf-8"))
    features, target = inputs(config, pd.read_parquet(root / config.table("processed", "train")))
    held, truth = inputs(config, pd.read_parquet(root / config.table("processed", "test")))
    sample = training_sample(config, root, MAX_ROWS)
    worth = feature_worth(config, selection["chosen"], sample)
    best = max(worth, key=lambda name: worth[name]["alone"])
    rows = rows_of(config, target, truth)
    univariate = small_tree(config, features[[best]], target)
    simpler = {"trivial": rows.trivial, "one feature": remember(univariate, held[[best]])}
    for name, candidate in simpler_candidates(candidates(config), selection["chosen"]).items():
        simpler[name] = remember(candidate.fit(features, target), held)
    against = compared(rows, remember(load_model(path), held), simpler)
    against["one feature"] = {"feature": best} | against["one feature"]
    report = {"model": file_hash(path), "simpler": against, "features": worth}
    text = json.dumps(report, indent=2, ensure_ascii=False) + "\n"
    (root / "reports" / "challenge.json").write_text(text, encoding="utf-8")
    useful = sum(facts["useful"] for facts in worth.values())
    gain = against["trivial"]["difference"]
    return f"skill {gain:.3f} over a trivial model, {useful} of {len(worth)} features are useful"
