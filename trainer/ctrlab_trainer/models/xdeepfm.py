"""xDeepFM (Lian et al., KDD 2018)."""

from torch import Tensor, nn

from ctrlab_api.architectures.factorization_models import XDeepFM as Config
from ctrlab_trainer.models.components.cin import CIN
from ctrlab_trainer.models.components.embedding_tables import FieldEmbedding, LinearTerm
from ctrlab_trainer.models.components.logit_branches import apply_branch, sum_branches
from ctrlab_trainer.models.components.mlp import MLPLogit
from ctrlab_trainer.models.components.model_inputs import ModelInputs
from ctrlab_trainer.training.batches import Batch


class CINLogit(nn.Module):
    """A CIN with one output unit."""

    def __init__(self, config: Config, inputs: ModelInputs) -> None:
        super().__init__()
        self.maps = CIN(inputs.fields_with_histories, config.cin_units)
        self.output = nn.Linear(self.maps.width, 1)

    def forward(self, fields: Tensor) -> Tensor:
        """Return [B] logits for [B, F, D]."""
        logit: Tensor = self.output(self.maps(fields))
        return logit.squeeze(-1)


class XDeepFM(nn.Module):
    """logit = linear + CIN + MLP, the last two over the same embeddings."""

    def __init__(self, config: Config, inputs: ModelInputs, parts: frozenset[str]) -> None:
        super().__init__()
        width = inputs.fields_with_histories * config.embedding_dim
        embeds = "cin" in parts or "dnn" in parts
        self.linear = LinearTerm(inputs) if "linear" in parts else None
        self.embedding = FieldEmbedding(inputs, config.embedding_dim, pool_histories=True) if embeds else None
        self.cin = CINLogit(config, inputs) if "cin" in parts else None
        self.dnn = MLPLogit(width, config) if "dnn" in parts else None

    def forward(self, batch: Batch) -> Tensor:
        """Return [B] logits."""
        linear = apply_branch(self.linear, batch)
        if self.embedding is None:
            return sum_branches(linear)
        fields = self.embedding(batch).fields
        return sum_branches(linear, apply_branch(self.cin, fields), apply_branch(self.dnn, fields.flatten(start_dim=1)))
