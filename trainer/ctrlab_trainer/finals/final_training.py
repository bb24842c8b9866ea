"""What determines the final runs of one variant: configuration, seeds, device, and the mode in which they are trained.

Seeds that are trained in one batch are rounded together, so a repetition of one of them trains all of them again.
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
    """What the test rows gave."""

    metrics: dict[str, float | None]
    details: dict[str, float]
    scores: NDArray[np.float32] | None
    openings: tuple[TestOpening, ...]
    predictions: bytes | None = None
    """None without a usable model, or with scores that are not finite."""


@dataclass(frozen=True)
class FinalTraining:
    """Final runs that are trained together; a single one in the plain mode."""

    variant: Variant
    search: StudyRecord
    tuned: dict[str, ParameterValue]
    config: Architecture
    seeds: tuple[PurposeSeeds, ...]
    mode: ExecutionMode
    device: str
    primary: MetricName
    metrics: tuple[MetricName, ...]

    @classmethod
    def of(cls, plan: Plan, search: StudyRecord, seeds: Sequence[int], device: str) -> "FinalTraining":
        """Of the search's variant; InvalidSpec if the tuned parameters do not fit the architecture, ValueError for
        seeds that the plan does not train together."""
        mode = plan.evaluation.execution_mode
        searches = {plan.study_of(seed) for seed in seeds}
        if len(searches) != 1 or (mode == "plain" and len(seeds) != 1):
            raise ValueError(f"the plan does not train the seeds {', '.join(map(str, seeds))} together")
        variant = plan.variant(search.variant)
        tuned = search.choice(searches.pop()).parameters
        return cls(
            variant=variant,
            search=search,
            tuned=tuned,
            config=resolve_config(variant, tuned),
            seeds=tuple(PurposeSeeds.of(seed) for seed in seeds),
            mode=mode,
            device=device,
            primary=plan.analysis.primary_metric,
            metrics=plan.analysis.metrics,
        )

    @property
    def together(self) -> tuple[int, ...] | None:
        """The seeds of the batch; None in the plain mode."""
        return tuple(seeds.root for seeds in self.seeds) if self.mode == "batched" else None

    def train(self, schema: EncodedSchema, rows: EncodedSplit, valid: EncodedSplit) -> tuple[TrainingResult, ...]:
        """A result for each seed, in their order."""
        metrics = cast(tuple[str, ...], self.metrics)
        if self.mode == "batched":
            return train_batched(
                config=self.config,
                variant=self.variant,
                schema=schema,
                train=rows,
                valid=valid,
                seeds=self.seeds,
                device=self.device,
                primary_metric=self.primary,
                metrics=metrics,
            )
        return (
            train(
                config=self.config,
                variant=self.variant,
                schema=schema,
                train=rows,
                valid=valid,
                seeds=self.seeds[0],
                device=self.device,
                primary_metric=self.primary,
                metrics=metrics,
            ),
        )

    def test(
        self, seeds: PurposeSeeds, result: TrainingResult, schema: EncodedSchema, opened: OpenedTest
    ) -> TestEvaluation:
        """The best epoch of one seed on the test rows."""
        rows = opened.split
        model = build(self.variant, self.config, schema, seeds, self.device)
        model.load_state_dict(result.state or {})
        scores = score(model, rows_in_file_order(rows, schema.without(self.variant.excluded_features), self.device))
        if not np.isfinite(scores).all():
            return TestEvaluation({}, {}, None, opened.openings)
        values = compute_metrics(self.metrics, np.asarray(rows.labels), scores, rows.users)
        best = {} if opened.bayes_auc is None else {"best_reachable_auc": opened.bayes_auc}
        return TestEvaluation(
            values.values, values.details | best, scores, opened.openings, predictions_parquet(rows, scores)
        )
