"""The one way to verify: the hook, CI and people run this."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.markup import escape

from ..errors import ProjectError
from .steps import HOOKS_WITH_A_STEP, Step

TAIL = 25
NEXT = "Next: `git switch -c feature/my-idea`, edit, `make pipeline`, `make verify`."


@dataclass(frozen=True)
class Result:
    """What a step did; `detail` is a figure, the reason of a skip, or a failure's last lines."""

    name: str
    command: str
    status: Literal["passed", "failed", "skipped"]
    seconds: float
    detail: str


def verify(
    root: Path, chains: Sequence[Sequence[Step]], console: Console, report: Path | None = None
) -> bool:
    """Run the chains side by side and write the report; True if every step passed.

    Each step is one printed line as it ends. In a chain, a step that fails skips the rest.
    """
    begin = time.perf_counter()
    pending = [step.name for chain in chains for step in chain]

    def lane(chain: Sequence[Step]) -> list[Result]:
        results: list[Result] = []
        for step in chain:
            before = results[-1] if results and not step.alone else None
            results.append(run_step(root, step, before))
            pending.remove(step.name)
            console.print(_line(step, results[-1], console), highlight=False, soft_wrap=True)
            status.update(f"waiting for {', '.join(pending)}")
        return results

    with console.status("", spinner="line") as status, ThreadPoolExecutor(os.cpu_count()) as pool:
        status.update(f"waiting for {', '.join(pending)}")
        lanes = [pool.submit(lane, chain) for chain in chains]
        try:
            results = [result for done in lanes for result in done.result()]
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    seconds = time.perf_counter() - begin
    passed = all(result.status == "passed" for result in results)
    if report:
        steps = [asdict(result) for result in results]
        facts = {"passed": passed, "seconds": round(seconds, 2), "steps": steps}
        report.parent.mkdir(exist_ok=True)
        report.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    mends = {step.name: step.mend for chain in chains for step in chain}
    for result in results:
        if result.status == "failed":
            console.rule(f"[red]{result.name} failed")
            console.print(escape(result.detail), highlight=False, soft_wrap=True)
            console.print(f"[bold]What to do:[/] {escape(mends[result.name])}", highlight=False)
    verdict = "[green]verified[/]" if passed else "[red]not verified[/]"
    console.print(f"\n{verdict} in {seconds:.1f} s", highlight=False)
    if passed and report:
        console.print(NEXT, highlight=False)
    return passed


def run_step(root: Path, step: Step, before: Result | None = None) -> Result:
    """Run one step to its end, unless the one before it did not pass."""
    if before and before.status != "passed":
        reason = f"{before.name} did not pass"
        return Result(step.name, " ".join(step.command), "skipped", 0.0, reason)
    begin = time.perf_counter()
    try:
        done = subprocess.run(
            [*step.command, *step.files],
            cwd=root,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
        passed = done.returncode == 0
        lines = done.stdout.rstrip().splitlines()[-TAIL:]
        detail = step.seen(done.stdout) if passed else "\n".join(lines)
    except (OSError, KeyError, ProjectError) as error:
        detail, passed = f"{type(error).__name__}: {error}", False
    seconds = round(time.perf_counter() - begin, 2)
    status: Literal["passed", "failed"] = "passed" if passed else "failed"
    return Result(step.name, " ".join(step.command), status, seconds, detail)


def _line(step: Step, result: Result, console: Console) -> str:
    utf8 = console.encoding.startswith("utf")
    marks = {"passed": "✓" if utf8 else "ok", "failed": "✗" if utf8 else "NO", "skipped": "-"}
    colours = {"passed": "green", "failed": "red", "skipped": "yellow"}
    mark = f"[{colours[result.status]}]{marks[result.status]}[/]"
    detail = "" if result.status == "failed" else escape(result.detail)
    return f"{mark} {step.name:<10} {step.does:<44} {result.seconds:6.1f} s  {detail}"


def _environment() -> dict[str, str]:
    """This project's tools first; bytecode is written, since a cold import costs seconds."""
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    settings = {"SKIP": HOOKS_WITH_A_STEP, "DVC_NO_ANALYTICS": "1"}
    # One thread each: the steps themselves run side by side.
    alone = {"OMP_NUM_THREADS": "1", "BLACK_NUM_WORKERS": "1", "PRE_COMMIT_NO_CONCURRENCY": "1"}
    return kept | {"PATH": path, "NO_COLOR": "1"} | settings | alone
