"""Deep & Cross networks with a cross network and an MLP in parallel: DCN, DCN V2 and GDCN.

They differ in the cross network: of rank one (Wang et al., DCN, ADKDD 2017), of full rank (Wang et al., DCN V2, WWW
2021), or gated (Wang et al., GDCN, CIKM 2023).
"""

from torch import Tensor, nn

from ctrlab_api.architectures import factorization_models as declarations
from ctrlab_api.architectures.base_architecture import WithDNN
from ctrlab_trainer.models.components.cross_networks import (
    CrossLogit,
    CrossNetwork,
    GatedCrossNetwork,
    VectorCrossNetwork,
)
from ctrlab_trainer.models.components.embedding_tables import FieldEmbedding
from ctrlab_trainer.models.components.logit_branches import apply_branch, sum_branches
from ctrlab_trainer.models.components.mlp import MLPLogit
from ctrlab_trainer.models.components.model_inputs import ModelInputs
from ctrlab_trainer.training.batches import Batch


class ParallelCross(nn.Module):
    """logit = w·[cross(x), MLP(x)]: one output unit over both, written as the sum of its two halves."""

    def __init__(
        self,
        network: type[CrossNetwork] | type[VectorCrossNetwork] | type[GatedCrossNetwork],
        layers: int,
        config: WithDNN,
        inputs: ModelInputs,
        parts: frozenset[str],
    ) -> None:
        super().__init__()
        width = inputs.fields_with_histories * config.embedding_dim
        self.embedding = FieldEmbedding(inputs, config.embedding_dim, pool_histories=True)
        self.cross = CrossLogit(network(width, layers)) if "cross" in parts else None
        self.dnn = MLPLogit(width, config) if "dnn" in parts else None

    def forward(self, batch: Batch) -> Tensor:
        """Return [B] logits."""
        x = self.embedding(batch).fields.flatten(start_dim=1)
        return sum_branches(apply_branch(self.cross, x), apply_branch(self.dnn, x))


class DCN(ParallelCross):
    """logit = w·[rank-one cross(x), MLP(x)]."""

    def __init__(self, config: declarations.DCN, inputs: ModelInputs, parts: frozenset[str]) -> None:
        super().__init__(VectorCrossNetwork, config.cross_layers, config, inputs, parts)


class DCNv2(ParallelCross):
    """logit = w·[full-rank cross(x), MLP(x)]."""

    def __init__(self, config: declarations.DCNv2, inputs: ModelInputs, parts: frozenset[str]) -> None:
        super().__init__(CrossNetwork, config.cross_layers, config, inputs, parts)


class GDCN(ParallelCross):
    """logit = w·[gated cross(x), MLP(x)]; without gates the cross network is that of DCN V2."""

    def __init__(self, config: declarations.GDCN, inputs: ModelInputs, parts: frozenset[str]) -> None:
        network = GatedCrossNetwork if "gate" in parts else CrossNetwork
        super().__init__(network, config.cross_layers, config, inputs, parts)
