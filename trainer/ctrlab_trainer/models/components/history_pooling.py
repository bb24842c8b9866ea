"""Histories to vectors: the mean over events, and the attention of DIN."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ctrlab_api.architectures.base_architecture import Activation
from ctrlab_trainer.models.components.activations import Dice, make_activation
from ctrlab_trainer.models.components.model_inputs import Pooling


def mean_over_events(events: Tensor, mask: Tensor) -> Tensor:
    """[B, D] of [B, L, D] and [B, L]; zero for an empty history."""
    weight = mask.to(events.dtype)
    return torch.bmm(weight[:, None], events).squeeze(1) / weight.sum(dim=1, keepdim=True).clamp(min=1)


def pool(parts: Tensor, mask: Tensor, count: Tensor, how: Pooling) -> Tensor:
    """[B, ...] of [B, L, ...], whose padding is zero; zero where no id is.

    `mask` is True where an id is and `count` their number, at least 1, each broadcast to the parts and the result.
    """
    match how:
        case "mean":
            return parts.sum(dim=1) / count
        case "sum":
            return parts.sum(dim=1)
        case "max":
            highest = parts.masked_fill(~mask, -torch.inf).amax(dim=1)
            return torch.where(mask.any(dim=1), highest, 0.0)


class TargetAttention(nn.Module):
    """Activation unit of DIN (Zhou et al., KDD 2018, section 4.3).

    The weight of event e for candidate t is a perceptron of [t, e, t - e, t * e]; weights are not normalised unless
    `softmax`. The first layer is applied to its four blocks apart, which halves its products.
    """

    def __init__(self, width: int, units: Sequence[int], name: Activation, *, softmax: bool) -> None:
        super().__init__()
        self.softmax = softmax
        widths = [4 * width, *units]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip(widths, units, strict=False))
        self.activations = nn.ModuleList(make_activation(name, b) for b in units)
        self.score = nn.Linear(units[-1], 1)

    def forward(self, target: Tensor, events: Tensor, mask: Tensor) -> Tensor:
        """[B, D] of the candidate [B, D], [B, L, D] and [B, L]; zero for an empty history."""
        # On a GPU the number of events would have to be waited for; a CPU computes the events that are there alone.
        # Of several models at once, too, because each has events in other places.
        dense = events.is_cuda or torch._C._functorch.is_batchedtensor(events)
        scores = self._scores(target[:, None], events, mask) if dense else self._packed(target, events, mask)
        if self.softmax:
            scores = torch.softmax(scores.masked_fill(~mask, torch.finfo(scores.dtype).min), dim=1)
        weights = scores * mask
        return torch.bmm(weights[:, None].to(events.dtype), events).squeeze(1)

    def _packed(self, target: Tensor, events: Tensor, mask: Tensor) -> Tensor:
        """[B, L] scores, 0 where no event is."""
        places = mask.flatten().nonzero().squeeze(1)
        # As embeddings, because that gather has the fast backward pass.
        present = F.embedding(places, events.reshape(-1, events.shape[2]))
        scores = self._scores(F.embedding(places // mask.shape[1], target), present, None)
        return scores.new_zeros(mask.numel()).scatter(0, places, scores).view(mask.shape)

    def _scores(self, target: Tensor, events: Tensor, mask: Tensor | None) -> Tensor:
        """[...] of candidates and events [..., D], where a candidate may stand for several events."""
        x = self._first_layer(target, events)
        for place, act in enumerate(self.activations):
            if place:
                x = self.layers[place](x)
            x = act(x, mask) if isinstance(act, Dice) else act(x)
        scores: Tensor = self.score(x).squeeze(-1)
        return scores

    def _first_layer(self, target: Tensor, events: Tensor) -> Tensor:
        """W [t, e, t - e, t * e] + b = (W1 + W3) t + b + (W2 - W3) e + W4 (t * e)."""
        layer = self.layers[0]
        assert isinstance(layer, nn.Linear)
        of_target, of_event, of_difference, of_product = layer.weight.chunk(4, dim=1)
        once = F.linear(target, of_target + of_difference, layer.bias)
        matrix = torch.cat([of_event - of_difference, of_product], dim=1)
        return F.linear(torch.cat([events, events * target], dim=-1), matrix) + once
