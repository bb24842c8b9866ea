"""Histories that the rows contain, on hand-checked data: forms, order, vocabulary, times, and what is rejected."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from builders import csv_source, make_dataset

from ctrlab_api.errors import InvalidData
from ctrlab_trainer.data.preparation.dataset_encoding import encode_dataset
from ctrlab_trainer.data.prepared.encoded_dataset import EncodedDataset
from ctrlab_trainer.data.prepared.encoded_splits import EncodedSplit, open_split, save_split
from ctrlab_trainer.data.prepared.split_validation import validate_split
from ctrlab_trainer.data.readers.source_tables import SourceTable
from ctrlab_trainer.training.batches import Batch, DeviceData
from ctrlab_trainer.training.row_order import RowOrdering
from ctrlab_trainer.training.row_windows import WindowedRows

ITEM = {"name": "item", "type": "Categorical"}


def encoded(
    columns: dict[str, Any], stored: dict[str, Any], *others: dict[str, Any], folder: Path | None = None, **fields: Any
) -> EncodedDataset:
    """Encode six rows, two per split, with the features `item`, its history `past` and others."""
    time = {"time": "at"} if "at" in columns else {}
    past = {"name": "past", "type": "History", "of": "item", "maxLength": 3, "stored": stored, **fields}
    rows = {"split": ["train", "train", "valid", "valid", "test", "test"], "click": [0, 1] * 3, **columns}
    split = {"strategy": "Predefined", "column": "split"}
    dataset = make_dataset(source=csv_source(), features=[ITEM, past, *others], split=split, **time)
    return encode_dataset(SourceTable(pa.table(rows), (("rows.csv", 6),)), dataset, folder)


def events_of(data: EncodedDataset, name: str = "past") -> list[list[str]]:
    """Return the events of each row, latest first, as text; `?` for a value that is out of vocabulary."""
    feature = data.schema.feature(name)
    values = data.fitted[feature.of or ""]["values"]
    assert isinstance(values, list)
    texts = ["?", *values]
    return [
        [texts[number - feature.offset] for number in row if number]
        for split in data.splits
        for row in split.stored_histories[name].ids.tolist()
    ]


ITEMS = ["a", "b", "a", "b", "a", "z"]
EXPECTED = [["c", "b", "a"], ["a"], [], ["a", "b"], ["?"], ["a", "c", "b"]]
TEXT = ["a^b^c", "a", "", "b^a", "q", "a^b^c^a"]
LISTS = [["a", "b", "c"], ["a"], None, ["b", None, "a"], ["q"], ["a", "b", "c", "a"]]

FORMS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "text": ({"past": TEXT}, {"separator": "^"}),
    "text with spaces": ({"past": [" ^ ".join(text.split("^")) for text in TEXT]}, {"separator": "^"}),
    "text of another column": ({"h": TEXT}, {"column": "h", "separator": "^"}),
    "Python lists": ({"past": [str(text.split("^")) if text else "[]" for text in TEXT]}, {}),
    "JSON lists": ({"past": [json.dumps(text.split("^")) if text else "[]" for text in TEXT]}, {}),
    "lists": ({"past": LISTS}, {}),
    "lists of fixed size": (
        {"past": pa.array([[*(row or []), *"00000"][:5] for row in LISTS], pa.list_(pa.string(), 5))},
        {"padding": "0"},
    ),
    "latest first": ({"past": ["c^b^a", "a", "", "a^b", "q", "a^c^b^a"]}, {"separator": "^", "order": "LatestFirst"}),
    "padding at the end": (
        {"past": ["a^b^c^0", "a^0^0^0", "0^0^0^0", "b^a^0^0", "q^0^0^0", "a^b^c^a"]},
        {"separator": "^", "padding": "0"},
    ),
    "padding at the beginning": (
        {"past": ["0^a^b^c", "0^0^0^a", "0^0^0^0", "0^0^b^a", "0^0^0^q", "a^b^c^a"]},
        {"separator": "^", "padding": "0"},
    ),
    "numbered columns": (
        {
            "h_0": ["a", "a", None, "b", "q", "a"],
            "h_1": ["b", None, None, "a", "", "b"],
            "h_2": ["c", None, None, None, "", "c"],
            "h_3": [None, None, None, None, None, "a"],
        },
        {"columns": ["h_{0..3}"]},
    ),
    "numbered columns, latest first": (
        {
            "h_00": ["c", "a", None, "a", "q", "a"],
            "h_01": ["b", None, None, "b", "", "c"],
            "h_02": ["a", None, None, None, "", "b"],
            "h_03": [None, None, None, None, None, "a"],
        },
        {"columns": ["h_{00..03}"], "order": "LatestFirst"},
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_events_are_latest_first_and_share_the_vocabulary_of_their_feature(form: str) -> None:
    columns, stored = FORMS[form]
    assert events_of(encoded({"item": ITEMS, **columns}, stored)) == EXPECTED


def test_values_that_are_only_in_histories_of_train_have_an_id_if_they_are_frequent() -> None:
    columns = {"item": ["a", "b", "z", "z", "z", "z"], "past": ["b^c^c", "d^b", "z", "z", "z", "z"]}
    data = encoded(columns, {"separator": "^"})
    assert data.fitted["item"]["values"] == ["b", "c", "a", "d"]
    rare = {**ITEM, "name": "rare", "column": "item", "minFrequency": 2}
    history = {"name": "rare_past", "type": "History", "of": "rare", "stored": {"column": "past", "separator": "^"}}
    assert encoded(columns, {"separator": "^"}, rare, history).fitted["rare"]["values"] == ["b", "c"]


def test_events_that_are_spelled_unlike_the_values_of_their_feature_are_reported() -> None:
    data = encoded({"item": ["1", "2", "1", "2", "1", "3"], "past": ["1.0 2.0"] * 6}, {})
    (warning,) = data.lists[0].warnings
    assert warning.startswith(
        "feature past: no event of train is a value of item in train: the events are such as '1.0'"
    )


def test_hashed_ids_of_events_are_those_of_the_feature() -> None:
    item = {"name": "hashed", "type": "Categorical", "column": "item", "hashBuckets": 1000}
    past = {"name": "past_hashed", "type": "History", "of": "hashed", "stored": {"column": "past"}}
    data = encoded({"item": ITEMS, "past": ["a", "b", "a", "b", "a", "z"]}, {}, item, past)
    column = data.schema.feature("hashed").column
    for split in data.splits:
        assert split.stored_histories["past_hashed"].ids[:, 0].tolist() == split.categorical[:, column].tolist()


def test_parallel_histories_and_a_history_through_another_are_encoded_side_by_side() -> None:
    kinds: list[dict[str, Any]] = [
        {"name": "kind", "type": "Categorical"},
        {"name": "past_kind", "type": "History", "of": "kind", "stored": {"separator": "^"}},
        {"name": "looked_up", "type": "History", "of": "kind", "through": "past"},
    ]
    columns = {"item": ITEMS, "kind": list("ABABAZ"), "past": TEXT, "past_kind": ["A^B", "A", "", "B^A", "Q", "A"]}
    data = encoded(columns, {"separator": "^"}, *kinds)
    assert events_of(data, "past_kind") == [["B", "A"], ["A"], [], ["A", "B"], ["?"], ["A"]]
    batch = DeviceData(data.splits[0], data.schema, "cpu").batch(torch.arange(2))
    kind = data.schema.feature("kind").offset
    # c is in no row of train, so its kind is unknown.
    assert batch.ids[:, 7:].tolist() == [[kind, kind + 2, kind + 1], [kind + 1, 0, 0]]


def same(first: Batch, second: Batch) -> bool:
    gaps = zip(first.history_gaps, second.history_gaps, strict=True)
    return torch.equal(first.ids, second.ids) and all(
        one is other or (one is not None and other is not None and torch.equal(one, other)) for one, other in gaps
    )


TIMES = {
    "item": ITEMS,
    "at": [10, 20, 30, 40, 50, 60],
    "past": [["a", "b"], ["0", "c"], [], ["a", "b", "c", "a"], ["a", None], ["b"]],
    "past_at": [[9, 3], [0, 20], [], [39, 7, 8, 9], [1, None], [0]],
}


def timed(folder: Path | None = None, **changes: Any) -> EncodedDataset:
    stored = {"times": "past_at", "padding": "0"}
    return encoded({**TIMES, **changes}, stored, folder=folder, timeGaps=True)


def test_events_are_sorted_by_time_and_gaps_are_powers_of_two() -> None:
    data = timed()
    assert events_of(data) == [["a", "b"], ["c"], [], ["a", "a", "c"], ["a"], ["b"]]
    gaps = [row for split in data.splits for row in split.stored_histories["past"].gaps.tolist()]  # type: ignore[union-attr]
    assert gaps == [[1, 3, 0], [64, 0, 0], [0, 0, 0], [1, 5, 6], [6, 0, 0], [6, 0, 0]]
    batch = DeviceData(data.splits[0], data.schema, "cpu").batch(torch.arange(2))
    offset = next(feature.offset for feature in data.schema.of_kind("gaps"))
    assert batch.history_gaps[0] is not None
    assert batch.history_gaps[0].tolist() == [[offset + 1, offset + 3], [offset, 0]]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"at": [10, 19, 30, 40, 50, 60]}, "row 2, column past_at: found '20', which is later than the time"),
        ({"past_at": [[9], [0, 20], [], [1, 2, 3, 4], [1, 2], [0]]}, "row 1, column past_at: has 1 times"),
        ({"past_at": [[9, None], [0, 20], [], [1, 2, 3, 4], [1, 2], [0]]}, "row 1, .* the time of event 2 is missing"),
        (
            {"at": [1_704_460_800_000] * 6, "past_at": [[1_704_460_000] * n for n in (2, 2, 0, 4, 2, 1)]},
            "row 1, column past_at: found '1704460000', which is before 1990 in milliseconds since 1970",
        ),
        ({"past_at": [["9", "x"], ["0", "1"], [], ["1"] * 4, ["1"] * 2, ["0"]]}, "row 1, .* found 'x'; allowed"),
    ],
)  # fmt: skip
def test_times_that_cannot_be_those_of_the_events_are_rejected(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidData, match=message):
        timed(**changes)


def test_dates_of_events_are_read_like_the_dates_of_rows() -> None:
    days = [f"2024-03-0{day} 12:00:00" for day in range(1, 7)]
    data = encoded(
        {"item": ITEMS, "at": days, "past": ["a^b"] * 6, "past_at": ["2024-02-28^2024-02-27 10:00:00"] * 6},
        {"separator": "^", "times": "past_at"},
    )
    assert events_of(data)[0] == ["a", "b"]
    with pytest.raises(InvalidData, match="found '2024-03-02', which is later than the time of the row"):
        encoded({"item": ITEMS, "at": days, "past": ["a"] * 6, "past_at": ["2024-03-02"] * 6}, {"times": "past_at"})


def test_events_need_am_or_pm_like_the_rows() -> None:
    days = [f"03/{day}/2024 1:00 PM" for day in range(21, 27)]
    with pytest.raises(InvalidData, match="found '02/28/2024 11:00'; the format of the time column"):
        encoded(
            {"item": ITEMS, "at": days, "past": ["a"] * 6, "past_at": ["02/28/2024 11:00"] * 6},
            {"separator": "^", "times": "past_at"},
        )


def test_times_of_lists_without_events_are_not_needed() -> None:
    data = timed(past=[[]] * 6, past_at=[[]] * 6)
    assert events_of(data) == [[]] * 6


def test_windows_and_saved_splits_have_the_same_events(tmp_path: Path) -> None:
    kinds: list[dict[str, Any]] = [
        {"name": "kind", "type": "Categorical"},
        {"name": "looked_up", "type": "History", "of": "kind", "through": "past"},
    ]
    stored = {"times": "past_at", "padding": "0"}
    data = encoded({**TIMES, "kind": list("ABABAZ")}, stored, *kinds, folder=tmp_path / "data", timeGaps=True)
    (tmp_path / "copy").mkdir()
    for split in data.splits:
        folder = tmp_path / "copy"
        save_split(folder, split)
        validate_split(folder, data.schema, open_split(folder, data.schema))
        expected = DeviceData(split, data.schema, "cpu").batch(torch.arange(2))
        assert same(DeviceData(open_split(folder, data.schema), data.schema, "cpu").batch(torch.arange(2)), expected)
        windowed = WindowedRows(split, data.schema, RowOrdering("blocks", rows=2, block_rows=1))
        (batch,) = [windowed.batch(index) for index in windowed.sequential_batches(2)]
        assert same(batch, expected)


def test_dropping_a_stored_history_leaves_the_others(tmp_path: Path) -> None:
    kinds: list[dict[str, Any]] = [
        {"name": "kind", "type": "Categorical"},
        {"name": "past_kind", "type": "History", "of": "kind", "stored": {"column": "past"}},
    ]
    data = encoded({**TIMES, "kind": list("ABABAZ")}, {"times": "past_at"}, *kinds, timeGaps=True)
    full = DeviceData(data.splits[0], data.schema, "cpu").batch(torch.arange(2))
    reduced = DeviceData(data.splits[0], data.schema.without(("past",)), "cpu").batch(torch.arange(2))
    assert reduced.ids.tolist() == full.ids[:, [0, 1, 4, 5]].tolist()
    assert reduced.history_gaps == (None,)


def damaged(split: EncodedSplit, **arrays: Any) -> EncodedSplit:
    return replace(split, stored_histories={"past": replace(split.stored_histories["past"], **arrays)})


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"ids": np.array([[2, 99, 0], [2, 0, 0]], np.int32)}, "stored-history-0-ids.npy, row 0, past: found id 99"),
        ({"gaps": np.array([[0, 0, 0], [0, 65, 0]], np.uint8)}, "stored-history-0-gaps.npy, row 1: .* gap 65"),
        ({"ids": np.zeros((3, 3), np.int32)}, "events of past has 3 rows"),
    ],
)  # fmt: skip
def test_damaged_events_are_rejected(arrays: dict[str, Any], message: str, tmp_path: Path) -> None:
    data = timed()
    with pytest.raises(InvalidData, match=message):
        validate_split(tmp_path, data.schema, damaged(data.splits[0], **arrays))
