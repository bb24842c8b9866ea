"""SIN, the Sequential Interaction Network: a CIN over the fields and a BST over the histories, fused.

The CIN sees how the row's fields interact, the transformer sees what the user did before; fusion weighs the two for
each row. A data set (or an ablation) without histories leaves the CIN branch and the linear term.
"""

import torch
from torch import Tensor, nn

from ctrlab_contract.architectures.sequence import SIN as Config
from ctrlab_trainer.batches import Batch
from ctrlab_trainer.models.components.behaviour_sequence import BehaviourSequence
from ctrlab_trainer.models.components.candidates import by_candidate
from ctrlab_trainer.models.components.cin import CIN
from ctrlab_trainer.models.components.fusion import Fusion
from ctrlab_trainer.models.components.inputs import Inputs
from ctrlab_trainer.models.components.perceptron import PerceptronLogit
from ctrlab_trainer.models.components.sums import branch, total
from ctrlab_trainer.models.components.tables import Embedded, FieldEmbedding, LinearTerm


class SIN(nn.Module):
    """logit = linear + perceptron(fusion(CIN(fields), [transformer over each history and its candidate]))."""

    def __init__(self, config: Config, inputs: Inputs, parts: frozenset[str]) -> None:
        super().__init__()
        self.histories = inputs.histories if "bst" in parts else ()
        self.linear = LinearTerm(inputs) if "linear" in parts else None
        self.cin = CIN(inputs.fields, config.cin_units) if "cin" in parts else None
        self.sequences = nn.ModuleList(
            BehaviourSequence(history, config, with_position="position" in parts, with_target="target" in parts)
            for history in self.histories
        )
        branches = {"cin": self.cin.width} if self.cin is not None else {}
        if self.histories:
            branches["bst"] = sum(part.width for part in self.sequences if isinstance(part, BehaviourSequence))
        self.embedding = FieldEmbedding(inputs, config.embedding_dim, pool_histories=False) if branches else None
        self.fusion = Fusion(branches, config.fusion_dim, config.fusion) if branches else None
        self.dnn = PerceptronLogit(self.fusion.width, config) if self.fusion is not None else None

    def forward(self, batch: Batch) -> Tensor:
        """[B] logits."""
        linear = branch(self.linear, batch)
        if self.embedding is None or self.fusion is None or self.dnn is None:
            return total(linear)
        embedded = self.embedding(batch)
        branches = {"cin": self.cin(embedded.fields)} if self.cin is not None else {}
        if self.histories:
            branches["bst"] = self._sequences(embedded)
        return total(linear, self.dnn(self.fusion(branches)))

    def _sequences(self, embedded: Embedded) -> Tensor:
        found = by_candidate(embedded, self.histories, self.sequences)
        return torch.cat(found, dim=1) if len(found) > 1 else found[0]
