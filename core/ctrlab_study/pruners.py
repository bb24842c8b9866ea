"""The pruner of a plan, for one variant: when a trial is given up by its validation metric after each epoch."""

from optuna.pruners import (
    BasePruner,
    HyperbandPruner,
    MedianPruner,
    NopPruner,
    PatientPruner,
    PercentilePruner,
    SuccessiveHalvingPruner,
)

from ctrlab_api.architectures import ARCHITECTURES, Architecture
from ctrlab_api.plan import Plan, Variant
from ctrlab_api.resources.tuning import Pruner
from ctrlab_study.experimental import experimental

REDUCTION_FACTOR = 3
"""Hyperband and SuccessiveHalving keep one trial in so many at each rung (Li et al. 2018 use 3 or 4)."""

PERCENTILE = 25
"""Of pruner Percentile, where none is given."""

PATIENCE = 3
"""Epochs, of pruner Patient, where none are given."""


def pruner_of(plan: Plan, variant: str) -> BasePruner:
    """A pruner that sees epochs as steps, counted from 1."""
    settings = plan.tuning.pruner
    match settings.type:
        case "Median" | "Patient":
            # Optuna compares from step n_warmup_steps on; epochs count from 1, and those of the warm-up are spared.
            median = MedianPruner(n_startup_trials=settings.startup_trials, n_warmup_steps=settings.warmup_epochs + 1)
            return median if settings.type == "Median" else _patient(median, settings)
        case "Percentile":
            return PercentilePruner(
                float(settings.percentile or PERCENTILE),
                n_startup_trials=settings.startup_trials,
                n_warmup_steps=settings.warmup_epochs + 1,
            )
        case "Hyperband":
            # With max_resource="auto" nothing would be pruned before the first trial is complete.
            most = max_epochs(plan.variant(variant))
            return HyperbandPruner(min_resource=1, max_resource=most, reduction_factor=REDUCTION_FACTOR)
        case "SuccessiveHalving":
            return SuccessiveHalvingPruner(min_resource=1, reduction_factor=REDUCTION_FACTOR)
        case "None":
            return NopPruner()


def _patient(wrapped: BasePruner, settings: Pruner) -> PatientPruner:
    with experimental():
        return PatientPruner(wrapped, patience=settings.patience or PATIENCE, min_delta=float(settings.min_delta or 0))


def describe_pruner(plan: Plan, variant: str) -> str:
    """The pruner with its settings, for the record."""
    settings = plan.tuning.pruner
    match settings.type:
        case "Median" | "Percentile" | "Patient":
            own = {
                "Median": "",
                "Percentile": f"percentile={settings.percentile or PERCENTILE}, ",
                "Patient": f"patience={settings.patience or PATIENCE}, minDelta={settings.min_delta or 0}, ",
            }[settings.type]
            common = f"startupTrials={settings.startup_trials}, warmupEpochs={settings.warmup_epochs}"
            return f"{settings.type}({own}{common})"
        case "Hyperband":
            most = max_epochs(plan.variant(variant))
            return f"Hyperband(minEpochs=1, maxEpochs={most}, reductionFactor={REDUCTION_FACTOR})"
        case "SuccessiveHalving":
            return f"SuccessiveHalving(minEpochs=1, reductionFactor={REDUCTION_FACTOR})"
        case "None":
            return "None"


def max_epochs(variant: Variant) -> int:
    """How many epochs a trial of this variant can have."""
    tuned = variant.search.get("epochs")
    if tuned is not None:
        return max(int(corner) for corner in (tuned.corners() if tuned.categorical is None else tuned.categorical))
    declared = ARCHITECTURES.get(variant.architecture, Architecture)
    return int(variant.parameters.get("epochs", declared.model_fields["epochs"].default))
