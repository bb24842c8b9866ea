"""Behavior Sequence Transformer (Chen et al., DLP-KDD 2019)."""

from torch import Tensor, nn

from ctrlab_api.architectures.sequence_models import BST as Config
from ctrlab_trainer.models.components.behavior_sequence import BehaviorSequence
from ctrlab_trainer.models.components.candidate_pooling import fields_and_histories
from ctrlab_trainer.models.components.embedding_tables import FieldEmbedding
from ctrlab_trainer.models.components.mlp import MLPLogit
from ctrlab_trainer.models.components.model_inputs import ModelInputs
from ctrlab_trainer.training.batches import Batch


class BST(nn.Module):
    """logit = MLP([fields, transformer over each history and its candidate])."""

    def __init__(self, config: Config, inputs: ModelInputs, parts: frozenset[str]) -> None:
        super().__init__()
        self.embedding = FieldEmbedding(inputs, config.embedding_dim, pool_histories=False)
        self.histories = inputs.histories
        transformed = self.histories if "transformer" in parts else ()
        self.sequences = nn.ModuleList(
            BehaviorSequence(history, config, with_position="position" in parts, with_target="target" in parts)
            for history in transformed
        )
        widths = [sequence.width for sequence in self.sequences if isinstance(sequence, BehaviorSequence)]
        pooled = sum(widths) if transformed else len(self.histories) * config.embedding_dim
        self.dnn = MLPLogit(inputs.fields * config.embedding_dim + pooled, config)

    def forward(self, batch: Batch) -> Tensor:
        """Return [B] logits."""
        x = fields_and_histories(self.embedding(batch), self.histories, self.sequences)
        logit: Tensor = self.dnn(x)
        return logit
