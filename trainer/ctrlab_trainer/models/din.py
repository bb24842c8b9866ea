"""Deep Interest Network (Zhou et al., KDD 2018)."""

from torch import Tensor, nn

from ctrlab_api.architectures.sequence_models import DIN as Config
from ctrlab_trainer.models.components.candidate_pooling import fields_and_histories
from ctrlab_trainer.models.components.embedding_tables import FieldEmbedding
from ctrlab_trainer.models.components.history_pooling import TargetAttention
from ctrlab_trainer.models.components.mlp import MLPLogit
from ctrlab_trainer.models.components.model_inputs import ModelInputs
from ctrlab_trainer.training.batches import Batch


class DIN(nn.Module):
    """logit = MLP([fields, each history pooled by attention to its candidate])."""

    def __init__(self, config: Config, inputs: ModelInputs, parts: frozenset[str]) -> None:
        super().__init__()
        self.embedding = FieldEmbedding(inputs, config.embedding_dim, pool_histories=False)
        self.histories = inputs.histories if "history" in parts else ()
        attended = self.histories if "attention" in parts else ()
        self.attention = nn.ModuleList(
            TargetAttention(
                config.embedding_dim,
                config.attention_units,
                config.attention_activation,
                softmax=config.attention_softmax,
            )
            for _ in attended
        )
        self.dnn = MLPLogit((inputs.fields + len(self.histories)) * config.embedding_dim, config)

    def forward(self, batch: Batch) -> Tensor:
        """Return [B] logits."""
        x = fields_and_histories(self.embedding(batch), self.histories, self.attention)
        logit: Tensor = self.dnn(x)
        return logit
