"""Seeds by purpose, random streams by name, and dropout with a separate stream."""

import pytest
import torch

from ctrlab_trainer.models.components.dropout import Dropout
from ctrlab_trainer.training.random_seeds import SEED_BITS, PurposeSeeds, stream_seed


def test_purposes_of_all_roots_differ() -> None:
    seeds = [seed for root in range(200) for seed in PurposeSeeds.from_root(root).purposes().values()]
    assert len(set(seeds)) == 800
    assert max(seeds) < 2**SEED_BITS


def test_the_seeds_of_a_root_never_change() -> None:
    assert PurposeSeeds.from_root(2024) == PurposeSeeds.from_root(2024)
    assert list(PurposeSeeds.from_root(2024).purposes()) == ["init", "order", "dropout", "negatives"]


def test_a_stream_depends_only_on_seed_and_name() -> None:
    assert stream_seed(1, "a") == stream_seed(1, "a")
    assert len({stream_seed(1, "a"), stream_seed(1, "b"), stream_seed(2, "a")}) == 3


@pytest.mark.parametrize("p", [0.1, 0.25, 0.5, 0.9])
def test_dropout_has_its_probability_and_keeps_the_expectation(p: float) -> None:
    dropout = Dropout(p)
    dropout.seed_stream(1, torch.device("cpu"))
    y = dropout(torch.ones(400, 1001))
    share = round(p * 256) / 256
    assert (y == 0).double().mean().item() == pytest.approx(share, abs=0.005)
    assert y.max().item() == pytest.approx(1 / (1 - share))
    assert y.double().mean().item() == pytest.approx(1, abs=0.01)


def test_every_byte_of_a_word_drops_with_the_same_probability() -> None:
    dropout = Dropout(0.75)
    dropout.seed_stream(1, torch.device("cpu"))
    dropped = (dropout(torch.ones(20_000, 8)) == 0).double().mean(dim=0)
    assert (dropped - 0.75).abs().max().item() < 0.02


def test_equal_streams_drop_equal_elements_and_evaluation_drops_none() -> None:
    a, b = Dropout(0.5), Dropout(0.5)
    x = torch.randn(64, 8)
    for layer in (a, b):
        layer.seed_stream(9, torch.device("cpu"))
    assert torch.equal(a(x), b(x))
    assert not torch.equal(a(x), a(x))
    assert a.eval()(x) is x
