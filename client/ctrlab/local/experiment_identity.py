"""Which experiment of a workspace a file means: that of its plan, or the one whose `tuning.trials` it raises."""

from ctrlab.local import resource_files
from ctrlab.local.workspace import Workspace
from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.names import ObjectKey
from ctrlab_api.plan import Plan
from ctrlab_api.resources.experiment import Experiment
from ctrlab_control.planner.trial_increase import is_trial_increase


def key_of(workspace: Workspace, experiment: Experiment, plan: Plan) -> ExperimentKey:
    """The same file resumes, a changed plan is another experiment, and more trials go on with the searches as they are.

    The last only while no search is frozen: afterwards they would be another, larger search from the start.
    """
    own = ExperimentKey.for_local_run(experiment.metadata, plan.digest)
    saved = resource_files.load(workspace, own.namespace, own.name)
    if (
        saved is None
        or saved.metadata.uid in (None, own.uid)
        or workspace.store.below(own.prefix).exists(ObjectKey.PLAN)
    ):
        return own
    earlier = own.model_copy(update={"uid": saved.metadata.uid})
    folder = workspace.store.below(earlier.prefix)
    if not folder.exists(ObjectKey.PLAN):
        return own
    frozen = Plan.model_validate_json(folder.get(ObjectKey.PLAN))
    tuned = [name for name in frozen.names if frozen.trial_budget(name)]
    if not is_trial_increase(plan, frozen) or any(folder.exists(ObjectKey.study(name)) for name in tuned):
        return own
    return earlier
