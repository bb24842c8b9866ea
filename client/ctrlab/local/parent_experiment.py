"""The experiment that an ablation names, as the workspace knows it."""

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


def parent_of(workspace: Workspace, ablation: Ablation) -> Experiment | None:
    """The experiment with its last status, or None where nothing of that name was run here."""
    found = resource_files.load(workspace, ablation.metadata.namespace, ablation.spec.experiment_ref.name)
    return found if isinstance(found, Experiment) else None


def finished_parent(workspace: Workspace, ablation: Ablation, on_wait: Callable[[str], None]) -> Experiment:
    """The experiment once it has succeeded; waits as long as another engine works on it.

    Raises InvalidSpec where there is none or the variants do not fit it, and WorkspaceError where it was left
    unfinished.
    """
    told = False
    while True:
        parent = parent_of(workspace, ablation)
        if parent is None:
            raise InvalidSpec([missing(ablation, str(workspace.root))])
        problems = check_ablation(ablation, parent)
        if problems:
            raise InvalidSpec([Problem(f"Ablation {ablation.metadata.name} {p.where}", p.message) for p in problems])
        status, name = parent.status, parent.metadata.name
        if status and status.is_true(ConditionType.SUCCEEDED):
            return parent
        stage = status.stage if status else "Pending"
        if not workspace.is_running(parent.metadata.namespace, name):
            raise WorkspaceError.at(
                f"Ablation {ablation.metadata.name}",
                f"CTRExperiment {name} has not succeeded (stage {stage}) and nobody works on it; run it first: give "
                "its file to the same command",
            )
        if not told:
            on_wait(f"waiting for CTRExperiment {name} to succeed (stage {stage}), which another ctrlab runs")
            told = True
        time.sleep(POLL_SECONDS)


def missing(ablation: Ablation, where: str) -> Problem:
    """Neither given nor run before."""
    return Problem(
        f"Ablation {ablation.metadata.name} spec.experimentRef.name",
        f"no CTRExperiment {ablation.metadata.namespace}/{ablation.spec.experiment_ref.name} is in the given files or "
        f"in the workspace {where}; give its file as well, or name another workspace with --workspace",
    )
