"""Negative sampling: number of negatives, eligible items, and their frequencies."""

import numpy as np
import pyarrow as pa
import pytest

from ctrlab_api.errors import InvalidData
from ctrlab_api.resources.dataset_splits import Negatives
from ctrlab_trainer.data.readers.source_tables import factorize
from ctrlab_trainer.data.splits.negative_sampling import SourceClicks, sample_negatives


def clicks(rows: list[tuple[str, str, int]], labels: list[int] | None = None) -> SourceClicks:
    """Return columns of (user, item, split) rows."""
    users, items, splits = (list(column) for column in zip(*rows, strict=True))
    return SourceClicks(
        factorize(pa.chunked_array([users])),
        factorize(pa.chunked_array([items])),
        np.array(labels or [1] * len(rows), np.uint8),
        np.array(splits, np.int8),
    )


def items_of(source: SourceClicks, rows: list[int]) -> list[str]:
    return [source.items.texts()[source.items.codes[row]] for row in rows]


def test_every_positive_has_the_configured_number_of_negatives_and_a_negative_row_has_none() -> None:
    source = clicks([("u", "a", 0), ("u", "b", 0), ("v", "c", 0), ("v", "d", 0)], labels=[1, 0, 1, 1])
    negatives = sample_negatives(0, source, Negatives(item="i", per_positive=2))
    assert negatives.row.tolist() == [0, 0, 2, 2, 3, 3]
    assert negatives.index.tolist() == [0, 1] * 3


def test_a_negative_is_not_an_item_of_the_user_in_this_or_an_earlier_split() -> None:
    rows = [(f"u{i % 7}", f"i{(i * 13) % 97}", i % 3) for i in range(300)]
    source = clicks(rows)
    for split in range(3):
        visible = {(user, item) for user, item, row_split in rows if row_split <= split}
        negatives = sample_negatives(split, source, Negatives(item="i", per_positive=3))
        for row, item in zip(negatives.row.tolist(), items_of(source, negatives.item.tolist()), strict=True):
            assert (rows[row][0], item) not in visible
            assert item in {item for _, item in visible}


def test_an_item_is_represented_by_its_first_row_in_the_earliest_split() -> None:
    source = clicks([("w", "b", 2), ("u", "b", 1), ("u", "a", 0), ("v", "b", 0), ("w", "b", 0)])
    negatives = sample_negatives(0, source, Negatives(item="i"))
    assert negatives.row.tolist() == [2, 3, 4]
    assert negatives.item.tolist() == [3, 2, 2]


def test_the_seed_determines_the_sample() -> None:
    source = clicks([(f"u{i}", f"i{i % 40}", 0) for i in range(200)])
    first, same, other = (
        sample_negatives(0, source, Negatives(item="i", seed=seed)).item.tolist() for seed in (1, 1, 2)
    )
    assert first == same
    assert first != other


@pytest.mark.parametrize(("strategy", "share_of_b"), [("Uniform", 1 / 3), ("Popularity", 3001 / (3001 + 1000 + 2))])
def test_uniform_samples_are_even_and_popularity_follows_the_counts_of_train(strategy: str, share_of_b: float) -> None:
    rows = [(f"u{i}", item, 0) for i, item in enumerate(["a"] * 6000 + ["b"] * 3000 + ["c"] * 999 + ["d"])]
    source = clicks(rows)
    negatives = sample_negatives(
        0, source, Negatives.model_validate({"item": "i", "per_positive": 10, "strategy": strategy})
    )
    sampled = items_of(source, negatives.item[negatives.row < 6000].tolist())
    assert set(sampled) == {"b", "c", "d"}
    assert sampled.count("b") / len(sampled) == pytest.approx(share_of_b, abs=0.01)


def test_a_user_with_nearly_all_of_the_weight_gets_the_other_items() -> None:
    rows = [("u", "a", 0)] * 5000 + [("v", "b", 0)]
    negatives = sample_negatives(0, clicks(rows), Negatives(item="i", strategy="Popularity"))
    assert set(negatives.item[negatives.row < 5000].tolist()) == {5000}


def test_a_user_who_has_every_item_is_rejected_by_name() -> None:
    source = clicks([("u", "a", 0), ("u", "b", 0), ("v", "a", 0)])
    with pytest.raises(InvalidData, match="the user 'u' has all 2 items of train and earlier splits"):
        sample_negatives(0, source, Negatives(item="i"))
