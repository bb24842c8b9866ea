"""The blocks of AFN, FiBiNET, MaskNet, FinalMLP, GDCN, DIEN and DMIN match their formulas or layers of torch."""

import itertools
from typing import Literal, TypeVar

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ctrlab_api.architectures.sequence_models import DMIN
from ctrlab_trainer.models.components.bilinear_products import BilinearProducts, FieldWeights
from ctrlab_trainer.models.components.cross_networks import GatedCrossNetwork
from ctrlab_trainer.models.components.logarithmic_layer import LogarithmicLayer
from ctrlab_trainer.models.components.mask_blocks import MaskBlock
from ctrlab_trainer.models.components.model_inputs import HistoryInput
from ctrlab_trainer.models.components.multi_interest import MultiInterest
from ctrlab_trainer.models.components.recurrent_units import GRU, CandidateAttention
from ctrlab_trainer.models.components.two_stream_fusion import BilinearFusion, FieldGate

Block = TypeVar("Block", bound=nn.Module)


@pytest.fixture(autouse=True)
def _fixed_seed() -> None:
    torch.manual_seed(3)


def randomized(module: Block) -> Block:
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.normal_()
    return module.double()


def draw(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64)


def weights(modules: nn.ModuleList) -> list[Tensor]:
    return [module.weight for module in modules]  # type: ignore[misc]


def test_gated_cross_network_is_equation_2() -> None:
    cross = randomized(GatedCrossNetwork(4, 2))
    x0 = draw(3, 4)
    x = x0
    for layer, gate in zip(cross.layers, weights(cross.gates), strict=True):
        x = x0 * (x @ layer.weight.T + layer.bias) / (1 + torch.exp(-x @ gate.T)) + x  # type: ignore[operator]
    torch.testing.assert_close(cross(x0), x)


def test_the_logarithmic_layer_is_a_product_of_powers() -> None:
    layer = randomized(LogarithmicLayer(3, 2, normalized=False))
    fields = draw(5, 3, 4)
    fields[0, 0, 0] = 0
    expected = torch.empty(5, 2, 4, dtype=torch.float64)
    for neuron in range(2):
        powers = fields.abs().clamp(min=1e-5) ** layer.exponents.weight[neuron][None, :, None]
        expected[:, neuron] = powers.prod(dim=1) * torch.exp(layer.exponents.bias[neuron])
    torch.testing.assert_close(layer(fields), expected.flatten(start_dim=1))


def test_the_logarithmic_layer_normalizes_each_field_and_each_neuron() -> None:
    layer = LogarithmicLayer(3, 2, normalized=True).double()
    products = layer(draw(50, 3, 4)).view(50, 2, 4)
    torch.testing.assert_close(products.mean(dim=(0, 2)), torch.zeros(2, dtype=torch.float64), atol=1e-9, rtol=0)


@pytest.mark.parametrize("kind", ["all", "each", "interaction"])
def test_bilinear_products_are_v_i_w_times_v_j(kind: Literal["all", "each", "interaction"]) -> None:
    layer = randomized(BilinearProducts(4, 3, kind, weighted=True))
    fields = draw(5, 4, 3)
    matrices = weights(layer.matrices)
    expected = []
    for pair, (i, j) in enumerate(itertools.combinations(range(4), 2)):
        matrix = matrices[{"all": 0, "each": i, "interaction": pair}[kind]]
        expected.append((fields[:, i] @ matrix.T) * fields[:, j])
    torch.testing.assert_close(layer(fields), torch.stack(expected, dim=1))


def test_products_without_matrices_are_element_wise() -> None:
    layer = BilinearProducts(3, 2, "each", weighted=False)
    fields = draw(5, 3, 2)
    expected = [fields[:, i] * fields[:, j] for i, j in ((0, 1), (0, 2), (1, 2))]
    assert torch.equal(layer(fields), torch.stack(expected, dim=1))


def test_field_weights_squeeze_and_excite() -> None:
    layer = randomized(FieldWeights(6, 3))
    fields = draw(5, 6, 4)
    hidden = (fields.mean(dim=2) @ layer.squeeze.weight.T).clamp(min=0)
    expected = fields * (hidden @ layer.excite.weight.T).clamp(min=0)[:, :, None]
    torch.testing.assert_close(layer(fields), expected)


def test_a_mask_block_matches_its_formula() -> None:
    block = randomized(MaskBlock(6, 4, 5, 3, masked=True))
    x, embeddings = draw(7, 6), draw(7, 4)
    assert block.mask is not None
    first, _, second = block.mask
    hidden = (embeddings @ first.weight.T + first.bias).clamp(min=0)  # type: ignore[operator]
    masked = x * (hidden @ second.weight.T + second.bias)  # type: ignore[operator]
    expected = F.layer_norm(masked @ block.hidden.weight.T, (3,), block.norm.weight, block.norm.bias).clamp(min=0)
    torch.testing.assert_close(block(x, embeddings), expected)


@pytest.mark.parametrize("heads", [1, 2])
def test_bilinear_fusion_is_equation_11(heads: int) -> None:
    fusion = randomized(BilinearFusion(6, 4, heads, bilinear=True))
    x, y = draw(5, 6), draw(5, 4)
    expected = torch.empty(5, dtype=torch.float64)
    for row in range(5):
        logit = fusion.first.weight[0] @ x[row] + fusion.second.weight[0] @ y[row] + fusion.first.bias[0]
        for head, matrix in enumerate(weights(fusion.matrices)):
            left = x[row, head * (6 // heads) : (head + 1) * (6 // heads)]
            right = y[row, head * (4 // heads) : (head + 1) * (4 // heads)]
            logit = logit + left @ matrix @ right
        expected[row] = logit
    torch.testing.assert_close(fusion(x, y), expected)


def test_a_field_gate_is_the_identity_without_weights_and_at_most_doubles() -> None:
    gate = FieldGate(4, 3, (5,))
    with torch.no_grad():
        gate.output.weight.zero_()
        gate.output.bias.zero_()
    x = torch.randn(2, 4)
    torch.testing.assert_close(gate(x), x)
    with torch.no_grad():
        gate.output.bias.fill_(50)
    torch.testing.assert_close(gate(x), 2 * x)


def history() -> tuple[Tensor, Tensor]:
    """Return events, latest first, and their mask; the last row has no events."""
    mask = torch.arange(5) < torch.tensor([5, 1, 3, 0])[:, None]
    return draw(4, 5, 3) * mask[:, :, None], mask


def test_gru_equals_torch_gru_over_the_events_in_order() -> None:
    gru = randomized(GRU(3, 4))
    cell = nn.GRUCell(3, 4).double()
    # The update gate of torch is the share of the state that is kept, that of DIEN the share that is replaced.
    sign = torch.tensor([1.0, -1.0, 1.0]).double().repeat_interleave(4)
    with torch.no_grad():
        cell.weight_ih.copy_(gru.of_event.weight * sign[:, None])
        cell.bias_ih.copy_(gru.of_event.bias * sign)
        cell.weight_hh.copy_(gru.of_state.weight * sign[:, None])
        cell.bias_hh.copy_(gru.of_state.bias * sign)
    events, mask = history()
    states = gru(events, mask)
    for row, length in enumerate([5, 1, 3, 0]):
        state = torch.zeros(1, 4, dtype=torch.float64)
        for position in range(length - 1, -1, -1):
            state = cell(events[row : row + 1, position], state)
            torch.testing.assert_close(states[row, position], state[0])
        torch.testing.assert_close(states[row, 0], state[0])


def test_attention_weights_the_update_of_a_gru() -> None:
    gru = randomized(GRU(3, 4))
    events, mask = history()
    torch.testing.assert_close(gru(events, mask, torch.ones(4, 5).double()), gru(events, mask))
    assert not gru(events, mask, torch.zeros(4, 5).double()).any()
    full = gru(events[1:2], mask[1:2])[0, 0]
    half = gru(events[1:2], mask[1:2], torch.full((1, 5), 0.5).double())[0, 0]
    torch.testing.assert_close(half, full / 2)


def test_candidate_attention_is_a_softmax_over_present_events() -> None:
    attention = randomized(CandidateAttention(4, 3))
    _, mask = history()
    states, target = draw(4, 5, 4), draw(4, 3)
    result = attention(states, target, mask)
    scores = states[2, :3] @ attention.matrix.weight @ target[2]
    torch.testing.assert_close(result[2, :3], torch.softmax(scores, dim=0))
    assert not result[2, 3:].any()
    assert not result[3].any()


def test_interests_are_refined_attended_and_pooled_separately() -> None:
    config = DMIN(embedding_dim=4, heads=2, interests=2, attention_units=(3,), attention_activation="relu")
    module = randomized(MultiInterest(HistoryInput("seen", 5, 0), config, frozenset(DMIN.parts)))
    mask = torch.arange(5) < torch.tensor([5, 1, 3, 0])[:, None]
    events, target = draw(4, 5, 4), draw(4, 4)
    assert module.position is not None
    assert module.refiner is not None
    refined = module.refiner(events + module.position.weight, mask)
    expected = []
    for attention, norm, pool in zip(module.attentions, module.norms, module.pooling, strict=True):
        query, key, value = (layer(refined) for layer in (attention.query, attention.key, attention.value))  # type: ignore[operator]
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask[:, None])
        mixed = torch.where(mask.any(dim=1)[:, None, None], mixed, 0)
        expected.append(pool(target, norm(refined + attention.output(mixed)), mask))  # type: ignore[operator]
    torch.testing.assert_close(module(target, events, mask), torch.cat(expected, dim=1))
    assert not module(target, events, mask)[3].any()
