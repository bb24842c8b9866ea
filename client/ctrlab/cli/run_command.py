"""`ctrlab run`: runs experiments and ablations on this machine, up to their reports."""

import shlex
import sys
from functools import partial
from typing import Annotated

import typer

from ctrlab.cli.console import print_text
from ctrlab.cli.options import DEFAULT_WORKSPACE, Workers, WorkspaceFolder, cpu_count
from ctrlab.cli.resource_sets import ablations_without_experiment, check_together, order_resources
from ctrlab.cli.validate_command import Files, load_files
from ctrlab.local.changed_sources import key_for_current_data, note_changes_since_parent, origin_with_current_data
from ctrlab.local.errors import ExperimentFailed, RunInterrupted
from ctrlab.local.experiment_identity import resolve_key
from ctrlab.local.parent_experiment import find_parent, parent_missing, wait_for_parent
from ctrlab.local.warm_start_check import check_warm_start
from ctrlab.local.workspace import Workspace
from ctrlab_api.errors import InvalidSpec
from ctrlab_api.loading.resource_loading import Resource
from ctrlab_api.names import ConditionType, ExitCode
from ctrlab_api.plan import Plan
from ctrlab_api.resources.ablation import Ablation
from ctrlab_api.resources.experiment import Experiment
from ctrlab_api.resources.status import ExperimentStatus


def run(
    files: Files,
    workspace: WorkspaceFolder = DEFAULT_WORKSPACE,
    workers: Workers = None,
    new_data: Annotated[
        bool, typer.Option("--new-data", help="If the data changed since an earlier run, run a new experiment on them.")
    ] = False,
) -> None:
    """Tune the models, train the final runs and write the report.

    An ablation runs after its experiment, whatever the order of the files.

    If the command is interrupted, the same command resumes; it also retries what failed or was lost. If the data
    changed since they were prepared, the command says what changed and ends with exit code 2; with --new-data it runs a
    new experiment and keeps the earlier one.
    """
    resources = load_files(files)
    check_together(resources)
    opened = Workspace.open(workspace)
    problems = [
        parent_missing(ablation, str(opened.root))
        for ablation in ablations_without_experiment(resources)
        if find_parent(opened, ablation) is None
    ]
    for resource in resources:
        if isinstance(resource, Experiment):
            problems += check_warm_start(opened, resource)
    if problems:
        raise InvalidSpec(problems)
    check_together(resources, lambda ablation: find_parent(opened, ablation))
    for resource in order_resources(resources):
        command = shlex.join(["ctrlab", "run", *map(str, files), "--workspace", str(opened.root)])
        status = run_resource(opened, resource, workers or cpu_count(), command, new_data=new_data)
        show_result(opened, resource, status)


def run_resource(
    workspace: Workspace, resource: Resource, slots: int, command: str, *, new_data: bool = False
) -> ExperimentStatus:
    """Run an experiment or ablation with at most `slots` processes; `command` is what resumes it if interrupted.

    `new_data`: whether an experiment whose data have changed runs as a new one.
    """
    # Optuna and SQLAlchemy take a second to import; the other commands do not need them.
    from ctrlab.local.engine import Engine
    from ctrlab.local.progress_view import progress_view

    try:
        with progress_view(resource.metadata.name, sys.stderr) as view:
            if isinstance(resource, Experiment):
                plan = Plan.from_experiment(resource)
                key = key_for_current_data(
                    workspace,
                    resolve_key(workspace, resource, plan),
                    resource.metadata.source_folder,
                    view.note,
                    new_data=new_data,
                )
                find_origin = partial(origin_with_current_data, workspace, resource.metadata.source_folder)
                return Engine(workspace, resource, slots, view, key=key, find_origin=find_origin).run()
            parent = wait_for_parent(workspace, resource, view.note)
            note_changes_since_parent(workspace, parent, view.note)
            find_origin = partial(origin_with_current_data, workspace, parent.metadata.source_folder)
            return Engine(workspace, parent, slots, view, ablation=resource, find_origin=find_origin).run()
    except RunInterrupted:
        print(f"interrupted; finished work is kept, resume with: {command}", file=sys.stderr)
        raise typer.Exit(ExitCode.INTERRUPTED) from None


def show_result(workspace: Workspace, resource: Resource, status: ExperimentStatus) -> None:
    """Print the comparisons and the location of the report; ExperimentFailed without a report or with lost runs."""
    from ctrlab.cli.report_command import show_summary
    from ctrlab.cli.report_locations import page_location, report_folder
    from ctrlab.local import resource_files

    meta = resource.metadata
    if status.stage == "Suspended":
        print_text(f"{meta.name}: suspended by spec.suspend; set it to false to continue")
        return
    stalled = status.condition(ConditionType.STALLED) if status.is_true(ConditionType.STALLED) else None
    if stalled is not None and status.stage != "Incomplete":
        logs = workspace.logs(meta.namespace, meta.name)
        raise ExperimentFailed(f"{meta.name}: {stalled.reason}: {stalled.message} (logs: {logs})")
    report = report_folder(resource_files.find(workspace, f"{meta.namespace}/{meta.name}"))
    if isinstance(resource, Ablation):
        print_text(f"ablation {meta.name} of {resource.spec.experiment_ref.name}:")
    show_summary(report)
    print_text(f"report: {page_location(report)}")
    if stalled is not None:
        raise ExperimentFailed(f"{meta.name}: {stalled.reason}: {stalled.message}")
