"""Each history of a batch, pooled to one vector against its own candidate."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ctrlab_trainer.models.components.embedding_tables import Embedded
from ctrlab_trainer.models.components.history_pooling import mean_over_events
from ctrlab_trainer.models.components.model_inputs import HistoryInput


def pool_by_candidate(embedded: Embedded, histories: Sequence[HistoryInput], pools: nn.ModuleList) -> list[Tensor]:
    """[B, width] of each history, by its pool(candidate [B, D], events [B, L, D], mask [B, L]); without pools its mean.

    `histories` may be none although the batch has some, where an ablation takes their branch away.
    """
    if not len(pools):
        given = zip(histories, embedded.histories, embedded.masks, strict=False)
        return [mean_over_events(events, mask) for _, events, mask in given]
    return [
        pool(embedded.fields[:, history.target], events, mask)
        for pool, history, events, mask in zip(pools, histories, embedded.histories, embedded.masks, strict=True)
    ]


def fields_and_histories(embedded: Embedded, histories: Sequence[HistoryInput], pools: nn.ModuleList) -> Tensor:
    """[B, widths of all fields and histories], the histories as `by_candidate` makes them."""
    return torch.cat([embedded.fields.flatten(start_dim=1), *pool_by_candidate(embedded, histories, pools)], dim=1)
