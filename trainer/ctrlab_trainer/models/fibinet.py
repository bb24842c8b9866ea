"""FiBiNET (Huang, Zhang, Zhang, RecSys 2019)."""

import torch
from torch import Tensor, nn

from ctrlab_api.architectures.product_models import FiBiNET as Config
from ctrlab_api.errors import InvalidSpec, Problem
from ctrlab_trainer.models.components.bilinear_products import BilinearProducts, FieldWeights
from ctrlab_trainer.models.components.embedding_tables import FieldEmbedding, LinearTerm
from ctrlab_trainer.models.components.logit_branches import apply_branch, sum_branches
from ctrlab_trainer.models.components.mlp import MLPLogit
from ctrlab_trainer.models.components.model_inputs import ModelInputs
from ctrlab_trainer.training.batches import Batch


class FiBiNET(nn.Module):
    """logit = linear + MLP([products of the embeddings, products of the weighted embeddings])."""

    def __init__(self, config: Config, inputs: ModelInputs, parts: frozenset[str]) -> None:
        super().__init__()
        fields, width = inputs.fields_with_histories, config.embedding_dim
        if fields < 2:
            raise InvalidSpec([Problem("dropFeatures", "FiBiNET multiplies pairs of fields: keep at least two")])
        weighted = "bilinear" in parts
        self.linear = LinearTerm(inputs) if "linear" in parts else None
        self.embedding = FieldEmbedding(inputs, width, pool_histories=True)
        self.products = BilinearProducts(fields, width, config.bilinear, weighted=weighted)
        self.weights = FieldWeights(fields, config.reduction_ratio) if "senet" in parts else None
        self.weighted_products = (
            BilinearProducts(fields, width, config.bilinear, weighted=weighted) if "senet" in parts else None
        )
        pairs = fields * (fields - 1) // 2 * (2 if "senet" in parts else 1)
        self.dnn = MLPLogit(pairs * width, config)

    def forward(self, batch: Batch) -> Tensor:
        """Return [B] logits."""
        fields = self.embedding(batch).fields
        products = [self.products(fields)]
        if self.weights is not None and self.weighted_products is not None:
            products.append(self.weighted_products(self.weights(fields)))
        return sum_branches(apply_branch(self.linear, batch), self.dnn(torch.cat(products, dim=1).flatten(start_dim=1)))
