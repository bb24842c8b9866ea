"""Public data sets in CTRLAB_DATA: published counts, and histories of new users after a temporal split."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import categorical, make_dataset

from ctrlab_trainer.data.data_quality.dataset_warnings import empty_history_share
from ctrlab_trainer.data.preparation.dataset_encoding import encode_dataset
from ctrlab_trainer.data.preparation.source_columns import required_columns
from ctrlab_trainer.data.prepared.encoded_dataset import EncodedDataset
from ctrlab_trainer.data.readers.source_reading import read_source
from ctrlab_trainer.data.sources.source_locations import locate

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(
        not Path(os.environ.get("CTRLAB_DATA", "")).joinpath("frappe/frappe.parquet").is_file(),
        reason="CTRLAB_DATA is not a folder with the public data sets",
    ),
]


def encoded(**spec: Any) -> EncodedDataset:
    dataset = make_dataset(**spec)
    return encode_dataset(read_source(locate(dataset.source), required_columns(dataset)), dataset)


def test_frappe_has_the_published_split_and_vocabulary() -> None:
    fields = ("user", "item", "daytime", "weekday", "isweekend", "homework", "cost", "weather", "country", "city")
    data = encoded(
        source={"uri": "builtin://frappe"},
        label={"column": "label"},
        features=categorical(*fields),
        split={"strategy": "Predefined", "column": "split"},
    )
    assert [split.rows for split in data.splits] == [202_027, 57_722, 28_860]
    assert data.schema.embedding_rows - 1 - len(fields) <= 5_382


def test_movielens_by_time_has_new_users_with_growing_histories() -> None:
    data = encoded(
        source={"uri": "builtin://ml-100k"},
        label={"column": "rating", "positiveWhen": ">= 4"},
        features=[
            *categorical("user_id", "item_id", "age", "release_year"),
            {"name": "class", "type": "MultiCategorical"},
            {"name": "past", "type": "History", "of": "item_id"},
        ],
        user="user_id",
        time="timestamp",
        split={"strategy": "Temporal"},
    )
    assert sum(split.rows for split in data.splits) == 100_000
    assert sum(int(split.labels.sum()) for split in data.splits) == 55_375
    train_users, test_users = data.splits[0].users, data.splits[2].users
    assert train_users is not None
    assert test_users is not None
    new_users = float(np.isin(test_users, train_users, invert=True).mean())
    assert new_users > 0.8
    assert empty_history_share(data.splits[2]) < 0.05
    genres = data.fitted["class"]["values"]
    assert isinstance(genres, list)
    assert len(genres) == 19


def test_criteo_has_the_published_columns_without_a_header() -> None:
    data = encoded(
        source={"uri": "builtin://criteo-10k"},
        label={"column": "label"},
        features=[
            *({"name": f"I{i}", "type": "Numeric", "transform": "LogBucket"} for i in range(1, 14)),
            *categorical(*(f"C{i}" for i in range(1, 27))),
        ],
        split={"strategy": "Random"},
        preprocessing={"minFrequency": 2},
    )
    assert data.splits[0].categorical.shape == (8_000, 39)
    assert sum(int(split.labels.sum()) for split in data.splits) == 2_182


def test_kuairand_times_keep_their_milliseconds() -> None:
    data = encoded(
        source={"uri": "builtin://kuairand"},
        label={"column": "is_click"},
        features=[*categorical("user_id", "video_id"), {"name": "past", "type": "History", "of": "video_id"}],
        user="user_id",
        time="time_ms",
        split={"strategy": "Temporal"},
    )
    assert [split.rows for split in data.splits] == [33_462, 4_183, 4_183]
    assert empty_history_share(data.splits[1]) == 0
