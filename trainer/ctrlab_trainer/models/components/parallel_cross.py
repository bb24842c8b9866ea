"""A cross network beside a perceptron over the same embeddings, which DCN, DCN V2 and GDCN differ in by the network."""

from torch import Tensor, nn

from ctrlab_api.architectures.base_architecture import WithDNN
from ctrlab_trainer.models.components.cross_networks import (
    CrossLogit,
    CrossNetwork,
    GatedCrossNetwork,
    VectorCrossNetwork,
)
from ctrlab_trainer.models.components.embedding_tables import FieldEmbedding
from ctrlab_trainer.models.components.logit_branches import apply_branch, sum_branches
from ctrlab_trainer.models.components.mlp import MLPLogit
from ctrlab_trainer.models.components.model_inputs import Inputs
from ctrlab_trainer.training.batches import Batch


class ParallelCross(nn.Module):
    """logit = w·[cross(x), perceptron(x)]: one output unit over both, written as the sum of its two halves."""

    def __init__(
        self,
        network: type[CrossNetwork] | type[VectorCrossNetwork] | type[GatedCrossNetwork],
        layers: int,
        config: WithDNN,
        inputs: Inputs,
        parts: frozenset[str],
    ) -> None:
        super().__init__()
        width = inputs.fields_with_histories * config.embedding_dim
        self.embedding = FieldEmbedding(inputs, config.embedding_dim, pool_histories=True)
        self.cross = CrossLogit(network(width, layers)) if "cross" in parts else None
        self.dnn = MLPLogit(width, config) if "dnn" in parts else None

    def forward(self, batch: Batch) -> Tensor:
        """[B] logits."""
        x = self.embedding(batch).fields.flatten(start_dim=1)
        return sum_branches(apply_branch(self.cross, x), apply_branch(self.dnn, x))
