"""Reuse of a full-model run of the experiment that an ablation belongs to, instead of training it again.

The parent's predictions are copied, and its record is written again under the ablation's plan with its origin; the
model and the validation predictions stay in the parent's folder. The ablation's folder then contains everything that
its report needs, whatever happens to the parent.
"""

from ctrlab_api.canonical_json import digest
from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.names import ObjectKey, RunFile
from ctrlab_api.plan import Plan
from ctrlab_api.records import PreparedData, RunRecord, StudyRecord
from ctrlab_api.records.ablation_changes import ReusedRun
from ctrlab_store import Store
from ctrlab_trainer.process.run_records import find_stored_record
from ctrlab_trainer.training.variant_config import resolve_config

COPIED_FILES = (RunFile.PREDICTIONS, RunFile.CURVE)


def reuse_parent_run(
    plan: Plan, key: ExperimentKey, store_root: Store, prepared: PreparedData, study: StudyRecord, seed: int
) -> RunRecord | None:
    """Write the parent's run of the full model with this seed as the ablation's, and return its record.

    None unless everything that the result depends on is equal: data set, architecture, every parameter, seed, removed
    parts, dropped features and execution mode; and unless the run has every metric of the ablation.
    """
    parent = plan.parent
    if parent is None or study.variant != parent.model:
        return None
    parent_folder = store_root.below(parent.experiment)
    stored = find_stored_record(parent_folder, parent.model, seed)
    if stored is None or not _is_equivalent(stored.record, plan, prepared, study, seed):
        return None
    original = stored.record
    folder = store_root.below(key.prefix)
    for name in COPIED_FILES:
        source = ObjectKey.run(parent.model, seed, original.attempt, name)
        if parent_folder.exists(source):
            folder.put(ObjectKey.run(parent.model, seed, 1, name), parent_folder.get(source))
    reused = original.model_copy(
        update={
            "experiment": key.prefix,
            "attempt": 1,
            "plan_digest": plan.digest,
            "search_digest": study.digest,
            "reused_from": ReusedRun(
                experiment=parent.experiment,
                attempt=original.attempt,
                plan_digest=original.plan_digest,
                search_digest=original.search_digest,
                record_sha256=digest(stored.content),
            ),
        }
    )
    folder.put(ObjectKey.run(parent.model, seed, 1, RunFile.RECORD), reused.to_json().encode())
    return reused


def _is_equivalent(record: RunRecord, plan: Plan, prepared: PreparedData, study: StudyRecord, seed: int) -> bool:
    """Whether training the full model of the ablation with this seed would give this record again."""
    assert plan.parent is not None
    variant = plan.variant(plan.parent.model)
    tuned = study.choice(plan.study_of(seed)).parameters
    return (
        record.plan_digest == plan.parent.plan_digest
        and record.dataset_digest == prepared.digest
        and record.architecture == variant.architecture
        and record.config_digest == digest(resolve_config(variant, tuned))
        and (record.removed_parts, record.dropped_features) == (variant.remove, variant.drop_features)
        and record.execution_mode == plan.evaluation.execution_mode
        and record.metric_definitions.keys() >= set(plan.analysis.metrics)
    )
