"""MaskNet (Wang, She, Zhang, DLP-KDD 2021)."""

import torch
from torch import Tensor, nn

from ctrlab_api.architectures.product_models import MaskNet as Config
from ctrlab_trainer.models.components.embedding_tables import FieldEmbedding
from ctrlab_trainer.models.components.mask_blocks import MaskBlock
from ctrlab_trainer.models.components.mlp import MLPLogit
from ctrlab_trainer.models.components.model_inputs import ModelInputs
from ctrlab_trainer.training.batches import Batch


class MaskNet(nn.Module):
    """logit = MLP(mask blocks over the embeddings, each field normalized), in parallel or in series."""

    def __init__(self, config: Config, inputs: ModelInputs, parts: frozenset[str]) -> None:
        super().__init__()
        fields, dim = inputs.fields_with_histories, config.embedding_dim
        embeddings, hidden = fields * dim, max(1, round(fields * dim * config.mask_ratio))
        self.parallel = config.structure == "parallel"
        widths = [embeddings] + [embeddings if self.parallel else config.block_width] * (config.blocks - 1)
        self.embedding = FieldEmbedding(inputs, dim, pool_histories=True)
        self.norms = nn.ModuleList(nn.LayerNorm(dim) for _ in range(fields))
        self.blocks = nn.ModuleList(
            MaskBlock(width, embeddings, hidden, config.block_width, masked="mask" in parts) for width in widths
        )
        self.dnn = MLPLogit(config.block_width * (config.blocks if self.parallel else 1), config)

    def forward(self, batch: Batch) -> Tensor:
        """Return [B] logits."""
        fields = self.embedding(batch).fields
        embeddings = fields.flatten(start_dim=1)
        x = torch.cat([norm(field) for norm, field in zip(self.norms, fields.unbind(dim=1), strict=True)], dim=1)
        if self.parallel:
            x = torch.cat([block(x, embeddings) for block in self.blocks], dim=1)
        else:
            for block in self.blocks:
                x = block(x, embeddings)
        logit: Tensor = self.dnn(x)
        return logit
