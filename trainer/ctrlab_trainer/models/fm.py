"""Factorization machine of degree 2."""

from torch import Tensor, nn

from ctrlab_api.architectures.factorization_models import FM as Config
from ctrlab_trainer.models.components.embedding_tables import FieldEmbedding, LinearTerm
from ctrlab_trainer.models.components.logit_branches import apply_branch, sum_branches
from ctrlab_trainer.models.components.model_inputs import ModelInputs
from ctrlab_trainer.models.components.pairwise_products import embedding_products
from ctrlab_trainer.training.batches import Batch


class FM(nn.Module):
    """logit = linear + sum over pairs of fields of <v_i, v_j>."""

    def __init__(self, config: Config, inputs: ModelInputs, parts: frozenset[str]) -> None:
        super().__init__()
        self.linear = LinearTerm(inputs) if "linear" in parts else None
        with_fm = "fm" in parts
        self.embedding = FieldEmbedding(inputs, config.embedding_dim, pool_histories=True) if with_fm else None

    def forward(self, batch: Batch) -> Tensor:
        """Return [B] logits."""
        linear = apply_branch(self.linear, batch)
        return sum_branches(linear, None if self.embedding is None else embedding_products(self.embedding, batch))
