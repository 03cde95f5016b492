"""Files that nothing needs are named before they are freed."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from churn_radar.mlops.config import Tracking
from churn_radar.mlops.errors import ProjectError
from churn_radar.mlops.tracking import registry, runs
from churn_radar.mlops.tracking.registry import collect_garbage, prunable
from machinery.tracking.known import MODEL, log, registered


def test_garbage_is_named_before_it_is_freed(root: Path) -> None:
    (first,) = runs.recent(root, 1)
    registered(root, "first", first.id)
    dropped = registered(root, "second", log(root))
    registry.set_alias(root, MODEL, "champion", 1)
    log(root)
    config = SimpleNamespace(tracking=Tracking(keep_runs=1))
    sizes = prunable(root, {first.id, runs.recent(root, 1)[0].id})
    assert list(sizes) == [dropped.run]
    assert sizes[dropped.run] > len("second")
    assert "would free the files of 1 run" in collect_garbage(config, root, really=False)
    assert registry.fetch(root, MODEL, dropped).exists()
    assert collect_garbage(config, root, really=True).startswith("freed the files of 1 run")
    second, champion = registry.versions(root, MODEL)
    assert registry.fetch(root, MODEL, champion).exists()
    assert "pruned" in second.tags
    assert "pruned" not in champion.tags
    with pytest.raises(ProjectError, match="the files of some-model version 2 are gone"):
        registry.fetch(root, MODEL, second)
    assert len(runs.recent(root, 9)) == 3
    assert "0 runs" in collect_garbage(config, root, really=True)
    # A model whose files are gone is stored anew.
    assert registered(root, "second").number == 3
