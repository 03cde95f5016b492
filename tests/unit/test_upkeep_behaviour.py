"""A behaviour is turned on by one line, and by nobody but the team."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import support
import yaml
from hypothesis import given
from hypothesis import strategies as st
from messages import RefusalError
from repository import Repository
from upkeep import behaviour
from upkeep.behaviour import BEHAVIOURS

NAME = "stratified-groups"


def settings(folder: Path, text: str) -> Path:
    (folder / "params.yaml").write_bytes(text.encode())
    return folder


def assigned(name: str) -> ast.expr:
    """What the project's machinery assigns to a name, or gives a field as its default."""
    bounds = support.ROOT / "template/src/{{ package_name }}/mlops/bounds.py"
    for node in ast.walk(ast.parse(bounds.read_text("utf-8"))):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            return node.value
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == name:
            assert isinstance(node.value, ast.Call)
            (default,) = (each.value for each in node.value.keywords if each.arg == "default")
            return default
    raise AssertionError(name)


def test_the_machinery_knows_the_same_behaviours() -> None:
    assert ast.literal_eval(assigned("BEHAVIOURS")) == {one.name: one.since for one in BEHAVIOURS}
    assert ast.literal_eval(assigned("defaults")) == behaviour.OLDEST


def test_a_new_project_has_all_of_them() -> None:
    template = (support.ROOT / "template" / "params.yaml.jinja").read_text("utf-8")
    (line,) = [line for line in template.splitlines() if line.startswith("defaults: ")]
    newest = line.split()[1]
    assert [one.name for one in BEHAVIOURS if one.since > newest] == []


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("seed: 1\n", [NAME]),
        ("defaults: 0.1.9\n", [NAME]),
        ("defaults: 0.2.0\n", []),
        ("defaults: 0.10.0\n", []),
        (f"behaviours: [{NAME}]\n", []),
        ("behaviours:\n", [NAME]),
    ],
)
def test_what_is_off_is_listed(text: str, names: list[str], tmp_path: Path) -> None:
    off = behaviour.turned_off(settings(tmp_path, text))
    assert [one.name for one in off] == names
    said = "\n".join(behaviour.listing(off))
    assert all(f"{one.name}, since {one.since}: " in said for one in off)
    assert ("has every behaviour" in said) == (not names)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("defaults: newest\n", "defaults: newest is no version"),
        ("a: [\n", "params.yaml cannot be read"),
        ("- a\n", "it holds no settings"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(RefusalError, match=said):
        behaviour.turned_off(settings(tmp_path, text))


def test_settings_that_are_not_there_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusalError, match=r"params\.yaml cannot be read"):
        behaviour.turned_off(tmp_path)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("stratified-group", "seed: 1\n", "did you mean stratified-groups"),
        (NAME, "defaults: 0.2.0\n", "has stratified-groups already"),
    ],
)
def test_a_name_that_is_of_no_use_is_refused(
    name: str, text: str, said: str, tmp_path: Path
) -> None:
    place = settings(tmp_path, text)
    support.commit(place, "Start")
    with pytest.raises(RefusalError, match=said):
        behaviour.behaviour(Repository(place, place), name)
    assert (place / "params.yaml").read_text() == text


@given(
    above=st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=20),
    end=st.sampled_from(["\n", "\r\n"]),
    line=st.sampled_from(["", "behaviours: []", "behaviours:", "behaviours: [a, b] # ours"]),
    last=st.booleans(),
)
def test_one_line_is_written_and_no_other(
    above: str, end: str, line: str, last: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    lines = [f"# behaviours: {above}", "data: {behaviours: 1}", *([line] if line else [])]
    text = end.join(lines if last else [*lines, "seed: 1", ""])
    place = settings(tmp_path_factory.mktemp("settings"), text)
    behaviour.turn_on(place, BEHAVIOURS[0])
    after = (place / "params.yaml").read_bytes().decode()
    old = (yaml.safe_load(text) or {}).get("behaviours") or []
    assert yaml.safe_load(after)["behaviours"] == [*old, NAME]
    kept = after.splitlines()
    kept.remove(next(each for each in kept if each.startswith("behaviours: ")))
    assert kept == [each for each in text.splitlines() if each != line]
    assert ("# ours" in after) == ("# ours" in text)


@pytest.mark.parametrize("text", ["behaviours:\n  - a\n", "behaviours: [a,\n  b]\n"])
def test_a_list_of_another_form_is_left_to_a_person(text: str, tmp_path: Path) -> None:
    place = settings(tmp_path, text)
    with pytest.raises(RefusalError, match=r"write it yourself, as in `behaviours: \[a, .*\]`"):
        behaviour.turn_on(place, BEHAVIOURS[0])
    assert (place / "params.yaml").read_text() == text
