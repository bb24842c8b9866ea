"""Deep Multi-Interest Network (Xiao et al., CIKM 2020), without the auxiliary loss, as BARS runs it."""

from torch import Tensor, nn

from ctrlab_api.architectures.sequence_models import DMIN as Config
from ctrlab_trainer.models.components.candidate_pooling import fields_and_histories
from ctrlab_trainer.models.components.embedding_tables import FieldEmbedding
from ctrlab_trainer.models.components.mlp import MLPLogit
from ctrlab_trainer.models.components.model_inputs import ModelInputs
from ctrlab_trainer.models.components.multi_interest import MultiInterest
from ctrlab_trainer.training.batches import Batch


class DMIN(nn.Module):
    """logit = MLP([fields, the interests of each history])."""

    def __init__(self, config: Config, inputs: ModelInputs, parts: frozenset[str]) -> None:
        super().__init__()
        self.embedding = FieldEmbedding(inputs, config.embedding_dim, pool_histories=False)
        self.histories = inputs.histories
        self.interests = nn.ModuleList(MultiInterest(history, config, parts) for history in self.histories)
        widths = [interests.width for interests in self.interests if isinstance(interests, MultiInterest)]
        self.dnn = MLPLogit(inputs.fields * config.embedding_dim + sum(widths), config)

    def forward(self, batch: Batch) -> Tensor:
        """Return [B] logits."""
        x = fields_and_histories(self.embedding(batch), self.histories, self.interests)
        logit: Tensor = self.dnn(x)
        return logit
