"""AUC by group in validation and in the files of predictions."""

import io
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import torch

from ctrlab_trainer.data.prepared.encoded_schema import EncodedSchema
from ctrlab_trainer.data.prepared.encoded_splits import EncodedSplit
from ctrlab_trainer.finals.prediction_files import predictions_parquet
from ctrlab_trainer.training.training_run import Validator

MakeSplit = Callable[[int, int], EncodedSplit]


def test_validation_computes_auc_by_group(schema: EncodedSchema, make_split: MakeSplit) -> None:
    groups = (np.arange(90) // 3).astype(np.int32)
    split = replace(make_split(90, 1), groups=groups)
    scores = np.random.default_rng(3).random(90, np.float32)
    validator = Validator(split, schema, "cpu", "auc_by_group", ("auc", "gauc", "auc_by_group"))
    values = validator.compute(torch.from_numpy(scores), scores)
    as_users = Validator(replace(split, users=groups), schema, "cpu", "gauc", ("gauc",))
    assert values["auc_by_group"] == as_users.compute(torch.from_numpy(scores), scores)["gauc"]
    assert values["auc_by_group"] != values["gauc"]


def test_predictions_have_the_groups_of_the_split(make_split: MakeSplit) -> None:
    split, scores = make_split(6, 1), np.full(6, 0.5, np.float32)
    without = pq.read_table(io.BytesIO(predictions_parquet(split, scores)))
    assert without.column_names == ["row", "user", "label", "score"]
    groups = np.array([0, 0, 1, 1, 2, 2], np.int32)
    table = pq.read_table(io.BytesIO(predictions_parquet(replace(split, groups=groups), scores)))
    assert table.column_names == ["row", "user", "group", "label", "score"]
    assert table["group"].to_pylist() == groups.tolist()
