"""A batch contains exactly the requested rows, also with dropped features and absent values."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from ctrlab_trainer.data.prepared.encoded_schema import EncodedSchema
from ctrlab_trainer.data.prepared.encoded_splits import EncodedSplit, open_split, save_split
from ctrlab_trainer.training.batches import DeviceData, batch_bounds

MakeSplit = Callable[[int, int], EncodedSplit]


def test_ids_are_ordered_by_kind_with_the_latest_event_first(schema: EncodedSchema, make_split: MakeSplit) -> None:
    split = make_split(30, 4)
    order = torch.tensor([7, 3, 20])
    batch = DeviceData(split, schema, "cpu").batch(order)
    history = split.histories["seen"]
    for position, row in enumerate(order.tolist()):
        events = history.events[history.start[row] : history.end[row]][::-1].tolist()
        events += [0] * (batch.history_widths[0] - len(events))
        expected = [*split.categorical[row], 91, *split.multicategorical["genres"][row], *events]
        assert batch.ids[position].tolist() == expected
        assert batch.numeric[position].tolist() == split.numeric[row].tolist()
        assert batch.labels[position] == split.labels[row]
        assert batch.multicategorical_counts[0][position] == max(
            1, np.count_nonzero(split.multicategorical["genres"][row])
        )
        assert batch.history_counts[0][position] == max(1, history.end[row] - history.start[row])


def test_a_batch_is_as_wide_as_its_longest_history(schema: EncodedSchema, make_split: MakeSplit) -> None:
    split = make_split(30, 4)
    history = split.histories["seen"]
    lengths = history.end - history.start
    shortest = torch.from_numpy(np.flatnonzero(lengths <= 2))
    data = DeviceData(split, schema, "cpu")
    assert data.batch(shortest).history_widths == (2,)
    assert data.batch(torch.from_numpy(np.flatnonzero(lengths == 0))).history_widths == (1,)


def test_a_shorter_history_keeps_its_latest_events(schema: EncodedSchema, make_split: MakeSplit) -> None:
    split = make_split(30, 4)
    features = tuple(f.model_copy(update={"length": 2}) if f.name == "seen" else f for f in schema.features)
    batch = DeviceData(split, schema.model_copy(update={"features": features}), "cpu").batch(torch.arange(30))
    history = split.histories["seen"]
    row = int(np.argmax(history.end - history.start))
    end = history.end[row]
    assert batch.ids[row, -2:].tolist() == [history.events[end - 1], history.events[end - 2]]


def test_dropped_features_are_absent_from_the_batch(schema: EncodedSchema, make_split: MakeSplit) -> None:
    split = make_split(30, 4)
    reduced = schema.without(("user", "age", "genres", "seen"))
    batch = DeviceData(split, reduced, "cpu").batch(torch.arange(30))
    assert torch.equal(batch.ids[:, 0], torch.from_numpy(split.categorical[:, 1]) - 50), "the rows of users are removed"
    assert batch.ids.shape == (30, 1)
    assert batch.numeric.shape == (30, 0)


def test_memory_mapped_files_give_the_same_batches(
    schema: EncodedSchema, make_split: MakeSplit, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("split")
    split = make_split(30, 4)
    save_split(folder, split)
    order = torch.randperm(30)
    mapped = DeviceData(open_split(folder, schema), schema, "cpu").batch(order)
    assert torch.equal(mapped.ids, DeviceData(split, schema, "cpu").batch(order).ids)


@pytest.mark.parametrize(
    ("rows", "size", "expected"),
    [
        (10, 4, [(0, 4), (4, 8), (8, 10)]),
        (9, 4, [(0, 4), (4, 9)]),
        (8, 4, [(0, 4), (4, 8)]),
        (3, 100, [(0, 3)]),
        (1, 4, [(0, 1)]),
        (5, 1, [(0, 1), (1, 2), (2, 3), (3, 5)]),
    ],
)
def test_bounds_cover_every_row_once_without_single_rows(rows: int, size: int, expected: list[tuple[int, int]]) -> None:
    assert batch_bounds(rows, size) == expected


def test_ids_of_a_smaller_table_refer_to_the_same_values(schema: EncodedSchema, make_split: MakeSplit) -> None:
    split = make_split(30, 5)
    full = DeviceData(split, schema, "cpu").batch(torch.arange(30)).ids
    reduced = schema.without(("user", "age"))
    small = DeviceData(split, reduced, "cpu").batch(torch.arange(30)).ids
    kept = [1, *range(3, full.shape[1])]
    values = torch.arange(schema.embedding_rows)
    for feature, rows in reduced.blocks.items():
        full_rows = schema.blocks[feature]
        values[full_rows.start : full_rows.stop] = torch.arange(rows.start, rows.stop)
    assert torch.equal(values[full[:, kept]], small)
    assert (small == 0).any()
    assert small.max() < reduced.embedding_rows == schema.embedding_rows - 51
