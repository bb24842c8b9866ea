"""The two tables that ids point into: embeddings, and the weights of the linear term.

All features share one table by global ids, so that a batch costs one gather and one scatter whatever the number of
fields. Row 0 is padding: it is zero, gets no gradient, and stays zero.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ctrlab_trainer.batches import Batch
from ctrlab_trainer.data.encoded import PADDING
from ctrlab_trainer.models.components.inputs import Inputs


class Table(nn.Module):
    """One vector of `width` for each row; what `embedding_l2` penalises."""

    def __init__(self, rows: int, width: int, blocks: Mapping[str, range]) -> None:
        """`blocks`: which rows belong to each feature; each has a stream of its own for its initial weights."""
        super().__init__()
        self.blocks = dict(blocks)
        self.weight = nn.Parameter(torch.zeros(rows, width))

    def forward(self, ids: Tensor) -> Tensor:
        """[..., width] of [...] ids."""
        return F.embedding(ids, self.weight, padding_idx=PADDING)


class Embedded:
    """A batch after its gather: one vector for each field, and one for each event of each history."""

    def __init__(self, fields: Tensor, histories: tuple[Tensor, ...], masks: tuple[Tensor, ...]) -> None:
        self.fields = fields
        """[B, fields, D]; with pooled histories [B, fields_with_histories, D]."""
        self.histories = histories
        """[B, L, D] each, latest event first."""
        self.masks = masks
        """[B, L] bool each, True where an event is."""


class FieldEmbedding(nn.Module):
    """Embeds a batch: a numeric field is its row times its value, a multi-categorical one the mean of its ids.

    With `pool_histories` each history becomes one more field, the mean of its events: models that know nothing of
    sequences are so given the same information as those that do.
    """

    def __init__(self, inputs: Inputs, width: int, *, pool_histories: bool) -> None:
        super().__init__()
        self.inputs = inputs
        self.pool_histories = pool_histories
        self.table = Table(inputs.rows, width, inputs.blocks)

    def forward(self, batch: Batch) -> Embedded:
        """Embedded fields and histories of a batch."""
        inputs = self.inputs
        gathered: Tensor = self.table(batch.ids)
        widths = (inputs.categorical, inputs.numeric, *inputs.multicategorical, *batch.history_widths)
        categorical, numeric, *several = torch.split(gathered, list(widths), dim=1)
        fields = [categorical]
        if inputs.numeric:
            fields.append(numeric * batch.numeric[:, :, None])
        multicategorical, histories = _cut(several, len(inputs.multicategorical))
        fields += _means(multicategorical, batch.multicategorical_counts)
        if self.pool_histories:
            fields += _means(histories, batch.history_counts)
            return Embedded(_joined(fields), (), ())
        ids = batch.ids[:, inputs.categorical + inputs.numeric + sum(inputs.multicategorical) :]
        masks = tuple(part != PADDING for part in torch.split(ids, list(batch.history_widths), dim=1))
        return Embedded(_joined(fields), tuple(histories), masks)


class LinearTerm(nn.Module):
    """The first-order term: the sum of one weight for each field, pooled as the embeddings are, and a bias.

    It sees every feature, histories included, in every architecture.
    """

    def __init__(self, inputs: Inputs) -> None:
        super().__init__()
        self.inputs = inputs
        self.table = Table(inputs.rows, 1, inputs.blocks)
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, batch: Batch) -> Tensor:
        """[B] logits."""
        inputs = self.inputs
        weights: Tensor = self.table(batch.ids).squeeze(-1)
        widths = (inputs.categorical, inputs.numeric, *inputs.multicategorical, *batch.history_widths)
        categorical, numeric, *several = torch.split(weights, list(widths), dim=1)
        logit: Tensor = categorical.sum(dim=1) + self.bias
        if inputs.numeric:
            logit = logit + (numeric * batch.numeric).sum(dim=1)
        for part, count in zip(several, (*batch.multicategorical_counts, *batch.history_counts), strict=True):
            logit = logit + part.sum(dim=1) / count.squeeze(1)
        return logit


def _cut(parts: list[Tensor], place: int) -> tuple[list[Tensor], list[Tensor]]:
    return parts[:place], parts[place:]


def _means(parts: list[Tensor], counts: tuple[Tensor, ...]) -> list[Tensor]:
    return [(part.sum(dim=1) / count)[:, None] for part, count in zip(parts, counts, strict=True)]


def _joined(fields: list[Tensor]) -> Tensor:
    present = [part for part in fields if part.shape[1]]
    return torch.cat(present, dim=1) if len(present) > 1 else present[0]
