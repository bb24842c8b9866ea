"""`ctrlab run`: experiments and ablations from their files to the reports, on this machine."""

import sys
from pathlib import Path

import typer

from ctrlab_contract.ablation import Ablation
from ctrlab_contract.errors import InvalidSpec
from ctrlab_contract.experiment import Experiment
from ctrlab_contract.manifests import Resource
from ctrlab_contract.names import Condition, ExitCode
from ctrlab_contract.status import ExperimentStatus
from ctrlab_operator.cli.documents import check_together, in_order, unaccompanied
from ctrlab_operator.cli.output import say
from ctrlab_operator.cli.validate import Files, load_all
from ctrlab_operator.cli.workspace_option import DEFAULT_WORKSPACE, Workers, WorkspaceFolder, cpu_count
from ctrlab_operator.local.errors import ExperimentFailed, Interrupted
from ctrlab_operator.local.parents import finished_parent, missing, parent_of
from ctrlab_operator.local.warm_start import check_warm_start
from ctrlab_operator.local.workspace import Workspace


def run(files: Files, workspace: WorkspaceFolder = DEFAULT_WORKSPACE, workers: Workers = None) -> None:
    """Tune, run the final seeds and write the report; an ablation follows its experiment, in whatever order they are
    given. Stopped at any moment, the same command goes on."""
    resources = load_all(files)
    check_together(resources)
    place = Workspace.open(workspace)
    absent = [missing(found, str(place.root)) for found in unaccompanied(resources) if parent_of(place, found) is None]
    for found in resources:
        if isinstance(found, Experiment):
            absent += check_warm_start(place, found)
    if absent:
        raise InvalidSpec(absent)
    check_together(resources, lambda ablation: parent_of(place, ablation))
    for resource in in_order(resources):
        status = _run_one(place, resource, workers or cpu_count(), files)
        _conclude(place, resource, status)


def _run_one(place: Workspace, resource: Resource, slots: int, files: list[Path]) -> ExperimentStatus:
    # Optuna and SQLAlchemy take a second to import; the other commands do not need them.
    from ctrlab_operator.local.engine import Engine
    from ctrlab_operator.local.progress import progress_view

    try:
        with progress_view(resource.metadata.name, sys.stderr) as view:
            if isinstance(resource, Experiment):
                return Engine(place, resource, slots, view).run()
            parent = finished_parent(place, resource, view.note)
            return Engine(place, parent, slots, view, ablation=resource).run()
    except Interrupted:
        again = " ".join(["ctrlab run", *map(str, files), f"--workspace {place.root}"])
        print(f"interrupted; finished work is kept, and this goes on from there: {again}", file=sys.stderr)
        raise typer.Exit(ExitCode.INTERRUPTED) from None


def _conclude(place: Workspace, resource: Resource, status: ExperimentStatus) -> None:
    """The comparison and where the report is; ExperimentFailed where there is none."""
    from ctrlab_operator.cli.published import page_of, report_of
    from ctrlab_operator.cli.report import show_summary
    from ctrlab_operator.local import snapshot

    meta = resource.metadata
    if status.stage == "Suspended":
        say(f"{meta.name}: suspended by spec.suspend; set it to false to go on")
        return
    stalled = next((c for c in status.conditions if c.type == Condition.STALLED and c.status == "True"), None)
    if stalled is not None:
        logs = place.logs(meta.namespace, meta.name)
        raise ExperimentFailed(f"{meta.name}: {stalled.reason}: {stalled.message} (logs: {logs})")
    report = report_of(snapshot.find(place, f"{meta.namespace}/{meta.name}"))
    if isinstance(resource, Ablation):
        say(f"ablation {meta.name} of {resource.spec.experiment_ref.name}:")
    show_summary(report)
    say(f"report: {page_of(report)}")
