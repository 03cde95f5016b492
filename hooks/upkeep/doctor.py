"""`make doctor`: what is wrong with a project, what is to do, and what an update would find."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field

from guard import defects, stored_answers
from messages import RefusalError, bullets
from repository import Repository
from steps import say
from trees import yours

from upkeep.behaviour import turned_off
from upkeep.drift import edited, pristine
from upkeep.migrate import pending
from upkeep.stages import stages_to_run
from upkeep.versions import newer_releases, recorded_version, released_on

FINE, TO_DO, BROKEN = "fine", "to do", "broken"
STATUSES = (FINE, TO_DO, BROKEN)
"""In the order of their exit statuses."""

VERDICTS = {FINE: "All is well.", TO_DO: "There is something to do.", BROKEN: "This needs repair."}

N_SHOWN = 5
"""Names of files in one line; the others are counted."""


@dataclass
class Facts:
    """What was found.

    Attributes:
        version: The version that the project has.
        newer: The releases since then, the oldest first.
        unmerged: Files that git holds in two versions.
        refusals: What stands in the way of an update, one sentence each.
        drift: Files that the team edited, by their owner.
        migrations: What releases ask for in the team's files, by its name: until when what it
            replaces works.
        behaviours: What later versions do otherwise and the project does not.
        yours: Files recorded as the team's, with the version that each comes from.
        environment: Whether there is one.
        pipeline: Why nobody can say which stages will run; most often empty.
        stages: The stages that will run again, with the seconds of their last run.
    """

    version: str
    newer: list[str]
    unmerged: list[str]
    refusals: list[str]
    drift: dict[str, list[str]]
    migrations: dict[str, str]
    behaviours: list[str]
    yours: dict[str, str]
    environment: bool
    pipeline: str = ""
    stages: dict[str, float | None] = field(default_factory=dict)

    @property
    def status(self) -> str:
        """The verdict: of `STATUSES`."""
        if self.unmerged or self.refusals or self.pipeline:
            return BROKEN
        if self.newer or self.migrations or self.stages or not self.environment:
            return TO_DO
        return FINE


def doctor(repository: Repository, *, as_json: bool) -> int:
    """Examine a project, and change nothing.

    Args:
        repository: Of the project.
        as_json: Whether a machine reads what is printed.

    Returns:
        The exit status: 0 if all is fine, 1 if something is to do, 2 if something is broken.

    Raises:
        RefusalError: The answers cannot be used, so that nothing can be said.
        GitError: git refused.
    """
    facts = examine(repository)
    if as_json:
        say(json.dumps({"status": facts.status, **asdict(facts)}, indent=2))
    else:
        for name, text in report(facts):
            say(f"{name:<12}{text}")
        say(f"\n{VERDICTS[facts.status]}")
    return STATUSES.index(facts.status)


def examine(repository: Repository) -> Facts:
    """Gather the facts.

    Args:
        repository: Of the project.
    """
    answers = stored_answers(repository.place)
    version = recorded_version(answers)
    facts = Facts(
        version=version,
        newer=newer_releases(version),
        # Asked of git itself, since the guard knows of `.rej` files alone.
        unmerged=repository.names("diff", "--name-only", "--diff-filter=U", "-z"),
        # Work that is not committed is no fault of a project; an update asks for the commit itself.
        refusals=defects(repository, answers),
        drift=edited(repository, pristine(repository, answers)),
        migrations={one.name: one.until for one in pending(repository.place)},
        behaviours=[one.name for one in turned_off(repository.place)],
        yours=yours(answers),
        environment=os.path.isdir(os.environ.get("UV_PROJECT_ENVIRONMENT") or ".venv"),
    )
    if facts.environment:
        # The other facts are true whatever DVC says.
        try:
            facts.stages = stages_to_run(repository.place, str(answers["package_name"]))
        except RefusalError as error:
            facts.pipeline = str(error)
    return facts


def report(facts: Facts) -> Iterator[tuple[str, str]]:
    """Say in words what was found.

    Args:
        facts: What was found.

    Yields:
        What it is about, and a sentence.
    """
    yield "version", version_sentence(facts)
    if facts.unmerged:
        yield (
            "merge",
            (f"not finished: choose between the marks and `git add`\n{bullets(facts.unmerged)}"),
        )
    if facts.refusals:
        yield "update", f"would be refused:\n{bullets(facts.refusals)}"
    else:
        yield "update", "nothing stands in its way"
    for owner, names in facts.drift.items():
        whose = "the template's" if owner == "template" else "the shared"
        yield "drift", f"{len(names)} of {whose} files with edits of yours{listed(names)}"
    for name, until in facts.migrations.items():
        yield "migration", f"{name} is pending; what it replaces works until {until}: make migrate"
    if facts.behaviours:
        yield "behaviours", f"off: {', '.join(facts.behaviours)} (make behaviour)"
    if facts.yours:
        yield "yours", f"{', '.join(facts.yours)}: an update leaves them alone"
    if not facts.environment:
        yield "pipeline", "there is no environment to ask: make setup"
    elif facts.pipeline:
        yield "pipeline", facts.pipeline
    elif facts.stages:
        yield "pipeline", stages_sentence(facts.stages)
    else:
        yield "pipeline", "up to date"


def version_sentence(facts: Facts) -> str:
    """Say which version the project has, and how far behind that is."""
    has = f"{facts.version} of {released_on(facts.version)}"
    if not facts.newer:
        return f"{has}, and there is no newer release"
    newest = facts.newer[-1]
    behind = f"{len(facts.newer)} release{'s' if len(facts.newer) > 1 else ''} behind"
    return f"{has}, {behind} {newest} of {released_on(newest)}: make update"


def stages_sentence(stages: dict[str, float | None]) -> str:
    """Say which stages will run, and for how long."""
    known = [seconds for seconds in stages.values() if seconds is not None]
    lines = []
    for name, seconds in stages.items():
        took = "not measured" if seconds is None else f"{seconds:.1f} s the last time"
        lines.append(f"{name}: {took}")
    return f"{len(stages)} stages run again, {sum(known):.0f} s: make pipeline\n{bullets(lines)}"


def listed(names: list[str]) -> str:
    """Return some names, after a colon."""
    if not names:
        return ""
    shown = ", ".join(names[:N_SHOWN])
    rest = f" and {len(names) - N_SHOWN} more" if len(names) > N_SHOWN else ""
    return f": {shown}{rest} (make template-diff)"
