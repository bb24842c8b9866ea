"""The part of `ctrlab plan` about an ablation: what is taken over from its experiment, and what has to be run."""

from ctrlab_contract.ablation import Ablation
from ctrlab_contract.ablation_plan import Parent, ablation_plan, added_features, change_in_words
from ctrlab_contract.experiment import Experiment
from ctrlab_contract.names import Condition
from ctrlab_contract.plan import Plan
from ctrlab_operator.cli.output import say, show_table


def show_ablation(ablation: Ablation, experiment: Experiment) -> None:
    """Its plan as it follows from what is known of the experiment now."""
    parent = Parent.of(experiment)
    plan = ablation_plan(ablation, parent)
    name, status = experiment.metadata.name, experiment.status
    is_over = status is not None and any(
        c.type == Condition.SUCCEEDED and c.status == "True" for c in status.conditions
    )
    known = f"plan {plan.digest}" if is_over else f"its plan is frozen when {name} has succeeded"
    say(f"ablation: {ablation.metadata.name} of {ablation.spec.model} in {name}, {known}")
    show_table(("WHAT", "HOW MUCH"), amounts(plan, ablation, parent))
    rows = [[v.name, change_in_words(plan, v), str(plan.trial_budget(v.name))] for v in plan.variants]
    show_table(("VARIANT", "CHANGE", "TRIALS"), rows)


def amounts(plan: Plan, ablation: Ablation, parent: Parent) -> list[tuple[str, str]]:
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
