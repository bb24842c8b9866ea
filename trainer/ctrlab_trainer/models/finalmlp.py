"""FinalMLP (Mao et al., AAAI 2023); the contexts of its gates are learned, not chosen among the fields."""

from torch import Tensor, nn

from ctrlab_api.architectures.product_models import FinalMLP as Config
from ctrlab_trainer.models.components.embedding_tables import FieldEmbedding
from ctrlab_trainer.models.components.mlp import MLP
from ctrlab_trainer.models.components.model_inputs import ModelInputs
from ctrlab_trainer.models.components.two_stream_fusion import BilinearFusion, FieldGate
from ctrlab_trainer.training.batches import Batch


class FinalMLP(nn.Module):
    """logit = bilinear fusion(MLP 1(gate 1(x)), MLP 2(gate 2(x)))."""

    def __init__(self, config: Config, inputs: ModelInputs, parts: frozenset[str]) -> None:
        super().__init__()
        width = inputs.fields_with_histories * config.embedding_dim
        gates = 2 if "gating" in parts else 0
        self.embedding = FieldEmbedding(inputs, config.embedding_dim, pool_histories=True)
        self.gates = nn.ModuleList(FieldGate(width, config.embedding_dim, config.gate_units) for _ in range(gates))
        self.first = MLP(width, config)
        self.second = MLP(width, config, config.second_hidden_units)
        self.fusion = BilinearFusion(self.first.width, self.second.width, config.heads, bilinear="bilinear" in parts)

    def forward(self, batch: Batch) -> Tensor:
        """Return [B] logits."""
        x = self.embedding(batch).fields.flatten(start_dim=1)
        first, second = (gate(x) for gate in self.gates) if len(self.gates) else (x, x)
        logit: Tensor = self.fusion(self.first(first), self.second(second))
        return logit
