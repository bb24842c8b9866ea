"""A cross network beside a perceptron over the same embeddings, which DCN, DCN V2 and GDCN differ in by the network."""

from torch import Tensor, nn

from ctrlab_contract.architectures.base import WithDNN
from ctrlab_trainer.batches import Batch
from ctrlab_trainer.models.components.cross import CrossLogit, CrossNetwork, GatedCrossNetwork, VectorCrossNetwork
from ctrlab_trainer.models.components.inputs import Inputs
from ctrlab_trainer.models.components.perceptron import PerceptronLogit
from ctrlab_trainer.models.components.sums import branch, total
from ctrlab_trainer.models.components.tables import FieldEmbedding


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
        self.dnn = PerceptronLogit(width, config) if "dnn" in parts else None

    def forward(self, batch: Batch) -> Tensor:
        """[B] logits."""
        x = self.embedding(batch).fields.flatten(start_dim=1)
        return total(branch(self.cross, x), branch(self.dnn, x))
