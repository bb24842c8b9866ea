"""Logistic regression."""

from torch import Tensor, nn

from ctrlab_api.architectures.factorization_models import LR as Config
from ctrlab_trainer.models.components.embedding_tables import LinearTerm
from ctrlab_trainer.models.components.model_inputs import Inputs
from ctrlab_trainer.training.batches import Batch


class LR(nn.Module):
    """logit = bias + sum of the weights of the row's values."""

    def __init__(self, config: Config, inputs: Inputs, parts: frozenset[str]) -> None:
        super().__init__()
        self.linear = LinearTerm(inputs)

    def forward(self, batch: Batch) -> Tensor:
        """[B] logits."""
        logit: Tensor = self.linear(batch)
        return logit
