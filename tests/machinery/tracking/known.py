"""A project with reports and a model to log, as far as the store can tell."""

from __future__ import annotations

from pathlib import Path

from churn_radar.mlops.tracking import Run, Version, registry, runs

MODEL = "some-model"
RUN = Run(
    "some-model/pipeline",
    "linear-main-20260131-142530",
    {"data.name": "customers", "long": "x" * 9_000} | {f"setting_{n}": str(n) for n in range(150)},
    {"roc_auc": 0.8, "train.seconds": 1.5},
    {"git_commit": "0" * 40},
)


def trained(root: Path, content: str) -> Path:
    """Stands in for a trained model: its folder."""
    (root / "models").mkdir(exist_ok=True)
    (root / "models" / "model.skops").write_text(content)
    (root / "models" / "manifest.json").write_text("{}")
    (root / "models" / "code.zip").write_text("code")
    return root / "models"


def log(root: Path) -> str:
    """Log a run with every report."""
    files = [path for path in (root / "reports").rglob("*") if path.is_file()]
    run = Run(RUN.experiment, RUN.name, RUN.params, RUN.metrics, {}, files)
    return str(runs.log(root, run))


def registered(root: Path, content: str, run: str | None = None) -> Version:
    """Register a model of that content."""
    return registry.register(root, MODEL, trained(root, content), run, {"chosen": "linear"})
