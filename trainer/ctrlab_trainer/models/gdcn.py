"""Gated Deep Cross Network (Wang et al., CIKM 2023), the parallel structure."""

from torch import Tensor, nn

from ctrlab_contract.architectures.factorization import GDCN as Config
from ctrlab_trainer.batches import Batch
from ctrlab_trainer.models.components.cross import CrossLogit, CrossNetwork, GatedCrossNetwork
from ctrlab_trainer.models.components.inputs import Inputs
from ctrlab_trainer.models.components.perceptron import PerceptronLogit
from ctrlab_trainer.models.components.sums import branch, total
from ctrlab_trainer.models.components.tables import FieldEmbedding


class GDCN(nn.Module):
    """logit = w·[gated cross(x), perceptron(x)], written as the sum of its two halves."""

    def __init__(self, config: Config, inputs: Inputs, parts: frozenset[str]) -> None:
        super().__init__()
        width = inputs.fields_with_histories * config.embedding_dim
        network = GatedCrossNetwork if "gate" in parts else CrossNetwork
        self.embedding = FieldEmbedding(inputs, config.embedding_dim, pool_histories=True)
        self.cross = CrossLogit(network(width, config.cross_layers)) if "cross" in parts else None
        self.dnn = PerceptronLogit(width, config) if "dnn" in parts else None

    def forward(self, batch: Batch) -> Tensor:
        """[B] logits."""
        x = self.embedding(batch).fields.flatten(start_dim=1)
        return total(branch(self.cross, x), branch(self.dnn, x))
