"""Each feature type and transform, on small columns checked by hand."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from builders import csv_source, make_dataset

from ctrlab_trainer.data.encoders import build_encoder
from ctrlab_trainer.data.encoders.numeric_buckets import log_bucket
from ctrlab_trainer.data.preparation.dataset_encoding import encode_dataset
from ctrlab_trainer.data.prepared.encoded_dataset import EncodedDataset
from ctrlab_trainer.data.readers.source_tables import SourceTable

IN_TRAIN = np.array([True, True, True, True, False, False])


def encoded(columns: dict[str, Any], features: list[dict[str, Any]], **fields: Any) -> EncodedDataset:
    """Encode six rows, two per split, with alternating labels."""
    rows = {"split": ["train", "train", "valid", "valid", "test", "test"], "click": [0, 1] * 3, **columns}
    split = {"strategy": "Predefined", "column": "split"}
    dataset = make_dataset(source=csv_source(), features=features, split=split, **fields)
    return encode_dataset(SourceTable(pa.table(rows), (("none.csv", 6),)), dataset)


def numeric(transform: str, values: list[float], **fields: Any) -> tuple[list[float], int, dict[str, object]]:
    """Return encoded values, block size and record, with the first four of six rows in train."""
    feature = {"name": "x", "type": "Numeric", "transform": transform, **fields}
    dataset = make_dataset(source=csv_source(), features=[feature])
    table = SourceTable(pa.table({"x": values}), (("none.csv", 6),))
    encoder = build_encoder(dataset.features[0], dataset)
    fitted = encoder.fit(encoder.observe(table, IN_TRAIN))
    return encoder.encode(table, fitted).tolist(), fitted.size, fitted.record


def test_standardize_uses_mean_and_deviation_of_train_and_imputes_the_mean() -> None:
    assert numeric("Standardize", [1.0, 3.0, 1.0, 3.0, 5.0, np.nan])[0] == [-1, 1, -1, 1, 3, 0]


def test_a_feature_that_is_constant_in_train_stays_finite() -> None:
    assert numeric("Standardize", [2.0, 2.0, 2.0, 2.0, 5.0, np.nan])[0] == [0, 0, 0, 0, 3, 0]


def test_as_is_keeps_numbers_and_imputes_the_mean_of_train() -> None:
    assert numeric("AsIs", [1.0, 2.0, 3.0, 6.0, 9.0, np.nan])[0] == [1, 2, 3, 6, 9, 3]


def test_quantile_buckets_have_equal_mass_in_train_and_missing_has_an_id_only_if_it_is_in_train() -> None:
    ids, size, _ = numeric("QuantileBucket", [1.0, 2.0, 3.0, np.nan, 99.0, np.nan], buckets=2)
    assert (ids, size) == ([1, 2, 2, 3, 2, 3], 4)
    ids, size, _ = numeric("QuantileBucket", [1.0, 2.0, 3.0, 4.0, -99.0, np.nan], buckets=2)
    assert (ids, size) == ([1, 1, 2, 2, 1, 0], 3)


def test_unseen_log_buckets_are_out_of_vocabulary() -> None:
    ids, _, record = numeric("LogBucket", [0.0, 20.0, np.nan, 19.0, 1e9, np.nan])
    assert (ids, record["buckets"]) == ([1, 2, 3, 2, 0, 3], ["0", "11", "missing"])


@pytest.mark.parametrize(
    ("value", "bucket"), [(0, 0), (1.5, 1), (2, 2), (2.1, 3), (3, 4), (100, 24), (-1, -1), (-100, -24)]
)
def test_log_bucket_is_the_squared_logarithm_shifted_above_small_values(value: float, bucket: float) -> None:
    assert log_bucket(np.array([value])).tolist() == [bucket]


def test_log_buckets_are_monotonic() -> None:
    assert np.all(np.diff(log_bucket(np.linspace(-500, 500, 10_001))) >= 0)


def test_ids_of_rare_unseen_and_missing_values() -> None:
    data = encoded(
        {"c": ["", "a", "b", "", "a", "z"]}, [{"name": "c", "type": "Categorical"}], preprocessing={"minFrequency": 1}
    )
    assert data.fitted["c"]["values"] == ["", "a"]
    assert [split.categorical[:, 0].tolist() for split in data.splits] == [[2, 3], [1, 2], [3, 1]]
    assert data.schema.embedding_rows == 4


def test_lists_are_truncated_and_padded_at_the_end() -> None:
    feature = {"name": "g", "type": "MultiCategorical", "separator": "|", "maxLength": 2}
    data = encoded({"g": ["x|y|z", "x", "", "q|x", "|y", "z"]}, [feature])
    assert data.fitted["g"]["values"] == ["x", "y", "z"]
    x, y, z, out_of_vocabulary, padding = 2, 3, 4, 1, 0
    assert [split.multicategorical["g"].tolist() for split in data.splits] == [
        [[x, y], [x, padding]],
        [[padding, padding], [out_of_vocabulary, x]],
        [[y, padding], [z, padding]],
    ]


def test_lists_of_parquet_equal_separated_text() -> None:
    feature = {"name": "g", "type": "MultiCategorical", "separator": "|"}
    text = encoded({"g": ["x|y", "x", "", "q|x", "y", "z"]}, [feature])
    lists = encoded({"g": [["x", "y"], ["x"], [], ["q", "x"], ["y"], ["z"]]}, [feature])
    assert lists.fitted == text.fitted
    for from_lists, from_text in zip(lists.splits, text.splits, strict=True):
        assert np.array_equal(from_lists.multicategorical["g"], from_text.multicategorical["g"])


def test_blocks_are_consecutive_and_a_history_shares_the_block_of_its_items() -> None:
    features: list[dict[str, Any]] = [
        {"name": "past", "type": "History", "of": "item", "maxLength": 2},
        {"name": "price", "type": "Numeric"},
        {"name": "item", "type": "Categorical"},
    ]
    columns = {"u": ["a"] * 6, "t": list(range(6)), "item": ["p", "q", "p", "q", "p", "q"], "price": [1.0] * 6}
    data = encoded(columns, features, user="u", time="t")
    assert [feature.name for feature in data.schema.features] == ["past", "price", "item"]
    blocks = {feature.name: (feature.offset, feature.size, feature.column) for feature in data.schema.features}
    assert blocks == {"past": (2, 3, -1), "price": (1, 1, 0), "item": (2, 3, 0)}
    past = data.splits[2].histories["past"]
    assert [past.events[start:end].tolist() for start, end in zip(past.start, past.end, strict=True)] == [
        [4, 4],
        [4, 4],
    ]
