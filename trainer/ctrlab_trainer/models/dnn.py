"""A perceptron over the concatenated embeddings."""

from torch import Tensor, nn

from ctrlab_contract.architectures.factorization import DNNOnly as Config
from ctrlab_trainer.batches import Batch
from ctrlab_trainer.models.components.inputs import Inputs
from ctrlab_trainer.models.components.perceptron import PerceptronLogit
from ctrlab_trainer.models.components.tables import FieldEmbedding


class DNN(nn.Module):
    """logit = perceptron([v_1, ..., v_F])."""

    def __init__(self, config: Config, inputs: Inputs, parts: frozenset[str]) -> None:
        super().__init__()
        self.embedding = FieldEmbedding(inputs, config.embedding_dim, pool_histories=True)
        self.dnn = PerceptronLogit(inputs.fields_with_histories * config.embedding_dim, config)

    def forward(self, batch: Batch) -> Tensor:
        """[B] logits."""
        logit: Tensor = self.dnn(self.embedding(batch).fields.flatten(start_dim=1))
        return logit
