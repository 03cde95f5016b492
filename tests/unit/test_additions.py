"""What the team only added is merged in its place; what somebody must decide stays a conflict."""

from __future__ import annotations

from pathlib import Path

import pytest
import support
from additions import settle_additions
from hypothesis import given
from hypothesis import strategies as st
from repository import Repository

LINE = st.sampled_from(["a\n", "b: 1\n", "  c\n", "\n", "# d\n", "fi\n", "- e\n"])
LINES = st.lists(LINE, max_size=6).map("".join)


class Merging:
    """A repository in which three versions of one file are merged as an update does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.repository = Repository(folder, folder)
        support.git(folder, "init", "--quiet")

    def tree(self, name: str, text: str) -> tuple[str, str]:
        """Return the hash of a file and of the tree that holds nothing else."""
        path = self.folder / name
        path.write_bytes(text.encode())
        support.git(self.folder, "read-tree", "--empty")
        support.git(self.folder, "add", "--", name)
        blob = support.git(self.folder, "rev-parse", f":{name}").strip()
        return blob, support.git(self.folder, "write-tree").strip()

    def merge(self, name: str, base: str, ours: str, theirs: str) -> str | None:
        """Merge; return the result, or None if a conflict is left."""
        blobs, trees = zip(*(self.tree(name, text) for text in (base, ours, theirs)), strict=True)
        head = support.git(self.folder, "commit-tree", "-m", "Work", trees[1]).strip()
        support.git(self.folder, "reset", "--quiet", "--hard", head)
        git = self.repository.git
        git("merge-recursive", trees[0], "--", head, trees[2], allowed=(0, 1))
        if git("ls-files", "--unmerged"):
            versions = [f"100644,{blob}" for blob in blobs]
            if not settle_additions(self.repository, name, versions):
                return None
        return (self.folder / name).read_bytes().decode()


@pytest.fixture(scope="module")
def merging(tmp_path_factory: pytest.TempPathFactory) -> Merging:
    return Merging(tmp_path_factory.mktemp("repository"))


MAKEFILE = "test:\n\tpytest\n\n.PHONY: test\n"
WORKFLOW = "jobs:\n  test:\n    steps:\n      - run: make test\n"
SETTINGS = "[tool.ruff]\nline-length = 100\n\n[tool.mypy]\nstrict = true\n"


@pytest.mark.parametrize(
    ("name", "base", "tail", "theirs"),
    [
        ("Makefile", MAKEFILE, "\nlabels:\n\techo\n", MAKEFILE.replace("test\n", "test serve\n")),
        ("Makefile", MAKEFILE, "# of the team\n", f"{MAKEFILE}\nserve:\n\tserve\n"),
        ("compose.yaml", "services:\n  train: {}\n", "# ours\n", "services:\n  serve: {}\n"),
        ("compose.yaml", "a:\n  b: 1\n", "volumes:\n  pg:\n", "a:\n  b: 1\n  c: 2\n"),
        (
            "pyproject.toml",
            SETTINGS,
            "\n[tool.acme]\nof = 1\n",
            f"{SETTINGS}\n[tool.of_v2]\na = 1\n",
        ),
        ("README.md", "# A\n", "\n## Who to ask\n\nAda.\n", "# A\n\n## Of v2\n"),
        (
            "errors.py",
            "A = 1\n",
            "\n\ndef ours() -> None: ...\n",
            "A = 1\n\n\ndef of_v2() -> None: ...\n",
        ),
    ],
)
def test_what_the_team_wrote_below_the_last_line_stays_below_it(
    merging: Merging, name: str, base: str, tail: str, theirs: str
) -> None:
    assert merging.merge(name, base, base + tail, theirs) == theirs + tail


@pytest.mark.parametrize(
    ("name", "base", "tail", "theirs"),
    [
        pytest.param("Makefile", MAKEFILE, "\techo\n", f"{MAKEFILE}\nserve:\n", id="recipe"),
        pytest.param(
            "checks.yml",
            WORKFLOW,
            "      - run: make labels\n",
            f"{WORKFLOW}  publish:\n    permissions: {{id-token: write}}\n",
            id="step",
        ),
        pytest.param("a.yml", "- id: a\n", "- id: ours\n", "- id: a\n- id: b\n", id="list"),
        pytest.param(
            "pyproject.toml",
            SETTINGS,
            'exclude = ["legacy"]\n',
            f'{SETTINGS}\n[tool.codespell]\nskip = "a"\n',
            id="key of the last table",
        ),
        pytest.param("f.py", "def f():\n    a()\n", "    b()\n", "def f():\n    c()\n", id="body"),
        pytest.param("f.py", "if a:\n    b()\n", "else:\n    d()\n", "if a:\n    c()\n", id="else"),
        pytest.param("entry.sh", "a\n", "export B=1\n", 'a\nexec "$@"\n', id="order counts"),
        pytest.param("Makefile", MAKEFILE, "\nx:\n\ta\n", f"{MAKEFILE}\nx:\n\tb\n", id="same line"),
        pytest.param("f.py", "", "A = 1\n", "B = 1\n", id="empty before"),
        pytest.param("Makefile", "a:\r\n", "b:\r\n", "a:\r\nc:\r\n", id="other ends of lines"),
        pytest.param("Makefile", "a:", "\nb:", "a:\nc:\n", id="no last end"),
        pytest.param("README.md", "# A\n", "## B\n=======\n", "# A\n## C\n", id="like a mark"),
    ],
)
def test_a_tail_that_may_belong_to_what_stands_above_is_a_conflict(
    merging: Merging, name: str, base: str, tail: str, theirs: str
) -> None:
    assert merging.merge(name, base, base + tail, theirs) is None


def test_an_edit_and_a_tail_each_keep_their_place(merging: Merging) -> None:
    middle = "".join(f"A_{number} = {number}\n" for number in range(9))
    ours = f"first:\n{middle}last:\ntail:\n"
    theirs = f"start:\n{middle}last: of-v2\nnew:\n"
    merged = merging.merge("Makefile", f"start:\n{middle}last:\n", ours, theirs)
    assert merged == f"first:\n{middle}last: of-v2\nnew:\ntail:\n"


@given(base=LINES, theirs=LINES, tail=LINES)
def test_no_line_of_either_side_is_lost(
    merging: Merging, base: str, theirs: str, tail: str
) -> None:
    merged = merging.merge("notes.yml", base, base + tail, theirs)
    if merged is not None:
        before = base.splitlines()
        for side in (tail, theirs):
            for line in side.splitlines():
                new = side.splitlines().count(line) - before.count(line)
                assert merged.splitlines().count(line) >= new


def listing(*entries: str, table: str = "project", key: str = "dependencies") -> str:
    """Return a section with an array, of which each entry has a line."""
    lines = "".join(f'    "{entry}",\n' for entry in entries)
    return f"[{table}]\n{key} = [\n{lines}]\n"


@pytest.mark.parametrize(
    ("table", "key"),
    [("project", "dependencies"), ("dependency-groups", "dev")],
)
def test_packages_that_both_listed_in_one_place_are_all_listed(
    merging: Merging, table: str, key: str
) -> None:
    def text(*entries: str) -> str:
        return listing("a", *entries, "psutil>=6", table=table, key=key)

    ours = text("polars[all]>=1; sys_platform == 'linux'")
    merged = merging.merge("pyproject.toml", text(), ours, text("prometheus-client>=0.21"))
    assert merged == text("polars[all]>=1; sys_platform == 'linux'", "prometheus-client>=0.21")


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        pytest.param(("a", "pol_ars>=1", "b"), ("a", "pol-ars>=2", "b"), id="one package"),
        pytest.param(("p>=1", "a", "x", "b"), ("a", "p>=2", "y", "b"), id="elsewhere"),
        pytest.param(("a>=1", "b"), ("a>=2", "b"), id="another bound"),
        pytest.param(("b",), ("a>=2", "b"), id="one side removed it"),
    ],
)
def test_a_package_that_both_changed_is_a_conflict(
    merging: Merging, ours: tuple[str, ...], theirs: tuple[str, ...]
) -> None:
    versions = [listing(*entries) for entries in (("a", "b"), ours, theirs)]
    assert merging.merge("pyproject.toml", *versions) is None


@pytest.mark.parametrize(
    ("table", "key"),
    [("tool.pytest.ini_options", "addopts"), ("project", "classifiers")],
)
def test_the_order_of_other_arrays_is_left_to_a_person(
    merging: Merging, table: str, key: str
) -> None:
    versions = [
        listing("a", *entries, "z", table=table, key=key)
        for entries in ((), ("n", "m"), ("durations",))
    ]
    assert merging.merge("pyproject.toml", *versions) is None
