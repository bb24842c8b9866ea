"""An MLP over the concatenated embeddings."""

from torch import Tensor, nn

from ctrlab_api.architectures.factorization_models import DNNOnly as Config
from ctrlab_trainer.models.components.embedding_tables import FieldEmbedding
from ctrlab_trainer.models.components.mlp import MLPLogit
from ctrlab_trainer.models.components.model_inputs import ModelInputs
from ctrlab_trainer.training.batches import Batch


class DNN(nn.Module):
    """logit = MLP([v_1, ..., v_F])."""

    def __init__(self, config: Config, inputs: ModelInputs, parts: frozenset[str]) -> None:
        super().__init__()
        self.embedding = FieldEmbedding(inputs, config.embedding_dim, pool_histories=True)
        self.dnn = MLPLogit(inputs.fields_with_histories * config.embedding_dim, config)

    def forward(self, batch: Batch) -> Tensor:
        """Return [B] logits."""
        logit: Tensor = self.dnn(self.embedding(batch).fields.flatten(start_dim=1))
        return logit
