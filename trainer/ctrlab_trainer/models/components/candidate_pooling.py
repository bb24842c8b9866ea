"""Pooling of each history of a batch to one vector, relative to its candidate."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ctrlab_trainer.models.components.embedding_tables import Embedded
from ctrlab_trainer.models.components.history_pooling import mean_over_events
from ctrlab_trainer.models.components.model_inputs import HistoryInput


def pool_by_candidate(embedded: Embedded, histories: Sequence[HistoryInput], pools: nn.ModuleList) -> list[Tensor]:
    """Pool each history to [B, width] by its pool(candidate [B, D], events [B, L, D], mask [B, L]), or to its mean.

    `histories` may be empty although the batch has some, if an ablation removes their branch.
    """
    if not len(pools):
        pairs = zip(histories, embedded.histories, embedded.masks, strict=False)
        return [mean_over_events(events, mask) for _, events, mask in pairs]
    return [
        pool(embedded.fields[:, history.target], events, mask)
        for pool, history, events, mask in zip(pools, histories, embedded.histories, embedded.masks, strict=True)
    ]


def fields_and_histories(embedded: Embedded, histories: Sequence[HistoryInput], pools: nn.ModuleList) -> Tensor:
    """Return [B, widths of all fields and histories], with the histories pooled by `pool_by_candidate`."""
    return torch.cat([embedded.fields.flatten(start_dim=1), *pool_by_candidate(embedded, histories, pools)], dim=1)
