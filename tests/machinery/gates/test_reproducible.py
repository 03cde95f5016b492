"""Gate `reproducible`: trainings that differ are refused."""

from churn_radar.mlops.config import Config
from churn_radar.mlops.gates import reproducible
from machinery.profiling.known import judged


def test_two_trainings_that_differ_are_refused(config: Config) -> None:
    verdict = judged(reproducible.reproducible, config, digests=["a", "b"], spread=0.25)
    assert (verdict.status, verdict.value, verdict.threshold) == ("refused", 0.25, 0)
    assert "0.25" in verdict.reason
