"""Vector features: several numbers per row, such as an embedding, standardized one by one or unchanged.

A missing vector is replaced by the mean of train, which is zero after standardizing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ctrlab_api.errors import InvalidData
from ctrlab_api.resources.features import Feature
from ctrlab_trainer.data.encoders.encoder_protocol import FittedEncoding
from ctrlab_trainer.data.encoders.exact_moments import ExactMoments
from ctrlab_trainer.data.encoders.list_syntax import InvalidList, TextLists, split_lists
from ctrlab_trainer.data.encoders.numeric import MAX_FLOAT32
from ctrlab_trainer.data.encoders.token_lists import DEFAULT_SEPARATOR
from ctrlab_trainer.data.readers.arrow_types import simplify
from ctrlab_trainer.data.readers.column_values import parse_numbers
from ctrlab_trainer.data.readers.source_tables import SourceTable, factorize

Moments = tuple[ExactMoments, ...]
"""Moments of each component."""


@dataclass(frozen=True)
class VectorScaling(FittedEncoding):
    """`(x - shift) / scale` of each component, and the replacement of a missing vector."""

    shift: NDArray[np.float64]
    scale: NDArray[np.float64]
    replacement: NDArray[np.float64]


@dataclass(frozen=True)
class VectorEncoder:
    """Encoder of Vector features."""

    feature: Feature

    @property
    def columns(self) -> tuple[str, ...]:
        """Column of the feature."""
        return (self.feature.source_column,)

    def observe(self, rows: SourceTable, in_train: NDArray[np.bool_]) -> Moments:
        """Sum the numbers of train exactly; InvalidData with the row of a vector of another width."""
        vectors = read_row_vectors(rows, self.feature)
        kept = vectors[in_train & ~np.isnan(vectors[:, 0])]
        return tuple(ExactMoments.of(np.ascontiguousarray(column)) for column in kept.T)

    def merge(self, states: Sequence[Moments]) -> Moments:
        """Add the sums."""
        return tuple(ExactMoments.sum(components) for components in zip(*states, strict=True))

    def fit(self, state: Moments) -> VectorScaling:
        """Compute mean and standard deviation of each component in train; a constant one is only shifted."""
        if state[0].count == 0:
            location, remedy = f"feature {self.feature.name}", "leave the feature out of spec.dataset.features"
            raise InvalidData.at(location, f"has no vector in any train row; {remedy}")
        width = len(state)
        mean = np.array([component.mean for component in state])
        if self.feature.transform == "AsIs":
            record: dict[str, object] = {"missing": mean.tolist()}
            return VectorScaling("vector", 0, width, record, np.zeros(width), np.ones(width), mean)
        deviation = np.array([component.deviation for component in state])
        scale = np.where(deviation > 1e-12 * np.maximum(1.0, np.abs(mean)), deviation, 1.0)
        record = {"mean": mean.tolist(), "scale": scale.tolist()}
        return VectorScaling("vector", 0, width, record, mean, scale, np.zeros(width))

    def encode(self, rows: SourceTable, fitted: VectorScaling) -> NDArray[np.float32]:
        """Return [rows, width] finite numbers."""
        vectors = read_row_vectors(rows, self.feature)
        scaled = (vectors - fitted.shift) / fitted.scale
        filled = np.where(np.isnan(vectors[:, :1]), fitted.replacement, scaled)
        return np.clip(filled, -MAX_FLOAT32, MAX_FLOAT32).astype(np.float32)


def read_row_vectors(rows: SourceTable, feature: Feature) -> NDArray[np.float64]:
    """Return [rows, width] numbers, NaN for a missing vector.

    InvalidData with the row of a vector that has another width, or a number that is missing or not finite.
    """
    assert feature.width is not None
    column = feature.source_column
    chunks = [simplify(chunk) for chunk in rows.data[column].chunks]
    if chunks and pa.types.is_list(chunks[0].type):
        lists = pa.concat_arrays(chunks)
        codes = np.arange(len(lists), dtype=np.int32)
        missing = np.asarray(lists.is_null(), bool)
    else:
        distinct = factorize(rows.data[column])
        codes = distinct.codes
        missing = np.asarray(pc.is_in(distinct.values, value_set=pa.array(sorted(rows.missing | {""}))), bool)
        texts = _split_text(rows, feature, distinct.values, codes)
        lists, missing = texts.elements, missing | (texts.syntax == 0)
    lengths = np.where(missing, 0, np.asarray(pc.list_value_length(lists).fill_null(0)))
    missing |= lengths == 0
    invalid = ~missing & (lengths != feature.width)
    if invalid.any():
        code = int(np.argmax(invalid))
        raise InvalidData.at(
            rows.location(int(np.argmax(codes == code)), column),
            f"has {lengths[code]} numbers, and feature {feature.name} has width {feature.width}; all vectors must have "
            f"as many numbers, or set width: {lengths[code]}",
        )
    present = np.flatnonzero(~missing)
    flat = _numbers(lists.take(pa.array(present)).flatten(), rows.has_decimal_comma(column))
    vectors = np.full((len(lists), feature.width), np.nan)
    vectors[present] = flat.reshape(len(present), feature.width)
    invalid = ~missing & ~(np.abs(vectors) <= MAX_FLOAT32).all(axis=1)
    if invalid.any():
        code = int(np.argmax(invalid))
        text = lists[code].as_py()[int(np.argmax(~(np.abs(vectors[code]) <= MAX_FLOAT32)))]
        raise InvalidData.at(
            rows.location(int(np.argmax(codes == code)), column),
            f"found {text!r} in a vector; allowed are finite numbers; leave the whole vector empty if it is missing",
        )
    return vectors[codes]


def _split_text(rows: SourceTable, feature: Feature, texts: pa.Array, codes: NDArray[np.int32]) -> TextLists:
    """Return the numbers of each text, as text."""
    separator = feature.separator or DEFAULT_SEPARATOR
    if separator.isspace():
        texts = pc.replace_substring_regex(pc.utf8_trim_whitespace(texts), r"\s+", separator)
    try:
        return split_lists(texts, separator)
    except InvalidList as error:
        row = int(np.argmax(codes == error.index))
        raise InvalidData.at(rows.location(row, feature.source_column), str(error)) from error


def _numbers(elements: pa.Array, decimal_comma: bool) -> NDArray[np.float64]:
    """Return numbers, NaN for what is none."""
    if pa.types.is_string(elements.type):
        return parse_numbers(elements.to_pylist(), decimal_comma)
    if pa.types.is_boolean(elements.type):
        elements = elements.cast(pa.int8())
    try:
        return np.asarray(elements.cast(pa.float64(), safe=False).fill_null(np.nan), np.float64)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return np.full(len(elements), np.nan)
