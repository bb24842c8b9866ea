"""No byte of train or validation depends on rows that it must not see."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from builders import csv_source, make_dataset
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ctrlab_api.canonical_json import canonical_json
from ctrlab_api.resources.dataset import Dataset
from ctrlab_trainer.data.preparation.dataset_encoding import encode_dataset
from ctrlab_trainer.data.prepared.encoded_dataset import EncodedDataset
from ctrlab_trainer.data.prepared.encoded_splits import EncodedSplit
from ctrlab_trainer.data.readers.source_tables import SourceTable, factorize
from ctrlab_trainer.data.splits.split_strategies import SPLIT_NAMES, assign_splits

FEATURES: list[dict[str, Any]] = [
    {"name": "user", "type": "Categorical"},
    {"name": "item", "type": "Categorical", "minFrequency": 2},
    {"name": "genres", "type": "MultiCategorical", "separator": "|", "maxLength": 2},
    {"name": "past", "type": "History", "of": "item", "maxLength": 3},
    *(
        {"name": f"price_{transform}", "type": "Numeric", "transform": transform}
        for transform in ("Standardize", "AsIs", "LogBucket", "QuantileBucket")
    ),
]
SPLITS = {
    "Predefined": {"strategy": "Predefined", "column": "split"},
    "Temporal": {"strategy": "Temporal", "fractions": ["0.5", "0.25", "0.25"]},
    "LeaveLastOut": {"strategy": "LeaveLastOut"},
    "LeaveLastTwoOut": {"strategy": "LeaveLastOut", "count": 2},
    "Random": {"strategy": "Random", "fractions": ["0.5", "0.25", "0.25"]},
}


@dataclass(frozen=True)
class Row:
    """One row of a small source."""

    split: str
    user: str
    item: str
    genres: str
    price: float | None
    time: int
    click: int


values = st.fixed_dictionaries(
    {
        "user": st.sampled_from("abc"),
        "item": st.sampled_from("pqrst"),
        "genres": st.sampled_from(["", "x", "x|y", "y|z|x", "z"]),
        "price": st.none() | st.floats(-100, 100, width=32),
        "time": st.integers(0, 8),
        "click": st.integers(0, 1),
    }
)
rows = st.lists(
    st.builds(lambda split, rest: Row(split, **rest), st.sampled_from(["train", "valid", "test"]), values),
    min_size=12,
    max_size=30,
)


def dataset(strategy: str) -> Dataset:
    return make_dataset(source=csv_source(), features=list(FEATURES), user="user", time="time", split=SPLITS[strategy])


def table_of(source: Sequence[Row]) -> SourceTable:
    names = ("split", "user", "item", "genres", "time", "click")
    columns = {name: [getattr(row, name) for row in source] for name in names}
    prices = pa.array([row.price for row in source], pa.float64())
    transforms = {feature["name"]: prices for feature in FEATURES if feature["type"] == "Numeric"}
    return SourceTable(pa.table({**columns, **transforms}), (("none.csv", len(source)),))


def usable(source: Sequence[Row], strategy: str) -> list[Row]:
    """Return the source with both classes in every split and a number in train; this moves no row to another split."""
    table = table_of(source)
    users = factorize(table.data["user"]).codes
    split_of_row = assign_splits(table, dataset(strategy), np.array([row.time for row in source]), users)
    result = list(source)
    for split in range(len(SPLIT_NAMES)):
        rows = np.flatnonzero(split_of_row == split).tolist()
        assume(len(rows) >= 2)
        for row, click in zip(rows, (0, 1), strict=False):
            result[row] = replace(result[row], click=click)
        if split == 0:
            result[rows[0]] = replace(result[rows[0]], price=1.0)
    return result


def encoded(source: Sequence[Row], strategy: str) -> EncodedDataset:
    return encode_dataset(table_of(source), dataset(strategy))


def content(split: EncodedSplit) -> dict[str, bytes]:
    """Return every array of a split as bytes."""
    assert split.users is not None
    past = split.histories["past"]
    arrays: dict[str, NDArray[Any]] = {
        "labels": split.labels,
        "categorical": split.categorical,
        "numeric": split.numeric,
        "genres": split.multicategorical["genres"],
        "events": past.events,
        "start": past.start,
        "end": past.end,
        "users": split.users,
        "row_ids": split.row_ids,
    }
    return {name: array.tobytes() for name, array in arrays.items()}


def fitted(data: EncodedDataset) -> tuple[bytes, str]:
    return canonical_json(dict(data.fitted)), data.schema.to_json()


def changed(source: Sequence[Row], at: Sequence[int], others: Sequence[dict[str, object]], kept: set[str]) -> list[Row]:
    """Return the source with other values in the rows `at`, except in the fields `kept`."""
    result = list(source)
    for position, row in enumerate(at):
        other = {name: value for name, value in others[position % len(others)].items() if name not in kept}
        result[row] = replace(source[row], **other)  # type: ignore[arg-type]
    return result


SPLIT_COLUMNS = {
    "Predefined": set[str](),
    "Temporal": {"time"},
    "LeaveLastOut": {"time", "user"},
    "LeaveLastTwoOut": {"time", "user"},
    "Random": set[str](),
}
LAST_ROWS = [Row(split, "c", "p", "x", 1.0, 9, click) for split in ("train", "valid", "test") for click in (0, 1)]
"""Both classes in every split, later than all other rows, so that any other label can be flipped."""
other_values = st.lists(values, min_size=1, max_size=8)


@pytest.mark.parametrize("strategy", SPLITS)
@settings(deadline=None, max_examples=20)
@given(source=rows, others=other_values)
def test_train_and_valid_do_not_depend_on_test_rows(
    strategy: str, source: list[Row], others: list[dict[str, object]]
) -> None:
    source = usable(source, strategy)
    before = encoded(source, strategy)
    test_rows = before.splits[2].row_ids.tolist()
    other = changed(source, test_rows, others, SPLIT_COLUMNS[strategy])
    after = encoded(usable(other, strategy), strategy)
    assert [content(split) for split in after.splits[:2]] == [content(split) for split in before.splits[:2]]
    assert fitted(after) == fitted(before)


@pytest.mark.parametrize("strategy", SPLITS)
@settings(deadline=None, max_examples=20)
@given(source=rows, others=other_values)
def test_train_and_fitted_encodings_do_not_depend_on_validation_rows(
    strategy: str, source: list[Row], others: list[dict[str, object]]
) -> None:
    source = usable(source, strategy)
    before = encoded(source, strategy)
    later = [*before.splits[1].row_ids.tolist(), *before.splits[2].row_ids.tolist()]
    other = changed(source, later, others, SPLIT_COLUMNS[strategy])
    after = encoded(usable(other, strategy), strategy)
    assert content(after.splits[0]) == content(before.splits[0])
    assert fitted(after) == fitted(before)


def histories(data: EncodedDataset) -> dict[int, list[int]]:
    """Return row -> its history as ids."""
    ids_by_row = {}
    for split in data.splits:
        past = split.histories["past"]
        for row, start, end in zip(split.row_ids.tolist(), past.start.tolist(), past.end.tolist(), strict=True):
            ids_by_row[row] = past.events[start:end].tolist()
    return ids_by_row


@pytest.mark.parametrize("strategy", SPLITS)
@settings(deadline=None, max_examples=20)
@given(source=rows)
def test_a_history_is_the_users_strictly_earlier_clicks_of_this_and_earlier_splits(
    strategy: str, source: list[Row]
) -> None:
    source = usable(source, strategy)
    data = encoded(source, strategy)
    split_of = {row: index for index, split in enumerate(data.splits) for row in split.row_ids.tolist()}
    item = next(feature.column for feature in data.schema.features if feature.name == "item")
    id_of = {
        row: int(split.categorical[position, item])
        for split in data.splits
        for position, row in enumerate(split.row_ids.tolist())
    }

    def sees(row: int, event: int) -> bool:
        return (
            source[event].click == 1
            and source[event].user == source[row].user
            and source[event].time < source[row].time
            and split_of[event] <= split_of[row]
        )

    for row, history in histories(data).items():
        earlier = sorted((event for event in range(len(source)) if sees(row, event)), key=lambda e: (source[e].time, e))
        assert history == [id_of[event] for event in earlier[-3:]]


@settings(deadline=None, max_examples=20)
@given(source=rows, data=st.data())
def test_the_label_of_a_row_and_simultaneous_rows_never_reach_its_history(
    source: list[Row], data: st.DataObject
) -> None:
    source = [*source, *LAST_ROWS]
    before = encoded(source, "Predefined")
    row = data.draw(st.integers(0, len(source) - len(LAST_ROWS) - 1))
    flipped = list(source)
    flipped[row] = replace(source[row], click=1 - source[row].click)
    after = histories(encoded(flipped, "Predefined"))
    not_later = [other for other in range(len(source)) if source[other].time <= source[row].time]
    assert row in not_later
    assert all(after[other] == history for other, history in histories(before).items() if other in not_later)


@settings(deadline=None, max_examples=20)
@given(source=rows)
def test_the_vocabulary_is_the_values_that_are_frequent_enough_in_train(source: list[Row]) -> None:
    source = usable(source, "Predefined")
    data = encoded(source, "Predefined")
    items = [row.item for row in source if row.split == "train"]
    expected = sorted({item for item in items if items.count(item) >= 2}, key=lambda item: (-items.count(item), item))
    assert data.fitted["item"]["values"] == expected


@settings(deadline=None, max_examples=20)
@given(source=rows)
def test_a_temporal_split_never_separates_rows_of_the_same_time(source: list[Row]) -> None:
    source = usable(source, "Temporal")
    data = encoded(source, "Temporal")
    spans = [[source[row].time for row in split.row_ids.tolist()] for split in data.splits]
    assert max(spans[0]) < min(spans[1])
    assert max(spans[1]) < min(spans[2])
