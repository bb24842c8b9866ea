"""SIN, the Sequential Interaction Network: a CIN over the fields and a BST over the histories, fused.

The CIN models interactions of the row's fields, the transformer the user's history; the fusion weights the two for each
row. The MLP also gets the fields themselves, as in both parent models: with only products and normalized events as its
input, embeddings near zero get hardly any gradient, and a strong penalty keeps them there.
"""

import torch
from torch import Tensor, nn

from ctrlab_api.architectures.sequence_models import SIN as Config
from ctrlab_trainer.models.components.behavior_sequence import BehaviorSequence
from ctrlab_trainer.models.components.branch_fusion import Fusion
from ctrlab_trainer.models.components.candidate_pooling import pool_by_candidate
from ctrlab_trainer.models.components.cin import CIN
from ctrlab_trainer.models.components.embedding_tables import Embedded, FieldEmbedding, LinearTerm
from ctrlab_trainer.models.components.logit_branches import apply_branch, sum_branches
from ctrlab_trainer.models.components.mlp import MLPLogit
from ctrlab_trainer.models.components.model_inputs import ModelInputs
from ctrlab_trainer.training.batches import Batch


class SIN(nn.Module):
    """logit = linear + MLP([fields, fusion(CIN(fields), [transformer over each history and its candidate])])."""

    def __init__(self, config: Config, inputs: ModelInputs, parts: frozenset[str]) -> None:
        super().__init__()
        self.histories = inputs.histories if "bst" in parts else ()
        self.linear = LinearTerm(inputs) if "linear" in parts else None
        self.cin = CIN(inputs.fields, config.cin_units) if "cin" in parts else None
        self.sequences = nn.ModuleList(
            BehaviorSequence(history, config, with_position="position" in parts, with_target="target" in parts)
            for history in self.histories
        )
        branches = {"cin": self.cin.width} if self.cin is not None else {}
        if self.histories:
            branches["bst"] = sum(part.width for part in self.sequences if isinstance(part, BehaviorSequence))
        self.fusion = Fusion(branches, config.fusion_dim, config.fusion) if branches else None
        self.with_fields = "fields" in parts
        width = inputs.fields * config.embedding_dim if self.with_fields else 0
        width += self.fusion.width if self.fusion is not None else 0
        self.embedding = FieldEmbedding(inputs, config.embedding_dim, pool_histories=False) if width else None
        self.dnn = MLPLogit(width, config) if width else None

    def forward(self, batch: Batch) -> Tensor:
        """Return [B] logits."""
        linear = apply_branch(self.linear, batch)
        if self.embedding is None or self.dnn is None:
            return sum_branches(linear)
        embedded = self.embedding(batch)
        dnn_inputs = [embedded.fields.flatten(start_dim=1)] if self.with_fields else []
        if self.fusion is not None:
            dnn_inputs.append(self.fusion(self._branches(embedded)))
        return sum_branches(linear, self.dnn(torch.cat(dnn_inputs, dim=1)))

    def _branches(self, embedded: Embedded) -> dict[str, Tensor]:
        branches = {"cin": self.cin(embedded.fields)} if self.cin is not None else {}
        if self.histories:
            branches["bst"] = torch.cat(pool_by_candidate(embedded, self.histories, self.sequences), dim=1)
        return branches
