"""`ctrlab run`: experiments and ablations from their files to the reports, on this machine."""

import sys
from pathlib import Path

import typer

from ctrlab.cli.console import print_text
from ctrlab.cli.options import DEFAULT_WORKSPACE, Workers, WorkspaceFolder, cpu_count
from ctrlab.cli.resource_sets import ablations_without_experiment, check_together, order_resources
from ctrlab.cli.validate_command import Files, load_all
from ctrlab.local.errors import ExperimentFailed, Interrupted
from ctrlab.local.parent_experiment import finished_parent, missing, parent_of
from ctrlab.local.warm_start_check import check_warm_start
from ctrlab.local.workspace import Workspace
from ctrlab_api.errors import InvalidSpec
from ctrlab_api.loading.resource_loading import Resource
from ctrlab_api.names import ConditionType, ExitCode
from ctrlab_api.resources.ablation import Ablation
from ctrlab_api.resources.experiment import Experiment
from ctrlab_api.resources.status import ExperimentStatus


def run(files: Files, workspace: WorkspaceFolder = DEFAULT_WORKSPACE, workers: Workers = None) -> None:
    """Tune, run the final seeds and write the report; an ablation follows its experiment, in whatever order they are
    given. Stopped at any moment, the same command goes on."""
    resources = load_all(files)
    check_together(resources)
    place = Workspace.open(workspace)
    absent = [
        missing(found, str(place.root))
        for found in ablations_without_experiment(resources)
        if parent_of(place, found) is None
    ]
    for found in resources:
        if isinstance(found, Experiment):
            absent += check_warm_start(place, found)
    if absent:
        raise InvalidSpec(absent)
    check_together(resources, lambda ablation: parent_of(place, ablation))
    for resource in order_resources(resources):
        status = _run_one(place, resource, workers or cpu_count(), files)
        _conclude(place, resource, status)


def _run_one(place: Workspace, resource: Resource, slots: int, files: list[Path]) -> ExperimentStatus:
    # Optuna and SQLAlchemy take a second to import; the other commands do not need them.
    from ctrlab.local.engine import Engine
    from ctrlab.local.progress_view import progress_view

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
    from ctrlab.cli.report_command import show_summary
    from ctrlab.cli.report_locations import page_of, report_of
    from ctrlab.local import resource_files

    meta = resource.metadata
    if status.stage == "Suspended":
        print_text(f"{meta.name}: suspended by spec.suspend; set it to false to go on")
        return
    stalled = status.condition(ConditionType.STALLED)
    if stalled is not None and stalled.status == "True":
        logs = place.logs(meta.namespace, meta.name)
        raise ExperimentFailed(f"{meta.name}: {stalled.reason}: {stalled.message} (logs: {logs})")
    report = report_of(resource_files.find(place, f"{meta.namespace}/{meta.name}"))
    if isinstance(resource, Ablation):
        print_text(f"ablation {meta.name} of {resource.spec.experiment_ref.name}:")
    show_summary(report)
    print_text(f"report: {page_of(report)}")
