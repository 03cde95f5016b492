"""How often the gates refuse a sound model: the same code, learned again from other customers.

Usage: python tests/sound_retrainings.py [how many] [seed]

A champion is made of the simulated customers. Then customers are simulated again with other
seeds, the pipeline runs on them, and every gate judges its model against that champion. Prints how
many were refused, and by which gates. 200 take half an hour: a gate that refuses sound work will be
switched off by those who use it.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections import Counter
from functools import partial
from pathlib import Path

from known_tables import refusals_of_promotion, reuse_profile, run_stages
from table_runs import HOOKS, in_a_process, prepare, render_project

MAX_REFUSED_SHARE = 0.05


def champion_project(scratch: Path) -> Path:
    """Make a project with a champion, in whose copies candidates are judged; nothing is tuned."""
    prepare()
    os.environ["PYTHONPATH"] = "src"  # for the processes that a project starts
    project = render_project(scratch)
    disable_tuning(project)
    if refused := in_a_process(partial(make_champion, project)):
        sys.exit(f"the first champion was refused: {refused}")
    return project


def make_champion(project: Path) -> dict[str, str]:
    """Make the first champion, measured as any; return the gates that refused it, and why."""
    enter(project)
    simulate_and_run(project, seed=0)
    return refusals_of_promotion(project)


def retrain(project: Path, seed: int) -> dict[str, str]:
    """Learn from other customers; return the gates that refused the model, and why."""
    enter(project)
    simulate_and_run(project, seed)
    reuse_profile(project)
    return refusals_of_promotion(project)


def enter(project: Path) -> None:
    os.chdir(project)
    sys.path[:0] = [str(project / "src"), str(HOOKS)]


def disable_tuning(project: Path) -> None:
    """Tune nothing, which would take most of the time."""
    path = project / "params.yaml"
    settings = path.read_text(encoding="utf-8")
    assert "trials: 8" in settings
    path.write_text(settings.replace("trials: 8", "trials: 0"), encoding="utf-8")


def simulate_and_run(project: Path, seed: int) -> None:
    from churn_radar.mlops import pipeline, team
    from churn_radar.mlops.config import load_config

    config = load_config(project)
    path = project / config.data.raw
    path.parent.mkdir(parents=True, exist_ok=True)
    team.simulate(None, config.seed + seed).to_csv(path, index=False)
    run_stages(project, *pipeline.STAGES)


def main() -> int:
    """Retrain as often as asked; return 1 if too many were refused."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    start = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    by_gate: Counter[str] = Counter()
    n_refused = 0
    with tempfile.TemporaryDirectory() as scratch:
        project = champion_project(Path(scratch))
        for seed in range(start, start + count):
            copy = Path(scratch, f"retrained-{seed}")
            shutil.copytree(project, copy)
            refused = in_a_process(partial(retrain, copy, seed))
            shutil.rmtree(copy)
            n_refused += bool(refused)
            by_gate.update(refused.keys())
            print(f"{seed}: {refused or 'promoted'}", flush=True)
    print(f"{n_refused} of {count} refused ({n_refused / count:.1%}), by gate: {dict(by_gate)}")
    return n_refused / count > MAX_REFUSED_SHARE


if __name__ == "__main__":
    sys.exit(main())
