"""Deep Interest Evolution Network (Zhou et al., AAAI 2019), without the auxiliary loss, as BARS runs it."""

from torch import Tensor, nn

from ctrlab_api.architectures.sequence_models import DIEN as Config
from ctrlab_trainer.models.components.candidate_pooling import fields_and_histories
from ctrlab_trainer.models.components.embedding_tables import FieldEmbedding
from ctrlab_trainer.models.components.mlp import MLPLogit
from ctrlab_trainer.models.components.model_inputs import ModelInputs
from ctrlab_trainer.models.components.recurrent_units import GRU, CandidateAttention
from ctrlab_trainer.training.batches import Batch


class Evolution(nn.Module):
    """The last state of a GRU over the states of another GRU, with updates weighted by the candidate."""

    def __init__(self, width: int, parts: frozenset[str]) -> None:
        super().__init__()
        evolves = "evolution" in parts
        self.extractor = GRU(width, width)
        self.evolution = GRU(width, width) if evolves else None
        self.attention = CandidateAttention(width, width) if evolves and "attention" in parts else None

    def forward(self, target: Tensor, events: Tensor, mask: Tensor) -> Tensor:
        """Return [B, D] for [B, D], [B, L, D] and [B, L]; zero for an empty history."""
        states = self.extractor(events, mask)
        if self.evolution is not None:
            weights = self.attention(states, target, mask) if self.attention is not None else None
            states = self.evolution(states, mask, weights)
        latest: Tensor = states[:, 0]
        return latest


class DIEN(nn.Module):
    """logit = MLP([fields, the evolved interest of each history])."""

    def __init__(self, config: Config, inputs: ModelInputs, parts: frozenset[str]) -> None:
        super().__init__()
        self.embedding = FieldEmbedding(inputs, config.embedding_dim, pool_histories=False)
        self.histories = inputs.histories
        self.interests = nn.ModuleList(Evolution(config.embedding_dim, parts) for _ in self.histories)
        self.dnn = MLPLogit(inputs.fields_with_histories * config.embedding_dim, config)

    def forward(self, batch: Batch) -> Tensor:
        """Return [B] logits."""
        x = fields_and_histories(self.embedding(batch), self.histories, self.interests)
        logit: Tensor = self.dnn(x)
        return logit
