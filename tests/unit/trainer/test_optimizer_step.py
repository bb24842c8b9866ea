"""One optimizer step is compared with torch's optimizer and autograd."""

import math

import pytest
import torch
from torch import nn

from ctrlab_api.architectures import Architecture
from ctrlab_api.architectures.factorization_models import FM
from ctrlab_trainer.models.components.embedding_tables import Table
from ctrlab_trainer.training.optimizer import ModelOptimizer


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.table = Table(10, 4, {"item": range(1, 10)})
        self.linear = nn.Linear(4, 1)
        with torch.no_grad():
            self.table.weight[1:].normal_()

    def loss(self) -> torch.Tensor:
        y: torch.Tensor = self.linear(self.table(torch.tensor([1, 2, 2, 0, 7])))
        return y.square().mean()


def run_steps(model: Small, config: Architecture, count: int = 3) -> None:
    optimizer = ModelOptimizer(model, config)
    for _ in range(count):
        optimizer.zero_grad()
        model.loss().backward()  # type: ignore[no-untyped-call]
        optimizer.step()


def test_the_embedding_penalty_equals_its_gradient_by_autograd() -> None:
    ours, reference = Small(), Small()
    run_steps(ours, FM(embedding_l2=0.3, clip_norm=1e6))
    optimizer = torch.optim.Adam(reference.parameters(), lr=1e-3, fused=True)
    for _ in range(3):
        optimizer.zero_grad()
        loss = reference.loss() + 0.3 / 2 * reference.table.weight.square().sum()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    for a, b in zip(ours.parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(a, b)
    assert not ours.table.weight[0].any()


def test_clipping_includes_the_penalty() -> None:
    model = Small()
    before = model.table.weight.detach().clone()
    run_steps(model, FM(embedding_l2=10, clip_norm=0.001, optimizer="sgd", learning_rate=1.0), count=1)
    change = torch.cat([(model.table.weight - before).flatten(), torch.zeros(0)])
    assert 0 < change.norm().item() <= 0.0010001


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd", "adagrad"])
def test_weight_decay_excludes_tables_and_biases(optimizer: str) -> None:
    plain, decayed = Small(), Small()
    settings = {"optimizer": optimizer, "learning_rate": 0.1, "clip_norm": 1e6}
    with torch.no_grad():
        for model in (plain, decayed):
            model.linear.weight.fill_(1.0)
            model.table.weight.zero_()
    run_steps(plain, FM.model_validate(settings), count=1)
    run_steps(decayed, FM.model_validate({**settings, "weight_decay": 0.5}), count=1)
    assert torch.equal(plain.table.weight, decayed.table.weight)
    assert torch.equal(plain.linear.bias, decayed.linear.bias)
    assert (plain.linear.weight == 1).all()
    assert (decayed.linear.weight < 1).all()


def learning_rates(config: Architecture, improvements: list[bool]) -> list[float]:
    optimizer = ModelOptimizer(Small(), config)
    rates = [optimizer.learning_rate]
    for epoch, improved in enumerate(improvements, start=1):
        optimizer.end_epoch(epoch, improved)
        rates.append(optimizer.learning_rate)
    return rates


def test_the_plateau_schedule_divides_by_ten_after_each_epoch_without_improvement() -> None:
    rates = learning_rates(FM(learning_rate=1e-3), [True, False, True, False, False, False])
    assert rates == pytest.approx([1e-3, 1e-3, 1e-4, 1e-4, 1e-5, 1e-6, 1e-6])


def test_the_constant_schedule_is_constant_and_the_cosine_schedule_ends_at_zero() -> None:
    assert learning_rates(FM(learning_rate=0.5, schedule="constant"), [False, False]) == [0.5, 0.5, 0.5]
    rates = learning_rates(FM(learning_rate=0.5, schedule="cosine", epochs=4), [True] * 4)
    assert rates == pytest.approx([0.25 * (1 + math.cos(math.pi * k / 4)) for k in range(5)])
