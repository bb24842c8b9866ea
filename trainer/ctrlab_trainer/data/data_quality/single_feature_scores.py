"""AUC of single features on validation; a feature that predicts clicks almost perfectly may leak the label."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ctrlab_metrics.computing import compute_metrics
from ctrlab_trainer.data.prepared.encoded_dataset import EncodedDataset
from ctrlab_trainer.data.prepared.encoded_splits import EncodedSplit
from ctrlab_trainer.data.prepared.memory_maps import release_pages

BUCKETS: Final = 32
"""Number of quantile buckets in which a number's click rate is counted."""
CHUNKS: Final = 16
CHUNK_ROWS: Final = 1 << 15
"""Rows per chunk; only CHUNKS evenly spaced chunks are read of a split with more than CHUNKS * CHUNK_ROWS rows."""


def single_feature_auc(encoded: EncodedDataset) -> dict[str, float]:
    """Return, by feature with one id or number per row, the validation AUC of the train click rate of its value.

    A feature is left out if the rows read are of one class.
    """
    train, valid = (_Rows.of(split) for split in encoded.splits[:2])
    auc_by_feature: dict[str, float] = {}
    for feature in encoded.schema.features:
        if feature.kind == "categorical":
            train_ids, valid_ids = (rows.categorical[:, feature.column].astype(np.int64) for rows in (train, valid))
        elif feature.kind == "numeric":
            edges = np.unique(np.quantile(train.numeric[:, feature.column], np.linspace(0, 1, BUCKETS + 1)[1:-1]))
            train_ids, valid_ids = (
                np.searchsorted(edges, rows.numeric[:, feature.column], side="right").astype(np.int64)
                for rows in (train, valid)
            )
        else:
            continue
        rate = _click_rates(train_ids, train.labels, int(max(train_ids.max(), valid_ids.max())) + 1)
        auc = compute_metrics(("auc",), valid.labels, rate[valid_ids], None).values["auc"]
        if auc is not None:
            auc_by_feature[feature.name] = auc
    return auc_by_feature


@dataclass(frozen=True)
class _Rows:
    """Rows of a split in memory."""

    labels: NDArray[np.uint8]
    categorical: NDArray[np.int32]
    numeric: NDArray[np.float32]

    @classmethod
    def of(cls, split: EncodedSplit) -> "_Rows":
        """Read all rows, or the chunks."""
        starts = np.linspace(0, max(split.rows - CHUNK_ROWS, 0), CHUNKS).astype(np.int64)
        read_all = split.rows <= CHUNKS * CHUNK_ROWS
        chunks = [slice(None)] if read_all else [slice(start, start + CHUNK_ROWS) for start in starts.tolist()]
        labels, categorical, numeric = (
            np.concatenate([array[chunk] for chunk in chunks])
            for array in (split.labels, split.categorical, split.numeric)
        )
        for array in (split.categorical, split.numeric):
            release_pages(array)
        return cls(labels, categorical, numeric)


def _click_rates(ids: NDArray[np.int64], labels: NDArray[np.uint8], size: int) -> NDArray[np.float64]:
    """Return the [size] click rate of each id, shrunk towards the overall mean by one pseudo-row."""
    impressions = np.bincount(ids, minlength=size)
    clicks = np.bincount(ids, weights=labels, minlength=size)
    return np.asarray((clicks + labels.mean()) / (impressions + 1), np.float64)
