"""DeepFM (Guo et al., IJCAI 2017)."""

from torch import Tensor, nn

from ctrlab_api.architectures.factorization_models import DeepFM as Config
from ctrlab_trainer.models.components.embedding_tables import FieldEmbedding, LinearTerm
from ctrlab_trainer.models.components.logit_branches import apply_branch, sum_branches
from ctrlab_trainer.models.components.mlp import MLPLogit
from ctrlab_trainer.models.components.model_inputs import ModelInputs
from ctrlab_trainer.models.components.pairwise_products import pairwise_products
from ctrlab_trainer.training.batches import Batch


class DeepFM(nn.Module):
    """logit = linear + pairwise products + MLP, the last two over the same embeddings."""

    def __init__(self, config: Config, inputs: ModelInputs, parts: frozenset[str]) -> None:
        super().__init__()
        width = inputs.fields_with_histories * config.embedding_dim
        embeds = "fm" in parts or "dnn" in parts
        self.linear = LinearTerm(inputs) if "linear" in parts else None
        self.embedding = FieldEmbedding(inputs, config.embedding_dim, pool_histories=True) if embeds else None
        self.with_products = "fm" in parts
        self.dnn = MLPLogit(width, config) if "dnn" in parts else None

    def forward(self, batch: Batch) -> Tensor:
        """Return [B] logits."""
        linear = apply_branch(self.linear, batch)
        if self.embedding is None:
            return sum_branches(linear)
        fields = self.embedding(batch).fields
        return sum_branches(
            linear,
            pairwise_products(fields) if self.with_products else None,
            apply_branch(self.dnn, fields.flatten(start_dim=1)),
        )
