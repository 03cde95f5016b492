"""The commands that change which model is champion."""

import gc
import json
import subprocess
import sys
import webbrowser
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from ..config import Config, load_config
from ..errors import ProjectError
from ..gates import Reasons, Verdict
from . import ask_dvc, is_verified

console = Console()

MACHINERY = __name__.rpartition(".promotion.")[0]

COLORS = {"passed": "green", "refused": "red", "inconclusive": "yellow"}

SWITCHES = {"yes", "no", "y", "n", "true", "false", "1", "0"}

SHARE = (
    "commit models/champion.json and models/champion.dvc, then `uv run dvc push`: "
    "so the whole team has this champion"
)

GC_THRESHOLD = 100_000
"""New objects between two collections of garbage; at Python's own a sixth of the time goes by."""

PAGE = Path("reports", "report.html")
"""As the pipeline wrote it."""

PAGE_NOW = Path("reports", "promotion.html")
"""The same, with what git, the registry and the gates say at present; nobody versions it."""

MARKS = ("<!-- standing -->", "<!-- end of standing -->")
"""Between them the page says where the model stands."""

Why = Annotated[str, typer.Option(help="The reason, for the record.")]


def promote(
    why: Why = "",
    uncompared: Annotated[
        str, typer.Option(help="Why to replace a champion that cannot be scored here.")
    ] = "",
    accept_worse: Annotated[str, typer.Option(help="Why to accept a worse model.")] = "",
    again: Annotated[str, typer.Option(help="Why to promote a withdrawn version again.")] = "",
) -> None:
    """Let every gate judge the candidate; if none refuses, it becomes the champion."""
    root = Path.cwd()
    _require_own_package(root)
    config = load_config(root)
    _require_reason(why, "promote")
    named = {"UNCOMPARED": uncompared, "ACCEPT_WORSE": accept_worse, "AGAIN": again}
    for name, reason in named.items():
        _require_text(reason, name)
        # Once it was a switch, and `no` must not be taken for a reason.
        if reason.strip().lower() in SWITCHES:
            raise ProjectError(f"{name}={reason} is no reason: write in words why, or leave it out")
    _verify_and_measure(root)
    gc.set_threshold(GC_THRESHOLD)
    with console.status("judging the candidate", spinner="line"):
        # DVC answers in a process of its own, while this one imports the store's libraries.
        ask_dvc(root)
        from .promote import promote as run

        reasons = Reasons(uncompared.strip(), accept_worse.strip(), again.strip())
        outcome = run(config, root, why, _print_verdict, reasons)
    console.print(f"\n{escape(outcome.summary)}", highlight=False, soft_wrap=True)
    if outcome.promoted:
        console.print(f"\nNext: {SHARE}", highlight=False, soft_wrap=True)
    raise typer.Exit(not outcome.promoted)


def _verify_and_measure(root: Path) -> None:
    """Verify and measure what is committed, unless that was done; nothing of what is not."""
    from ..git import commit_of, git, tree_hash

    # What is not committed is refused in any case: nobody need wait for that.
    if not commit_of(root) or tree_hash(root) != git(root, "rev-parse", "HEAD^{tree}"):
        return
    if not is_verified(root):
        console.print("This commit was not verified yet:\n", highlight=False)
        _run(
            root,
            "verify",
            otherwise="what is not verified is not promoted: fix it, then `make promote`",
        )
        console.print()
    _run(
        root, "profile", "--missing", otherwise="what cannot be measured is not promoted: see above"
    )


def _run(root: Path, *command: str, otherwise: str) -> None:
    """Run a command of a room above this one; if it fails, raise ProjectError with a sentence."""
    process = [sys.executable, "-m", f"{MACHINERY}.cli", *command]
    if subprocess.run(process, cwd=root, check=False).returncode:
        raise ProjectError(otherwise)


def _require_reason(why: str, command: str) -> None:
    """Refuse to change the champion without a word of why, or with one that no file can hold."""
    _require_text(why, "WHY")
    if not why.strip():
        raise ProjectError(f'say why, for the record: make {command} WHY="..."')


def _require_text(reason: str, name: str) -> None:
    try:
        reason.encode()
    except UnicodeEncodeError:
        raise ProjectError(f"{name}= is not written in UTF-8: set the terminal to it") from None


def _require_own_package(root: Path) -> None:
    """Refuse to judge a project with the gates of another one."""
    package = Path(__file__).resolve().parents[2]
    if root.resolve() not in package.parents:
        raise ProjectError(
            f"the gates that run here are those of {package}, not of this project: `make setup`"
        )


def _print_verdict(name: str, verdict: Verdict) -> None:
    if verdict.status == "not judged":
        return  # the summary counts them
    color = COLORS[verdict.status]
    status = f"[{color}]{verdict.status:<12}[/]"
    line = f"{status} {name:<12} {escape(verdict.reason)}"
    console.print(line, highlight=False, soft_wrap=True)


def rollback(why: Why = "") -> None:
    """Make the previous champion the champion again."""
    root = Path.cwd()
    _require_reason(why, "rollback")
    config = load_config(root)
    # Imported here, since the store's libraries take a second.
    from .restore import rollback as run

    summary = run(config, root, why)
    console.print(f"{escape(summary)}\n\nNext: {SHARE}", highlight=False, soft_wrap=True)


def registry_pull() -> None:
    """Make the champion that git names the champion of this machine's registry."""
    from .restore import pull

    root = Path.cwd()
    with console.status("bringing the champion's files", spinner="line"):
        said = pull(load_config(root), root)
    console.print(escape(said), highlight=False)


def report() -> None:
    """Show the report in a browser, with the commit, the champion and the gates' verdicts."""
    root = Path.cwd()
    with console.status("comparing with the champion", spinner="line"):
        path = write_page(load_config(root), root)
    # A browser in the terminal would wait for keys, where nobody can press one.
    if sys.stdout.isatty():
        webbrowser.open(path.resolve().as_uri())
    console.print(path.relative_to(root).as_posix(), highlight=False)


def write_page(config: Config, root: Path) -> Path:
    """Write a copy of the report that says where the model stands now.

    A copy, because DVC compares the page itself, and has the same one for the same data and code.

    Args:
        config: The project's settings.
        root: The project's folder.

    Returns:
        The file.

    Raises:
        ProjectError: There is no report, or it is about another model.
    """
    from ..evaluation import render
    from ..modeling import manifest

    path = root / PAGE
    if not path.exists():
        raise ProjectError(f"{PAGE.as_posix()} is not there: `make pipeline` makes it")
    model = manifest.read(root / "models")["sha256"]
    if _read(root / "reports" / "slices.json").get("model") != model:
        raise ProjectError(f"{PAGE.as_posix()} is about another model: run `make pipeline`")
    start, end = MARKS
    before, _, rest = path.read_text(encoding="utf-8").partition(start)
    _, _, after = rest.partition(end)
    now = render("report.html", block="standing", standing=_standing(config, root, model))
    (root / PAGE_NOW).write_text(before + start + now + end + after, encoding="utf-8")
    return root / PAGE_NOW


def _read(path: Path) -> dict[str, Any]:
    """What a file in JSON holds; nothing if it is not there."""
    if not path.exists():
        return {}
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _standing(config: Config, root: Path, model: str) -> dict[str, Any]:
    """Where the model stands, for the page."""
    judged = _read(root / "reports" / "promotion.json")
    # A rollback writes the same file without verdicts.
    is_of_model = judged.get("sha256") == model and "verdicts" in judged
    return {
        "at": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "commit": _commit(root),
        "champion": _against_champion(config, root, model),
        "summary": judged["summary"] if is_of_model else "",
        "verdicts": judged["verdicts"] if is_of_model else {},
    }


def _commit(root: Path) -> str:
    """The commit, the branch, and whether files were changed since."""
    from ..git import changed_since, commit_of, git

    commit = commit_of(root)
    if not commit:
        return "none: nothing is committed here"
    branch = git(root, "branch", "--show-current") or "no branch"
    # What the pipeline writes itself does not count.
    n_changed = len(changed_since(root, commit))
    changes = f", and {n_changed} files changed since" if n_changed else ""
    return f"{commit[:7]} on {branch}{changes}"


def _against_champion(config: Config, root: Path, model: str) -> str:
    """Whether it is the champion, or how far it is from it on the same rows."""
    # Imported here, since the store's libraries take a second.
    from ..tracking import registry
    from .evidence import Evidence

    champion = registry.by_alias(root, config.model.name, "champion")
    evidence = Evidence(config, root, champion)
    try:
        if evidence.missing_champion:
            return evidence.missing_champion
        if champion is None:
            return "challenger; there is no champion yet"
        if champion.tags.get("sha256") == model:
            return f"champion, version {champion.number}"
        other = evidence.cached_champion
    except ProjectError as error:
        return str(error)
    if other is None or len(other.predictions) != len(evidence.test):
        return f"challenger of version {champion.number}, which was scored on other rows"
    difference, low, high = evidence.rows.advantage(evidence.cached_candidate, other)
    return (
        f"challenger of the champion, version {champion.number}: its skill score differs by "
        f"{difference:+.3f} [{low:+.3f}, {high:+.3f}] on the same {len(evidence.test):,} rows"
    )
