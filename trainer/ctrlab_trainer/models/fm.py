"""Factorization machine of degree 2."""

from torch import Tensor, nn

from ctrlab_contract.architectures.factorization import FM as Config
from ctrlab_trainer.batches import Batch
from ctrlab_trainer.models.components.factorization import products_of
from ctrlab_trainer.models.components.inputs import Inputs
from ctrlab_trainer.models.components.sums import branch, total
from ctrlab_trainer.models.components.tables import FieldEmbedding, LinearTerm


class FM(nn.Module):
    """logit = linear + sum over pairs of fields of <v_i, v_j>."""

    def __init__(self, config: Config, inputs: Inputs, parts: frozenset[str]) -> None:
        super().__init__()
        self.linear = LinearTerm(inputs) if "linear" in parts else None
        with_fm = "fm" in parts
        self.embedding = FieldEmbedding(inputs, config.embedding_dim, pool_histories=True) if with_fm else None

    def forward(self, batch: Batch) -> Tensor:
        """[B] logits."""
        linear = branch(self.linear, batch)
        return total(linear, None if self.embedding is None else products_of(self.embedding, batch))
