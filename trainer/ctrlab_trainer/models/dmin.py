"""Deep Multi-Interest Network (Xiao et al., CIKM 2020), without the auxiliary loss, as BARS runs it."""

from torch import Tensor, nn

from ctrlab_contract.architectures.sequence import DMIN as Config
from ctrlab_trainer.batches import Batch
from ctrlab_trainer.models.components.candidates import fields_and_histories
from ctrlab_trainer.models.components.inputs import Inputs
from ctrlab_trainer.models.components.interests import MultipleInterests
from ctrlab_trainer.models.components.perceptron import PerceptronLogit
from ctrlab_trainer.models.components.tables import FieldEmbedding


class DMIN(nn.Module):
    """logit = perceptron([fields, the interests of each history])."""

    def __init__(self, config: Config, inputs: Inputs, parts: frozenset[str]) -> None:
        super().__init__()
        self.embedding = FieldEmbedding(inputs, config.embedding_dim, pool_histories=False)
        self.histories = inputs.histories
        self.interests = nn.ModuleList(MultipleInterests(history, config, parts) for history in self.histories)
        widths = [found.width for found in self.interests if isinstance(found, MultipleInterests)]
        self.dnn = PerceptronLogit(inputs.fields * config.embedding_dim + sum(widths), config)

    def forward(self, batch: Batch) -> Tensor:
        """[B] logits."""
        x = fields_and_histories(self.embedding(batch), self.histories, self.interests)
        logit: Tensor = self.dnn(x)
        return logit
