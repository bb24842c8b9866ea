"""The two tables that ids index: embeddings, and the weights of the linear term.

All features share one table by global ids, so that a batch needs one gather and one scatter whatever the number of
fields. Row 0 is padding: it is zero, gets no gradient, and stays zero.
"""

from collections.abc import Mapping
from typing import Final

import torch
from torch import Tensor, nn

from ctrlab_trainer.data.prepared.encoded_schema import PADDING
from ctrlab_trainer.models.components.embedding_gather import gather
from ctrlab_trainer.models.components.history_pooling import pool
from ctrlab_trainer.models.components.model_inputs import ModelInputs, Pooling
from ctrlab_trainer.models.components.pretrained_vectors import PretrainedVectors, replace_fields
from ctrlab_trainer.training.batches import Batch

MEAN: Final[Pooling] = "mean"
"""Pooling of histories."""


class Table(nn.Module):
    """A vector of `width` for each row; `embedding_l2` penalizes it."""

    def __init__(self, rows: int, width: int, blocks: Mapping[str, range]) -> None:
        """`blocks`: rows of each feature; the initial weights of each block come from a separate random stream."""
        super().__init__()
        self.blocks = dict(blocks)
        self.weight = nn.Parameter(torch.zeros(rows, width))
        self.row_wise = False
        """Whether a step updates only the rows of its batch."""

    def forward(self, ids: Tensor) -> Tensor:
        """Return [..., width] for [...] ids."""
        return gather(self.weight, ids, sparse=self.row_wise)


def row_wise_tables(model: nn.Module) -> dict[str, nn.Parameter]:
    """Return the tables of which a step updates only the rows of its batch, by name."""
    tables = {name: module for name, module in model.named_modules() if isinstance(module, Table)}
    return {f"{name}.weight": table.weight for name, table in tables.items() if table.row_wise}


class Embedded:
    """An embedded batch: one vector for each field, and one for each event of each history."""

    def __init__(self, fields: Tensor, histories: tuple[Tensor, ...], masks: tuple[Tensor, ...]) -> None:
        self.fields = fields
        """[B, fields, D]; with pooled histories [B, fields_with_histories, D]."""
        self.histories = histories
        """[B, L, D] each, latest event first."""
        self.masks = masks
        """[B, L] bool each, True for an event, False for padding."""


class FieldEmbedding(nn.Module):
    """Embeds a batch: a numeric field is its row times its value, a multi-categorical one the pooled rows of its ids,
    a vector its projection by a learned matrix.

    An event of a history with time gaps is the sum of its item's row and the gap's row. With `pool_histories` each
    history becomes an additional field, the mean of its events, so that models without sequences get the same
    information as sequence models.
    """

    def __init__(self, inputs: ModelInputs, width: int, *, pool_histories: bool) -> None:
        super().__init__()
        self.inputs = inputs
        self.pool_histories = pool_histories
        self.table = Table(inputs.rows, width, inputs.blocks)
        self.vectors = nn.ModuleDict({feature.key: PretrainedVectors(feature, width) for feature in inputs.vectors})
        self.projections = nn.ModuleDict(
            {feature.key: nn.Linear(feature.width, width) for feature in inputs.row_vectors}
        )

    def forward(self, batch: Batch) -> Embedded:
        """Return the embedded fields and histories of a batch."""
        inputs = self.inputs
        gathered: Tensor = self.table(batch.ids)
        categorical, numeric, multicategorical, histories = _split_by_kind(gathered, inputs, batch)
        *_, lists, events = _split_by_kind(batch.ids, inputs, batch)
        categorical, histories = self._with_vectors(batch.ids, categorical, events, histories)
        histories = [
            history if gaps is None else history + self.table(gaps)
            for history, gaps in zip(histories, batch.history_gaps or (None,) * len(histories), strict=True)
        ]
        fields = [categorical]
        if inputs.numeric:
            fields.append(numeric * batch.numeric[:, :, None])
        fields += _pooled(multicategorical, lists, batch.multicategorical_counts, inputs.pooling)
        fields += [
            self.projections[feature.key](vector)[:, None]
            for feature, vector in zip(inputs.row_vectors, batch.vectors, strict=True)
        ]
        if self.pool_histories:
            fields += _pooled(histories, events, batch.history_counts, (MEAN,) * len(histories))
            return Embedded(_concatenate(fields), (), ())
        return Embedded(_concatenate(fields), tuple(histories), tuple(ids != PADDING for ids in events))

    def _with_vectors(
        self, ids: Tensor, categorical: Tensor, events: list[Tensor], histories: list[Tensor]
    ) -> tuple[Tensor, list[Tensor]]:
        """Return fields and histories, with pre-trained vectors for the features that have them."""
        if not self.inputs.vectors:
            return categorical, histories
        result = list(histories)
        fields = []
        for feature in self.inputs.vectors:
            vectors = self.vectors[feature.key]
            fields.append(vectors(ids[:, feature.field], categorical[:, feature.field]))
            for index in feature.histories:
                result[index] = vectors(events[index], histories[index])
        return replace_fields(categorical, [feature.field for feature in self.inputs.vectors], fields), result


class LinearTerm(nn.Module):
    """The first-order term: a bias plus the sum of one weight per field, pooled like the embeddings, and one weight for
    each number of a vector.

    It uses every feature, histories included, in every architecture.
    """

    def __init__(self, inputs: ModelInputs) -> None:
        super().__init__()
        self.inputs = inputs
        self.table = Table(inputs.rows, 1, inputs.blocks)
        self.bias = nn.Parameter(torch.zeros(1))
        self.weights = nn.ParameterDict(
            {feature.key: nn.Parameter(torch.zeros(feature.width)) for feature in inputs.row_vectors}
        )

    def forward(self, batch: Batch) -> Tensor:
        """Return [B] logits."""
        inputs = self.inputs
        weights: Tensor = self.table(batch.ids).squeeze(-1)
        categorical, numeric, multicategorical, histories = _split_by_kind(weights, inputs, batch)
        *_, lists, events = _split_by_kind(batch.ids, inputs, batch)
        logit: Tensor = categorical.sum(dim=1) + self.bias
        if inputs.numeric:
            logit = logit + (numeric * batch.numeric).sum(dim=1)
        for feature, vector in zip(inputs.row_vectors, batch.vectors, strict=True):
            logit = logit + vector @ self.weights[feature.key]
        counts = (*batch.multicategorical_counts, *batch.history_counts)
        poolings = (*inputs.pooling, *((MEAN,) * len(histories)))
        for pooled_weights, ids, count, pooling in zip(
            (*multicategorical, *histories), (*lists, *events), counts, poolings, strict=True
        ):
            logit = logit + pool(pooled_weights, ids != PADDING, count[:, 0], pooling)
        return logit


def _split_by_kind(
    columns: Tensor, inputs: ModelInputs, batch: Batch
) -> tuple[Tensor, Tensor, list[Tensor], list[Tensor]]:
    """Split the columns of a batch's ids, or of the rows gathered for them, by kind of feature."""
    widths = (inputs.categorical, inputs.numeric, *inputs.multicategorical, *batch.history_widths)
    if widths[0] == columns.shape[1]:
        # The backward pass of a split concatenates the gradients, which copies them.
        return columns, columns[:, :0], [], []
    categorical, numeric, *others = torch.split(columns, list(widths), dim=1)
    lists = len(inputs.multicategorical)
    return categorical, numeric, others[:lists], others[lists:]


def _pooled(
    embeddings: list[Tensor], ids: list[Tensor], counts: tuple[Tensor, ...], poolings: tuple[Pooling, ...]
) -> list[Tensor]:
    """Pool each [B, L, D] to [B, 1, D]."""
    return [
        pool(vectors, (lists != PADDING)[:, :, None], count, pooling)[:, None]
        for vectors, lists, count, pooling in zip(embeddings, ids, counts, poolings, strict=True)
    ]


def _concatenate(fields: list[Tensor]) -> Tensor:
    present = [columns for columns in fields if columns.shape[1]]
    return torch.cat(present, dim=1) if len(present) > 1 else present[0]
