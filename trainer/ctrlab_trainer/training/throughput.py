"""Throughput of each variant, measured on a few batches, from which time and memory of an experiment are estimated."""

import time
from collections.abc import Iterator

import psutil
import torch

from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.names import ObjectKey
from ctrlab_api.plan import Plan, Variant
from ctrlab_api.records import PreparedData
from ctrlab_api.records.calibrations import Calibration, VariantCalibration
from ctrlab_api.records.studies import ParameterValue
from ctrlab_api.resources.search_dimensions import SearchDimension
from ctrlab_store import Store
from ctrlab_trainer.data.prepared.encoded_schema import EncodedSchema
from ctrlab_trainer.data.prepared.encoded_splits import EncodedSplit
from ctrlab_trainer.data.prepared.train_valid_splits import open_train_valid
from ctrlab_trainer.models import build
from ctrlab_trainer.process.device import set_up_torch
from ctrlab_trainer.process.resource_usage import peak_memory
from ctrlab_trainer.training.batches import Batch
from ctrlab_trainer.training.loop import training_step
from ctrlab_trainer.training.optimizer import ModelOptimizer
from ctrlab_trainer.training.random_seeds import PurposeSeeds
from ctrlab_trainer.training.row_order import RowOrdering
from ctrlab_trainer.training.row_windows import open_rows, rows_in_file_order
from ctrlab_trainer.training.scoring import SCORING_BATCH_ROWS, score_batch
from ctrlab_trainer.training.variant_config import resolve_config

WARM_UP_BATCHES = 2
"""Batches before the measurement: the first ones allocate."""
MEASURED_SECONDS = 1.0
"""Duration of the measurement of training and of evaluation for each variant, at least one batch each."""


def calibrate(plan: Plan, key: ExperimentKey, store_root: Store) -> Calibration:
    """Measure every variant on the prepared train and validation rows; nothing is written."""
    device = set_up_torch()
    prepared = PreparedData.model_validate_json(store_root.below(key.prefix).get(ObjectKey.PREPARED))
    schema, train_split, valid_split = open_train_valid(store_root, prepared)
    startup = time.time() - psutil.Process().create_time()
    return Calibration(
        device=device,
        threads=torch.get_num_threads(),
        startup_seconds=startup,
        variants={
            variant.name: _measure(variant, schema, train_split, valid_split, device) for variant in plan.variants
        },
    )


def middle_value(dimension: SearchDimension) -> ParameterValue:
    """Return a value in the middle of the range: geometric on a log scale, the middle choice of a list."""
    if dimension.categorical is not None:
        return dimension.categorical[(len(dimension.categorical) - 1) // 2]
    if dimension.int_ is not None:
        low, high = dimension.int_.low, dimension.int_.high
        return round((low * high) ** 0.5) if dimension.int_.log else (low + high) // 2
    assert dimension.float_ is not None
    first, last = float(dimension.float_.low), float(dimension.float_.high)
    return float((first * last) ** 0.5) if dimension.float_.log else (first + last) / 2


def _measure(
    variant: Variant, schema: EncodedSchema, train_split: EncodedSplit, valid_split: EncodedSplit, device: str
) -> VariantCalibration:
    middle = {name: middle_value(dimension) for name, dimension in variant.search.items()}
    space = variant.search_space
    config = resolve_config(variant, space.active_point(middle) or space.find_point() or {})
    model = build(variant, config, schema, PurposeSeeds.from_root(0), device)
    model_schema = schema.without(variant.excluded_features)
    optimizer = ModelOptimizer(model, config)
    ordering = RowOrdering.choose(config.row_order, train_split, device)
    train_rows = open_rows(train_split, model_schema, ordering, device)
    valid_rows = rows_in_file_order(valid_split, model_schema, device)
    generator = torch.Generator(device).manual_seed(0)

    def train_batches() -> Iterator[Batch]:
        while True:
            indices = train_rows.index_batches(ordering.windows(generator), config.batch_size)
            yield from map(train_rows.batch, indices)

    def valid_batches() -> Iterator[Batch]:
        while True:
            indices = valid_rows.sequential_batches(SCORING_BATCH_ROWS[valid_rows.device.type])
            yield from map(valid_rows.batch, indices)

    def train() -> Iterator[int]:
        model.train()
        for batch in train_batches():
            training_step(model, batch, optimizer, config.precision)
            yield len(batch.labels)

    def evaluate() -> Iterator[int]:
        for batch in valid_batches():
            score_batch(model, batch)
            yield len(batch.labels)

    train_speed, evaluate_speed = _rows_per_second(train(), device), _rows_per_second(evaluate(), device)
    return VariantCalibration(
        train_rows_per_second=train_speed,
        evaluate_rows_per_second=evaluate_speed,
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        epochs=config.epochs,
        seconds_per_epoch=train_split.rows / train_speed + valid_split.rows / evaluate_speed,
        peak_memory_bytes=peak_memory(),
    )


def _rows_per_second(batches: Iterator[int], device: str) -> float:
    """Return the speed of an endless iterator that yields the number of rows of each processed batch."""
    for _ in range(WARM_UP_BATCHES):
        next(batches)
    _synchronize(device)
    rows, began = 0, time.perf_counter()
    while rows == 0 or time.perf_counter() - began < MEASURED_SECONDS:
        rows += next(batches)
        _synchronize(device)
    return rows / (time.perf_counter() - began)


def _synchronize(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()
