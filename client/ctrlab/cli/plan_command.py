"""`ctrlab plan`: what a specification would do, and what it would cost, before it is run."""

from pathlib import Path
from typing import Annotated

import typer

from ctrlab.cli.ablation_plan_view import show_ablation
from ctrlab.cli.console import print_text, show_table
from ctrlab.cli.options import DEFAULT_WORKSPACE, Workers, WorkspaceFolder, cpu_count
from ctrlab.cli.resource_sets import ablations_without_experiment, check_together, order_resources
from ctrlab.cli.validate_command import Files, load_all
from ctrlab.local.parent_experiment import missing, parent_of
from ctrlab.local.workspace import Workspace
from ctrlab_api.errors import InvalidSpec
from ctrlab_api.plan import Plan
from ctrlab_api.resources.ablation import Ablation
from ctrlab_api.resources.experiment import Experiment


def plan(
    files: Files,
    workspace: WorkspaceFolder = DEFAULT_WORKSPACE,
    workers: Workers = None,
    estimate: Annotated[
        bool, typer.Option(help="Encode the data and train a little, to estimate time and memory.")
    ] = True,
) -> None:
    """Show jobs, trials, seeds and comparisons, the smallest detectable difference, and time and memory; of an ablation
    what is taken over from its experiment and what is run."""
    resources = load_all(files)
    check_together(resources)
    saved = {found.metadata.name: _saved_parent(workspace, found) for found in ablations_without_experiment(resources)}
    absent = [
        missing(found, str(workspace))
        for found in ablations_without_experiment(resources)
        if saved[found.metadata.name] is None
    ]
    if absent:
        raise InvalidSpec(absent)
    check_together(resources, lambda ablation: saved[ablation.metadata.name])
    experiments = {found.metadata.name: found for found in resources if isinstance(found, Experiment)}
    for resource in order_resources(resources):
        if isinstance(resource, Experiment):
            _show_experiment(resource, workspace, workers or cpu_count(), estimate)
        else:
            parent = experiments.get(resource.spec.experiment_ref.name) or saved[resource.metadata.name]
            assert parent is not None
            show_ablation(resource, parent)


def _saved_parent(folder: Path, ablation: Ablation) -> Experiment | None:
    """From the workspace, which is not made if there is none."""
    return parent_of(Workspace.open(folder), ablation) if folder.exists() else None


def _show_experiment(experiment: Experiment, workspace: Path, slots: int, estimate: bool) -> None:
    frozen = Plan.from_experiment(experiment)
    print_text(f"experiment: {experiment.metadata.name}, plan {frozen.digest}")
    show_table(("WHAT", "HOW MUCH"), amounts(frozen, experiment.spec.tuning.workers))
    show_table(("MODEL", "ARCHITECTURE", "TRIALS", "SEARCHED"), models(frozen))
    show_table(("COMPARISON",), [[f"{a} - {b}"] for a, b in frozen.comparisons()])
    if estimate:
        from ctrlab.cli.calibration import show_estimates

        show_estimates(experiment, frozen, workspace, slots)


def amounts(frozen: Plan, workers: int) -> list[tuple[str, str]]:
    """Jobs, trials, seeds and runs in numbers."""
    seeds = frozen.evaluation.seeds
    trials = sum(frozen.trial_budget(name) for name in frozen.names)
    extended = f", up to {seeds.max} if precision asks for it" if frozen.evaluation.precision else ""
    jobs = 3 + len(frozen.variants) + (2 if frozen.evaluation.precision else 0)
    return [
        ("jobs", f"{jobs} (prepare, {len(frozen.variants)} searches of at most {workers} workers, final runs, report)"),
        ("trials", f"{trials} ({frozen.tuning.sampler} sampler, {frozen.tuning.pruner.type} pruner)"),
        ("seeds", f"{seeds.count} ({seeds.base} to {seeds.base + seeds.count - 1}){extended}"),
        ("final runs", final_runs(frozen)),
        (
            "comparisons",
            f"{len(frozen.comparisons())} of {frozen.analysis.primary_metric}, {frozen.analysis.correction}",
        ),
    ]


def final_runs(frozen: Plan) -> str:
    """How many, and how they are batched."""
    runs, batches = len(frozen.final_runs()), len(frozen.run_groups())
    return str(runs) if frozen.evaluation.execution_mode == "plain" else f"{runs} in {batches} batches of seeds"


def models(frozen: Plan) -> list[tuple[str, str, str, str]]:
    """A row a model."""
    return [
        (v.name, v.architecture, str(frozen.trial_budget(v.name)), ", ".join(sorted(v.search)) or "nothing")
        for v in frozen.variants
    ]
