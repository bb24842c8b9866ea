"""No byte of a split depends on later splits, for every split strategy and every derived feature.

Rows of later splits get other users, items, tags, numbers and labels, and the bytes of earlier splits must not change:
encoded values, vocabularies, bucket edges, item tables, histories, time gaps and sampled negatives.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ctrlab_api.canonical_json import canonical_json
from ctrlab_api.errors import InvalidData
from ctrlab_api.resources.dataset import Dataset
from ctrlab_trainer.data.preparation.dataset_encoding import encode_dataset
from ctrlab_trainer.data.prepared.encoded_dataset import EncodedDataset
from ctrlab_trainer.data.prepared.encoded_splits import EncodedSplit
from ctrlab_trainer.data.readers.source_tables import SourceTable, factorize
from ctrlab_trainer.data.splits.split_strategies import TRAIN, assign_splits

KIND_OF = dict(zip("pqrstvwx", "aabbccdd", strict=True))
"""Each item has one category, as item tables require."""

FEATURES: list[dict[str, Any]] = [
    {"name": "user", "type": "Categorical"},
    {"name": "item", "type": "Categorical", "minFrequency": 2},
    {"name": "kind", "type": "Categorical"},
    {"name": "user_hashed", "type": "Categorical", "column": "user", "hashBuckets": 5},
    {"name": "tags", "type": "MultiCategorical", "separator": "|", "maxLength": 2, "pooling": "Max"},
    {"name": "tags_hashed", "type": "MultiCategorical", "column": "tags", "separator": "|", "hashBuckets": 3},
    {"name": "place", "type": "Cross", "cross": ["shelf", "shop"]},
    {"name": "place_hashed", "type": "Cross", "cross": ["shelf", "shop"], "hashBuckets": 7},
    {"name": "shelf", "type": "Categorical"},
    {"name": "shop", "type": "Categorical"},
    {"name": "text", "type": "Categorical", "column": "item", "pretrained": {"uri": "VECTORS", "vector": "v"}},
    {"name": "past", "type": "History", "of": "item", "maxLength": 3, "timeGaps": True},
    {"name": "past_kinds", "type": "History", "of": "kind", "through": "past"},
    {"name": "past_texts", "type": "History", "of": "text", "maxLength": 2},
    {
        "name": "seen",
        "type": "History",
        "of": "item",
        "maxLength": 2,
        "timeGaps": True,
        "stored": {"separator": "|", "padding": "0", "times": "seen_at"},
    },
    {"name": "seen_kinds", "type": "History", "of": "kind", "through": "seen"},
    {"name": "seen_texts", "type": "History", "of": "text", "stored": {"columns": ["slot_{0..1}"]}},
    {"name": "seen_hashed", "type": "History", "of": "user_hashed", "stored": {"columns": ["slot_0"]}},
    {"name": "slots", "type": "MultiCategorical", "columns": ["slot_{0..1}"], "keep": "Latest", "maxLength": 1},
    {"name": "image", "type": "Vector", "width": 2},
    {"name": "image_as_is", "type": "Vector", "column": "image", "width": 2, "transform": "AsIs"},
    *(
        {"name": f"price_{transform}", "type": "Numeric", "column": "price", "transform": transform}
        for transform in ("Standardize", "AsIs", "LogBucket", "QuantileBucket")
    ),
]
FRACTIONS = ["0.5", "0.25", "0.25"]
SPLITS: dict[str, dict[str, Any]] = {
    "Temporal": {"strategy": "Temporal", "fractions": FRACTIONS},
    "Random": {"strategy": "Random", "fractions": FRACTIONS},
    "Random by User": {"strategy": "Random", "by": "User", "fractions": FRACTIONS},
    "LeaveLastOut": {"strategy": "LeaveLastOut"},
    "LeaveLastTwoOut": {"strategy": "LeaveLastOut", "count": 2},
    "UserColdStart": {"strategy": "UserColdStart", "fractions": FRACTIONS},
    "Predefined by column": {"strategy": "Predefined", "column": "split"},
    "Predefined by files": {"strategy": "Predefined", "files": {"train": "a", "valid": "b", "test": "c"}},
}
SPLIT_COLUMNS = {
    "Temporal": {"time"},
    "Random by User": {"user"},
    "LeaveLastOut": {"time", "user"},
    "LeaveLastTwoOut": {"time", "user"},
    "UserColdStart": {"time", "user"},
}
"""Columns that decide the split of a row; they are not changed."""


@dataclass(frozen=True)
class Row:
    """One row of a small source."""

    split: str
    user: str
    item: str
    tags: str
    shelf: str
    shop: str
    price: float | None
    seen: tuple[str, ...]
    slots: tuple[str | None, str | None]
    image: tuple[float, float] | None
    time: int
    click: int


values = st.fixed_dictionaries(
    {
        "user": st.sampled_from("abcd"),
        "item": st.sampled_from(sorted(KIND_OF)),
        "tags": st.sampled_from(["", "x", "x|y", "y|z|x"]),
        "shelf": st.sampled_from("12"),
        "shop": st.sampled_from("MN"),
        "price": st.none() | st.floats(-100, 100, width=32),
        "seen": st.lists(st.sampled_from([*KIND_OF, "0"]), max_size=4).map(tuple),
        "slots": st.tuples(*[st.none() | st.sampled_from(sorted(KIND_OF))] * 2),
        "image": st.none() | st.tuples(*[st.floats(-100, 100, width=32)] * 2),
        "time": st.integers(0, 30),
        "click": st.integers(0, 1),
    }
)
rows = st.lists(
    st.builds(lambda split, rest: Row(split, **rest), st.sampled_from(["train", "valid", "test"]), values),
    min_size=14,
    max_size=30,
)
other_values = st.lists(values, min_size=1, max_size=8)


@pytest.fixture(scope="module")
def vectors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("vectors") / "vectors.parquet"
    pa.parquet.write_table(pa.table({"item": ["p", "q", "z"], "v": [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]}), path)
    return path


def dataset(split: str, vectors: Path, negatives: str | None) -> Dataset:
    spec: dict[str, Any] = {
        "source": {"uri": "file:///none.csv", "format": "csv"},
        "label": {"column": "click"},
        "features": FEATURES,
        "user": "user",
        "time": "time",
        "split": SPLITS[split],
    }
    if negatives is not None:
        spec["negatives"] = {"item": "item", "attributes": ["kind"], "strategy": negatives, "perPositive": 2}
        del spec["label"]
    return Dataset.model_validate_json(json.dumps(spec).replace("VECTORS", f"file://{vectors}"))


def table_of(source: Sequence[Row], split: str) -> SourceTable:
    names = ("split", "user", "item", "tags", "shelf", "shop", "price", "time", "click")
    columns: dict[str, Any] = {name: [getattr(row, name) for row in source] for name in names}
    columns["price"] = pa.array(columns["price"], pa.float64())
    columns["seen"] = ["|".join(row.seen) for row in source]
    columns["seen_at"] = ["|".join(str(row.time - age) for age in range(len(row.seen))) for row in source]
    columns |= {f"slot_{index}": pa.array([row.slots[index] for row in source], pa.string()) for index in range(2)}
    columns["image"] = pa.array([row.image for row in source], pa.list_(pa.float64()))
    columns["kind"] = [KIND_OF[row.item] for row in source]
    files: tuple[tuple[str, int], ...] = (("none.csv", len(source)),)
    if split == "Predefined by files":
        third = len(source) // 3
        files = (("a", third), ("b", third), ("c", len(source) - 2 * third))
    return SourceTable(pa.table(columns), files)


def encoded(source: Sequence[Row], split: str, vectors: Path, negatives: str | None) -> EncodedDataset:
    try:
        return encode_dataset(table_of(source, split), dataset(split, vectors, negatives))
    except InvalidData as error:
        expected_refusals = ("has all", "has no rows", "matches none of the")
        assume(not any(reason in str(error) for reason in expected_refusals))
        raise


def usable(source: Sequence[Row], split: str, vectors: Path) -> list[Row]:
    """Return the source with both classes in every split and a number in train; this moves no row to another split."""
    table = table_of(source, split)
    split_of_row = assign_splits(
        table,
        dataset(split, vectors, None),
        np.array([row.time for row in source]),
        factorize(table.data["user"]).codes,
    )
    result = list(source)
    for index in range(3):
        rows_of_split = np.flatnonzero(split_of_row == index).tolist()
        assume(len(rows_of_split) >= 2)
        for row, click in zip(rows_of_split, (0, 1), strict=False):
            result[row] = replace(result[row], click=click)
        if index == TRAIN:
            result[rows_of_split[0]] = replace(result[rows_of_split[0]], price=1.0, image=(1.0, 2.0))
    return result


def content(split: EncodedSplit) -> dict[str, bytes]:
    """Return every array of a split as bytes."""
    assert split.users is not None
    arrays: dict[str, NDArray[Any]] = {
        "labels": split.labels,
        "categorical": split.categorical,
        "numeric": split.numeric,
        "users": split.users,
        "row_ids": split.row_ids,
        **split.multicategorical,
        **split.vectors,
    }
    for name, stored in split.stored_histories.items():
        arrays[f"{name}-ids"] = stored.ids
        arrays |= {f"{name}-gaps": stored.gaps} if stored.gaps is not None else {}
        arrays |= {f"{name}-lookup": stored.lookup.ids} if stored.lookup is not None else {}
    for name, history in split.histories.items():
        arrays |= {f"{name}-events": history.events, f"{name}-start": history.start, f"{name}-end": history.end}
        if history.lookup is not None:
            arrays[f"{name}-lookup"] = history.lookup.ids
        if history.times is not None:
            arrays |= {f"{name}-event-times": history.times.events, f"{name}-times": history.times.rows}
    return {name: array.tobytes() for name, array in arrays.items()}


@pytest.mark.parametrize("negatives", [None, "Uniform", "Popularity"])
@pytest.mark.parametrize("split", SPLITS)
@settings(deadline=None, max_examples=8)
@given(source=rows, others=other_values, kept_splits=st.sampled_from([1, 2]))
def test_no_byte_of_a_split_depends_on_rows_of_later_splits(
    split: str, negatives: str | None, vectors: Path, source: list[Row], others: list[dict[str, Any]], kept_splits: int
) -> None:
    source = usable(source, split, vectors)
    before = encoded(source, split, vectors, negatives)
    later = [
        row for later_split in before.splits[kept_splits:] for row in later_split.row_ids.tolist() if row < len(source)
    ]
    changed = list(source)
    kept = {"split", *SPLIT_COLUMNS.get(split, set())}
    for position, row in enumerate(later):
        other = {name: value for name, value in others[position % len(others)].items() if name not in kept}
        changed[row] = replace(source[row], **other)
    after = encoded(usable(changed, split, vectors), split, vectors, negatives)
    assert [content(other) for other in after.splits[:kept_splits]] == [
        content(other) for other in before.splits[:kept_splits]
    ]
    assert canonical_json(dict(after.fitted)) == canonical_json(dict(before.fitted))
    assert after.schema.to_json() == before.schema.to_json()


@pytest.mark.parametrize("strategy", ["Uniform", "Popularity"])
@pytest.mark.parametrize("split", SPLITS)
@settings(deadline=None, max_examples=8)
@given(source=rows)
def test_a_negative_is_its_positive_with_an_item_that_the_user_has_in_no_visible_split(
    split: str, strategy: str, vectors: Path, source: list[Row]
) -> None:
    source = usable(source, split, vectors)
    data = encoded(source, split, vectors, strategy)
    column = {feature.name: feature.column for feature in data.schema.features}
    vocabulary = [str(value) for value in data.fitted["text"]["values"]]  # type: ignore[attr-defined]
    offset = data.schema.feature("text").offset
    split_of = {row: index for index, rows in enumerate(data.splits) for row in rows.row_ids.tolist()}
    for index, encoded_split in enumerate(data.splits):
        position_of = {row: position for position, row in enumerate(encoded_split.row_ids.tolist())}
        for row, position in position_of.items():
            if row < len(source):
                continue
            positive = row % len(source)
            assert encoded_split.labels[position] == 0
            assert encoded_split.users is not None
            assert encoded_split.users[position] == encoded_split.users[position_of[positive]]
            for name in ("user", "user_hashed", "shelf", "shop", "place", "place_hashed"):
                assert (
                    encoded_split.categorical[position, column[name]]
                    == encoded_split.categorical[position_of[positive], column[name]]
                )
            past = encoded_split.histories["past"]
            assert past.events[past.start[position] : past.end[position]].tolist() == (
                past.events[past.start[position_of[positive]] : past.end[position_of[positive]]].tolist()
            )
            id_in_block = int(encoded_split.categorical[position, column["text"]]) - offset
            if id_in_block:
                item = vocabulary[id_in_block - 1]
                items_of_user = {
                    other.item
                    for at, other in enumerate(source)
                    if other.user == source[positive].user and split_of[at] <= index
                }
                assert item not in items_of_user
