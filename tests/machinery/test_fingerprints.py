"""Code is other code where it may behave otherwise, and comments, docstrings and layout are not."""

from __future__ import annotations

from pathlib import Path

import pytest
from churn_radar.mlops import ProjectError, team
from churn_radar.mlops.checksums import READS_DOCSTRINGS, fingerprints
from churn_radar.mlops.pipeline import code
from hypothesis import given
from hypothesis import strategies as st

CODE = '''"""Features."""

# Why so.
LIMITS = {"low": 1, **{'high': 2}}


def tenure(months: int) -> str | None:
    """Return the band."""
    return u"long" if months > LIMITS["high"] else None
'''
SAME = """
LIMITS = {
    "low": 1,
    **{"high": 2},
}
def tenure(months: int) -> str | None:
    # Of one sort.
    return ("long" if months > LIMITS['high']
            else None)
"""


def _fingerprint(folder: Path, **modules: str) -> dict[str, str]:
    paths = []
    for name, content in modules.items():
        path = folder / f"{name}.py"
        path.write_text(content, encoding="utf-8")
        paths.append(path)
    found: dict[str, str] = fingerprints(paths, folder)
    return found


def test_comments_docstrings_and_layout_make_no_other_code(tmp_path: Path) -> None:
    assert _fingerprint(tmp_path, features=CODE) == _fingerprint(tmp_path, features=SAME)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("> LIMITS", ">= LIMITS"),
        ('"low": 1', '"low": 1.0'),
        ('"low": 1', '"low": True'),
        ("else None", "else 'None'"),
        ('u"long"', 'b"long"'),
        ("**{'high': 2}", "'high': 2"),
        ("months: int", "months: float"),
    ],
)
def test_what_may_behave_otherwise_is_other_code(before: str, after: str, tmp_path: Path) -> None:
    changed = CODE.replace(before, after)
    assert changed != CODE
    assert _fingerprint(tmp_path, features=CODE) != _fingerprint(tmp_path, features=changed)


@pytest.mark.parametrize("reader", ["print(features.__doc__)", "inspect.getdoc(features)"])
def test_docstrings_that_any_module_reads_are_code(reader: str, tmp_path: Path) -> None:
    other = CODE.replace("Return the band.", "Return another band.")
    before = _fingerprint(tmp_path, features=CODE, reader=reader)
    after = _fingerprint(tmp_path, features=other, reader=reader)
    assert before["features.py"] != after["features.py"]


def test_the_machinery_reads_no_docstring_of_the_teams() -> None:
    for path in team.package_files():
        assert not READS_DOCSTRINGS.search(path.read_bytes()), path


@given(comment=st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"])))
def test_no_comment_makes_other_code(
    comment: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.getbasetemp()
    assert _fingerprint(folder, a=f"x = 1  #{comment}\n") == _fingerprint(folder, a="x = 1\n")


def test_a_module_that_cannot_be_parsed_is_named_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"^features\.py, line 2: .*: correct it$"):
        _fingerprint(tmp_path, features="x = 1\ny = (\n")
    with pytest.raises(ProjectError, match=r"^features\.py.*: correct it$"):
        _fingerprint(tmp_path, features="x = '\0'\n")


def test_other_files_count_by_their_bytes(tmp_path: Path) -> None:
    path = tmp_path / "regions.csv"
    path.write_text("north\n")
    before = fingerprints([path], tmp_path)
    path.write_text("north \n")
    assert fingerprints([path], tmp_path) != before


def test_the_fingerprint_does_not_depend_on_the_version_of_python(tmp_path: Path) -> None:
    # As Python 3.11 has it; the tests run on others as well.
    known = "4ce2eaee97752801a602e06074152c63ddfcf03351bec11bacafa44d13fcbee9"
    assert _fingerprint(tmp_path, features=CODE)["features.py"] == known


def test_the_command_records_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    code()
    recorded = team.package_fingerprints()
    assert (tmp_path / team.FINGERPRINTS).exists()
    assert recorded.keys() >= {"features.py", "mlops/modeling/inputs.py", "mlops/pipeline/split.py"}
    assert team.edited_files(recorded) == []


def test_a_model_of_an_earlier_version_is_known_by_the_bytes_of_its_code() -> None:
    assert team.is_code(team.code_hash())
    assert team.is_code(team._hash_of_bytes())
    assert not team.is_code(None)
