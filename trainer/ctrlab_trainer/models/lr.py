"""Logistic regression."""

from torch import Tensor, nn

from ctrlab_api.architectures.factorization_models import LR as Config
from ctrlab_trainer.models.components.embedding_tables import LinearTerm
from ctrlab_trainer.models.components.model_inputs import ModelInputs
from ctrlab_trainer.training.batches import Batch


class LR(nn.Module):
    """logit = bias + sum of the weights of the row's values."""

    def __init__(self, config: Config, inputs: ModelInputs, parts: frozenset[str]) -> None:
        super().__init__()
        self.linear = LinearTerm(inputs)

    def forward(self, batch: Batch) -> Tensor:
        """Return [B] logits."""
        logit: Tensor = self.linear(batch)
        return logit
