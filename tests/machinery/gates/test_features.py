"""Gate `features`: each is worth having, or kept for a reason, and costs little."""

from types import SimpleNamespace

import pytest
from churn_radar.features import FEATURES
from churn_radar.mlops.config import Config
from churn_radar.mlops.gates import worth

NAME = FEATURES[0].name


def bounded(config: Config, **bounds: object) -> Config:
    """The settings with these bounds for the gate."""
    changed = config.gates.features.model_copy(update=bounds)
    gates = config.gates.model_copy(update={"features": changed})
    return config.model_copy(update={"gates": gates})


def weak(sound: SimpleNamespace) -> None:
    sound.challenge["features"][NAME]["useful"] = False


def test_a_weak_feature_is_listed(sound: SimpleNamespace) -> None:
    assert f"each of {len(FEATURES)} features helps" in worth.features(sound).reason
    weak(sound)
    verdict = worth.features(sound)
    assert verdict.status == "passed"
    assert f"1 of {len(FEATURES)} features are no better than chance: {NAME}" in verdict.reason


def test_a_feature_that_costs_without_helping_is_refused_unless_kept(
    sound: SimpleNamespace,
) -> None:
    weak(sound)
    sound.config = bounded(sound.config, max_microseconds=1e-3)
    verdict = worth.features(sound)
    assert verdict.status == "refused"
    assert verdict.value > verdict.threshold
    assert f"{NAME} is no better than chance and costs" in verdict.reason
    kept = {NAME: "The law asks for it."}
    sound.config = bounded(sound.config, max_microseconds=1e-3, kept=kept)
    verdict = worth.features(sound)
    assert verdict.status == "passed"
    assert "kept with a reason" in verdict.reason


@pytest.mark.parametrize(
    ("kept", "said"),
    [
        ({f"{NAME}x": "Why."}, f"there is no {NAME}x here: did you mean {NAME}?"),
        ({"?": "Why."}, f"there are {', '.join(sorted(f.name for f in FEATURES))}"),
        ({NAME: " "}, f"say why for {NAME}"),
    ],
)
def test_what_is_kept_has_to_be_there_and_for_a_reason(
    kept: dict[str, str], said: str, sound: SimpleNamespace
) -> None:
    sound.config = bounded(sound.config, kept=kept)
    verdict = worth.features(sound)
    assert verdict.status == "refused"
    assert verdict.reason.endswith(said)


def test_a_feature_that_helps_may_cost(sound: SimpleNamespace) -> None:
    sound.config = bounded(sound.config, max_microseconds=1e-3)
    assert worth.features(sound).status == "passed"
