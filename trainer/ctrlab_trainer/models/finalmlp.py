"""FinalMLP (Mao et al., AAAI 2023); the contexts of its gates are learned, not chosen among the fields."""

from torch import Tensor, nn

from ctrlab_contract.architectures.products import FinalMLP as Config
from ctrlab_trainer.batches import Batch
from ctrlab_trainer.models.components.inputs import Inputs
from ctrlab_trainer.models.components.perceptron import Perceptron
from ctrlab_trainer.models.components.streams import BilinearFusion, FieldGate
from ctrlab_trainer.models.components.tables import FieldEmbedding


class FinalMLP(nn.Module):
    """logit = bilinear fusion(perceptron 1(gate 1(x)), perceptron 2(gate 2(x)))."""

    def __init__(self, config: Config, inputs: Inputs, parts: frozenset[str]) -> None:
        super().__init__()
        width = inputs.fields_with_histories * config.embedding_dim
        gates = 2 if "gating" in parts else 0
        self.embedding = FieldEmbedding(inputs, config.embedding_dim, pool_histories=True)
        self.gates = nn.ModuleList(FieldGate(width, config.embedding_dim, config.gate_units) for _ in range(gates))
        self.first = Perceptron(width, config)
        self.second = Perceptron(width, config, config.second_hidden_units)
        self.fusion = BilinearFusion(self.first.width, self.second.width, config.heads, bilinear="bilinear" in parts)

    def forward(self, batch: Batch) -> Tensor:
        """[B] logits."""
        x = self.embedding(batch).fields.flatten(start_dim=1)
        first, second = (gate(x) for gate in self.gates) if len(self.gates) else (x, x)
        logit: Tensor = self.fusion(self.first(first), self.second(second))
        return logit
