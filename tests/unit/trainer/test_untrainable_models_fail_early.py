"""A model that does not fit, an absent GPU and a full GPU give one clear message and the right exit code."""

from collections.abc import Callable

import pytest
import torch

from ctrlab_api.errors import InvalidSpec
from ctrlab_api.names import ExitCode
from ctrlab_api.plan import Variant
from ctrlab_trainer.data.prepared.encoded_schema import EncodedSchema
from ctrlab_trainer.models import build
from ctrlab_trainer.process import memory_limits
from ctrlab_trainer.process.device import set_up_torch
from ctrlab_trainer.process.failures import classify
from ctrlab_trainer.training.random_seeds import PurposeSeeds
from ctrlab_trainer.training.variant_config import resolve_config

MakeVariant = Callable[..., Variant]


@pytest.mark.parametrize(("optimizer", "above", "needed"), [("adam", 0, 4), ("sgd", 0, 2), ("adam", 10**6, 3)])
def test_a_table_larger_than_memory_is_rejected_before_it_is_allocated(
    optimizer: str, above: int, needed: int, schema: EncodedSchema, small_variant: MakeVariant
) -> None:
    item = schema.features[1].model_copy(update={"size": 10**11})
    huge = schema.model_copy(
        update={"features": (schema.features[0], item, *schema.features[2:]), "embedding_rows": 10**11 + 200}
    )
    variant = small_variant("fm", embedding_dim=16, optimizer=optimizer, sparse_embeddings_above=above)
    with pytest.raises(MemoryError, match=r"need [0-9,.]+ GiB and [0-9,.]+ GiB are free") as raised:
        build(variant, resolve_config(variant, {}), huge, PurposeSeeds.from_root(1))
    assert "embedding.table.weight" in str(raised.value)
    gigabytes = float(str(raised.value).split(" need ")[1].split(" GiB")[0].replace(",", ""))
    assert gigabytes == pytest.approx(needed * 17 * 4 * 10**11 / 2**30, rel=0.01)
    code, message = classify(raised.value)
    assert code == ExitCode.RUN_FAILED
    assert message.startswith("memory is exhausted")


def test_a_model_larger_than_the_free_memory_is_rejected(
    schema: EncodedSchema, small_variant: MakeVariant, monkeypatch: pytest.MonkeyPatch
) -> None:
    variant = small_variant("fm", embedding_dim=16)
    model = build(variant, resolve_config(variant, {}), schema, PurposeSeeds.from_root(1))
    needed = 4 * 4 * sum(parameter.numel() for parameter in model.parameters())
    monkeypatch.setattr(memory_limits, "free_bytes", lambda: needed)
    build(variant, resolve_config(variant, {}), schema, PurposeSeeds.from_root(1))
    monkeypatch.setattr(memory_limits, "free_bytes", lambda: needed - 1)
    with pytest.raises(MemoryError, match="raise minFrequency or lower embedding_dim"):
        build(variant, resolve_config(variant, {}), schema, PurposeSeeds.from_root(1))


def test_an_absent_gpu_is_reported_with_the_allowed_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CTRLAB_DEVICE", "cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InvalidSpec, match="torch detects no GPU; allowed: cpu, auto") as raised:
        set_up_torch()
    assert classify(raised.value)[0] == ExitCode.BAD_SPEC_OR_DATA


def test_a_full_gpu_fails_the_run_with_a_remedy() -> None:
    code, message = classify(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB\nmore"))
    assert code == ExitCode.RUN_FAILED
    assert message == (
        "memory is exhausted: use a smaller batch_size, fewer seedsPerPod or a larger machine "
        "(CUDA out of memory. Tried to allocate 20.00 GiB)"
    )
