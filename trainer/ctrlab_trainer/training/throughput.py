"""A few batches of each variant, timed: what the estimate of an experiment's time and memory is made from."""

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

WARM_UP = 2
"""Batches before the clock starts: the first ones allocate."""
SECONDS = 1.0
"""For how long training and evaluation of each variant are measured, at least one batch each."""


def calibrate(plan: Plan, key: ExperimentKey, store_root: Store) -> Calibration:
    """Measures every variant on the prepared train and validation rows; nothing is written."""
    device = set_up_torch()
    prepared = PreparedData.model_validate_json(store_root.below(key.prefix).get(ObjectKey.PREPARED))
    schema, rows, valid = open_train_valid(store_root, prepared)
    startup = time.time() - psutil.Process().create_time()
    return Calibration(
        device=device,
        threads=torch.get_num_threads(),
        startup_seconds=startup,
        variants={variant.name: _measure(variant, schema, rows, valid, device) for variant in plan.variants},
    )


def middle_value(dimension: SearchDimension) -> ParameterValue:
    """A value in the middle of the range: geometric on a log scale, the middle choice of a list."""
    if dimension.categorical is not None:
        return dimension.categorical[(len(dimension.categorical) - 1) // 2]
    if dimension.int_ is not None:
        low, high = dimension.int_.low, dimension.int_.high
        return round((low * high) ** 0.5) if dimension.int_.log else (low + high) // 2
    assert dimension.float_ is not None
    first, last = float(dimension.float_.low), float(dimension.float_.high)
    return float((first * last) ** 0.5) if dimension.float_.log else (first + last) / 2


def _measure(
    variant: Variant, schema: EncodedSchema, rows: EncodedSplit, valid: EncodedSplit, device: str
) -> VariantCalibration:
    middles = {name: middle_value(dimension) for name, dimension in variant.search.items()}
    config = resolve_config(
        variant, variant.search_space.active_point(middles) or variant.search_space.find_point() or {}
    )
    model = build(variant, config, schema, PurposeSeeds.of(0), device)
    seen = schema.without(variant.excluded_features)
    optimisation = ModelOptimizer(model, config)
    order = RowOrdering.of(config.row_order, rows, device)
    train_rows, valid_rows = open_rows(rows, seen, order, device), rows_in_file_order(valid, seen, device)
    chance = torch.Generator(device).manual_seed(0)

    def epochs() -> Iterator[Batch]:
        while True:
            yield from map(train_rows.batch, train_rows.in_order(order.windows(chance), config.batch_size))

    def passes() -> Iterator[Batch]:
        while True:
            yield from map(valid_rows.batch, valid_rows.in_turn(SCORING_BATCH_ROWS[valid_rows.device.type]))

    def train_batches() -> Iterator[int]:
        model.train()
        for batch in epochs():
            training_step(model, batch, optimisation, config.precision)
            yield len(batch.labels)

    def evaluate_batches() -> Iterator[int]:
        for batch in passes():
            score_batch(model, batch)
            yield len(batch.labels)

    train_speed, evaluate_speed = _speed(train_batches(), device), _speed(evaluate_batches(), device)
    return VariantCalibration(
        train_rows_per_second=train_speed,
        evaluate_rows_per_second=evaluate_speed,
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        epochs=config.epochs,
        seconds_per_epoch=rows.rows / train_speed + valid.rows / evaluate_speed,
        peak_memory_bytes=peak_memory(),
    )


def _speed(batches: Iterator[int], device: str) -> float:
    """Rows per second of an endless iterator that yields the rows of each batch it has worked on."""
    for _ in range(WARM_UP):
        next(batches)
    _wait(device)
    rows, began = 0, time.perf_counter()
    while rows == 0 or time.perf_counter() - began < SECONDS:
        rows += next(batches)
        _wait(device)
    return rows / (time.perf_counter() - began)


def _wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()
