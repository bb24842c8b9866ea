"""Data that exceed a share of the memory are permuted in blocks of neighbouring rows."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from ctrlab_contract.architectures.base import RowOrder
from ctrlab_contract.plan import Variant
from ctrlab_contract.records.run import RowsTaken
from ctrlab_trainer import row_order
from ctrlab_trainer.data.encoded import EncodedSplit, arrays
from ctrlab_trainer.loop import TrainingResult
from ctrlab_trainer.row_order import order_of, permutation

ROWS = 10_007


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_order, "BLOCK", 64)
    monkeypatch.setattr(row_order, "BUFFER", 8)


def drawn(order: RowsTaken, seed: int = 1) -> torch.Tensor:
    return permutation(ROWS, order, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("order", ["rows", "blocks"])
def test_every_row_comes_once_in_an_order_of_its_seed(order: RowsTaken) -> None:
    assert torch.equal(drawn(order).sort().values, torch.arange(ROWS))
    assert torch.equal(drawn(order), drawn(order))
    assert not torch.equal(drawn(order), drawn(order, seed=2))


def test_a_buffer_holds_few_blocks_from_anywhere_and_mixes_their_rows() -> None:
    first = drawn("blocks")[: 8 * 64 - 64]
    blocks = torch.unique(first // 64)
    assert len(blocks) == 8
    assert blocks.max() - blocks.min() > 8
    assert (first.diff() == 1).float().mean() < 0.05


@pytest.mark.parametrize(
    ("wanted", "device", "share", "found"),
    [
        ("auto", "cpu", 0.4, "rows"),
        ("auto", "cpu", 0.6, "blocks"),
        ("auto", "cuda", 0.6, "rows"),
        ("blocks", "cpu", 0.1, "blocks"),
        ("rows", "cpu", 2.0, "rows"),
    ],
)
def test_the_share_of_the_memory_decides_where_nothing_is_asked_for(
    wanted: RowOrder,
    device: str,
    share: float,
    found: RowsTaken,
    make_split: Callable[[int, int], EncodedSplit],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    split = make_split(100, 1)
    held = sum(array.nbytes for array in arrays(split).values())
    monkeypatch.setattr(row_order, "memory", lambda: int(held / share))
    assert order_of(wanted, split, device) == found


def test_the_memory_of_a_container_is_its_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = row_order.memory()
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(row_order, "LIMITS", (tmp_path / "absent", limit))
    limit.write_text("1048576\n")
    assert row_order.memory() == 2**20
    limit.write_text("max\n")
    assert row_order.memory() >= machine


def test_a_model_learns_from_blocks(fit: Callable[..., TrainingResult], small_variant: Callable[..., Variant]) -> None:
    result = fit(small_variant("fm", row_order="blocks", epochs=10, learning_rate="0.05", embedding_init="0.1"))
    assert result.row_order == "blocks"
    assert result.best_value is not None
    assert result.best_value > 0.6
