"""The model card: its part that is measured follows the evidence, the prose stays the team's."""

import json
import shutil
from pathlib import Path

import pytest
from churn_radar.mlops.checksums import file_hash
from churn_radar.mlops.config import Config
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.evaluation import cell
from churn_radar.mlops.evaluation.card import CARD, MARKS, check_card, write_card

TASKS = ("classification", "regression")


@pytest.fixture
def made(finished: Path, tmp_path: Path) -> Path:
    """A copy of the finished project, to be spoilt."""
    return Path(shutil.copytree(finished, tmp_path / "project"))


def test_writing_the_card_leaves_the_prose_alone(config: Config, made: Path) -> None:
    path = made / CARD
    prose, _, _ = path.read_bytes().partition(MARKS[0].encode())
    own = "Ours, à nous.\r\n".encode() + prose
    path.write_bytes(path.read_bytes().replace(prose, own).replace(b"| model |", b"| modl |"))
    with pytest.raises(ProjectError, match="make card"):
        check_card(config, made)
    write_card(config, made)
    assert path.read_bytes().startswith(own)
    assert "model-card.md is about" in check_card(config, made)


def test_a_card_that_does_not_tell_what_training_takes_now_is_stale(
    config: Config, made: Path
) -> None:
    (made / "docker").mkdir(exist_ok=True)
    (made / "docker" / "resources.env").write_text("# Measured\nTRAIN_CPUS=1\n")
    with pytest.raises(ProjectError, match="stale"):
        check_card(config, made)
    write_card(config, made)
    assert "| resources | TRAIN_CPUS 1 |" in (made / CARD).read_text(encoding="utf-8")


def test_a_card_shows_what_a_load_test_of_this_model_found(config: Config, made: Path) -> None:
    best = {"requests_per_second": 812.5, "p99_ms": 38.2}
    swap = {"errors": 0, "longest_gap_ms": 12.5}
    load = {"best": best, "swap": swap, "workers": 2, "machine": "two cores", "model": "another"}
    path = made / "reports" / "load.json"
    path.write_text(json.dumps(load))
    assert write_card(config, made) == check_card(config, made)
    assert "requests/s" not in (made / CARD).read_text(encoding="utf-8")
    path.write_text(json.dumps(load | {"model": file_hash(made / "models" / "model.skops")}))
    with pytest.raises(ProjectError, match="stale"):
        check_card(config, made)
    write_card(config, made)
    shown = (
        "| service | 812.5 requests/s at a p99 of 38.2 ms (2 workers, two cores); swap: 0 requests"
    )
    assert shown in (made / CARD).read_text(encoding="utf-8")


@pytest.mark.parametrize("file", ["models/model.skops", "test"])
def test_a_card_about_another_file_is_refused(file: str, config: Config, made: Path) -> None:
    path = made / (config.table("processed", file) if file == "test" else file)
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(ProjectError, match=r"another (model|test): run `make pipeline`"):
        check_card(config, made)
    path.unlink()  # as in a fresh clone, which has the evidence and not what it is about
    assert "is about" in check_card(config, made)


def test_a_card_without_evidence_is_refused(config: Config, made: Path) -> None:
    (made / "reports" / "slices.json").unlink()
    with pytest.raises(ProjectError, match="is not there: `make pipeline`"):
        write_card(config, made)


@pytest.mark.parametrize("fault", ["missing", "twice", "in the wrong order"])
def test_a_card_without_its_marks_is_left_alone(fault: str, config: Config, made: Path) -> None:
    path, (start, end) = made / CARD, MARKS
    text = path.read_text(encoding="utf-8")
    spoilt = {"missing": text.replace(end, ""), "twice": text + start}
    spoilt["in the wrong order"] = text.replace(start, "X").replace(end, start).replace("X", end)
    path.write_text(spoilt[fault], encoding="utf-8")
    for function in (write_card, check_card):
        with pytest.raises(ProjectError, match="once each"):
            function(config, made)
    assert path.read_text(encoding="utf-8") == spoilt[fault]


def test_a_project_without_a_card_gets_one(config: Config, made: Path) -> None:
    (made / CARD).unlink()
    with pytest.raises(ProjectError, match="`make card` fixes it"):
        check_card(config, made)
    assert write_card(config, made) == check_card(config, made)


def test_a_value_breaks_no_table_of_the_card() -> None:
    assert cell(f"a|b\n`{MARKS[1]}") == "a&#124;b &#96;&lt;!-- end of evidence --&gt;"
