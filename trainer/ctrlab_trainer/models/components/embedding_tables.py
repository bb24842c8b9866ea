"""The two tables that ids point into: embeddings, and the weights of the linear term.

All features share one table by global ids, so that a batch costs one gather and one scatter whatever the number of
fields. Row 0 is padding: it is zero, gets no gradient, and stays zero.
"""

from collections.abc import Mapping
from typing import Final

import torch
from torch import Tensor, nn

from ctrlab_trainer.data.prepared.encoded_schema import PADDING
from ctrlab_trainer.models.components.embedding_gather import gather
from ctrlab_trainer.models.components.history_pooling import pool
from ctrlab_trainer.models.components.model_inputs import Inputs, Pooling
from ctrlab_trainer.models.components.pretrained_vectors import PretrainedVectors, replace_fields
from ctrlab_trainer.training.batches import Batch

MEAN: Final[Pooling] = "mean"
"""How every history is pooled."""


class Table(nn.Module):
    """One vector of `width` for each row; what `embedding_l2` penalises."""

    def __init__(self, rows: int, width: int, blocks: Mapping[str, range]) -> None:
        """`blocks`: which rows belong to each feature; each has a stream of its own for its initial weights."""
        super().__init__()
        self.blocks = dict(blocks)
        self.weight = nn.Parameter(torch.zeros(rows, width))
        self.row_wise = False
        """Whether a step changes only the rows of its batch."""

    def forward(self, ids: Tensor) -> Tensor:
        """[..., width] of [...] ids."""
        return gather(self.weight, ids, sparse=self.row_wise)


def row_wise_tables(model: nn.Module) -> dict[str, nn.Parameter]:
    """The tables of which a step changes only the rows of its batch, by their names."""
    found = {name: module for name, module in model.named_modules() if isinstance(module, Table)}
    return {f"{name}.weight": module.weight for name, module in found.items() if module.row_wise}


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
    """Embeds a batch: a numeric field is its row times its value, a multi-categorical one its ids' rows pooled.

    An event of a history with time gaps is the sum of its item's row and the gap's. With `pool_histories` each history
    becomes one more field, the mean of its events: models that know nothing of sequences are so given the same
    information as those that do.
    """

    def __init__(self, inputs: Inputs, width: int, *, pool_histories: bool) -> None:
        super().__init__()
        self.inputs = inputs
        self.pool_histories = pool_histories
        self.table = Table(inputs.rows, width, inputs.blocks)
        self.vectors = nn.ModuleDict({given.key: PretrainedVectors(given, width) for given in inputs.vectors})

    def forward(self, batch: Batch) -> Embedded:
        """Embedded fields and histories of a batch."""
        inputs = self.inputs
        gathered: Tensor = self.table(batch.ids)
        categorical, numeric, multicategorical, histories = _kinds(gathered, inputs, batch)
        *_, lists, events = _kinds(batch.ids, inputs, batch)
        categorical, histories = self._with_vectors(batch.ids, categorical, events, histories)
        histories = [
            history if gaps is None else history + self.table(gaps)
            for history, gaps in zip(histories, batch.history_gaps or (None,) * len(histories), strict=True)
        ]
        fields = [categorical]
        if inputs.numeric:
            fields.append(numeric * batch.numeric[:, :, None])
        fields += _pooled(multicategorical, lists, batch.multicategorical_counts, inputs.pooling)
        if self.pool_histories:
            fields += _pooled(histories, events, batch.history_counts, (MEAN,) * len(histories))
            return Embedded(_joined(fields), (), ())
        return Embedded(_joined(fields), tuple(histories), tuple(ids != PADDING for ids in events))

    def _with_vectors(
        self, ids: Tensor, categorical: Tensor, events: list[Tensor], histories: list[Tensor]
    ) -> tuple[Tensor, list[Tensor]]:
        """Fields and histories, with pre-trained vectors where there are some."""
        if not self.inputs.vectors:
            return categorical, histories
        result = list(histories)
        fields = []
        for given in self.inputs.vectors:
            vectors = self.vectors[given.key]
            fields.append(vectors(ids[:, given.field], categorical[:, given.field]))
            for place in given.histories:
                result[place] = vectors(events[place], histories[place])
        return replace_fields(categorical, [given.field for given in self.inputs.vectors], fields), result


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
        categorical, numeric, multicategorical, histories = _kinds(weights, inputs, batch)
        *_, lists, events = _kinds(batch.ids, inputs, batch)
        logit: Tensor = categorical.sum(dim=1) + self.bias
        if inputs.numeric:
            logit = logit + (numeric * batch.numeric).sum(dim=1)
        counts = (*batch.multicategorical_counts, *batch.history_counts)
        how = (*inputs.pooling, *((MEAN,) * len(histories)))
        for part, ids, count, pooling in zip(
            (*multicategorical, *histories), (*lists, *events), counts, how, strict=True
        ):
            logit = logit + pool(part, ids != PADDING, count[:, 0], pooling)
        return logit


def _kinds(columns: Tensor, inputs: Inputs, batch: Batch) -> tuple[Tensor, Tensor, list[Tensor], list[Tensor]]:
    """The columns of a batch's ids (or what was gathered for them) by kind of feature."""
    widths = (inputs.categorical, inputs.numeric, *inputs.multicategorical, *batch.history_widths)
    if widths[0] == columns.shape[1]:
        # The gradient of a split is joined again, which copies it.
        return columns, columns[:, :0], [], []
    categorical, numeric, *several = torch.split(columns, list(widths), dim=1)
    place = len(inputs.multicategorical)
    return categorical, numeric, several[:place], several[place:]


def _pooled(
    parts: list[Tensor], ids: list[Tensor], counts: tuple[Tensor, ...], how: tuple[Pooling, ...]
) -> list[Tensor]:
    """[B, 1, D] of each [B, L, D]."""
    given = zip(parts, ids, counts, how, strict=True)
    return [
        pool(part, (found != PADDING)[:, :, None], count, pooling)[:, None] for part, found, count, pooling in given
    ]


def _joined(fields: list[Tensor]) -> Tensor:
    present = [part for part in fields if part.shape[1]]
    return torch.cat(present, dim=1) if len(present) > 1 else present[0]
