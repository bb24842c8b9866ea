"""Finds the experiment of an ablation in the workspace, and waits until it has succeeded."""

import time
from collections.abc import Callable

from ctrlab.local import resource_files
from ctrlab.local.errors import WorkspaceError
from ctrlab.local.workspace import Workspace
from ctrlab_api.checks.ablation_checks import check_ablation
from ctrlab_api.errors import InvalidSpec, Problem
from ctrlab_api.names import ConditionType
from ctrlab_api.resources.ablation import Ablation
from ctrlab_api.resources.experiment import Experiment

POLL_SECONDS = 2.0


def find_parent(workspace: Workspace, ablation: Ablation) -> Experiment | None:
    """Return the experiment with its last status; None if the workspace has no experiment of that name."""
    resource = resource_files.load(workspace, ablation.metadata.namespace, ablation.spec.experiment_ref.name)
    return resource if isinstance(resource, Experiment) else None


def wait_for_parent(workspace: Workspace, ablation: Ablation, on_wait: Callable[[str], None]) -> Experiment:
    """Return the experiment once it has succeeded; waits while another engine runs it.

    Raises InvalidSpec if there is no such experiment or the ablation does not fit it, and WorkspaceError if the
    experiment is unfinished and no engine runs it.
    """
    announced = False
    while True:
        parent = find_parent(workspace, ablation)
        if parent is None:
            raise InvalidSpec([parent_missing(ablation, str(workspace.root))])
        problems = check_ablation(ablation, parent)
        if problems:
            raise InvalidSpec([Problem(f"Ablation {ablation.metadata.name} {p.where}", p.message) for p in problems])
        status, name = parent.status, parent.metadata.name
        if status is not None and status.is_true(ConditionType.SUCCEEDED):
            return parent
        stage = status.stage if status else "Pending"
        if not workspace.is_running(parent.metadata.namespace, name):
            raise WorkspaceError.at(
                f"Ablation {ablation.metadata.name}",
                f"CTRExperiment {name} has not succeeded (stage {stage}) and is not running; run it first: add its "
                "file to the same command",
            )
        if not announced:
            on_wait(f"waiting until CTRExperiment {name} has succeeded; another ctrlab process runs it (stage {stage})")
            announced = True
        time.sleep(POLL_SECONDS)


def parent_missing(ablation: Ablation, workspace: str) -> Problem:
    """Return the problem of an ablation whose experiment is neither in the given files nor in the workspace."""
    return Problem(
        f"Ablation {ablation.metadata.name} spec.experimentRef.name",
        f"no CTRExperiment {ablation.metadata.namespace}/{ablation.spec.experiment_ref.name} is in the given files or "
        f"in the workspace {workspace}; add its file to the command, or name another workspace with --workspace",
    )
