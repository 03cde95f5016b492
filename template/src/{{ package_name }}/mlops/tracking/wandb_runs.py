"""Runs in Weights & Biases as well: offline, unless WANDB_MODE says otherwise."""

import os
import shutil
from pathlib import Path

from ..errors import ProjectError
from .records import Run

DEFAULTS = {"DO_NOT_TRACK": "true", "WANDB_ERROR_REPORTING": "false", "WANDB_SILENT": "true"}
"""What wandb reads from the environment when it is imported, unless it is set there."""


def log(root: Path, run: Run, id_: str) -> None:
    """Log the run under the id that it has in MLflow."""
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    import wandb

    mode = os.environ.get("WANDB_MODE", "offline")
    model, _, purpose = run.experiment.partition("/")
    folder = root.resolve() / "models"
    settings = wandb.Settings(
        mode=mode,  # type: ignore[arg-type]
        root_dir=str(folder),
        init_timeout=8,
        silent=True,
        symlink=False,
        console="off",
        disable_code=True,
        disable_git=True,
        x_disable_stats=True,
    )
    try:
        with wandb.init(
            project=model,
            group=purpose,
            name=run.name,
            id=id_,
            config={"params": dict(run.params), "tags": dict(run.tags)},
            settings=settings,
        ) as logged:
            logged.summary.update(dict(run.metrics))
            for file in run.files:
                # A copy, since wandb would link to the file, which the next run writes anew.
                copy = Path(logged.dir, file.relative_to(root))
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, copy)
                logged.save(str(copy), base_path=logged.dir, policy="now")
    except wandb.Error as error:
        reason = str(error).partition("\n")[0]
        raise ProjectError(
            f"wandb did not take the run: {reason}; set WANDB_MODE=offline, and `wandb sync` later"
        ) from None
