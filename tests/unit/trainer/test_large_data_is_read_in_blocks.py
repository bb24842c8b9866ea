"""Data that exceed a share of the memory are read in blocks of neighboring rows, in an order that depends only on the
data and the seed."""

import mmap
from collections.abc import Callable
from dataclasses import replace
from itertools import chain
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from ctrlab_api.architectures.base_architecture import RowOrder
from ctrlab_api.errors import InvalidData
from ctrlab_api.plan import Variant
from ctrlab_api.records.runs import RowPermutation
from ctrlab_trainer.data.prepared.encoded_schema import EncodedSchema
from ctrlab_trainer.data.prepared.encoded_splits import EncodedSplit, open_split, row_arrays, save_split
from ctrlab_trainer.data.prepared.memory_maps import read_rows
from ctrlab_trainer.process import memory_limits
from ctrlab_trainer.training import loop, row_order
from ctrlab_trainer.training.batches import DeviceData
from ctrlab_trainer.training.loop import TrainingResult
from ctrlab_trainer.training.row_order import RowOrdering, joined_order, split_bytes
from ctrlab_trainer.training.row_windows import Rows, WindowedRows, open_rows

Fit = Callable[..., TrainingResult]
MakeSplit = Callable[[int, int], EncodedSplit]
MakeVariant = Callable[..., Variant]

IN_BLOCKS = RowOrdering("blocks", rows=10_007, block_rows=64)


@pytest.fixture(autouse=True)
def _few_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_order, "BLOCK_BYTES", 64 * 41)
    monkeypatch.setattr(row_order, "WINDOW_BLOCKS", 8)


@pytest.fixture
def in_files(tmp_path: Path, schema: EncodedSchema, make_split: MakeSplit) -> Callable[[int, int], EncodedSplit]:
    """Return a factory (rows, seed) of memory-mapped splits, as processes open them."""

    def make(rows: int, seed: int) -> EncodedSplit:
        folder = tmp_path / f"{rows}-{seed}"
        folder.mkdir()
        save_split(folder, make_split(rows, seed))
        return open_split(folder, schema)

    return make


def sample_order(order: RowOrdering, seed: int = 1) -> torch.Tensor:
    return joined_order(order.windows(torch.Generator().manual_seed(seed)))


@pytest.mark.parametrize("permutation", ["rows", "blocks"])
def test_every_row_occurs_once_in_an_order_that_depends_on_the_seed(permutation: RowPermutation) -> None:
    order = replace(IN_BLOCKS, permutation=permutation)
    assert torch.equal(sample_order(order).sort().values, torch.arange(order.rows))
    assert torch.equal(sample_order(order), sample_order(order))
    assert not torch.equal(sample_order(order), sample_order(order, seed=2))


def test_a_window_mixes_the_rows_of_a_few_random_blocks() -> None:
    first = next(iter(IN_BLOCKS.windows(torch.Generator().manual_seed(1))))
    starts = [block.start for block in first.blocks]
    assert len(first.blocks) == 8
    assert max(starts) - min(starts) > 8 * 64
    assert set(map(len, first.blocks)) == {64}
    assert set(first.row_numbers().tolist()) == set(chain(*first.blocks))
    assert (first.row_numbers().diff() == 1).float().mean() < 0.05


def test_sequential_windows_contain_the_rows_in_file_order() -> None:
    windows = list(IN_BLOCKS.sequential_windows())
    assert torch.equal(joined_order(windows), torch.arange(IN_BLOCKS.rows))
    assert list(chain(*(block for window in windows for block in window.blocks))) == list(range(IN_BLOCKS.rows))
    assert max(len(window.order) for window in windows) == IN_BLOCKS.window_rows


@pytest.mark.parametrize(
    ("requested", "device", "share", "expected"),
    [
        ("auto", "cpu", 0.4, "rows"),
        ("auto", "cpu", 0.6, "blocks"),
        ("auto", "cuda", 0.6, "rows"),
        ("blocks", "cpu", 0.1, "blocks"),
        ("rows", "cpu", 2.0, "rows"),
    ],
)
def test_the_share_of_memory_decides_unless_the_specification_does(
    requested: RowOrder,
    device: str,
    share: float,
    expected: RowPermutation,
    make_split: MakeSplit,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    split = make_split(100, 1)
    monkeypatch.setattr(memory_limits, "total_bytes", lambda: int(split_bytes(split) / share))
    assert RowOrdering.choose(requested, split, device).permutation == expected


def test_the_block_order_does_not_depend_on_the_machine(make_split: MakeSplit, monkeypatch: pytest.MonkeyPatch) -> None:
    split = make_split(1000, 1)
    ordering = RowOrdering.choose("blocks", split, "cpu")
    monkeypatch.setattr(memory_limits, "total_bytes", lambda: 1000)
    assert RowOrdering.choose("auto", split, "cpu") == ordering
    assert ordering.block_rows == 64, (
        "rows of 41 bytes: label, two ids, a number, three genres, begin and end of a history"
    )


@pytest.mark.parametrize("size", [7, 64, 100, 999, 5000])
@pytest.mark.parametrize("rows", [1, 63, 1025])
def test_batches_from_files_equal_those_from_memory(
    rows: int, size: int, in_files: MakeSplit, schema: EncodedSchema
) -> None:
    split = in_files(rows, 3)
    order = RowOrdering.choose("blocks", split, "cpu")
    windowed, resident = WindowedRows(split, schema, order), DeviceData(split, schema, "cpu")

    def batch_tensors(data: Rows) -> list[list[torch.Tensor]]:
        orders = (
            data.index_batches(order.windows(torch.Generator().manual_seed(1)), size),
            data.sequential_batches(size),
        )
        batches = [data.batch(index) for indices in orders for index in indices]
        return [[batch.ids, batch.numeric, batch.labels, *batch.history_counts] for batch in batches]

    actual, expected = batch_tensors(windowed), batch_tensors(resident)
    assert len(actual) == len(expected)
    for batch, expected_batch in zip(actual, expected, strict=True):
        assert all(map(torch.equal, batch, expected_batch))


def test_two_windows_are_in_memory_for_any_number_of_rows(
    in_files: MakeSplit, schema: EncodedSchema, monkeypatch: pytest.MonkeyPatch
) -> None:
    split = in_files(20_000, 3)
    order = RowOrdering.choose("blocks", split, "cpu")
    allocated: list[int] = []

    def allocate(_: int, size: int, flags: int) -> bytearray:
        allocated.append(size)
        return bytearray(size)

    flags = {name: getattr(mmap, name) for name in ("MAP_PRIVATE", "MAP_ANONYMOUS")}
    monkeypatch.setattr("ctrlab_trainer.training.row_windows.mmap", SimpleNamespace(mmap=allocate, **flags))
    assert sum(map(len, WindowedRows(split, schema, order).sequential_batches(100))) == 20_000
    assert sum(allocated) == 2 * (order.window_rows + 100) * 41


def test_blocks_are_read_in_order_from_files_and_from_memory(in_files: MakeSplit) -> None:
    blocks = [range(900, 1000), range(64), range(64, 65)]
    for array in row_arrays(in_files(1000, 5)):
        from_file, from_memory = (np.zeros((165, *array.shape[1:]), array.dtype) for _ in range(2))
        read_rows(array, blocks, from_file)
        read_rows(np.array(array), blocks, from_memory)
        assert np.array_equal(from_file, np.concatenate([array[block.start : block.stop] for block in blocks]))
        assert np.array_equal(from_file, from_memory)


def test_a_file_truncated_after_opening_is_reported(tmp_path: Path) -> None:
    np.save(tmp_path / "labels.npy", np.zeros(1000, np.uint8))
    array = np.load(tmp_path / "labels.npy", mmap_mode="r")
    with (tmp_path / "labels.npy").open("r+b") as file:
        file.truncate(600)
    with pytest.raises(InvalidData, match=r"labels\.npy.*ends before row 1000"):
        read_rows(array, [range(10), range(900, 1000)], np.zeros(110, np.uint8))


def test_training_from_files_equals_training_from_memory_to_the_bit(
    fit: Fit, small_variant: MakeVariant, in_files: MakeSplit, monkeypatch: pytest.MonkeyPatch
) -> None:
    variant = small_variant("din", row_order="blocks", batch_size=100, dropout="0.2", embedding_init="0.1")
    rows, valid = in_files(1301, 1), in_files(901, 2)
    monkeypatch.setattr(memory_limits, "total_bytes", lambda: split_bytes(valid))
    opened: list[Rows] = []

    def open_and_collect(*arguments: object) -> Rows:
        opened.append(open_rows(*arguments))  # type: ignore[arg-type]
        return opened[-1]

    monkeypatch.setattr(loop, "open_rows", open_and_collect)
    monkeypatch.setattr("ctrlab_trainer.training.row_windows.open_rows", open_and_collect)
    from_files = fit(variant, train=rows, valid=valid)
    assert [type(data) for data in opened] == [WindowedRows, WindowedRows]

    monkeypatch.setattr(loop, "open_rows", lambda split, schema, _, device: DeviceData(split, schema, device))
    monkeypatch.setattr(memory_limits, "total_bytes", lambda: 10**12)
    from_memory = fit(variant, train=rows, valid=valid)
    assert type(opened[-1]) is DeviceData
    assert from_files.state is not None
    assert from_memory.state is not None
    assert all(torch.equal(tensor, from_memory.state[name]) for name, tensor in from_files.state.items())
    assert np.array_equal(from_files.valid_scores, from_memory.valid_scores)  # type: ignore[arg-type]
    assert [epoch.train_loss for epoch in from_files.curve] == [epoch.train_loss for epoch in from_memory.curve]
    assert from_files.row_order == from_memory.row_order == "blocks"


def test_a_model_learns_from_blocks(fit: Fit, small_variant: MakeVariant) -> None:
    result = fit(small_variant("fm", row_order="blocks", epochs=10, learning_rate="0.05", embedding_init="0.1"))
    assert result.row_order == "blocks"
    assert result.best_value is not None
    assert result.best_value > 0.6
