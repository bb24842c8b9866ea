"""The pruner of a plan, for one variant: ends a trial early by its validation metric after each epoch."""

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
from ctrlab_study.samplers import ignore_experimental_warnings

REDUCTION_FACTOR = 3
"""Hyperband and SuccessiveHalving keep one of this many trials at each rung (Li et al. 2018 use 3 or 4)."""

DEFAULT_PERCENTILE = 25
"""`percentile` of the pruner Percentile."""

DEFAULT_PATIENCE = 3
"""`patience` of the pruner Patient, in epochs."""


def pruner_of(plan: Plan, variant: str) -> BasePruner:
    """Return a pruner whose steps are epochs, counted from 1."""
    settings = plan.tuning.pruner
    match settings.type:
        case "Median" | "Patient":
            # Optuna compares from step n_warmup_steps on; epochs count from 1, and warm-up epochs are not compared.
            median = MedianPruner(n_startup_trials=settings.startup_trials, n_warmup_steps=settings.warmup_epochs + 1)
            return median if settings.type == "Median" else _patient_pruner(median, settings)
        case "Percentile":
            return PercentilePruner(
                float(settings.percentile or DEFAULT_PERCENTILE),
                n_startup_trials=settings.startup_trials,
                n_warmup_steps=settings.warmup_epochs + 1,
            )
        case "Hyperband":
            # With max_resource="auto" nothing would be pruned before the first trial is complete.
            epochs = max_epochs(plan.variant(variant))
            return HyperbandPruner(min_resource=1, max_resource=epochs, reduction_factor=REDUCTION_FACTOR)
        case "SuccessiveHalving":
            return SuccessiveHalvingPruner(min_resource=1, reduction_factor=REDUCTION_FACTOR)
        case "None":
            return NopPruner()


def _patient_pruner(wrapped: BasePruner, settings: Pruner) -> PatientPruner:
    with ignore_experimental_warnings():
        return PatientPruner(
            wrapped, patience=settings.patience or DEFAULT_PATIENCE, min_delta=float(settings.min_delta or 0)
        )


def describe_pruner(plan: Plan, variant: str) -> str:
    """Return the pruner with its settings, for the record."""
    settings = plan.tuning.pruner
    match settings.type:
        case "Median" | "Percentile" | "Patient":
            specific = {
                "Median": "",
                "Percentile": f"percentile={settings.percentile or DEFAULT_PERCENTILE}, ",
                "Patient": f"patience={settings.patience or DEFAULT_PATIENCE}, minDelta={settings.min_delta or 0}, ",
            }[settings.type]
            common = f"startupTrials={settings.startup_trials}, warmupEpochs={settings.warmup_epochs}"
            return f"{settings.type}({specific}{common})"
        case "Hyperband":
            epochs = max_epochs(plan.variant(variant))
            return f"Hyperband(minEpochs=1, maxEpochs={epochs}, reductionFactor={REDUCTION_FACTOR})"
        case "SuccessiveHalving":
            return f"SuccessiveHalving(minEpochs=1, reductionFactor={REDUCTION_FACTOR})"
        case "None":
            return "None"


def max_epochs(variant: Variant) -> int:
    """Return the maximum number of epochs of a trial of this variant."""
    tuned = variant.search.get("epochs")
    if tuned is not None:
        return max(int(corner) for corner in (tuned.corners() if tuned.categorical is None else tuned.categorical))
    declared = ARCHITECTURES.get(variant.architecture, Architecture)
    return int(variant.parameters.get("epochs", declared.model_fields["epochs"].default))
