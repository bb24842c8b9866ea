"""What one feature alone tells of the clicks of validation; a feature that tells all most likely holds the label."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ctrlab_metrics.computing import compute_metrics
from ctrlab_trainer.data.prepared.encoded_splits import EncodedSplit
from ctrlab_trainer.data.prepared.memory_maps import release_pages
from ctrlab_trainer.data.preparing.dataset_encoding import EncodedDataset

BUCKETS: Final = 32
"""Of equal mass, in which a number's click rate is counted."""
CHUNKS: Final = 16
CHUNK_ROWS: Final = 1 << 15
"""A part with more rows than all chunks together is looked at in evenly spaced chunks."""


def single_feature_auc(encoded: EncodedDataset) -> dict[str, float]:
    """By feature with one id or number a row: AUC on validation of the click rate that train has for its value.

    A feature is left out where the rows looked at are of one class.
    """
    train, valid = (_Rows.of(part) for part in encoded.parts[:2])
    found: dict[str, float] = {}
    for feature in encoded.schema.features:
        if feature.kind == "categorical":
            seen, scored = (rows.categorical[:, feature.column].astype(np.int64) for rows in (train, valid))
        elif feature.kind == "numeric":
            edges = np.unique(np.quantile(train.numeric[:, feature.column], np.linspace(0, 1, BUCKETS + 1)[1:-1]))
            seen, scored = (
                np.searchsorted(edges, rows.numeric[:, feature.column], side="right").astype(np.int64)
                for rows in (train, valid)
            )
        else:
            continue
        rate = _click_rates(seen, train.labels, int(max(seen.max(), scored.max())) + 1)
        auc = compute_metrics(("auc",), valid.labels, rate[scored], None).values["auc"]
        if auc is not None:
            found[feature.name] = auc
    return found


@dataclass(frozen=True)
class _Rows:
    """Rows of a part in memory."""

    labels: NDArray[np.uint8]
    categorical: NDArray[np.int32]
    numeric: NDArray[np.float32]

    @classmethod
    def of(cls, part: EncodedSplit) -> "_Rows":
        """All rows, or the chunks."""
        starts = np.linspace(0, max(part.rows - CHUNK_ROWS, 0), CHUNKS).astype(np.int64)
        few = part.rows <= CHUNKS * CHUNK_ROWS
        chunks = [slice(None)] if few else [slice(start, start + CHUNK_ROWS) for start in starts.tolist()]
        labels, categorical, numeric = (
            np.concatenate([array[chunk] for chunk in chunks])
            for array in (part.labels, part.categorical, part.numeric)
        )
        for array in (part.categorical, part.numeric):
            release_pages(array)
        return cls(labels, categorical, numeric)


def _click_rates(ids: NDArray[np.int64], labels: NDArray[np.uint8], size: int) -> NDArray[np.float64]:
    """[size] the click rate of each id, drawn to the mean of all as if by one more row."""
    shown = np.bincount(ids, minlength=size)
    clicked = np.bincount(ids, weights=labels, minlength=size)
    return np.asarray((clicked + labels.mean()) / (shown + 1), np.float64)
