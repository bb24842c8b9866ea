"""Resolves which experiment of a workspace a file refers to.

It is the experiment of the file's plan, or an existing one whose `tuning.trials` the file increases.
"""

from ctrlab.local import resource_files
from ctrlab.local.workspace import Workspace
from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.names import ObjectKey
from ctrlab_api.plan import Plan
from ctrlab_api.resources.experiment import Experiment
from ctrlab_control.planner.trial_increase import is_trial_increase


def resolve_key(workspace: Workspace, experiment: Experiment, plan: Plan) -> ExperimentKey:
    """Return the key of a resumed experiment, of one whose trials are increased, or of a new one.

    The same plan resumes; a changed plan is another experiment. A plan that only has more trials continues the existing
    studies as long as none of them is frozen: after that it needs new, larger studies, so it is another experiment.
    """
    key = ExperimentKey.for_local_run(experiment.metadata, plan.digest)
    saved = resource_files.load(workspace, key.namespace, key.name)
    if (
        saved is None
        or saved.metadata.uid in (None, key.uid)
        or workspace.store.below(key.prefix).exists(ObjectKey.PLAN)
    ):
        return key
    previous = key.model_copy(update={"uid": saved.metadata.uid})
    folder = workspace.store.below(previous.prefix)
    if not folder.exists(ObjectKey.PLAN):
        return key
    frozen = Plan.model_validate_json(folder.get(ObjectKey.PLAN))
    tuned = [name for name in frozen.names if frozen.trial_budget(name)]
    if not is_trial_increase(plan, frozen) or any(folder.exists(ObjectKey.study(name)) for name in tuned):
        return key
    return previous
