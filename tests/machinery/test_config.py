"""params.yaml: read, checked, and precise about what is wrong."""

from pathlib import Path

import pytest
import yaml
from churn_radar.mlops.config import Config, SettingsDumper, load_config, read_settings
from churn_radar.mlops.errors import ProjectError

GOOD = """
task: regression
seed: 0
data: {name: homes, raw: data/raw/homes_raw.csv, target: price}
selection: {metric: r2}
model: {name: home-price}
"""


def load(tmp_path: Path, text: str) -> Config:
    (tmp_path / "params.yaml").write_text(text, encoding="utf-8")
    return load_config(tmp_path)


def test_settings_left_out_have_defaults(tmp_path: Path) -> None:
    config = load(tmp_path, GOOD)
    assert (config.seed, config.data.time, config.selection.folds) == (0, None, 5)
    assert config.table("interim", "ingest") == Path("data/interim/homes_ingest.parquet")


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (GOOD + "sed: 1", r"^params\.yaml, line 7: sed is not a setting: did you mean seed\?$"),
        (
            GOOD.replace("metric: r2", "metric: r2, fold: 3"),
            r"selection\.fold is not a setting: did you mean folds\?$",
        ),
        (GOOD + "tracking: {zzz: 1}", r"tracking\.zzz is not a setting: there are keep_runs$"),
        (
            GOOD + "tuning: {search: {tree: {depth: {low: 1, high: 2, lg: true}}}}",
            r"^params\.yaml, line 7: tuning\.search\.tree\.depth\.lg is not a setting: did you "
            r"mean log\?$",
        ),
        (
            GOOD + "tuning:\n  search:\n    tree:\n      depth: {low: 3, high: 2}",
            r"^params\.yaml, line 10: tuning\.search\.tree\.depth: low must be less than high, and",
        ),
        (
            GOOD + "tuning: {search: {tree: {depth: 5}}}",
            r"^params\.yaml, line 7: tuning\.search\.tree\.depth: write a list of values, or `low`",
        ),
        (
            GOOD + "tuning: {search: {tree: {depth: {low: a, high: 2}}}}",
            r"^params\.yaml, line 7: tuning\.search\.tree\.depth\.low: a number is needed$",
        ),
        (
            GOOD + "tuning: {search: {tree: {depth: [1, {a: 2}]}}}",
            r"^params\.yaml, line 7: tuning\.search\.tree\.depth\.1: a plain value is needed$",
        ),
        (
            GOOD.replace(", target: price", ""),
            r"^params\.yaml, line 4: data\.target is missing: add",
        ),
        (GOOD.replace("seed: 0", ""), r"^params\.yaml: seed is missing: add it$"),
        (
            GOOD.replace("seed: 0", "sede: 0"),
            r"^params\.yaml, line 3: sede is not a setting: did you mean seed\?$",
        ),
        (
            GOOD + "tuning: {search: {tree: {depth: {lwo: 1, high: 2}}}}",
            r"^params\.yaml, line 7: tuning\.search\.tree\.depth\.lwo is .*: did you mean low\?$",
        ),
        (
            GOOD.replace("metric: r2", "metric: r2, folds: many"),
            r"line 5: selection\.folds: a whole number is needed$",
        ),
        (
            GOOD.replace("metric: r2", "metric: r2, folds: 1"),
            r"line 5: selection\.folds: it should be greater than or equal to 2$",
        ),
        (
            GOOD + "hosting: &hosting {itself: *hosting}",
            r"line 7: hosting\.itself is not a setting: there are",
        ),
        (
            GOOD + "cost: {core_month: 5}\nhosting: {gb_month: 5}",
            "`hosting`, and its old name `cost`",
        ),
        (
            GOOD + "tracking: 5",
            r"^params\.yaml, line 7: tracking: a section is needed with keep_runs$",
        ),
        (
            GOOD.replace("seed: 0", "seed: -1") + "sed: 1",
            r"^params\.yaml, line 3: seed: .*; line 7: sed is not a setting",
        ),
        (GOOD + "seed: 1", r"^params\.yaml, line 7: seed is duplicated in its section"),
        (GOOD.replace("r2}", "r2, metric: r2}"), "line 5: metric is duplicated"),
        ("# Nothing\n", r"^params\.yaml is empty"),
        (GOOD + "hosting: {core_month: 2026-02-30}", "not YAML: day"),
        (GOOD + "behaviours: [stratified-group]", "did you mean stratified-groups"),
        (GOOD + "defaults: 1", "line 7: defaults: "),
        (GOOD.replace("regression", "clustering"), "task: "),
        (GOOD.replace("homes,", "Homes!,"), r"data.name: .*for example homes"),
        (GOOD.replace("{name: home-price}", "{name: Home Price}"), "for example home-price"),
        ("task: [", "not YAML"),
    ],
)
def test_a_fault_is_named(fault: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=message):
        load(tmp_path, fault)


def test_the_wrong_folder_is_said_to_be_wrong(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="in the project's folder"):
        load_config(tmp_path)


def test_a_number_with_an_exponent_is_a_number(tmp_path: Path) -> None:
    text = GOOD.replace("{name: home-price}", "{name: home-price, linear: {a: 1e-3, b: '1e-3'}}")
    assert load(tmp_path, text).model.settings("linear") == {"a": 0.001, "b": "1e-3"}


def test_a_section_may_take_over_another_and_change_it(tmp_path: Path) -> None:
    settings = "first: &first {a: 1, b: 2}\nsecond: {<<: *first, b: 3}\n"
    (tmp_path / "params.yaml").write_text(settings, encoding="utf-8")
    assert read_settings(tmp_path)["second"] == {"a": 1, "b": 3}


def test_a_section_of_an_old_name_works_and_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert load(tmp_path, GOOD + "cost: {core_month: 31}\n").hosting.core_month == 31
    said = capsys.readouterr().err
    assert "`cost` is called `hosting` now, and works until version 0.3.0" in said
    assert said.endswith(": make migrate\n")


def test_a_text_that_looks_like_a_number_is_written_as_text(tmp_path: Path) -> None:
    settings = {"text": "1e-3", "number": 1e-3, "small": 1e-9}
    text = yaml.dump(settings, Dumper=SettingsDumper)
    (tmp_path / "params.yaml").write_text(text, encoding="utf-8")
    assert read_settings(tmp_path) == settings


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ('delimiter: "||"', "data.read.delimiter: .* at most 1 character"),
        ('delimiter: ""', "data.read.delimiter: .* at least 1 character"),
        ('quote: ""', "data.read.quote: "),
        ('decimal: ",."', "data.read.decimal: "),
        ('thousands: ".."', "data.read.thousands: "),
        ('thousands: "."', "decimal and thousands are both '.'"),
        ("encoding: utf_8x", "'utf_8x' is not an encoding"),
        ("encoding: base64", "'base64' is not an encoding"),
    ],
)
def test_a_fault_in_how_the_file_is_written_is_named(
    setting: str, message: str, tmp_path: Path
) -> None:
    fault = GOOD.replace("target: price", f"target: price, read: {{{setting}}}")
    with pytest.raises(ProjectError, match=message):
        load(tmp_path, fault)


def test_a_file_may_have_any_marks_that_differ(tmp_path: Path) -> None:
    marks = 'read: {delimiter: "\t", decimal: ",", thousands: " ", encoding: UTF-16}'
    read = load(tmp_path, GOOD.replace("target: price", f"target: price, {marks}")).data.read
    assert (read.delimiter, read.decimal, read.thousands) == ("\t", ",", " ")
    assert load(tmp_path, GOOD).data.read.thousands == ""


@pytest.mark.parametrize(
    "threshold",
    [
        *("floor: {skill: .nan}", "floor: {skill: 1.5}", "floor: {skill: -1}"),
        *("champion: {margin: .inf}", "champion: {margin: 2}", "slices: {skill: -.inf}"),
        *("groups: {max_gap: .inf}", "leakage: {max_skill: 1.1}", "leakage: {max_skill: .nan}"),
        *("features: {max_microseconds: .inf}", "budget: {model_mb: .inf}"),
        *("freshness: {data_days: .inf}", "freshness: {data_days: 0}"),
    ],
)
def test_a_threshold_that_lets_everything_through_is_refused(
    threshold: str, tmp_path: Path
) -> None:
    gate, _, rest = threshold.partition(": {")
    name = rest.partition(":")[0]
    with pytest.raises(ProjectError, match=f"gates.{gate}.{name}"):
        load(tmp_path, f"{GOOD}\ngates:\n  {threshold}\n")
