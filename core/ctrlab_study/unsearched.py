"""Searches that need no trials: of models without a search space, and those that an ablation takes over.

Their records follow from what is frozen already, so whoever drives an experiment writes them, and no worker is started.
"""

from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.names import ObjectKey
from ctrlab_api.plan import Plan
from ctrlab_api.records import PreparedData, StudyRecord
from ctrlab_store import ObjectExists, Store
from ctrlab_study.inherited_records import inherited_record
from ctrlab_study.study_records import trials_csv, untuned_record


def unsearched(store_root: Store, plan: Plan, variant: str, dataset_digest: str) -> StudyRecord | None:
    """The record of a search without trials of its own; None where there have to be some."""
    if plan.parent is not None:
        found = store_root.below(plan.parent.experiment).get(ObjectKey.study(plan.parent.model))
        taken = inherited_record(plan, variant, dataset_digest, StudyRecord.model_validate_json(found))
        if taken is not None:
            return taken
    return untuned_record(plan, variant, dataset_digest) if plan.trial_budget(variant) == 0 else None


def freeze_unsearched(store_root: Store, key: ExperimentKey, plan: Plan, variant: str) -> None:
    """Publish such a record; the data must be prepared. May be repeated."""
    folder = store_root.below(key.prefix)
    prepared = PreparedData.model_validate_json(folder.get(ObjectKey.PREPARED))
    record = unsearched(store_root, plan, variant, prepared.digest)
    assert record is not None, f"{variant} has to be searched"
    publish_study(folder, record)


def publish_study(experiment: Store, record: StudyRecord) -> None:
    """Writes a frozen search and its table of trials; of two that freeze, the first decides."""
    try:
        experiment.put(ObjectKey.study(record.variant), record.to_json().encode())
    except ObjectExists:
        record = StudyRecord.model_validate_json(experiment.get(ObjectKey.study(record.variant)))
    experiment.put(ObjectKey.trials_csv(record.variant), trials_csv(record))
