"""Models with a planted fault, and a sound one: what the gates say of them.

Usage: python tests/judged_models.py [name of a fault ...]

A champion is made of the example. Each fault is planted in a copy of its project, which is
committed with evidence that belongs to it, and judged. Prints a line of JSON for each model.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from e2e.bad_candidates import AFTER_TRAINING, BAD_MODELS, BadCandidate
from e2e.promotions import aliases, settle
from known_tables import refusals_of_promotion, reuse_profile, run_stages
from sound_retrainings import champion_project, enter
from table_runs import in_a_process


def less_weight(project: Path) -> None:
    """Nothing is wrong with it."""
    settle(project, model={"linear": {"C": 0.5}})


SOUND = BadCandidate("none", less_weight, AFTER_TRAINING)


def judge(project: Path, candidate: BadCandidate) -> dict[str, Any]:
    """Make the candidate and its evidence, and let every gate judge it."""
    enter(project)
    run_stages(project, *candidate.stages)
    if not candidate.measured:
        reuse_profile(project)
    return {"refused": refusals_of_promotion(project), "aliases": aliases(project)}


def main() -> None:
    """Judge each model; whether that is right is for the tests to say."""
    models = {"sound": SOUND} | BAD_MODELS
    with tempfile.TemporaryDirectory() as scratch:
        project = champion_project(Path(scratch))
        for name in sys.argv[1:] or models:
            copy = Path(scratch, name.replace(" ", "-"))
            shutil.copytree(project, copy)
            models[name].plant(copy)
            facts = in_a_process(partial(judge, copy, models[name]))
            print(json.dumps({"model": name} | facts), flush=True)


if __name__ == "__main__":
    main()
