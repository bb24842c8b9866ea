"""A gated recurrent unit over a history, plain or with its update weighted by attention (AUGRU of DIEN, AAAI 2019).

    u = sigmoid(U x + V h)      r = sigmoid(U' x + V' h)      n = tanh(U'' x + r ∘ (V'' h + c))
    h <- (1 - a u) ∘ h + a u ∘ n

a is 1 for the plain unit. The terms that depend only on events are one GEMM before the loop. An absent event leaves the
state unchanged.
"""

import torch
from torch import Tensor, nn


class GRU(nn.Module):
    """A GRU that returns the state after each event; the events are given latest first."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.of_event = nn.Linear(width, 3 * hidden)
        self.of_state = nn.Linear(hidden, 3 * hidden)
        self.hidden = hidden

    def forward(self, events: Tensor, mask: Tensor, attention: Tensor | None = None) -> Tensor:
        """Return [B, L, hidden] for [B, L, width], [B, L] and weights [B, L].

        Position 0 is the state after the latest event.
        """
        projected = self.of_event(events)
        state = events.new_zeros(events.shape[0], self.hidden)
        states: list[Tensor] = []
        for position in range(events.shape[1] - 1, -1, -1):
            x_reset, x_update, x_new = projected[:, position].chunk(3, dim=1)
            h_reset, h_update, h_new = self.of_state(state).chunk(3, dim=1)
            update = torch.sigmoid(x_update + h_update)
            if attention is not None:
                update = update * attention[:, position, None]
            new = torch.tanh(x_new + torch.sigmoid(x_reset + h_reset) * h_new)
            state = torch.where(mask[:, position, None], torch.lerp(state, new, update), state)
            states.append(state)
        return torch.stack(states[::-1], dim=1)


class CandidateAttention(nn.Module):
    """Softmax over events of h_t' W e_candidate (DIEN, equation 6); zero for an absent event."""

    def __init__(self, hidden: int, width: int) -> None:
        super().__init__()
        self.matrix = nn.Linear(width, hidden, bias=False)

    def forward(self, states: Tensor, target: Tensor, mask: Tensor) -> Tensor:
        """Return [B, L] for [B, L, hidden], [B, width] and [B, L]."""
        scores = torch.bmm(states, self.matrix(target)[:, :, None]).squeeze(2)
        return torch.softmax(scores.masked_fill(~mask, torch.finfo(scores.dtype).min), dim=1) * mask
