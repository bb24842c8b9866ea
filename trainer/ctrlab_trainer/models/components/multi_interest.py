"""Several interests extracted from one history, each pooled by the candidate (Xiao et al., DMIN, CIKM 2020)."""

import torch
from torch import Tensor, nn

from ctrlab_api.architectures.sequence_models import DMIN
from ctrlab_trainer.models.components.behavior_sequence import Position
from ctrlab_trainer.models.components.history_pooling import TargetAttention
from ctrlab_trainer.models.components.model_inputs import HistoryInput
from ctrlab_trainer.models.components.transformer import SelfAttention, TransformerBlock


class MultiInterest(nn.Module):
    """Refines the history by self-attention, extracts interests by further attentions, and pools each by the candidate.

    Positions are added to the events before the refiner; the paper gives them to the attention of the candidate.
    """

    def __init__(self, history: HistoryInput, config: DMIN, parts: frozenset[str]) -> None:
        super().__init__()
        width = config.embedding_dim
        self.position = Position(history.length, width, False) if "position" in parts else None
        self.refiner = (
            TransformerBlock(width, config.heads, config.feedforward_ratio * width, config.transformer_dropout)
            if "refiner" in parts
            else None
        )
        count = config.interests if "interests" in parts else 1
        self.attentions = nn.ModuleList(SelfAttention(width, 1, config.transformer_dropout) for _ in range(count))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(count))
        self.pooling = nn.ModuleList(
            TargetAttention(width, config.attention_units, config.attention_activation, softmax=True)
            for _ in range(count)
        )
        self.width = count * width

    def forward(self, target: Tensor, events: Tensor, mask: Tensor) -> Tensor:
        """Return [B, width] for [B, D], [B, L, D] and [B, L]; zero for an empty history."""
        x = events if self.position is None else self.position(events)
        if self.refiner is not None:
            x = self.refiner(x, mask)
        interests = [
            pool(target, norm(x + attention(x, mask)), mask)
            for attention, norm, pool in zip(self.attentions, self.norms, self.pooling, strict=True)
        ]
        return torch.cat(interests, dim=1)
