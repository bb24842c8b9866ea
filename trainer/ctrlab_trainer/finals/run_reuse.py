"""Taking over a full-model run of the experiment that an ablation belongs to, instead of training it again.

The parent's predictions are copied and its record is written again under the ablation's plan, with the place that it
came from; the model and the validation predictions stay where they are. What is in the ablation's folder is then all
that its report needs, whatever becomes of the parent.
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

COPIED = (RunFile.PREDICTIONS, RunFile.CURVE)


def reuse_parent_run(
    plan: Plan, key: ExperimentKey, store_root: Store, prepared: PreparedData, search: StudyRecord, seed: int
) -> RunRecord | None:
    """The record of the parent's run of the full model with this seed, written as the ablation's, or None.

    It is taken only where nothing that the result depends on differs: data set, architecture, every parameter, seed,
    removed parts, dropped features and execution mode, and where it has every metric that the ablation asks for.
    """
    parent = plan.parent
    if parent is None or search.variant != parent.model:
        return None
    folder = store_root.below(parent.experiment)
    found = find_stored_record(folder, parent.model, seed)
    if found is None:
        return None
    record, written = found.record, found.content
    variant = plan.variant(parent.model)
    if (
        record.plan_digest != parent.plan_digest
        or record.dataset_digest != prepared.digest
        or record.architecture != variant.architecture
        or record.config_digest != digest(resolve_config(variant, search.choice(plan.study_of(seed)).parameters))
        or (record.removed_parts, record.dropped_features) != (variant.remove, variant.drop_features)
        or record.execution_mode != plan.evaluation.execution_mode
        or not record.metric_definitions.keys() >= set(plan.analysis.metrics)
    ):
        return None
    own = store_root.below(key.prefix)
    for name in COPIED:
        source = ObjectKey.run(parent.model, seed, record.attempt, name)
        if folder.exists(source):
            own.put(ObjectKey.run(parent.model, seed, 1, name), folder.get(source))
    taken = record.model_copy(
        update={
            "experiment": key.prefix,
            "attempt": 1,
            "plan_digest": plan.digest,
            "search_digest": search.digest,
            "reused_from": ReusedRun(
                experiment=parent.experiment,
                attempt=record.attempt,
                plan_digest=record.plan_digest,
                search_digest=record.search_digest,
                record_sha256=digest(written),
            ),
        }
    )
    own.put(ObjectKey.run(parent.model, seed, 1, RunFile.RECORD), taken.to_json().encode())
    return taken
