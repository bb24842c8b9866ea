"""Deep Interest Network (Zhou et al., KDD 2018)."""

import torch
from torch import Tensor, nn

from ctrlab_contract.architectures.sequence import DIN as Config
from ctrlab_trainer.batches import Batch
from ctrlab_trainer.models.components.inputs import Inputs
from ctrlab_trainer.models.components.perceptron import PerceptronLogit
from ctrlab_trainer.models.components.pooling import TargetAttention, mean_over_events
from ctrlab_trainer.models.components.tables import FieldEmbedding


class DIN(nn.Module):
    """logit = perceptron([fields, each history pooled by attention to its candidate])."""

    def __init__(self, config: Config, inputs: Inputs, parts: frozenset[str]) -> None:
        super().__init__()
        self.embedding = FieldEmbedding(inputs, config.embedding_dim, pool_histories=False)
        self.histories = inputs.histories if "history" in parts else ()
        attended = self.histories if "attention" in parts else ()
        self.attention = nn.ModuleList(
            TargetAttention(
                config.embedding_dim,
                config.attention_units,
                config.attention_activation,
                softmax=config.attention_softmax,
            )
            for _ in attended
        )
        self.dnn = PerceptronLogit((inputs.fields + len(self.histories)) * config.embedding_dim, config)

    def forward(self, batch: Batch) -> Tensor:
        """[B] logits."""
        embedded = self.embedding(batch)
        pooled = [embedded.fields.flatten(start_dim=1)]
        for place, history in enumerate(self.histories):
            events, mask = embedded.histories[place], embedded.masks[place]
            if len(self.attention):
                pooled.append(self.attention[place](embedded.fields[:, history.target], events, mask))
            else:
                pooled.append(mean_over_events(events, mask))
        logit: Tensor = self.dnn(torch.cat(pooled, dim=1))
        return logit
