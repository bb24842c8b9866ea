"""Wide & Deep (Cheng et al., DLRS 2016), with the linear term as its wide part."""

from torch import Tensor, nn

from ctrlab_contract.architectures.factorization import WideDeep as Config
from ctrlab_trainer.batches import Batch
from ctrlab_trainer.models.components.inputs import Inputs
from ctrlab_trainer.models.components.perceptron import PerceptronLogit
from ctrlab_trainer.models.components.sums import branch, total
from ctrlab_trainer.models.components.tables import FieldEmbedding, LinearTerm


class WideDeep(nn.Module):
    """logit = linear + perceptron([v_1, ..., v_F])."""

    def __init__(self, config: Config, inputs: Inputs, parts: frozenset[str]) -> None:
        super().__init__()
        with_dnn = "dnn" in parts
        self.linear = LinearTerm(inputs) if "linear" in parts else None
        self.embedding = FieldEmbedding(inputs, config.embedding_dim, pool_histories=True) if with_dnn else None
        width = inputs.fields_with_histories * config.embedding_dim
        self.dnn = PerceptronLogit(width, config) if with_dnn else None

    def forward(self, batch: Batch) -> Tensor:
        """[B] logits."""
        linear = branch(self.linear, batch)
        if self.embedding is None:
            return total(linear)
        return total(linear, branch(self.dnn, self.embedding(batch).fields.flatten(start_dim=1)))
