"""DeepFM (Guo et al., IJCAI 2017)."""

from torch import Tensor, nn

from ctrlab_contract.architectures.factorization import DeepFM as Config
from ctrlab_trainer.batches import Batch
from ctrlab_trainer.models.components.factorization import pairwise_products
from ctrlab_trainer.models.components.inputs import Inputs
from ctrlab_trainer.models.components.perceptron import PerceptronLogit
from ctrlab_trainer.models.components.sums import branch, total
from ctrlab_trainer.models.components.tables import FieldEmbedding, LinearTerm


class DeepFM(nn.Module):
    """logit = linear + pairwise products + perceptron, the last two over the same embeddings."""

    def __init__(self, config: Config, inputs: Inputs, parts: frozenset[str]) -> None:
        super().__init__()
        width = inputs.fields_with_histories * config.embedding_dim
        embeds = "fm" in parts or "dnn" in parts
        self.linear = LinearTerm(inputs) if "linear" in parts else None
        self.embedding = FieldEmbedding(inputs, config.embedding_dim, pool_histories=True) if embeds else None
        self.with_products = "fm" in parts
        self.dnn = PerceptronLogit(width, config) if "dnn" in parts else None

    def forward(self, batch: Batch) -> Tensor:
        """[B] logits."""
        linear = branch(self.linear, batch)
        if self.embedding is None:
            return total(linear)
        fields = self.embedding(batch).fields
        return total(
            linear,
            pairwise_products(fields) if self.with_products else None,
            branch(self.dnn, fields.flatten(start_dim=1)),
        )
