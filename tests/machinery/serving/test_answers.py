"""What the service answers: the numbers of the pipeline, or what is wrong with which row."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from churn_radar.mlops.config import Config
from churn_radar.mlops.serving import Asked
from churn_radar.mlops.serving.predictor import Predictor
from churn_radar.mlops.tracking import registry
from machinery.serving import known
from machinery.serving.known import JSON, Server

TASKS = ("classification", "regression")

Body = dict[str, Any]


def test_answers_are_the_pipelines(
    config: Config, served: Path, server: Server, requests: pd.DataFrame, bodies: list[Body]
) -> None:
    expected = known.offline(config, served, 1, requests)
    many = server.predict(bodies)
    assert many.status == 200
    np.testing.assert_allclose(known.online(many.body), expected, rtol=1e-9, atol=1e-9)
    one = server.predict(bodies[0])
    np.testing.assert_allclose(known.online(one.body), expected[:1], rtol=1e-9, atol=1e-9)
    assert (one.body["version"], one.body["commit"]) == (1, known.COMMIT)
    assert one.headers["x-request-id"] == one.body["request_id"]


def test_a_gap_may_be_left_out(server: Server, bodies: list[Body]) -> None:
    with_gap = bodies[0] | {"data_gb": None}
    without = {name: value for name, value in with_gap.items() if name != "data_gb"}
    assert (
        server.predict(with_gap).body["predictions"] == server.predict(without).body["predictions"]
    )
    # A column that the schema calls optional.
    without = {name: value for name, value in bodies[0].items() if name != "has_app"}
    assert server.predict([without, bodies[1]]).status == 200


@pytest.mark.parametrize(
    ("change", "column"),
    [
        ({"region": "atlantis"}, "region"),
        ({"region": None}, "region"),
        ({"region": 7}, "region"),
        ({"tenure_months": "12"}, "tenure_months"),
        ({"tenure_months": 1.5}, "tenure_months"),
        ({"tenure_months": -1}, "tenure_months"),
        ({"tenure_months": 10**30}, "tenure_months"),
        ({"tenure_months": True}, "tenure_months"),
        ({"monthly_charge": 1e308}, "monthly_charge"),
        ({"event_month": "yesterday"}, "event_month"),
        ({"event_month": 5}, "event_month"),
        ({"event_month": "1999-01-01"}, "event_month"),
        ({"last_complaint": "2200-01-01"}, "no complaint after event_month"),
        ({"event_month": "2999-01-01"}, "event_month"),
        ({"event_month": "0001-01-01T00:00:00+14:00"}, "event_month"),
        ({"event_month": "9999-12-31T23:00:00-14:00"}, "event_month"),
        # Between the first moment that a table can hold and its microsecond.
        ({"event_month": "1677-09-21T00:12:43.145224", "last_complaint": None}, "event_month"),
        ({"payment_risk": 2}, "payment_risk"),
        ({"regions": "north"}, "regions"),
        ({"ägе": 1}, "ägе"),
    ],
)
def test_a_broken_row_is_named_with_column_and_rule(
    server: Server, bodies: list[Body], change: Body, column: str
) -> None:
    answer = server.predict([bodies[0], bodies[1] | change, bodies[2]])
    assert answer.status == 422
    (problem,) = answer.body["detail"]
    assert problem["row"] == 1
    assert column in problem["column"] + problem["rule"]
    # No value of a row is in an answer.
    assert "atlantis" not in json.dumps(answer.body)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"region": 7}, "it must be 'north', 'east', 'south' or 'west'"),
        ({"tenure_months": "12"}, "it must be a whole number"),
        ({"tenure_months": 1.5}, "it must be a whole number"),
        ({"tenure_months": -1}, "it must be greater than or equal to 0"),
        ({"monthly_charge": "much"}, "it must be a number"),
        ({"event_month": 5}, "it must be a moment as text, as in 2026-01-31T12:00:00"),
        ({"has_app": 1}, "it must be true or false"),
    ],
)
def test_rules_are_in_our_words(
    server: Server, bodies: list[Body], change: Body, rule: str
) -> None:
    (problem,) = server.predict(bodies[0] | change).body["detail"]
    assert problem["rule"] == rule


@pytest.mark.parametrize("name", ["rows", "instances", "dataframe_records"])
def test_what_is_wrapped_around_the_rows_is_said(
    server: Server, bodies: list[Body], name: str
) -> None:
    answer = server.predict({name: bodies[:2]})
    assert answer.status == 422
    (problem,) = answer.body["detail"]
    assert problem["column"] == name
    assert "send one row as an object, or a list of rows, and nothing around" in problem["rule"]
    assert "nothing around" not in str(server.predict(bodies[0] | {"regions": []}).body)


def test_a_missing_column_is_named(server: Server, bodies: list[Body]) -> None:
    row = {name: value for name, value in bodies[0].items() if name != "monthly_charge"}
    answer = server.predict(row)
    assert answer.status == 422
    assert answer.body["detail"] == [
        {"row": 0, "column": "monthly_charge", "rule": "the column is missing"}
    ]


def test_a_partial_answer_lists_the_rows_that_are_left_out(
    server: Server, bodies: list[Body]
) -> None:
    of_type = bodies[1] | {"tenure_months": "many"}
    of_rule = bodies[1] | {"last_complaint": "2200-01-01"}
    rows = [bodies[0], of_type, bodies[2], of_rule]
    answer = server.predict(rows, "?partial=true")
    assert answer.status == 200
    whole = server.predict([bodies[0], bodies[2]]).body["predictions"]
    assert answer.body["predictions"] == [whole[0], None, whole[1], None]
    assert [problem["row"] for problem in answer.body["rejected"]] == [1, 3]
    assert server.metric('rejected_rows_total{rule="tenure_months') >= 1
    assert server.predict(of_type, "?partial=true").body["predictions"] == [None]


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"", JSON, 400),
        (b"{", JSON, 400),
        (b"[" * 100_000, JSON, 400),
        (b'{"a":' * 100_000, JSON, 400),
        (b'"text"', JSON, 422),
        (b"[]", JSON, 422),
        (b"{}", JSON, 422),
        (b"[1, 2]", JSON, 422),
        (b'{"monthly_charge": NaN}', JSON, 422),
        (b'{"monthly_charge": 1e999}', JSON, 422),
        (b'{"region": "\\ud800"}', JSON, 400),
        (b"\xff\xfe", JSON, 400),
        (b"{}", {"Content-Type": "text/csv"}, 415),
        (b"{}", {}, 415),
        (b"[" + b"{}," * 20_000 + b"{}]", JSON, 413),
        (b" " * (100 << 20), JSON, 413),
    ],
    ids=lambda value: value[:20] if isinstance(value, bytes) else None,
)
def test_what_is_no_request_is_refused(
    server: Server, body: bytes, headers: dict[str, str], status: int
) -> None:
    try:
        answer = server.ask("POST", "/predict", body, headers)
    except (BrokenPipeError, ConnectionResetError):
        # Refused by its declared length, before the client had sent it all.
        assert len(body) > 1 << 20
        return
    assert answer.status == status, answer.body
    assert answer.body["detail"][0]["rule"]


def test_the_documentation_shows_the_fields(server: Server) -> None:
    document = server.ask("GET", "/openapi.json").body
    row = document["components"]["schemas"]["Row"]
    fields = row["properties"]
    assert fields["region"]["enum"] == ["north", "east", "south", "west"]
    assert fields["tenure_months"] | {"minimum": 0, "maximum": 600} == fields["tenure_months"]
    assert fields["payment_risk"]["maximum"] == 1
    assert fields["event_month"]["format"] == "date-time"
    assert fields["monthly_charge"]["examples"]
    assert "monthly_charge" in row["required"]
    assert not {"data_gb", "has_app"} & set(row["required"])
    assert row["additionalProperties"] is False


def test_the_model_and_its_state_are_told(config: Config, server: Server) -> None:
    champion = server.ask("GET", "/model").body["champion"]
    assert (champion["model"], champion["version"]) == (config.model.name, 1)
    assert "folder" not in champion
    assert server.ask("GET", "/health").body == {"status": "ok"}
    assert server.ask("GET", "/nothing").status == 404
    assert server.metric("model_info{") == 1


def test_rows_that_nobody_was_answered_are_not_logged(
    config: Config, served: Path, bodies: list[Body]
) -> None:
    version = registry.versions(served, config.model.name)[-1]
    folder = registry.fetch(served, config.model.name, version)
    predictor = Predictor(config, folder, {"model": "radar", "version": 1, "commit": known.COMMIT})
    broken = bodies[1] | {"last_complaint": "2200-01-01"}
    rows = json.dumps([bodies[0], broken, bodies[2]]).encode()
    requests = [Asked("refused", "champion", False, rows), Asked("partial", "champion", True, rows)]
    answers, (logged,) = predictor.answer(requests)
    assert [answer.status for answer in answers] == [422, 200]
    assert set(logged.request_ids) == {"partial"}
    assert list(logged.rows) == [0, 2]
    assert len(logged.features) == len(logged.predictions) == 2
