"""The earlier experiment of `tuning.warmStart`, looked for before any work starts.

Workers look again, since on a cluster they alone see the store; they also compare the data sets, which are known once
the new one is prepared.
"""

from ctrlab_contract.errors import Problem
from ctrlab_contract.experiment import Experiment
from ctrlab_contract.names import Key
from ctrlab_contract.plan import Plan
from ctrlab_contract.warm_start import PATH, no_experiment, not_frozen
from ctrlab_operator.local.workspace import Workspace


def check_warm_start(workspace: Workspace, experiment: Experiment) -> list[Problem]:
    """That the experiment is in the workspace's store, has a model of a name that is searched, and ended its search."""
    warm = experiment.spec.tuning.warm_start
    if warm is None:
        return []
    folder = workspace.store.below(warm.experiment)
    if not folder.exists(Key.PLAN):
        return [no_experiment(warm.experiment, workspace.store.uri)]
    theirs, own = Plan.model_validate_json(folder.get(Key.PLAN)), Plan.of(experiment)
    searched = [name for name in own.names if own.trial_budget(name)]
    common = [name for name in searched if name in theirs.names]
    if not common:
        message = f"{warm.experiment} has none of the searched models {', '.join(searched) or '(none)'}"
        return [Problem(PATH, f"{message}; its models: {', '.join(theirs.names)}")]
    return [not_frozen(warm.experiment, name) for name in common if not folder.exists(Key.study(name))]
