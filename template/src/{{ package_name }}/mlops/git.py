"""What git says of the project, and what is done for git: merges, and the data of a branch."""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from pathlib import Path
from tempfile import TemporaryDirectory

from .errors import ProjectError

MADE = ("dvc.lock", "models/", "reports/", "docs/model-card.md")
"""What the pipeline writes itself."""

READ = ("src", "params.yaml", "dvc.yaml", "uv.lock", "data")
"""What the pipeline reads: a commit that has the same files is the commit of a run."""

MAX_COMMITS = 100
"""Of all branches, the newest: among these the commit of a run is looked for."""


def git(root: Path, *arguments: str, index: Path | None = None) -> str:
    """Ask git about the project.

    Args:
        root: The project.
        arguments: The subcommand and its arguments.
        index: The index to use in the place of the repository's own.

    Returns:
        What git prints.

    Raises:
        ProjectError: git fails, which must not look like a clean answer.
    """
    command = ["git", "-C", str(root), *arguments]
    env = dict(os.environ)
    if index:
        env["GIT_INDEX_FILE"] = str(index)
    try:
        done = subprocess.run(
            command, env=env, capture_output=True, encoding="utf-8", errors="replace", check=False
        )
    except FileNotFoundError:
        raise ProjectError("git is not on PATH: install it, then try again") from None
    if done.returncode:
        raise ProjectError(f"git {arguments[0]} failed: {done.stderr.strip()}")
    return done.stdout.strip()


def commit_of(root: Path) -> str:
    """Return the commit that is checked out; empty if git names none."""
    try:
        return git(root, "rev-parse", "--verify", "--quiet", "HEAD")
    except ProjectError:
        return ""


def find_commit(root: Path, name: str) -> str:
    """Return the hash of the commit that a name stands for.

    Args:
        root: The project.
        name: A branch, a tag or a commit.

    Raises:
        ProjectError: There is none, with the names that are most like it.
    """
    try:
        # A tag has a hash of its own, which is not that of its commit.
        return git(root, "rev-parse", "--verify", "--quiet", name + "^{commit}")
    except ProjectError:
        kinds = ("refs/heads", "refs/remotes", "refs/tags")
        known = git(root, "for-each-ref", "--format=%(refname:short)", *kinds).split()
        near = get_close_matches(name, known, cutoff=0.3) or known[:3]
        raise ProjectError(
            f"git knows no branch, tag or commit {name!r}; the nearest names: "
            f"{', '.join(near) or 'none, since nothing is committed'}"
        ) from None


def branch_of(root: Path) -> str:
    """Return the branch that is checked out; `detached` if none is, as in CI.

    Args:
        root: The project.
    """
    try:
        return git(root, "branch", "--show-current") or "detached"
    except ProjectError:
        return "detached"


def author(root: Path) -> str:
    """Return the name that git would write into a commit; empty if it knows none.

    Args:
        root: The project.
    """
    try:
        # Also from GIT_AUTHOR_NAME, as in CI; printed as `Name <e-mail> seconds zone`.
        return git(root, "var", "GIT_AUTHOR_IDENT").rpartition(" <")[0]
    except ProjectError:
        return ""


def tree_hash(root: Path) -> str:
    """Return git's hash of all files, as a commit of everything would have it.

    What is committed later, unchanged, has the same hash. Files that .gitignore names do not count.

    Args:
        root: The project.

    Returns:
        The hash; empty if git fails, as outside a repository.
    """
    with TemporaryDirectory() as scratch:
        index = Path(scratch, "index")
        try:
            own_index = root / git(root, "rev-parse", "--git-path", "index")
            # Not to disturb what is staged. In a copy of it git reads only the files that changed.
            if own_index.exists():
                # With its time, by which git knows what may have been edited since.
                shutil.copy2(own_index, index)
            git(root, "add", "--all", index=index)
            return git(root, "write-tree", index=index)
        except ProjectError:
            return ""


def commits_of(root: Path, trees: Collection[str]) -> dict[str, str]:
    """Find the commits that have what the pipeline read of some trees.

    Args:
        root: The project.
        trees: What `tree_hash` returned when the pipeline ran.

    Returns:
        The oldest such commit by its tree; without those whose files were never committed.
    """
    of_files = {}
    query = ("--all", "--format=%H", f"--max-count={MAX_COMMITS}")
    # The newest commit comes first: of several with the same files the oldest is kept.
    for commit in git(root, "log", *query).split():
        of_files[_files_read(root, commit)] = commit
    found = {}
    for tree in trees:
        files = _files_read(root, tree)
        if files and files in of_files:
            found[tree] = of_files[files]
    return found


def _files_read(root: Path, tree: str) -> str:
    """Git's list of what the pipeline reads, with the hash of each file; empty without the tree."""
    try:
        return git(root, "ls-tree", "-r", tree, "--", *READ)
    except ProjectError:
        # Nothing refers to the tree of a run, so git deletes it after some weeks.
        return ""


def tracked_files(root: Path) -> list[str]:
    """Return every file that git tracks or would track, and that is there.

    Args:
        root: The project.

    Raises:
        ProjectError: git cannot list the files.
    """
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=root, capture_output=True, check=False)
    if done.returncode:
        raise ProjectError("git does not list the files here: `make setup` fixes that")
    files = set()
    for encoded in done.stdout.split(b"\0"):
        file = os.fsdecode(encoded)
        # The pipeline may be writing its own files just now.
        if file.startswith(("reports/", "models/")):
            continue
        # A tool would take a name that begins with a dash for an option.
        if file.startswith("-"):
            file = f"./{file}"
        # git lists what was deleted but not yet committed, too.
        if (root / file).is_file():
            files.add(file)
    return sorted(files)


def changed_since(root: Path, tree: str, now: str = "") -> list[str]:
    """Return the files that were changed by somebody since they had a hash.

    Args:
        root: The project.
        tree: What `tree_hash` returned then; nothing is found if it is empty.
        now: What it returned at another moment; empty means that the files as they are count.
    """
    if not tree:
        return []
    names = git(root, "diff", "--name-only", tree, now or tree_hash(root)).splitlines()
    return [name for name in names if not name.startswith(MADE)]


def edited_machinery(root: Path) -> list[str]:
    """Return the committed files of the machinery that changed since the last copy or update.

    Each copy and each update of the template writes its version into .copier-answers.yml: what was
    changed after that commit is the team's doing.

    Args:
        root: The project.

    Raises:
        ProjectError: git cannot tell.
    """
    of_version = ("log", "-1", "--format=%H", "-G^_commit:")
    brought_in = git(root, *of_version, "--", ".copier-answers.yml")
    if not brought_in:
        return []
    machinery = ":(glob)src/*/mlops/**"
    return git(root, "diff", "--name-only", brought_in, "HEAD", "--", machinery).splitlines()


def set_merge_drivers(root: Path) -> None:
    """Tell git how to merge what the pipeline writes; .gitattributes says which files these are.

    Args:
        root: The project.

    Raises:
        ProjectError: git does not take the settings.
    """
    # %P is the file's path. The file itself is this side's already.
    drivers = {"pipeline": 'echo %P "is kept as it is here: make pipeline writes it again"'}
    # A starter has no evidence in its card, and merges it as any text.
    if Path(__file__).with_name("evaluation").joinpath("card.py").is_file():
        # Quoted, since git hands the line to a shell.
        python = shlex.quote(sys.executable)
        drivers["model-card"] = f"{python} -m {__package__}.evaluation.card %O %A %B"
    for name, command in drivers.items():
        git(root, "config", f"merge.{name}.name", "made by make pipeline")
        git(root, "config", f"merge.{name}.driver", command)


def follow_checkout(root: Path, environ: Mapping[str, str]) -> str:
    """Bring the data and the model of the commit that was switched to, as far as DVC has them here.

    Args:
        root: The project.
        environ: What pre-commit says of the switch.

    Returns:
        What was left to do, in one sentence; empty if nothing was.

    Raises:
        ProjectError: git cannot compare the commits.
    """
    # Single files were checked out, or git is moving commits: that is no switch.
    is_switch = environ.get("PRE_COMMIT_CHECKOUT_TYPE") == "1"
    if not is_switch or Path(root, git(root, "rev-parse", "--git-path", "rebase-merge")).exists():
        return ""
    commits = (environ["PRE_COMMIT_FROM_REF"], environ["PRE_COMMIT_TO_REF"])
    # A new worktree comes from no commit. DVC takes half a second to find that nothing changed.
    if not commits[0].strip("0") or not git(
        root, "diff", "--name-only", *commits, "--", "dvc.lock", "*.dvc"
    ):
        return ""
    command = ["dvc", "checkout", "--quiet", "--allow-missing"]
    done = subprocess.run(
        command, cwd=root, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        return (
            "data or model of the branch before are still here, since they are nowhere else: keep "
            f"them with `uv run dvc commit`, or drop them with `uv run dvc checkout --force` "
            f"({done.stderr.strip()})"
        )
    return ""


if __name__ == "__main__":
    sys.exit(follow_checkout(Path.cwd(), os.environ) or 0)
