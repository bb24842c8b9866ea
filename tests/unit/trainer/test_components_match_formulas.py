"""Each building block is compared with its definition, or with a torch layer on copied weights."""

import itertools
import math
from typing import Literal

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ctrlab_api.architectures.attention_models import AutoInt
from ctrlab_trainer.models.components.activations import Dice
from ctrlab_trainer.models.components.branch_fusion import Fusion
from ctrlab_trainer.models.components.cin import CIN
from ctrlab_trainer.models.components.cross_networks import CrossNetwork, VectorCrossNetwork
from ctrlab_trainer.models.components.embedding_tables import FieldEmbedding
from ctrlab_trainer.models.components.field_attention import FieldAttentionLayer
from ctrlab_trainer.models.components.history_pooling import TargetAttention, mean_over_events
from ctrlab_trainer.models.components.model_inputs import ModelInputs
from ctrlab_trainer.models.components.pairwise_products import embedding_products, pairwise_products
from ctrlab_trainer.models.components.transformer import SelfAttention, TransformerBlock
from ctrlab_trainer.training.batches import Batch


@pytest.fixture(autouse=True)
def _fixed_seed() -> None:
    torch.manual_seed(3)


def randomize(module: nn.Module) -> None:
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.normal_()


def history(rows: int = 6, length: int = 5, width: int = 8) -> tuple[Tensor, Tensor]:
    """Return events and mask; the last row has no events, and absent events are zero as in the table."""
    lengths = torch.tensor([5, 1, 3, 2, 4, 0][:rows])
    mask = torch.arange(length) < lengths[:, None]
    return torch.randn(rows, length, width) * mask[:, :, None], mask


def test_pairwise_products_are_the_sum_over_pairs() -> None:
    fields = torch.randn(4, 5, 3, dtype=torch.float64, requires_grad=True)
    pairs = sum((fields[:, i] * fields[:, j]).sum(dim=1) for i, j in itertools.combinations(range(5), 2))
    torch.testing.assert_close(pairwise_products(fields), pairs)
    torch.autograd.gradcheck(pairwise_products, (fields,))


def test_products_of_table_rows_equal_products_of_vectors() -> None:
    blocks = {"a": range(1, 4), "b": range(4, 6), "c": range(6, 14)}
    inputs = ModelInputs(
        rows=14, blocks=blocks, categorical=3, numeric=0, multicategorical=(), pooling=(), histories=()
    )
    embedding = FieldEmbedding(inputs, 5, pool_histories=True).double()
    randomize(embedding)
    ids = torch.stack([torch.randint(rows.start, rows.stop, (20,)) for rows in blocks.values()], dim=1).int()
    batch = Batch(ids, torch.zeros(20, 0), (), (), (), torch.zeros(20))
    upstream = torch.randn(20, dtype=torch.float64)
    results = []
    for values in (embedding_products(embedding, batch), pairwise_products(embedding(batch).fields)):
        embedding.zero_grad()
        values.backward(upstream)  # type: ignore[no-untyped-call]
        assert embedding.table.weight.grad is not None
        results.append((values.detach(), embedding.table.weight.grad))
    torch.testing.assert_close(results[0], results[1])


@pytest.mark.parametrize("units", [(3,), (6, 2), (2, 6, 3)], ids=str)
def test_cin_equals_its_defining_sum(units: tuple[int, ...]) -> None:
    cin = CIN(4, units).double()
    randomize(cin)
    x0 = torch.randn(5, 4, 7, dtype=torch.float64)
    x, pooled = x0, []
    for weight, bias in zip(cin.weights, cin.biases, strict=True):
        cube = weight.view(len(bias), x.shape[1], 4)
        x = torch.einsum("hij,bid,bjd->bhd", cube, x, x0) + bias[None, :, None]
        pooled.append(x.sum(dim=2))
    torch.testing.assert_close(cin(x0), torch.cat(pooled, dim=1))


def test_cross_network_is_equation_1() -> None:
    cross = CrossNetwork(4, 2).double()
    randomize(cross)
    x0 = torch.randn(3, 4, dtype=torch.float64)
    first, second = cross.layers
    x1 = x0 * (x0 @ first.weight.T + first.bias) + x0  # type: ignore[operator]
    expected = x0 * (x1 @ second.weight.T + second.bias) + x1  # type: ignore[operator]
    torch.testing.assert_close(cross(x0), expected)


def test_cross_network_of_rank_one_is_equation_3() -> None:
    cross = VectorCrossNetwork(4, 2).double()
    randomize(cross)
    x0 = torch.randn(3, 4, dtype=torch.float64)
    expected = x0
    for layer, bias in zip(cross.layers, cross.biases, strict=True):
        assert isinstance(layer, nn.Linear)
        weight = layer.weight[0]
        outer = x0[:, :, None] * expected[:, None, :]
        expected = outer @ weight + bias + expected
    torch.testing.assert_close(cross(x0), expected)


@pytest.mark.parametrize("scale", [False, True])
@pytest.mark.parametrize("width", [6, 8])
def test_field_attention_is_torch_attention_plus_its_residual(width: int, scale: bool) -> None:
    config = AutoInt(embedding_dim=width, attention_dim=8, heads=2, attention_scale=scale, attention_layer_norm=True)
    layer = FieldAttentionLayer(width, config, residual=True)
    randomize(layer)
    fields = torch.randn(3, 5, width)
    query, key, value = (
        part(fields).view(3, 5, 2, 4).transpose(1, 2) for part in (layer.query, layer.key, layer.value)
    )
    attended = F.scaled_dot_product_attention(query, key, value, scale=None if scale else 1.0)
    added = fields if layer.residual is None else fields @ layer.residual.weight.T
    expected = F.layer_norm(attended.transpose(1, 2).reshape(3, 5, 8) + added, (8,), *_affine(layer.norm))
    torch.testing.assert_close(layer(fields), torch.relu(expected))


def _affine(norm: nn.LayerNorm | None) -> tuple[Tensor, Tensor]:
    assert norm is not None
    return norm.weight, norm.bias


def test_attention_is_scaled_dot_product_attention() -> None:
    attention = SelfAttention(8, 2, 0.0)
    randomize(attention)
    events, mask = history(rows=5)
    query, key, value = (
        layer(events).view(5, 5, 2, 4).transpose(1, 2) for layer in (attention.query, attention.key, attention.value)
    )
    mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask[:, None, None])
    expected = attention.output(mixed.transpose(1, 2).reshape(5, 5, 8))
    torch.testing.assert_close(attention(events, mask), expected)


def test_block_equals_torch_encoder_layer() -> None:
    block = TransformerBlock(8, 2, 16, 0.0)
    randomize(block)
    reference = nn.TransformerEncoderLayer(8, 2, 16, 0.0, activation=F.leaky_relu, batch_first=True)
    attention = block.attention
    with torch.no_grad():
        reference.self_attn.in_proj_weight.copy_(
            torch.cat([attention.query.weight, attention.key.weight, attention.value.weight])
        )
        reference.self_attn.in_proj_bias.copy_(
            torch.cat([attention.query.bias, attention.key.bias, attention.value.bias])
        )
        for ours, theirs in (
            (attention.output, reference.self_attn.out_proj),
            (block.attention_norm, reference.norm1),
            (block.expand, reference.linear1),
            (block.contract, reference.linear2),
            (block.feedforward_norm, reference.norm2),
        ):
            theirs.load_state_dict(ours.state_dict())
    events, mask = history(rows=5)
    torch.testing.assert_close(block(events, mask), reference(events, src_key_padding_mask=~mask))


def test_first_only_equals_position_0_of_all_positions() -> None:
    block = TransformerBlock(8, 2, 16, 0.0)
    randomize(block)
    events, mask = history(rows=5)
    torch.testing.assert_close(block.first_only(events, mask), block(events, mask)[:, 0])


@pytest.mark.parametrize("softmax", [False, True])
def test_target_attention_weights_events_by_an_mlp(softmax: bool) -> None:
    attention = TargetAttention(8, (6, 4), "relu", softmax=softmax)
    randomize(attention)
    events, mask = history()
    target = torch.randn(6, 8)
    expected = torch.zeros(6, 8)
    for row in range(5):
        present = events[row, mask[row]]
        candidate = target[row].expand_as(present)
        x = torch.cat([candidate, present, candidate - present, candidate * present], dim=1)
        for layer in attention.layers:
            x = F.relu(layer(x))
        weights = attention.score(x).squeeze(1)
        expected[row] = (torch.softmax(weights, dim=0) if softmax else weights) @ present
    torch.testing.assert_close(attention(target, events, mask), expected, rtol=1e-4, atol=1e-4)


def test_mean_over_events_skips_padding_and_is_zero_without_events() -> None:
    events, mask = history()
    pooled = mean_over_events(events, mask)
    torch.testing.assert_close(pooled[2], events[2, :3].mean(dim=0))
    assert torch.equal(pooled[5], torch.zeros(8))


def test_dice_is_equation_3_in_training_and_uses_running_averages_in_evaluation() -> None:
    dice = Dice(3)
    randomize(dice)
    x = torch.randn(50, 3)
    p = torch.sigmoid((x - x.mean(dim=0)) / torch.sqrt(x.var(dim=0, unbiased=False) + dice.eps))
    torch.testing.assert_close(dice(x), p * x + (1 - p) * dice.alpha * x)
    torch.testing.assert_close(dice.moving, 0.1 * x.mean(dim=0))
    torch.testing.assert_close(dice.spread, 0.9 + 0.1 * x.var(dim=0))
    dice.eval()
    p = torch.sigmoid((x - dice.moving) / torch.sqrt(dice.spread + dice.eps))
    torch.testing.assert_close(dice(x), p * x + (1 - p) * dice.alpha * x)


def test_dice_with_a_mask_ignores_masked_events() -> None:
    packed, masked = Dice(8), Dice(8)
    events, mask = history()
    noise = torch.where(mask[:, :, None], events, torch.randn_like(events))
    torch.testing.assert_close(masked(noise, mask)[mask], packed(events[mask]))
    torch.testing.assert_close(masked.spread, packed.spread)
    torch.testing.assert_close(masked.moving, packed.moving)


Kind = Literal["attention", "gate", "concat", "sum"]


@pytest.mark.parametrize("kind", ["attention", "gate", "concat", "sum"])
def test_fusion_matches_its_formula(kind: Kind) -> None:
    fusion = Fusion({"a": 3, "b": 5}, 4, kind)
    randomize(fusion)
    branches = {"a": torch.randn(2, 3), "b": torch.randn(2, 5)}
    a, b = (fusion.project[name](branches[name]) for name in "ab")
    match kind:
        case "sum":
            expected = a + b
        case "concat":
            expected = torch.cat([a, b], dim=1)
        case "gate":
            gates = [torch.sigmoid(fusion.gate[name](torch.cat([a, b], dim=1))) for name in "ab"]
            expected = gates[0] * a + gates[1] * b
        case "attention":
            scores = [fusion.score(torch.tanh(fusion.query(z))).squeeze(1) for z in (a, b)]
            share = 1 / (1 + torch.exp(scores[1] - scores[0]))
            expected = share[:, None] * a + (1 - share)[:, None] * b
    torch.testing.assert_close(fusion(branches), expected)


@pytest.mark.parametrize("kind", ["attention", "gate", "concat", "sum"])
def test_fusion_of_one_branch_only_projects_it(kind: Kind) -> None:
    fusion = Fusion({"a": 3}, 4, kind)
    assert sum(parameter.numel() for parameter in fusion.parameters()) == 3 * 4 + 4
    x = torch.randn(2, 3)
    assert torch.equal(fusion({"a": x}), fusion.project["a"](x))


def test_attention_scale_uses_the_width_of_a_head() -> None:
    assert SelfAttention(32, 2, 0.0).scale == 1 / math.sqrt(16)
