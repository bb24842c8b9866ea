"""Wide & Deep (Cheng et al., DLRS 2016), with the linear term as its wide part."""

from torch import Tensor, nn

from ctrlab_api.architectures.factorization_models import WideDeep as Config
from ctrlab_trainer.models.components.embedding_tables import FieldEmbedding, LinearTerm
from ctrlab_trainer.models.components.logit_branches import apply_branch, sum_branches
from ctrlab_trainer.models.components.mlp import MLPLogit
from ctrlab_trainer.models.components.model_inputs import ModelInputs
from ctrlab_trainer.training.batches import Batch


class WideDeep(nn.Module):
    """logit = linear + MLP([v_1, ..., v_F])."""

    def __init__(self, config: Config, inputs: ModelInputs, parts: frozenset[str]) -> None:
        super().__init__()
        with_dnn = "dnn" in parts
        self.linear = LinearTerm(inputs) if "linear" in parts else None
        self.embedding = FieldEmbedding(inputs, config.embedding_dim, pool_histories=True) if with_dnn else None
        width = inputs.fields_with_histories * config.embedding_dim
        self.dnn = MLPLogit(width, config) if with_dnn else None

    def forward(self, batch: Batch) -> Tensor:
        """Return [B] logits."""
        linear = apply_branch(self.linear, batch)
        if self.embedding is None:
            return sum_branches(linear)
        return sum_branches(linear, apply_branch(self.dnn, self.embedding(batch).fields.flatten(start_dim=1)))
