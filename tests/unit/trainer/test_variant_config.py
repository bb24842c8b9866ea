"""The text values of a plan become a validated configuration."""

import pytest

from ctrlab_api.architectures.sequence_models import SIN
from ctrlab_api.errors import InvalidSpec
from ctrlab_api.plan import Variant
from ctrlab_api.resources.search_dimensions import FloatRange, IntRange, SearchDimension
from ctrlab_trainer.training.throughput import middle_value
from ctrlab_trainer.training.variant_config import resolve_config


def test_text_becomes_numbers_and_tuned_values_take_precedence() -> None:
    variant = Variant(name="S", architecture="sin", parameters={"hidden_units": "32,16", "dropout": "0.1", "heads": 4})
    config = resolve_config(variant, {"dropout": 0.3, "batch_norm": "true"})
    assert isinstance(config, SIN)
    assert (config.hidden_units, config.dropout, config.heads, config.batch_norm) == ((32, 16), 0.3, 4, True)


def test_every_problem_is_reported() -> None:
    variant = Variant(name="S", architecture="sin", parameters={"dropout": "2", "depth": 3})
    with pytest.raises(InvalidSpec) as caught:
        resolve_config(variant, {})
    assert [problem.where for problem in caught.value.problems] == ["S.dropout", "S.depth"]
    assert "not '2'" in caught.value.problems[0].message


def test_an_unknown_architecture_lists_the_known_ones() -> None:
    with pytest.raises(InvalidSpec, match="unknown architecture 'mlp'; known: lr, fm"):
        resolve_config(Variant(name="S", architecture="mlp"), {})


@pytest.mark.parametrize(
    ("dimension", "expected"),
    [
        (SearchDimension(float_=FloatRange(low="1e-4", high="1e-2", log=True)), 1e-3),
        (SearchDimension(float_=FloatRange(low="0", high="1")), 0.5),
        (SearchDimension(int_=IntRange(low=2, high=8)), 5),
        (SearchDimension(int_=IntRange(low=2, high=32, log=True)), 8),
        (SearchDimension(categorical=("8", "16", "32")), "16"),
        (SearchDimension(categorical=("a", "b")), "a"),
    ],
)
def test_calibration_uses_the_middle_of_a_range(dimension: SearchDimension, expected: float | str) -> None:
    value = middle_value(dimension)
    assert value == (pytest.approx(expected) if isinstance(expected, float) else expected)
