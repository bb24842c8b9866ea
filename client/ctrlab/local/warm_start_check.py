"""The earlier experiment of `tuning.warmStart`, looked for before any work starts.

Workers look again, since on a cluster they alone see the store; they also compare the data sets, which are known once
the new one is prepared.
"""

from ctrlab.local.workspace import Workspace
from ctrlab_api.checks.warm_start_problems import WARM_START_PATH, experiment_not_in_store, study_not_frozen
from ctrlab_api.errors import Problem
from ctrlab_api.names import ObjectKey
from ctrlab_api.plan import Plan
from ctrlab_api.resources.experiment import Experiment


def check_warm_start(workspace: Workspace, experiment: Experiment) -> list[Problem]:
    """That the experiment is in the workspace's store, has a model of a name that is searched, and ended its search."""
    warm = experiment.spec.tuning.warm_start
    if warm is None:
        return []
    folder = workspace.store.below(warm.experiment)
    if not folder.exists(ObjectKey.PLAN):
        return [experiment_not_in_store(warm.experiment, workspace.store.uri)]
    theirs, own = Plan.model_validate_json(folder.get(ObjectKey.PLAN)), Plan.from_experiment(experiment)
    searched = [name for name in own.names if own.trial_budget(name)]
    common = [name for name in searched if name in theirs.names]
    if not common:
        message = f"{warm.experiment} has none of the searched models {', '.join(searched) or '(none)'}"
        return [Problem(WARM_START_PATH, f"{message}; its models: {', '.join(theirs.names)}")]
    return [study_not_frozen(warm.experiment, name) for name in common if not folder.exists(ObjectKey.study(name))]
