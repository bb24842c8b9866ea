"""Adaptive Factorization Network (Cheng, Shen, Huang, AAAI 2020), alone (AFN) and in parallel with an MLP (AFN+)."""

from torch import Tensor, nn

from ctrlab_api.architectures.product_models import AFN as Config
from ctrlab_api.architectures.product_models import AFNPlus as PlusConfig
from ctrlab_trainer.models.components.embedding_tables import FieldEmbedding
from ctrlab_trainer.models.components.logarithmic_layer import LogarithmicLayer
from ctrlab_trainer.models.components.logit_branches import apply_branch, sum_branches
from ctrlab_trainer.models.components.mlp import MLPLogit
from ctrlab_trainer.models.components.model_inputs import ModelInputs
from ctrlab_trainer.training.batches import Batch


class AFN(nn.Module):
    """logit = MLP(products of fields with learned exponents)."""

    def __init__(self, config: Config, inputs: ModelInputs, parts: frozenset[str]) -> None:
        super().__init__()
        fields, neurons = inputs.fields_with_histories, config.logarithmic_neurons
        self.embedding = FieldEmbedding(inputs, config.embedding_dim, pool_histories=True)
        self.products = LogarithmicLayer(fields, neurons, normalized="normalisation" in parts)
        self.hidden = MLPLogit(neurons * config.embedding_dim, config)

    def forward(self, batch: Batch) -> Tensor:
        """Return [B] logits."""
        logit: Tensor = self.hidden(self.products(self.embedding(batch).fields))
        return logit


class AFNPlus(nn.Module):
    """logit = AFN + MLP over separate embeddings."""

    def __init__(self, config: PlusConfig, inputs: ModelInputs, parts: frozenset[str]) -> None:
        super().__init__()
        width, with_dnn = inputs.fields_with_histories * config.embedding_dim, "dnn" in parts
        self.afn = AFN(config, inputs, parts) if "afn" in parts else None
        self.embedding = FieldEmbedding(inputs, config.embedding_dim, pool_histories=True) if with_dnn else None
        self.dnn = MLPLogit(width, config) if with_dnn else None

    def forward(self, batch: Batch) -> Tensor:
        """Return [B] logits."""
        products = apply_branch(self.afn, batch)
        if self.embedding is None:
            return sum_branches(products)
        return sum_branches(products, apply_branch(self.dnn, self.embedding(batch).fields.flatten(start_dim=1)))
