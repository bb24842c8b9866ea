"""`ctrlab plan`: what a specification will do and cost, without running it."""

from pathlib import Path
from typing import Annotated

import typer

from ctrlab.cli.ablation_plan_view import show_ablation
from ctrlab.cli.console import print_text, show_table
from ctrlab.cli.options import DEFAULT_WORKSPACE, Workers, WorkspaceFolder, cpu_count
from ctrlab.cli.resource_sets import ablations_without_experiment, check_together, order_resources
from ctrlab.cli.validate_command import Files, load_files, show_notes
from ctrlab.local.parent_experiment import find_parent, parent_missing
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
        bool, typer.Option(help="Prepare the data and train a few batches to estimate time and memory.")
    ] = True,
) -> None:
    """Show jobs, trials, seeds, comparisons, the smallest detectable difference, and estimated time and memory.

    For an ablation, show what is reused from its experiment and what runs.
    """
    resources = load_files(files)
    check_together(resources)
    orphans = ablations_without_experiment(resources)
    saved = {ablation.metadata.name: _saved_parent(workspace, ablation) for ablation in orphans}
    problems = [parent_missing(a, str(workspace)) for a in orphans if saved[a.metadata.name] is None]
    if problems:
        raise InvalidSpec(problems)
    check_together(resources, lambda ablation: saved[ablation.metadata.name])
    experiments = {resource.metadata.name: resource for resource in resources if isinstance(resource, Experiment)}
    for resource in order_resources(resources):
        if isinstance(resource, Experiment):
            _show_experiment(resource, workspace, workers or cpu_count(), estimate)
        else:
            parent = experiments.get(resource.spec.experiment_ref.name) or saved[resource.metadata.name]
            assert parent is not None
            show_ablation(resource, parent)


def _saved_parent(folder: Path, ablation: Ablation) -> Experiment | None:
    """Return the experiment from the workspace; does not create the workspace."""
    return find_parent(Workspace.open(folder), ablation) if folder.exists() else None


def _show_experiment(experiment: Experiment, workspace: Path, slots: int, estimate: bool) -> None:
    plan = Plan.from_experiment(experiment)
    print_text(f"experiment: {experiment.metadata.name}, plan {plan.digest}")
    show_notes(experiment)
    show_table(("ITEM", "AMOUNT"), experiment_amounts(plan, experiment.spec.tuning.workers))
    show_table(("MODEL", "ARCHITECTURE", "TRIALS", "TUNED PARAMETERS"), model_rows(plan))
    show_table(("COMPARISON",), [[f"{a} - {b}"] for a, b in plan.comparisons()])
    if estimate:
        from ctrlab.cli.calibration import show_estimates

        show_estimates(experiment, plan, workspace, slots)


def experiment_amounts(plan: Plan, workers: int) -> list[tuple[str, str]]:
    """Return jobs, trials, seeds, final runs and comparisons as rows (item, amount)."""
    seeds = plan.evaluation.seeds
    trials = sum(plan.trial_budget(name) for name in plan.names)
    extension = f", up to {seeds.max} if the precision requires it" if plan.evaluation.precision else ""
    jobs = 3 + len(plan.variants) + (2 if plan.evaluation.precision else 0)
    return [
        ("jobs", f"{jobs} (prepare, {len(plan.variants)} x tune with up to {workers} workers, final runs, report)"),
        ("trials", f"{trials} ({plan.tuning.sampler} sampler, {plan.tuning.pruner.type} pruner)"),
        ("seeds", f"{seeds.count} ({seeds.base} to {seeds.base + seeds.count - 1}){extension}"),
        ("final runs", final_run_amount(plan)),
        ("comparisons", f"{len(plan.comparisons())} of {plan.analysis.primary_metric}, {plan.analysis.correction}"),
    ]


def final_run_amount(plan: Plan) -> str:
    """Return the number of final runs, and of batches if one process trains several seeds."""
    runs, batches = len(plan.final_runs()), len(plan.run_groups())
    return str(runs) if plan.evaluation.execution_mode == "plain" else f"{runs} in {batches} batches of seeds"


def model_rows(plan: Plan) -> list[tuple[str, str, str, str]]:
    """Return one row per model: name, architecture, trials, tuned parameters."""
    return [
        (v.name, v.architecture, str(plan.trial_budget(v.name)), ", ".join(sorted(v.search)) or "none")
        for v in plan.variants
    ]
