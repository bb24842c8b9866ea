"""AutoInt and AutoInt+ (Song et al., CIKM 2019)."""

from torch import Tensor, nn

from ctrlab_api.architectures.attention_models import AutoInt as Config
from ctrlab_api.architectures.attention_models import AutoIntPlus as PlusConfig
from ctrlab_trainer.models.components.embedding_tables import FieldEmbedding
from ctrlab_trainer.models.components.field_attention import FieldAttentionLogit
from ctrlab_trainer.models.components.logit_branches import apply_branch, sum_branches
from ctrlab_trainer.models.components.mlp import MLPLogit
from ctrlab_trainer.models.components.model_inputs import ModelInputs
from ctrlab_trainer.training.batches import Batch


class AutoInt(nn.Module):
    """logit = w·(self-attention over the fields)."""

    def __init__(self, config: Config, inputs: ModelInputs, parts: frozenset[str]) -> None:
        super().__init__()
        self.embedding = FieldEmbedding(inputs, config.embedding_dim, pool_histories=True)
        self.attention = FieldAttentionLogit(inputs.fields_with_histories, config, residual="residual" in parts)

    def forward(self, batch: Batch) -> Tensor:
        """Return [B] logits."""
        logit: Tensor = self.attention(self.embedding(batch).fields)
        return logit


class AutoIntPlus(nn.Module):
    """logit = w·(self-attention over the fields) + MLP(fields)."""

    def __init__(self, config: PlusConfig, inputs: ModelInputs, parts: frozenset[str]) -> None:
        super().__init__()
        fields = inputs.fields_with_histories
        self.embedding = FieldEmbedding(inputs, config.embedding_dim, pool_histories=True)
        self.attention = (
            FieldAttentionLogit(fields, config, residual="residual" in parts) if "attention" in parts else None
        )
        self.dnn = MLPLogit(fields * config.embedding_dim, config) if "dnn" in parts else None

    def forward(self, batch: Batch) -> Tensor:
        """Return [B] logits."""
        fields = self.embedding(batch).fields
        return sum_branches(apply_branch(self.attention, fields), apply_branch(self.dnn, fields.flatten(start_dim=1)))
