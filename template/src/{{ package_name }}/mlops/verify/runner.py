"""The one way to verify: the template's hook, CI and people run this."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from rich.console import Console
from rich.markup import escape

from ..errors import ProjectError
from ..git import MADE, changed_since, git, tracked_files, tree_hash
from .steps import HOOKS_WITH_A_STEP, Step

N_LAST_LINES = 25
"""Lines of a failed command's output that are shown."""

NEXT = "Next: `git switch -c feature/my-idea`, edit, `make pipeline`, `make verify`."

JUDGES = {"uv.lock", f"src/{__package__.replace('.', '/')}/steps.py"}
"""Files that decide what is a secret: after a change of one, every file is searched."""

Chain = Sequence[Step]
"""Steps that run in order: one that fails skips the rest."""


@dataclass(frozen=True)
class Result:
    """What came of a step.

    Attributes:
        name: The step's name.
        command: What was run, without the files.
        status: How it ended.
        seconds: How long it took.
        detail: A summary, the reason of a skip, or a failure's last lines.
    """

    name: str
    command: str
    status: Literal["passed", "failed", "skipped"]
    seconds: float
    detail: str


def verify(
    root: Path,
    chains: Sequence[Chain],
    console: Console,
    report: Path | None = None,
    tree: str = "",
) -> bool:
    """Run the chains side by side, and print a line as each step ends.

    Args:
        root: The project's folder.
        chains: Within a chain, the steps run in order; put the chain that takes longest first.
        console: Where to print.
        report: The JSON file to write, if any.
        tree: What `tree_hash` returned before the steps were made; what changed since was not
            verified. Empty if no report is written.

    Returns:
        Whether every step passed.
    """
    begin = time.perf_counter()
    results = _run_chains(root, chains, console)
    seconds = time.perf_counter() - begin
    # Once, since what is edited after it was not verified either.
    now = tree_hash(root) if report else ""
    edited = changed_since(root, tree, now)
    passed = not edited and all(result.status == "passed" for result in results)
    if report:
        facts = {"passed": passed, "seconds": round(seconds, 2), "tree": now}
        _write_report(report, facts, results)
    _print_failures(chains, results, console)
    if edited:
        listed = escape(", ".join(edited))
        console.print(f"\nedited while it was verified: {listed}; verify again", highlight=False)
    verdict = "[green]verified[/]" if passed else "[red]not verified[/]"
    console.print(f"\n{verdict} in {seconds:.1f} s", highlight=False)
    if passed and report:
        console.print(NEXT, highlight=False)
    return passed


def unchanged_since_verified(root: Path, report: Path) -> set[str]:
    """Find the files that are as they were when a verification passed.

    Args:
        root: The project's folder.
        report: The JSON file that the verification wrote.

    Returns:
        Their paths from the root, without what the pipeline makes; none if what decides on them
        changed as well, or if it is not known.
    """
    try:
        facts = json.loads(report.read_text(encoding="utf-8"))
        before = git(root, "ls-tree", "-r", "-z", facts["tree"])
        now = git(root, "ls-tree", "-r", "-z", tree_hash(root))
    # There was none yet, somebody edited it, or git no longer has that tree.
    except (OSError, ValueError, LookupError, TypeError, ProjectError):
        return set()
    # Each is the mode and the hash of a file, a tab, and its path. A path that git spells in
    # another way than Python is in no set of names, and its file counts as changed.
    kept = {*before.split("\0")} & {*now.split("\0")}
    names = {entry.partition("\t")[2] for entry in kept}
    if facts.get("passed") is not True or not names >= JUDGES:
        return set()
    return {name for name in tracked_files(root) if name in names and not name.startswith(MADE)}


def run_step(root: Path, step: Step, before: Result | None = None) -> Result:
    """Run one step to its end, unless the one before it did not pass.

    Args:
        root: The project's folder, in which the command runs.
        step: What to run.
        before: The result of the step that this one needs, if it needs one.

    Returns:
        The result; a command that cannot be started is a failure.
    """
    command = " ".join(step.command)
    if before and before.status != "passed":
        return Result(step.name, command, "skipped", 0.0, f"{before.name} did not pass")
    begin = time.perf_counter()
    status: Literal["passed", "failed"] = "failed"
    try:
        done = subprocess.run(
            list(step.command) + list(step.files),
            cwd=root,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
        if done.returncode == 0:
            detail = step.summarize(done.stdout)
            status = "passed"
        else:
            lines = done.stdout.rstrip().splitlines()
            detail = "\n".join(lines[-N_LAST_LINES:])
    # The last two: the summary did not find its value in a report.
    except (OSError, KeyError, ProjectError) as error:
        detail = f"{type(error).__name__}: {error}"
    seconds = round(time.perf_counter() - begin, 2)
    return Result(step.name, command, status, seconds, detail)


def _run_chains(root: Path, chains: Sequence[Chain], console: Console) -> list[Result]:
    """The result of each step, in the order of the chains."""
    pending = [step.name for chain in chains for step in chain]

    def run_chain(chain: Chain) -> list[Result]:
        results: list[Result] = []
        for step in chain:
            before = None
            if results and not step.independent:
                before = results[-1]
            result = run_step(root, step, before)
            results.append(result)
            pending.remove(step.name)
            console.print(_line(step, result, console), highlight=False, soft_wrap=True)
            status.update(f"waiting for {', '.join(pending)}")
        return results

    # Threads are enough: each only waits for a process of its own.
    with console.status("", spinner="line") as status, ThreadPoolExecutor(os.cpu_count()) as pool:
        status.update(f"waiting for {', '.join(pending)}")
        running = [pool.submit(run_chain, chain) for chain in chains]
        results = []
        try:
            for chain_result in running:
                results += chain_result.result()
        except KeyboardInterrupt:
            # The commands got Ctrl-C too; without this, the pool would start the next ones.
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return results


def _write_report(path: Path, facts: dict[str, Any], results: list[Result]) -> None:
    report = facts | {"steps": [asdict(result) for result in results]}
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def _print_failures(chains: Sequence[Chain], results: list[Result], console: Console) -> None:
    """The last lines of each step that failed, and what to do about it."""
    fixes = {step.name: step.fix for chain in chains for step in chain}
    for result in results:
        if result.status == "failed":
            console.rule(f"[red]{result.name} failed")
            console.print(escape(result.detail), highlight=False, soft_wrap=True)
            console.print(f"[bold]What to do:[/] {escape(fixes[result.name])}", highlight=False)


def _line(step: Step, result: Result, console: Console) -> str:
    """One line about a step that ended."""
    marks = {"passed": "ok", "failed": "NO", "skipped": "-"}
    # A console of Windows may know neither sign.
    if console.encoding.startswith("utf"):
        marks |= {"passed": "✓", "failed": "✗"}
    colors = {"passed": "green", "failed": "red", "skipped": "yellow"}
    mark = f"[{colors[result.status]}]{marks[result.status]}[/]"
    # A failure's lines are printed at the end, where they are read.
    detail = "" if result.status == "failed" else escape(result.detail)
    return f"{mark} {step.name:<10} {step.description:<44} {result.seconds:6.1f} s  {detail}"


def _environment() -> dict[str, str]:
    """The variables of each command."""
    environment = dict(os.environ)
    # Without bytecode every start of a tool would compile its libraries again: seconds each.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    # This project's tools come first, also where nobody activated its environment.
    tools = str(Path(sys.executable).parent)
    environment["PATH"] = os.pathsep.join([tools, os.environ.get("PATH", "")])
    environment["NO_COLOR"] = "1"
    environment["SKIP"] = HOOKS_WITH_A_STEP
    environment["DVC_NO_ANALYTICS"] = "1"
    # One thread each, since the steps themselves run side by side.
    environment["OMP_NUM_THREADS"] = "1"
    environment["BLACK_NUM_WORKERS"] = "1"
    environment["PRE_COMMIT_NO_CONCURRENCY"] = "1"
    return environment
