"""The behavior-sequence transformer over a history and its candidate (Chen et al., BST, 2019)."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ctrlab_api.architectures.sequence_models import TransformerParameters
from ctrlab_api.errors import InvalidSpec, Problem
from ctrlab_trainer.models.components.history_pooling import mean_over_events
from ctrlab_trainer.models.components.model_inputs import HistoryInput
from ctrlab_trainer.models.components.transformer import TransformerBlock


class BehaviorSequence(nn.Module):
    """Transformer over [candidate, latest event, the one before, ...].

    The candidate comes first and positions count from it, so that a position is an event's recency whatever the length
    of the history. Without `target` the sequence is only the history, and pooling by `target` becomes the mean.
    """

    def __init__(
        self, history: HistoryInput, config: TransformerParameters, *, with_position: bool, with_target: bool
    ) -> None:
        super().__init__()
        self.with_target = with_target
        self.pooling = config.sequence_pooling
        if self.pooling == "target" and not with_target:
            self.pooling = "mean"
        concatenated = with_position and config.position == "concat"
        width = config.embedding_dim * (2 if concatenated else 1)
        if width % config.heads:
            message = f"heads must divide the transformer's width {width} (no position), not {config.heads}"
            raise InvalidSpec([Problem("parameters.heads", message)])
        self.positions = history.length + with_target
        self.position = Position(self.positions, config.embedding_dim, concatenated) if with_position else None
        self.blocks = nn.ModuleList(
            TransformerBlock(width, config.heads, config.feedforward_ratio * width, config.transformer_dropout)
            for _ in range(config.transformer_layers)
        )
        self.width = width * (self.positions if self.pooling == "concat" else 1)

    def forward(self, target: Tensor, events: Tensor, mask: Tensor) -> Tensor:
        """Return [B, width] for the candidate [B, D], the history [B, L, D] and its mask [B, L]."""
        x = events
        if self.with_target:
            x = torch.cat([target[:, None], events], dim=1)
            mask = F.pad(mask, (1, 0), value=True)
        if self.position is not None:
            x = self.position(x)
        *blocks, last = self.blocks
        for block in blocks:
            x = block(x, mask)
        if self.pooling == "target":
            assert isinstance(last, TransformerBlock)
            return last.first_only(x, mask)
        x = last(x, mask)
        if self.pooling == "mean":
            return mean_over_events(x, mask)
        absent = self.positions - x.shape[1]
        return F.pad(x * mask[:, :, None], (0, 0, 0, absent)).flatten(start_dim=1)


class Position(nn.Module):
    """A learned embedding for each position, added to the item embedding or concatenated with it."""

    def __init__(self, positions: int, width: int, concatenated: bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(positions, width))
        self.concatenated = concatenated

    def forward(self, x: Tensor) -> Tensor:
        """Return [B, L, D or 2 D] for [B, L, D]."""
        weight = self.weight[: x.shape[1]]
        if self.concatenated:
            return torch.cat([x, weight.expand(len(x), -1, -1)], dim=2)
        return x + weight
