"""`ctrlab run`: an experiment from its file to the report, on this machine."""

import sys
from pathlib import Path

import typer

from ctrlab_contract.ablation import Ablation
from ctrlab_contract.errors import InvalidSpec, Problem
from ctrlab_contract.experiment import Experiment
from ctrlab_contract.manifests import Resource
from ctrlab_contract.names import Condition, ExitCode
from ctrlab_contract.status import ExperimentStatus
from ctrlab_operator.cli.output import say
from ctrlab_operator.cli.validate import Files, load_all
from ctrlab_operator.cli.workspace_option import DEFAULT_WORKSPACE, Workers, WorkspaceFolder, cpu_count
from ctrlab_operator.local.errors import ExperimentFailed, Interrupted
from ctrlab_operator.local.workspace import Workspace


def run(files: Files, workspace: WorkspaceFolder = DEFAULT_WORKSPACE, workers: Workers = None) -> None:
    """Tune, run the final seeds and write the report. Stopped at any moment, the same command goes on."""
    experiments = _experiments(load_all(files))
    place = Workspace.open(workspace)
    for experiment in experiments:
        status = _run_one(place, experiment, workers or cpu_count(), files)
        _conclude(place, experiment, status)


def _run_one(place: Workspace, experiment: Experiment, slots: int, files: list[Path]) -> ExperimentStatus:
    # Optuna and SQLAlchemy take a second to import; the other commands do not need them.
    from ctrlab_operator.local.engine import Engine
    from ctrlab_operator.local.progress import progress_view

    try:
        with progress_view(experiment.metadata.name, sys.stderr) as view:
            return Engine(place, experiment, slots, view).run()
    except Interrupted:
        again = " ".join(["ctrlab run", *map(str, files), f"--workspace {place.root}"])
        print(f"interrupted; finished work is kept, and this goes on from there: {again}", file=sys.stderr)
        raise typer.Exit(ExitCode.INTERRUPTED) from None


def _conclude(place: Workspace, experiment: Experiment, status: ExperimentStatus) -> None:
    """The comparison and where the report is; ExperimentFailed where there is none."""
    from ctrlab_operator.cli.published import page_of, report_of
    from ctrlab_operator.cli.report import show_summary
    from ctrlab_operator.local import snapshot

    if status.stage == "Suspended":
        say(f"{experiment.metadata.name}: suspended by spec.suspend; set it to false to go on")
        return
    stalled = next((c for c in status.conditions if c.type == Condition.STALLED and c.status == "True"), None)
    if stalled is not None:
        logs = place.logs(experiment.metadata.namespace, experiment.metadata.name)
        raise ExperimentFailed(f"{experiment.metadata.name}: {stalled.reason}: {stalled.message} (logs: {logs})")
    report = report_of(snapshot.find(place, f"{experiment.metadata.namespace}/{experiment.metadata.name}"))
    show_summary(report)
    say(f"report: {page_of(report)}")


def _experiments(resources: list[Resource]) -> list[Experiment]:
    problems = [
        Problem(f"{resource.kind} {resource.metadata.name}", "ablations cannot be run on one machine yet")
        for resource in resources
        if isinstance(resource, Ablation)
    ]
    named = [f"{resource.metadata.namespace}/{resource.metadata.name}" for resource in resources]
    problems += [
        Problem(f"CTRExperiment {name}", "given twice; names must differ")
        for name in sorted({name for name in named if named.count(name) > 1})
    ]
    if problems:
        raise InvalidSpec(problems)
    return [resource for resource in resources if isinstance(resource, Experiment)]
