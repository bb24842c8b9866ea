"""Encoder states merge to the same bits in any order, so a fit does not depend on how the rows were divided."""

from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from builders import csv_source, make_dataset
from hypothesis import given, settings
from hypothesis import strategies as st

from ctrlab_api.resources.dataset import Dataset
from ctrlab_api.resources.features import Feature
from ctrlab_trainer.data.encoders import build_encoder
from ctrlab_trainer.data.encoders.exact_moments import SCALE, ExactMoments, exact_sum
from ctrlab_trainer.data.encoders.numeric_buckets import NumberCounts, quantiles
from ctrlab_trainer.data.readers.source_tables import SourceTable

FEATURES: tuple[dict[str, Any], ...] = (
    {"type": "Categorical"},
    {"type": "MultiCategorical", "separator": "|"},
    {"type": "MultiCategorical", "separator": "|", "padding": "v0", "keep": "Latest", "maxLength": 1},
    {"type": "Vector", "separator": "|", "width": 2},
    {"type": "Numeric"},
    {"type": "Numeric", "transform": "AsIs"},
    {"type": "Numeric", "transform": "LogBucket"},
    {"type": "Numeric", "transform": "QuantileBucket", "buckets": 3},
)
finite = st.floats(-1e30, 1e30, allow_nan=False, allow_subnormal=False)


def dataset_of(feature: dict[str, Any]) -> Dataset:
    features = [{"name": "x", **feature}]
    return make_dataset(source=csv_source(), features=features, preprocessing={"minFrequency": 2})


def texts(feature: Feature, numbers: list[float]) -> list[str]:
    if feature.type == "Vector":
        return [f"{number!r}|{-number!r}" for number in numbers]
    if feature.type == "Numeric":
        return [repr(number) for number in numbers]
    return [f"v{int(number) % 5}|w{int(number) % 3}" for number in numbers]


@pytest.mark.parametrize("kind", FEATURES, ids=lambda kind: "-".join(map(str, kind.values())))
@settings(deadline=None, max_examples=25)
@given(
    numbers=st.lists(st.floats(-1e6, 1e6), min_size=4, max_size=60),
    cuts=st.lists(st.integers(1, 59), max_size=5),
    data=st.data(),
)
def test_chunks_in_any_order_give_the_same_fit_and_encoded_rows(
    kind: dict[str, Any], numbers: list[float], cuts: list[int], data: st.DataObject
) -> None:
    dataset = dataset_of(kind)
    feature = dataset.features[0]
    encoder = build_encoder(feature, dataset)
    table = SourceTable(pa.table({"x": texts(feature, numbers)}), (("none.csv", len(numbers)),))
    in_train = np.arange(len(numbers)) % 3 < 2
    whole = encoder.fit(encoder.observe(table, in_train))
    edges = sorted({0, *(cut for cut in cuts if cut < len(numbers)), len(numbers)})
    chunks = [
        SourceTable(table.data.slice(start, end - start), table.files, first=start)  # type: ignore[attr-defined]
        for start, end in pairwise(edges)
    ]
    states = data.draw(
        st.permutations([encoder.observe(chunk, in_train[chunk.first : chunk.first + chunk.rows]) for chunk in chunks])
    )
    halves = [encoder.merge(half) for half in (states[: len(states) // 2], states[len(states) // 2 :]) if half]
    merged = encoder.fit(encoder.merge(halves))
    assert merged.record == whole.record
    assert merged.lists == whole.lists
    assert (merged.kind, merged.size, merged.length) == (whole.kind, whole.size, whole.length)
    encoded = np.concatenate([encoder.encode(chunk, merged) for chunk in chunks])
    assert encoded.tobytes() == encoder.encode(table, whole).tobytes()


@settings(deadline=None, max_examples=200)
@given(st.lists(finite, max_size=50))
def test_sums_are_exact(values: list[float]) -> None:
    assert Fraction(exact_sum(np.array(values)), 1 << SCALE) == sum(map(Fraction, values))


@settings(deadline=None, max_examples=200)
@given(st.lists(finite.filter(lambda value: value == 0 or abs(value) >= 1e-140), min_size=1, max_size=50))
def test_mean_and_deviation_equal_exact_arithmetic(values: list[float]) -> None:
    moments = ExactMoments.of(np.array(values))
    exact = [Fraction(value) for value in values]
    mean = sum(exact) / len(exact)
    variance = sum((value - mean) ** 2 for value in exact) / len(exact)
    assert moments.mean == float(mean)
    assert moments.deviation == pytest.approx(float(variance) ** 0.5, rel=1e-15, abs=0)


@settings(deadline=None, max_examples=200)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60), st.integers(2, 12))
def test_quantiles_from_counts_equal_numpy_quantiles(values: list[float], buckets: int) -> None:
    probabilities = np.linspace(0, 1, buckets + 1)[1:-1]
    from_counts = quantiles(NumberCounts.of(np.array(values)), probabilities)
    assert np.array_equal(from_counts, np.quantile(np.array(values), probabilities))
