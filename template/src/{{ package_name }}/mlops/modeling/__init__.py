"""From tables to models: inputs, selection, metrics, tuning, and the files of a model."""

import json
from pathlib import Path

from ..config import Config


def with_tuned_settings(config: Config, root: Path) -> Config:
    """Return the settings with those that stage `tune` found for what is still searched."""
    path = root / "reports" / "tuning.json"
    if not path.exists():
        return config
    found = json.loads(path.read_text(encoding="utf-8"))["settings"]
    for name, settings in found.items():
        searched = config.tuning.search.get(name, {})
        kept = {key: value for key, value in settings.items() if key in searched}
        # A candidate that is gone from model.py must not come back as an empty section.
        if kept:
            config = config.with_settings(name, kept)
    return config
