"""Builders of experiments, ablations, plans, records and statuses: a default for everything, and keyword changes."""

from builders.field_changes import ABSENT, with_changes
from builders.record_builders import (
    digest_of,
    make_prepared_data,
    make_run_record,
    make_seed_decision,
    make_split_summary,
    make_study_record,
    make_test_opening,
    make_trial_record,
)
from builders.resource_builders import (
    LEARNING_RATES,
    ablation_manifest,
    categorical,
    dataset_spec,
    experiment_manifest,
    experiment_spec,
    make_ablation,
    make_dataset,
    make_experiment,
    make_plan,
    make_variant,
    model_spec,
)
from builders.status_builders import condition_of, make_condition

__all__ = [
    "ABSENT",
    "LEARNING_RATES",
    "ablation_manifest",
    "categorical",
    "condition_of",
    "dataset_spec",
    "digest_of",
    "experiment_manifest",
    "experiment_spec",
    "make_ablation",
    "make_condition",
    "make_dataset",
    "make_experiment",
    "make_plan",
    "make_prepared_data",
    "make_run_record",
    "make_seed_decision",
    "make_split_summary",
    "make_study_record",
    "make_test_opening",
    "make_trial_record",
    "make_variant",
    "model_spec",
    "with_changes",
]
