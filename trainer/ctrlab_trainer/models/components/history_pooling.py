"""Pooling of histories to vectors: the mean over events, and the attention of DIN."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ctrlab_api.architectures.base_architecture import Activation
from ctrlab_trainer.models.components.activations import Dice, make_activation
from ctrlab_trainer.models.components.model_inputs import Pooling


def mean_over_events(events: Tensor, mask: Tensor) -> Tensor:
    """Return [B, D] for [B, L, D] and [B, L]; zero for an empty history."""
    weight = mask.to(events.dtype)
    return torch.bmm(weight[:, None], events).squeeze(1) / weight.sum(dim=1, keepdim=True).clamp(min=1)


def pool(embeddings: Tensor, mask: Tensor, count: Tensor, pooling: Pooling) -> Tensor:
    """Return [B, ...] for [B, L, ...], whose padding is zero; zero if no id is present.

    `mask` is True where an id is present and `count` the number of ids, at least 1; each is broadcast to the embeddings
    and the result.
    """
    match pooling:
        case "mean":
            return embeddings.sum(dim=1) / count
        case "sum":
            return embeddings.sum(dim=1)
        case "max":
            highest = embeddings.masked_fill(~mask, -torch.inf).amax(dim=1)
            return torch.where(mask.any(dim=1), highest, 0.0)


class TargetAttention(nn.Module):
    """Activation unit of DIN (Zhou et al., KDD 2018, section 4.3).

    The weight of event e for candidate t is an MLP of [t, e, t - e, t * e]; weights are not normalized unless
    `softmax`. The first layer is applied to its four blocks separately, which halves its products.
    """

    def __init__(self, width: int, units: Sequence[int], name: Activation, *, softmax: bool) -> None:
        super().__init__()
        self.softmax = softmax
        widths = [4 * width, *units]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip(widths, units, strict=False))
        self.activations = nn.ModuleList(make_activation(name, b) for b in units)
        self.score = nn.Linear(units[-1], 1)

    def forward(self, target: Tensor, events: Tensor, mask: Tensor) -> Tensor:
        """Return [B, D] for the candidate [B, D], events [B, L, D] and mask [B, L]; zero for an empty history."""
        # A CPU computes only the events that are present. On a GPU, reading their number would wait for the device, and
        # stacked models have events at different positions.
        dense = events.is_cuda or torch._C._functorch.is_batchedtensor(events)
        scores = self._scores(target[:, None], events, mask) if dense else self._packed(target, events, mask)
        if self.softmax:
            scores = torch.softmax(scores.masked_fill(~mask, torch.finfo(scores.dtype).min), dim=1)
        weights = scores * mask
        return torch.bmm(weights[:, None].to(events.dtype), events).squeeze(1)

    def _packed(self, target: Tensor, events: Tensor, mask: Tensor) -> Tensor:
        """Return [B, L] scores, 0 for absent events."""
        positions = mask.flatten().nonzero().squeeze(1)
        # `F.embedding` gathers with a fast backward pass.
        present = F.embedding(positions, events.reshape(-1, events.shape[2]))
        scores = self._scores(F.embedding(positions // mask.shape[1], target), present, None)
        return scores.new_zeros(mask.numel()).scatter(0, positions, scores).view(mask.shape)

    def _scores(self, target: Tensor, events: Tensor, mask: Tensor | None) -> Tensor:
        """Return [...] scores for candidates and events [..., D]; a candidate may be broadcast to several events."""
        x = self._first_layer(target, events)
        for depth, activation in enumerate(self.activations):
            if depth:
                x = self.layers[depth](x)
            x = activation(x, mask) if isinstance(activation, Dice) else activation(x)
        scores: Tensor = self.score(x).squeeze(-1)
        return scores

    def _first_layer(self, target: Tensor, events: Tensor) -> Tensor:
        """Return W [t, e, t - e, t * e] + b = (W1 + W3) t + b + (W2 - W3) e + W4 (t * e)."""
        layer = self.layers[0]
        assert isinstance(layer, nn.Linear)
        of_target, of_event, of_difference, of_product = layer.weight.chunk(4, dim=1)
        per_candidate = F.linear(target, of_target + of_difference, layer.bias)
        matrix = torch.cat([of_event - of_difference, of_product], dim=1)
        return F.linear(torch.cat([events, events * target], dim=-1), matrix) + per_candidate
