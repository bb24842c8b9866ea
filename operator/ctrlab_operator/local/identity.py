"""Which experiment of a workspace a file means: that of its plan, or the one whose `tuning.trials` it raises."""

from ctrlab_contract.experiment import Experiment
from ctrlab_contract.names import Key
from ctrlab_contract.plan import ExperimentKey, Plan
from ctrlab_operator.local import snapshot
from ctrlab_operator.local.workspace import Workspace
from ctrlab_operator.planner.raising import is_raised


def key_of(workspace: Workspace, experiment: Experiment, plan: Plan) -> ExperimentKey:
    """The same file resumes, a changed plan is another experiment, and more trials go on with the searches as they are.

    The last only while no search is frozen: afterwards they would be another, larger search from the start.
    """
    own = ExperimentKey.local(experiment, plan)
    saved = snapshot.load(workspace, own.namespace, own.name)
    if saved is None or saved.metadata.uid in (None, own.uid) or workspace.store.below(own.prefix).exists(Key.PLAN):
        return own
    earlier = own.model_copy(update={"uid": saved.metadata.uid})
    folder = workspace.store.below(earlier.prefix)
    if not folder.exists(Key.PLAN):
        return own
    frozen = Plan.model_validate_json(folder.get(Key.PLAN))
    tuned = [name for name in frozen.names if frozen.trial_budget(name)]
    if not is_raised(plan, frozen) or any(folder.exists(Key.study(name)) for name in tuned):
        return own
    return earlier
