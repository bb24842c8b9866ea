"""The part of `ctrlab plan` about an ablation: what is reused from its experiment, and what has to run."""

from ctrlab.cli.console import print_text, show_table
from ctrlab_api.ablation_plan import AblationParent, added_features, build_ablation_plan, describe_change
from ctrlab_api.names import ConditionType
from ctrlab_api.plan import Plan
from ctrlab_api.resources.ablation import Ablation
from ctrlab_api.resources.experiment import Experiment


def show_ablation(ablation: Ablation, experiment: Experiment) -> None:
    """Print the plan of an ablation as it follows from the current state of its experiment."""
    parent = AblationParent.from_experiment(experiment)
    plan = build_ablation_plan(ablation, parent)
    name, status = experiment.metadata.name, experiment.status
    has_succeeded = status is not None and status.is_true(ConditionType.SUCCEEDED)
    plan_state = f"plan {plan.digest}" if has_succeeded else f"its plan is frozen when {name} has succeeded"
    print_text(f"ablation: {ablation.metadata.name} of {ablation.spec.model} in {name}, {plan_state}")
    show_table(("ITEM", "AMOUNT"), ablation_amounts(plan, ablation, parent))
    rows = [[v.name, describe_change(plan, v), str(plan.trial_budget(v.name))] for v in plan.variants]
    show_table(("VARIANT", "CHANGE", "TRIALS"), rows)


def ablation_amounts(plan: Plan, ablation: Ablation, parent: AblationParent) -> list[tuple[str, str]]:
    """Return data, trials, seeds, final runs and comparisons as rows (item, amount)."""
    name, model = parent.key.name, ablation.spec.model
    seeds = plan.evaluation.seeds
    parent_seeds = parent.plan.evaluation.seeds.values(parent.seed_count)
    added = [feature.name for feature in added_features(ablation)]
    reused = 0 if added else len(set(seeds.values()) & set(parent_seeds))
    total = len(plan.final_runs())
    reason = f"; {model} is trained again because the data set also has {', '.join(added)}" if added else ""
    tuned = [variant for variant in plan.names if variant != model and plan.trial_budget(variant)]
    tuning = f"that of {name}; no trial"
    if tuned:
        trials = sum(plan.trial_budget(variant) for variant in tuned)
        tuning = f"{trials} trials: {', '.join(tuned)}"
        if added:
            tuning = f"{trials + plan.trial_budget(model)} trials: {', '.join([model, *tuned])}"
    return [
        ("data", f"that of {name}" + (f" with {', '.join(added)}" if added else "")),
        ("tuning", tuning),
        ("seeds", f"{seeds.count} ({seeds.base} to {seeds.base + seeds.count - 1})"),
        ("final runs", f"{total}: {reused} of {model} reused from {name}, {total - reused} to train{reason}"),
        ("comparisons", f"{len(plan.comparisons())} of {plan.analysis.primary_metric}, {plan.analysis.correction}"),
    ]
