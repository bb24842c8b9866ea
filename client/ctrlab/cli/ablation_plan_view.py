"""The part of `ctrlab plan` about an ablation: what is taken over from its experiment, and what has to be run."""

from ctrlab.cli.console import print_text, show_table
from ctrlab_api.ablation_plan import AblationParent, added_features, build_ablation_plan, describe_change
from ctrlab_api.names import ConditionType
from ctrlab_api.plan import Plan
from ctrlab_api.resources.ablation import Ablation
from ctrlab_api.resources.experiment import Experiment


def show_ablation(ablation: Ablation, experiment: Experiment) -> None:
    """Its plan as it follows from what is known of the experiment now."""
    parent = AblationParent.from_experiment(experiment)
    plan = build_ablation_plan(ablation, parent)
    name, status = experiment.metadata.name, experiment.status
    is_over = status is not None and status.is_true(ConditionType.SUCCEEDED)
    known = f"plan {plan.digest}" if is_over else f"its plan is frozen when {name} has succeeded"
    print_text(f"ablation: {ablation.metadata.name} of {ablation.spec.model} in {name}, {known}")
    show_table(("WHAT", "HOW MUCH"), amounts(plan, ablation, parent))
    rows = [[v.name, describe_change(plan, v), str(plan.trial_budget(v.name))] for v in plan.variants]
    show_table(("VARIANT", "CHANGE", "TRIALS"), rows)


def amounts(plan: Plan, ablation: Ablation, parent: AblationParent) -> list[tuple[str, str]]:
    """Searches, final runs and comparisons in numbers."""
    name, model = parent.key.name, ablation.spec.model
    seeds = plan.evaluation.seeds
    theirs = parent.plan.evaluation.seeds.values(parent.seed_count)
    added = [feature.name for feature in added_features(ablation)]
    reused = 0 if added else len(set(seeds.values()) & set(theirs))
    total = len(plan.final_runs())
    why = f"; {model} is run again, because the data have {', '.join(added)} as well" if added else ""
    tuned = [variant for variant in plan.names if variant != model and plan.trial_budget(variant)]
    searches = f"those of {name}; no trial"
    if tuned:
        trials = sum(plan.trial_budget(variant) for variant in tuned)
        searches = f"{trials} trials: {', '.join(tuned)}"
        if added:
            searches = f"{trials + plan.trial_budget(model)} trials: {', '.join([model, *tuned])}"
    return [
        ("data", f"those of {name}" + (f" with {', '.join(added)}" if added else "")),
        ("searches", searches),
        ("seeds", f"{seeds.count} ({seeds.base} to {seeds.base + seeds.count - 1})"),
        ("final runs", f"{total}: {reused} of {model} taken over from {name}, {total - reused} to train{why}"),
        ("comparisons", f"{len(plan.comparisons())} of {plan.analysis.primary_metric}, {plan.analysis.correction}"),
    ]
