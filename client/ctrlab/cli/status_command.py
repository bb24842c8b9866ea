"""`ctrlab status`: how the experiments of a workspace stand."""

from typing import Annotated

import typer

from ctrlab.cli.console import show_table
from ctrlab.cli.options import DEFAULT_WORKSPACE, WorkspaceFolder
from ctrlab.local import resource_files
from ctrlab.local.workspace import Workspace
from ctrlab_api.loading.resource_loading import Resource
from ctrlab_api.names import ConditionType

COLUMNS = ("NAME", "READY", "STAGE", "TRIALS", "BEST", "SEEDS", "RUNNING")
MODEL_COLUMNS = ("MODEL", "TRIALS", "FAILED", "BEST", "RUNS", "LOST", "SEARCH")
CONDITION_COLUMNS = ("CONDITION", "STATUS", "SINCE", "REASON", "MESSAGE")


def status(
    name: Annotated[str | None, typer.Argument(help="NAME or NAMESPACE/NAME; all experiments without.")] = None,
    workspace: WorkspaceFolder = DEFAULT_WORKSPACE,
) -> None:
    """Show stage, trials, best value and seeds; with a name also each model and condition."""
    place = Workspace.existing(workspace)
    chosen = [resource_files.find(place, name)] if name else resource_files.load_all(place)
    show_table(COLUMNS, [_row(place, experiment) for experiment in chosen])
    if name and chosen[0].status is not None:
        known = chosen[0].status
        show_table(
            MODEL_COLUMNS,
            [
                [
                    model.name,
                    str(model.trials_done),
                    str(model.trials_failed),
                    model.best or "-",
                    str(model.runs_done),
                    str(model.runs_failed),
                    "frozen" if model.search_digest else "open",
                ]
                for model in known.models
            ],
        )
        rows = [[c.type, c.status, c.last_transition_time, c.reason, c.message or "-"] for c in known.conditions]
        show_table(CONDITION_COLUMNS, rows)


def _row(place: Workspace, experiment: Resource) -> list[str]:
    meta, known = experiment.metadata, experiment.status
    running = "yes" if place.is_running(meta.namespace, meta.name) else "no"
    if known is None:
        return [meta.name, "-", "Pending", "-", "-", "-", running]
    ready = known.condition(ConditionType.READY)
    return [
        meta.name,
        ready.status if ready else "Unknown",
        known.stage,
        known.trials or "-",
        known.best or "-",
        known.seeds or "-",
        running,
    ]
