"""The training of one variant's final runs: configuration, seeds, device and execution mode.

Seeds that are trained in one batch are rounded together, so repeating one of them means repeating all of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from ctrlab_api.architectures import Architecture
from ctrlab_api.metrics import MetricName
from ctrlab_api.plan import Plan, Variant
from ctrlab_api.records import StudyRecord, TestOpening
from ctrlab_api.records.studies import ParameterValue
from ctrlab_api.resources.tuning import ExecutionMode
from ctrlab_metrics.computing import compute_metrics
from ctrlab_trainer.data.prepared.encoded_schema import EncodedSchema
from ctrlab_trainer.data.prepared.encoded_splits import EncodedSplit
from ctrlab_trainer.finals.prediction_files import predictions_parquet
from ctrlab_trainer.finals.seal import OpenedTest
from ctrlab_trainer.models import build
from ctrlab_trainer.training.batched_training import train_batched
from ctrlab_trainer.training.loop import TrainingResult, train
from ctrlab_trainer.training.random_seeds import PurposeSeeds
from ctrlab_trainer.training.row_windows import rows_in_file_order
from ctrlab_trainer.training.scoring import score
from ctrlab_trainer.training.variant_config import resolve_config


@dataclass(frozen=True)
class TestEvaluation:
    """The result on the test rows."""

    metrics: dict[str, float | None]
    details: dict[str, float]
    scores: NDArray[np.float32] | None
    openings: tuple[TestOpening, ...]
    predictions: bytes | None = None
    """None without a usable model, or if a score is not finite."""


@dataclass(frozen=True)
class FinalTraining:
    """Final runs that are trained together; a single one in the plain mode."""

    variant: Variant
    study: StudyRecord
    tuned: dict[str, ParameterValue]
    config: Architecture
    seeds: tuple[PurposeSeeds, ...]
    mode: ExecutionMode
    device: str
    primary_metric: MetricName
    metrics: tuple[MetricName, ...]

    @classmethod
    def from_plan(cls, plan: Plan, study: StudyRecord, seeds: Sequence[int], device: str) -> "FinalTraining":
        """Return the training of the study's variant with these seeds.

        InvalidSpec if the tuned parameters do not fit the architecture, ValueError for seeds that the plan does not
        train together.
        """
        mode = plan.evaluation.execution_mode
        repeats = {plan.study_of(seed) for seed in seeds}
        if len(repeats) != 1 or (mode == "plain" and len(seeds) != 1):
            raise ValueError(f"the plan does not train the seeds {', '.join(map(str, seeds))} together")
        variant = plan.variant(study.variant)
        tuned = study.choice(repeats.pop()).parameters
        return cls(
            variant=variant,
            study=study,
            tuned=tuned,
            config=resolve_config(variant, tuned),
            seeds=tuple(PurposeSeeds.from_root(seed) for seed in seeds),
            mode=mode,
            device=device,
            primary_metric=plan.analysis.primary_metric,
            metrics=plan.analysis.metrics,
        )

    @property
    def batch_seeds(self) -> tuple[int, ...] | None:
        """The seeds of the batch; None in the plain mode."""
        return tuple(seeds.root for seeds in self.seeds) if self.mode == "batched" else None

    def train(
        self, schema: EncodedSchema, train_split: EncodedSplit, valid_split: EncodedSplit
    ) -> tuple[TrainingResult, ...]:
        """Train all seeds and return their results in order."""
        metrics = cast(tuple[str, ...], self.metrics)
        if self.mode == "batched":
            return train_batched(
                config=self.config,
                variant=self.variant,
                schema=schema,
                train=train_split,
                valid=valid_split,
                seeds=self.seeds,
                device=self.device,
                primary_metric=self.primary_metric,
                metrics=metrics,
            )
        return (
            train(
                config=self.config,
                variant=self.variant,
                schema=schema,
                train=train_split,
                valid=valid_split,
                seeds=self.seeds[0],
                device=self.device,
                primary_metric=self.primary_metric,
                metrics=metrics,
            ),
        )

    def test(
        self, seeds: PurposeSeeds, result: TrainingResult, schema: EncodedSchema, opened: OpenedTest
    ) -> TestEvaluation:
        """Score the test rows with the best epoch of one seed."""
        split = opened.split
        model = build(self.variant, self.config, schema, seeds, self.device)
        model.load_state_dict(result.state or {})
        scores = score(model, rows_in_file_order(split, schema.without(self.variant.excluded_features), self.device))
        if not np.isfinite(scores).all():
            return TestEvaluation({}, {}, None, opened.openings)
        computed = compute_metrics(
            self.metrics,
            np.asarray(split.labels),
            scores,
            split.users,
            None if split.weights is None else np.asarray(split.weights),
            split.groups,
        )
        optimum = {} if opened.bayes_auc is None else {"best_reachable_auc": opened.bayes_auc}
        return TestEvaluation(
            computed.values,
            computed.details | optimum,
            scores,
            opened.openings,
            predictions_parquet(split, scores),
        )
