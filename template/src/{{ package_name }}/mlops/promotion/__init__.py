"""The one way to a new champion, and the way back."""

import subprocess
from pathlib import Path


def commit_of(root: Path) -> str:
    """Return the commit that is checked out; empty outside a repository."""
    command = ["git", "-C", str(root), "rev-parse", "--verify", "--quiet", "HEAD"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""
