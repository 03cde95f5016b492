"""The raw data is rebuilt from a seed or pulled, and a slice replaces nothing."""

import shutil
from pathlib import Path

import pytest
import yaml
from churn_radar.mlops import team
from churn_radar.mlops.config import Config, Read
from churn_radar.mlops.data import fetch
from churn_radar.mlops.data.cells import convert_types
from churn_radar.mlops.data.fetch import bring_data
from churn_radar.mlops.data.readers import read
from churn_radar.mlops.errors import ProjectError


def test_the_example_is_rebuilt_from_its_seed(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "dvc", lambda *_, cwd: None)
    for folder in ("one", "two"):
        said = bring_data(config, tmp_path / folder, rows=50)
        assert said.endswith("50 rows of the example, simulated from its seed")
    one, two = (tmp_path / folder / config.data.raw for folder in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()


def test_own_data_is_pulled_and_cut(
    project_root: Path, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(project_root / ".dvc", tmp_path / ".dvc")
    how = Read(encoding="cp1252", delimiter=";", decimal=",")
    own = config.data.model_copy(update={"raw": Path("data/raw/homes_raw.csv"), "read": how})
    homes = config.model_copy(update={"data": own})
    with pytest.raises(
        ProjectError, match=r"cannot be brought: dvc pull failed[\s\S]*CONTRIBUTING"
    ):
        bring_data(homes, tmp_path)

    def pull(*arguments: str, cwd: Path) -> None:
        if arguments[0] == "pull":
            (cwd / own.raw).parent.mkdir(parents=True)
            (cwd / own.raw).write_text("a;b\nä;1,5\nb;2\nc;3\n", encoding="cp1252")

    monkeypatch.setattr(fetch, "dvc", pull)
    bring_data(homes, tmp_path, rows=2)
    assert (tmp_path / own.raw).read_text("cp1252") == "a;b\nä;1,5\nb;2\n"
    assert "is there" in bring_data(homes, tmp_path)


def test_what_is_not_here_is_said_with_what_brings_it(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "find_root", lambda _: tmp_path)
    monkeypatch.setattr(fetch, "load_config", lambda _: config)
    with pytest.raises(ProjectError, match=r"customers_raw\.csv is not here: `make data` brings"):
        fetch.raw_data()
    (tmp_path / config.data.raw).parent.mkdir(parents=True)
    (tmp_path / config.data.raw).touch()
    fetch.raw_data()
    # What a stage of the team's makes needs what that stage reads.
    (tmp_path / "dvc.yaml").write_text(
        f"stages: {{join: {{deps: [a.csv, join.py], outs: [{config.data.raw}]}}}}\n"
    )
    (tmp_path / "a.csv.dvc").touch()
    with pytest.raises(ProjectError, match=r"^a\.csv is not here.*CONTRIBUTING"):
        fetch.raw_data()


@pytest.mark.parametrize("name", ["homes_raw.csv", "homes_raw.jsonl.gz", "homes_raw.pq", "homes"])
def test_a_slice_that_cannot_be_reached_is_made_up_and_says_so(
    name: str, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def unreachable(*arguments: str, cwd: Path) -> None:
        calls.append(arguments)
        if arguments[0] in ("pull", "repro"):
            raise ProjectError("dvc pull failed: ERROR: no such bucket")

    monkeypatch.setattr(fetch, "dvc", unreachable)
    how = Read(
        delimiter=";",
        decimal=",",
        dates={"event_month": ["%d/%m/%Y"], "last_complaint": ["ISO8601"]},
    )
    own = config.data.model_copy(update={"raw": Path("data/raw", name), "read": how})
    homes = config.model_copy(update={"data": own})
    said = bring_data(homes, tmp_path, rows=60)
    assert said.startswith("MADE-UP ROWS: ")
    assert "no such bucket" in said
    assert "scores say nothing" in said
    schema = team.raw_table()
    table = convert_types(read(tmp_path / own.raw, how), schema.to_schema(), how)
    assert len(schema.validate(table)) == 60
    assert fetch.pointers(tmp_path, own.raw) == [f"{own.raw}.dvc"]
    assert calls[1] == ("add", "--quiet", str(own.raw))


def test_what_a_stage_makes_is_made_of_its_inputs_alone(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def unreachable(*arguments: str, cwd: Path) -> None:
        calls.append(arguments)
        raise ProjectError("dvc repro failed: ERROR: no such bucket")

    monkeypatch.setattr(fetch, "dvc", unreachable)
    joined = Path("data/raw/joined_raw.csv")
    own = config.data.model_copy(update={"raw": joined})
    stage = {
        "deps": ["data/raw/plans_raw.csv", "src"],
        "outs": [{joined.as_posix(): {"cache": False}}],
    }
    (tmp_path / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"join": stage}}))
    with pytest.raises(ProjectError, match=r"no such bucket[\s\S]*`make data` here"):
        bring_data(config.model_copy(update={"data": own}), tmp_path, rows=60)
    assert calls == [("repro", "--pull", "join")]
    assert not (tmp_path / joined).exists()
    # The age of the data is that of the inputs.
    assert fetch.pointers(tmp_path, joined) == []
    (tmp_path / "data" / "raw").mkdir(parents=True)
    (tmp_path / "data" / "raw" / "plans_raw.csv.dvc").touch()
    assert fetch.pointers(tmp_path, joined) == ["data/raw/plans_raw.csv.dvc"]


def test_an_example_to_which_rows_were_appended_is_pulled(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    monkeypatch.setattr(fetch, "dvc", lambda *arguments, cwd: calls.append(arguments))
    bring_data(config, tmp_path)
    raw = tmp_path / config.data.raw
    raw.unlink()
    pointer = raw.with_name(f"{raw.name}.dvc")
    pointer.write_text("outs: [{md5: 0cc175b9c0f1b6a831c399e269772661}]\n")
    bring_data(config, tmp_path)
    assert calls[-1] == ("pull", "--force", str(pointer))
