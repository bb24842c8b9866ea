"""`ctrlab status`: the state of the experiments of a workspace."""

from typing import Annotated

import typer

from ctrlab.cli.console import show_table
from ctrlab.cli.options import DEFAULT_WORKSPACE, WorkspaceFolder
from ctrlab.local import resource_files
from ctrlab.local.workspace import Workspace
from ctrlab_api.loading.resource_loading import Resource
from ctrlab_api.names import ConditionType
from ctrlab_api.resources.status import ModelStatus

COLUMNS = ("NAME", "READY", "STAGE", "TRIALS", "BEST", "SEEDS", "RUNNING")
MODEL_COLUMNS = ("MODEL", "TRIALS", "FAILED TRIALS", "BEST", "RUNS", "FAILED RUNS", "STUDY")
CONDITION_COLUMNS = ("CONDITION", "STATUS", "SINCE", "REASON", "MESSAGE")


def status(
    name: Annotated[str | None, typer.Argument(help="NAME or NAMESPACE/NAME; default: all experiments.")] = None,
    workspace: WorkspaceFolder = DEFAULT_WORKSPACE,
) -> None:
    """Show stage, trials, best value and seeds; with a name, also every model and condition."""
    existing = Workspace.open_existing(workspace)
    resources = [resource_files.find(existing, name)] if name else resource_files.load_all(existing)
    show_table(COLUMNS, [_row(existing, resource) for resource in resources])
    if name and resources[0].status is not None:
        details = resources[0].status
        show_table(MODEL_COLUMNS, [_model_row(model) for model in details.models])
        conditions = [
            [c.type, c.status, c.last_transition_time, c.reason, c.message or "-"] for c in details.conditions
        ]
        show_table(CONDITION_COLUMNS, conditions)


def _row(workspace: Workspace, resource: Resource) -> list[str]:
    meta, status = resource.metadata, resource.status
    running = "yes" if workspace.is_running(meta.namespace, meta.name) else "no"
    if status is None:
        return [meta.name, "-", "Pending", "-", "-", "-", running]
    ready = status.condition(ConditionType.READY)
    return [
        meta.name,
        ready.status if ready else "Unknown",
        status.stage,
        status.trials or "-",
        status.best or "-",
        status.seeds or "-",
        running,
    ]


def _model_row(model: ModelStatus) -> list[str]:
    return [
        model.name,
        str(model.trials_done),
        str(model.trials_failed),
        model.best or "-",
        str(model.runs_done),
        str(model.runs_failed),
        "frozen" if model.search_digest else "open",
    ]
