"""What `make load-test` found, for those who say what serving takes."""

import json
from pathlib import Path
from typing import Any

REPORT = Path("reports", "load.json")


def load_report(root: Path, model: str) -> dict[str, Any] | None:
    """Return the report of the load test, if there is one about this model.

    Args:
        root: The project's folder.
        model: The sha256 of the model's file.
    """
    path = root / REPORT
    if not path.exists():
        return None
    report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return report if report["model"] == model else None
