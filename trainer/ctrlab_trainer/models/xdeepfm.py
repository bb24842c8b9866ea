"""xDeepFM (Lian et al., KDD 2018)."""

from torch import Tensor, nn

from ctrlab_contract.architectures.factorization import XDeepFM as Config
from ctrlab_trainer.batches import Batch
from ctrlab_trainer.models.components.cin import CIN
from ctrlab_trainer.models.components.inputs import Inputs
from ctrlab_trainer.models.components.perceptron import PerceptronLogit
from ctrlab_trainer.models.components.sums import branch, total
from ctrlab_trainer.models.components.tables import FieldEmbedding, LinearTerm


class CINLogit(nn.Module):
    """A CIN and one output unit."""

    def __init__(self, config: Config, inputs: Inputs) -> None:
        super().__init__()
        self.maps = CIN(inputs.fields_with_histories, config.cin_units)
        self.output = nn.Linear(self.maps.width, 1)

    def forward(self, fields: Tensor) -> Tensor:
        """[B] logits of [B, F, D]."""
        logit: Tensor = self.output(self.maps(fields))
        return logit.squeeze(-1)


class XDeepFM(nn.Module):
    """logit = linear + CIN + perceptron, the last two over the same embeddings."""

    def __init__(self, config: Config, inputs: Inputs, parts: frozenset[str]) -> None:
        super().__init__()
        width = inputs.fields_with_histories * config.embedding_dim
        embeds = "cin" in parts or "dnn" in parts
        self.linear = LinearTerm(inputs) if "linear" in parts else None
        self.embedding = FieldEmbedding(inputs, config.embedding_dim, pool_histories=True) if embeds else None
        self.cin = CINLogit(config, inputs) if "cin" in parts else None
        self.dnn = PerceptronLogit(width, config) if "dnn" in parts else None

    def forward(self, batch: Batch) -> Tensor:
        """[B] logits."""
        linear = branch(self.linear, batch)
        if self.embedding is None:
            return total(linear)
        fields = self.embedding(batch).fields
        return total(linear, branch(self.cin, fields), branch(self.dnn, fields.flatten(start_dim=1)))
