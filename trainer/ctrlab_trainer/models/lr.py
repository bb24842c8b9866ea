"""Logistic regression."""

from torch import Tensor, nn

from ctrlab_contract.architectures.factorization import LR as Config
from ctrlab_trainer.batches import Batch
from ctrlab_trainer.models.components.inputs import Inputs
from ctrlab_trainer.models.components.tables import LinearTerm


class LR(nn.Module):
    """logit = bias + sum of the weights of the row's values."""

    def __init__(self, config: Config, inputs: Inputs, parts: frozenset[str]) -> None:
        super().__init__()
        self.linear = LinearTerm(inputs)

    def forward(self, batch: Batch) -> Tensor:
        """[B] logits."""
        logit: Tensor = self.linear(batch)
        return logit
