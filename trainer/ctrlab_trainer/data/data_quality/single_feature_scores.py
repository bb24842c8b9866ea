"""AUC of single features on validation; a feature that predicts clicks almost perfectly may leak the label."""

from typing import Final

import numpy as np

from ctrlab_metrics.computing import compute_metrics
from ctrlab_trainer.data.data_quality.sampled_rows import SampledRows, click_rates
from ctrlab_trainer.data.prepared.encoded_dataset import EncodedDataset

BUCKETS: Final = 32
"""Number of quantile buckets in which a number's click rate is counted."""


def single_feature_auc(encoded: EncodedDataset) -> dict[str, float]:
    """Return, by feature with one id or number per row, the validation AUC of the train click rate of its value.

    A feature is left out if the rows read are of one class.
    """
    train, valid = (SampledRows.of(split) for split in encoded.splits[:2])
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
        rate = click_rates(train_ids, train.labels, int(max(train_ids.max(), valid_ids.max())) + 1)
        auc = compute_metrics(("auc",), valid.labels, rate[valid_ids], None).values["auc"]
        if auc is not None:
            auc_by_feature[feature.name] = auc
    return auc_by_feature
