"""Four versions of the template, each made of the one before by changes such as releases have.

A change of a text is a `Swap`. It fits the template's source and the files of a project alike, so
that the oracle can make it in a file that a team has edited: what a person would do by hand.
"""

from __future__ import annotations

from dataclasses import dataclass, field

PACKAGE = "src/churn_radar"


class UnplacedError(Exception):
    """The team edited the place itself: only a person can say what is right."""


@dataclass(frozen=True)
class Swap:
    """Each occurrence of a text is replaced.

    Attributes:
        old: The text; it is not Jinja.
        new: What takes its place.
    """

    old: str
    new: str

    def apply(self, text: str, unedited: str) -> str:
        """Make the change in a file as a team has it.

        Args:
            text: The file as the team has it.
            unedited: The file as the template had it.

        Raises:
            UnplacedError: The team copied, edited or removed such a place.
        """
        if not self.old or text.count(self.old) != unedited.count(self.old):
            raise UnplacedError(self.old)
        return text.replace(self.old, self.new)


@dataclass(frozen=True)
class Version:
    """What a version changes. Paths are those of a project.

    Attributes:
        swaps: The changes of each file, by its path before the version.
        added: New files.
        moved: New paths of files.
        retired: Files that are no longer rendered.
        own: Changes of the template's own files, which are in no project.
    """

    swaps: dict[str, list[Swap]] = field(default_factory=dict)
    added: dict[str, str] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)
    retired: tuple[str, ...] = ()
    own: dict[str, list[Swap]] = field(default_factory=dict)


def before(anchor: str, text: str) -> Swap:
    """Return the change that puts a text before another."""
    return Swap(anchor, text + anchor)


def after(anchor: str, text: str) -> Swap:
    """Return the change that puts a text behind another."""
    return Swap(anchor, anchor + text)


REMOVED_LICENSE = "BSD-3-Clause"
"""A choice that v3.0.0 does not have any more."""

CHECKS = ".github/workflows/checks.yml"
TRAIN = "docker/train.Dockerfile"
TRAINING = "docker/training.Dockerfile"
MLOPS = f"{PACKAGE}/mlops"
DIGEST = '''def _checksum(facts: dict[str, Any]) -> str:
    """The sha256 of the facts, whatever the order of their keys and the layout of the file."""
    canonical = json.dumps(facts, sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()
'''
AUDIT = """  audit:
    name: audit
    runs-on: ubuntu-24.04
    timeout-minutes: 10
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
        with:
          persist-credentials: false
      - uses: astral-sh/setup-uv@20cfd1bf945f4377ade1205e4dbc17946fc9a30d # v10.0.1
        with:
          version: ${{ env.UV_VERSION }}
          cache-dependency-glob: uv.lock
      - name: Install what uv.lock pins
        run: uv sync --locked
      - name: Audit
        run: make audit

"""
NIGHTLY = ".github/workflows/nightly.yml"


def job(name: str) -> str:
    """Return a job of `NIGHTLY`: all of them look alike, as jobs that were copied do."""
    return f"""  {name}:
    runs-on: ubuntu-24.04
    timeout-minutes: 10
    steps:
      - uses: actions/checkout@v7
        with:
          persist-credentials: false
      - uses: astral-sh/setup-uv@v10
        with:
          cache-dependency-glob: uv.lock
      - run: uv sync --locked
      - run: make {name}

"""


STAGE = """  count:
    cmd: wc -l src/*/*.py
    deps:
      - ${code}/schemas.py

"""
IMPORT = "from .errors import ProjectError\n"
RENAMED = "\"{{ user_email | default('') }}\""
UPGRADE = "upgrade:  ## Move every package to its newest version, then verify\n"

VERSIONS = {
    # A job like its neighbours, a bump, a renamed file, a retired one.
    "v2.0.0": Version(
        swaps={
            CHECKS: [before("  tests:\n", AUDIT)],
            NIGHTLY: [before("  score:\n", job("audit"))],
            "Makefile": [
                before(UPGRADE, "audit:  ## Look for known holes\n\t$(RUN) pip-audit\n\n"),
                Swap(f"--file {TRAIN}", f"--file {TRAINING}"),
            ],
            "pyproject.toml": [
                Swap('    "pandas>=2.3",\n', '    "pandas>=2.4",\n'),
                before('    "rich>=13.9",\n', '    "pyzmq>=26",\n'),
            ],
            TRAIN: [Swap("UV_LINK_MODE=copy", "UV_LINK_MODE=hardlink")],
            "compose.yaml": [Swap(f"dockerfile: {TRAIN}", f"dockerfile: {TRAINING}")],
            f"{PACKAGE}/features.py": [before("from .mlops", "# of v2\n")],
        },
        added={
            ".github/workflows/audit.yml": "name: audit\non: [push]\njobs: {}\n",
            f"{MLOPS}/data/counts.py": '"""Counts of v2."""\n\nN = 2\n',
            "tests/data/test_counts.py": '"""Of v2, and the team\'s: no update brings it."""\n',
        },
        moved={TRAIN: TRAINING},
        retired=(".dvcignore",),
    ),
    # A folder and a module that move, a module that is split, owners that change, a question that
    # is renamed, a choice that is gone.
    "v3.0.0": Version(
        swaps={
            f"{MLOPS}/git.py": [
                Swap("from .errors", "from ..errors"),
                before("MADE = (", "# Of the pipeline.\n"),
            ],
            f"{MLOPS}/checksums.py": [
                before(IMPORT, "from .digest import _checksum\n"),
                Swap(f"\n\n{DIGEST}", ""),
            ],
            "README.md": [before("## Map\n", "## Of v3\n\nThe third version.\n\n")],
            ".gitignore": [before("# made by a run\n", "# of v3\n/.of-v3/\n\n")],
            "docs/data-card.md": [Swap("## Columns\n", "## All columns\n")],
            CHECKS: [after("cache-dependency-glob: uv.lock\n", "          prune-cache: false\n")],
        },
        added={f"{MLOPS}/digest.py": f"import hashlib\nimport json\n\n\n{DIGEST}"},
        moved={
            f"{MLOPS}/git.py": f"{MLOPS}/data/git.py",
            f"{MLOPS}/verify/__init__.py": f"{MLOPS}/proof/__init__.py",
            f"{MLOPS}/verify/runner.py": f"{MLOPS}/proof/runner.py",
            f"{MLOPS}/verify/steps.py": f"{MLOPS}/proof/steps.py",
        },
        own={
            "copier.yml": [
                Swap("user_email", "contact_email"),
                Swap('written down.\n  default: ""', f"written down.\n  default: {RENAMED}"),
                Swap(f"MIT, {REMOVED_LICENSE}, ", "MIT, "),
                Swap("    /docs/*-card.md\n", "    /.github/CODEOWNERS\n"),
            ],
            "template/pyproject.toml.jinja": [Swap("user_email", "contact_email")],
            "template/docs/model-card.md.jinja": [Swap("user_email", "contact_email")],
            "tools/ownership.py": [
                Swap('("/docs/*-card.md", "team")', '("/.github/CODEOWNERS", "team")')
            ],
        },
    ),
    # A practice with a question, a folder, a stage and a target of its own.
    "v4.0.0": Version(
        swaps={
            "Makefile": [before("names:  ## ", "watch:  ## Watch the model\n\t$(RUN) watch\n\n")],
            "dvc.yaml": [before("  train:\n", STAGE)],
            "pyproject.toml": [after("[tool.ruff]\n", "target-version = 'py311'\n")],
            CHECKS: [Swap("name: pipeline on a slice\n", "name: pipeline on 2,000 rows\n")],
            ".pre-commit-config.yaml": [after("name: lint (ruff)\n", "        fail_fast: true\n")],
            ".github/CODEOWNERS": [before("# What decides", "# Of v4: the team's by now.\n")],
            "docs/data-card.md": [before("## Limits\n", "## Of v4\n\nThe fourth.\n\n")],
            f"{MLOPS}/proof/steps.py": [before("from ..config", "# of v4\n")],
        },
        added={
            f"{MLOPS}/watch/__init__.py": '"""Watches the model."""\n',
            f"{MLOPS}/watch/drift.py": '"""What has drifted."""\n\nBOUND = 0.2\n',
            ".github/workflows/watch.yml": "name: watch\non: [push]\njobs: {}\n",
        },
        own={
            "copier.yml": [
                before(
                    "# --- computed",
                    "use_watch:\n  type: bool\n  help: Watch the model?\n  default: true\n\n",
                ),
                # Copier tries the rows of the new version on the old answers too.
                before(
                    '  - "{% if not use_docker %}',
                    '  - "{% if use_watch is defined and not use_watch %}'
                    '/src/*/mlops/watch{% endif %}"\n',
                ),
            ]
        },
    ),
}
"""What each version brings, in their order; v1.0.0 is this repository as it stands."""

ALIKE = "name: nightly\non: [push]\njobs:\n" + job("test") + job("score") + "# The end.\n"
"""`NIGHTLY` of the first version, since the template itself avoids lines that repeat."""

FIRST = "v1.0.0"
NAMES = [FIRST, *VERSIONS]


def between(start: str, end: str) -> list[Version]:
    """Return the versions that an update goes through."""
    return list(VERSIONS.values())[NAMES.index(start) : NAMES.index(end)]
