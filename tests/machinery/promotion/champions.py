"""Promotes and reads what was recorded, for tests of the record."""

from pathlib import Path
from typing import Any

from churn_radar.mlops.config import Config
from churn_radar.mlops.gates import NO_REASONS, Reasons, Verdict, champion
from churn_radar.mlops.promotion import promote as module
from churn_radar.mlops.promotion import record
from churn_radar.mlops.promotion.evidence import Evidence
from churn_radar.mlops.promotion.promote import promote
from churn_radar.mlops.tracking import registry


def try_it(config: Config, root: Path) -> None:
    assert promote(config, root, "a test", lambda *_: None).promoted


def recorded(root: Path) -> Any:
    return record.read(root)


def champion_verdict(config: Config, root: Path, reasons: Reasons = NO_REASONS) -> Verdict:
    version = registry.by_alias(root, config.model.name, "champion")
    candidate = module.register_candidate(config, root, "")
    return champion.champion(Evidence(config, root, version, candidate, reasons=reasons))
