"""Checks the experiment that `tuning.warmStart` names before any work starts.

Workers check it again, because on a cluster only they can read the store; they also compare the data sets, which are
known only after preparation.
"""

from ctrlab.local.workspace import Workspace
from ctrlab_api.checks.warm_start_problems import WARM_START_PATH, experiment_not_in_store, study_not_frozen
from ctrlab_api.errors import Problem
from ctrlab_api.names import ObjectKey
from ctrlab_api.plan import Plan
from ctrlab_api.resources.experiment import Experiment


def check_warm_start(workspace: Workspace, experiment: Experiment) -> list[Problem]:
    """Return a problem if the source experiment is not in the store, shares no tuned model, or has an open study."""
    warm_start = experiment.spec.tuning.warm_start
    if warm_start is None:
        return []
    folder = workspace.store.below(warm_start.experiment)
    if not folder.exists(ObjectKey.PLAN):
        return [experiment_not_in_store(warm_start.experiment, workspace.store.uri)]
    source = Plan.model_validate_json(folder.get(ObjectKey.PLAN))
    plan = Plan.from_experiment(experiment)
    tuned = [name for name in plan.names if plan.trial_budget(name)]
    shared = [name for name in tuned if name in source.names]
    if not shared:
        message = f"{warm_start.experiment} has none of the tuned models {', '.join(tuned) or '(none)'}"
        return [Problem(WARM_START_PATH, f"{message}; its models: {', '.join(source.names)}")]
    return [
        study_not_frozen(warm_start.experiment, name) for name in shared if not folder.exists(ObjectKey.study(name))
    ]
