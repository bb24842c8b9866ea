"""Execute the planner's actions on store and study, which are the same for every backend."""

from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.names import ObjectKey
from ctrlab_api.plan import Plan
from ctrlab_control.plan_freezing import freeze_plan
from ctrlab_control.planner import FreezeUnsearched, RaiseTrials, RecordRetry, SharedAction, WritePlan
from ctrlab_store import Store
from ctrlab_study import StudyDatabase, freeze_unsearched


def execute(action: SharedAction, root: Store, database: StudyDatabase, key: ExperimentKey, plan: Plan) -> None:
    """Execute one action for one experiment; idempotent. `root`: store of all experiments; `plan`: the frozen plan.

    Raises StoreError or StudyUnavailable.
    """
    match action:
        case WritePlan(new_plan):
            freeze_plan(root, key, new_plan)
        case RaiseTrials(trials):
            database.raise_trials(key, plan, trials)
        case FreezeUnsearched(variant):
            freeze_unsearched(root, key, plan, variant)
        case RecordRetry(record):
            root.below(key.prefix).put(ObjectKey.retry(record.number), record.to_json().encode())
