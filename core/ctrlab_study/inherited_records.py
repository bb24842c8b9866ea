"""The frozen search of an ablation's variant, taken from the experiment's search for the full model."""

from ctrlab_api.plan import Plan
from ctrlab_api.records.studies import BestChoice, StudyRecord
from ctrlab_study.study_records import untuned_record


def inherited_record(plan: Plan, variant: str, dataset_digest: str, full: StudyRecord) -> StudyRecord | None:
    """The record that follows from the full model's search, or None where the variant is to be searched itself.

    With Inherit every variant takes the full model's values but those that it sets itself, and spends no trial. With
    Retune only the full model takes its own search over, as long as it was made on the same data.
    """
    parent = plan.parent
    if parent is None:
        return None
    if parent.hyperparameters == "Inherit":
        return _values_of(plan, variant, dataset_digest, full, parent.experiment)
    if variant == parent.model and full.dataset_digest == dataset_digest:
        return full.model_copy(update={"plan_digest": plan.digest, "inherited_from": full.digest})
    return None


def _values_of(plan: Plan, variant: str, dataset_digest: str, full: StudyRecord, experiment: str) -> StudyRecord:
    own = plan.variant(variant).parameters
    taken = {name: value for name, value in full.best.parameters.items() if name not in own}
    text = f"Taken from the search of {full.variant} in {experiment}, and not tuned for {variant}"
    if variant == full.variant:
        text = f"Taken from the search of {full.variant} in {experiment}"
    if not full.best.parameters:
        text += ", where nothing was tuned"
    best = BestChoice(parameters=taken, justification=f"{text}. There: {full.best.justification}")
    repeats = tuple(_values_of(plan, variant, dataset_digest, one, experiment) for one in full.repeats or ()) or None
    return untuned_record(plan, variant, dataset_digest).model_copy(
        update={"best": best, "inherited_from": full.digest, "repeats": repeats}
    )
