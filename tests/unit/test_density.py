"""Code that can be read aloud: how it is counted, and what the template's own code holds."""

from __future__ import annotations

from pathlib import Path

import density
from support import ROOT

FOLDERS = [ROOT / "template" / "src", ROOT / "hooks", ROOT / "tools"]
SAMPLE = '''"""Nine compact constructs, two comments."""
# A comment.
squares = [n * n for n in range(3)]
first, second = 1, 2
largest = first if first > second else second
first, second = divmod(7, 2)  # one value, not two


def total(*numbers: int) -> int:
    """A star in a signature is plain."""
    return sum((*numbers, *squares))


both = {**{"a": 1}, "b": 2}
key = lambda value: -value
if (found := key(1)) and {n for n in squares}:
    pass
'''


def template_code() -> list[Path]:
    """Return the Python files that are written here and run in projects or in the hooks."""
    return [path for folder in FOLDERS for path in density.python_files(folder)]


def test_what_is_counted(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_sample.py").write_text(SAMPLE)
    sample = tmp_path / "sample.py"
    sample.write_text(SAMPLE)
    assert density.python_files(tmp_path) == [sample]
    found = density.measure([sample])
    assert found.lines == 13
    # Two comprehensions, a conditional, `:=`, a lambda, `**`, two stars, a tuple to a tuple.
    assert found.compact * found.lines / 1000 == 9
    assert found.comments * found.lines / 1000 == 2
    assert found.function_lines == 3
    assert density.longest_functions([sample], 2) == {"sample.py: total": 3}


def test_steps_stand_on_lines_of_their_own() -> None:
    found = density.measure(template_code())
    assert found.compact <= 45
    assert found.comments >= 40


def test_a_function_fits_on_a_screen_and_a_module_on_a_few() -> None:
    assert density.longest_functions(template_code(), 60) == {}
    lengths = {path.name: path.read_text("utf-8").count("\n") for path in template_code()}
    assert {name: count for name, count in lengths.items() if count > 310} == {}
