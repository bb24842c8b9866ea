"""AUC from ranks on a device equals that of `ctrlab_metrics` in every bit, with any number of ties."""

import numpy as np
import pytest
import torch

from ctrlab_metrics.computing import compute_metrics
from ctrlab_trainer.training import device_auc
from ctrlab_trainer.training.training_run import computes_auc_on_device


@pytest.mark.parametrize("levels", [1, 2, 17, 100_000])
@pytest.mark.parametrize("rows", [2, 3, 999, 20_000])
def test_auc_equals_the_metric_on_the_host(rows: int, levels: int) -> None:
    generator = np.random.default_rng(rows + levels)
    labels = (generator.random(rows) < 0.3).astype(np.uint8)
    labels[:2] = (0, 1)
    scores = (generator.integers(0, levels, rows) / levels).astype(np.float32)
    expected = compute_metrics(("auc",), labels, scores, None).values["auc"]
    assert device_auc.auc(torch.from_numpy(labels).float(), torch.from_numpy(scores)) == expected


def test_auc_is_undefined_with_one_class() -> None:
    assert device_auc.auc(torch.ones(4), torch.rand(4)) is None
    assert device_auc.auc(torch.zeros(4), torch.rand(4)) is None


def test_auc_is_computed_on_the_device_only_on_a_gpu() -> None:
    assert [computes_auc_on_device(device, ("auc", "logloss")) for device in ("cuda", "cpu")] == [True, False]
    assert not computes_auc_on_device("cuda", ("logloss",))
