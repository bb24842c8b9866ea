"""The plan of an ablation: the full model and its variants, on the data, budget and analysis of a finished experiment.

Everything except the listed changes stays as in the experiment. The plan contains the digests of the parent's plan and
studies, so it cannot exist before these are frozen.
"""

from dataclasses import dataclass
from itertools import combinations

from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.plan import ParentExperiment, Plan, Variant
from ctrlab_api.resources.ablation import Ablation, AblationVariant
from ctrlab_api.resources.dataset import Dataset
from ctrlab_api.resources.experiment import Experiment
from ctrlab_api.resources.features import Feature
from ctrlab_api.resources.tuning import Evaluation, Seeds


@dataclass(frozen=True)
class AblationParent:
    """The parts of an experiment that the plan of its ablation needs."""

    key: ExperimentKey
    plan: Plan
    digest: str
    """The plan digest that the experiment ran with."""
    search_token: str
    seed_count: int
    """Final number of seeds per model, the extension included."""

    @classmethod
    def from_experiment(cls, experiment: Experiment) -> "AblationParent":
        """Return the parent from a resource and its status; until it has ended, with the digests known so far."""
        plan, status = Plan.from_experiment(experiment), experiment.status
        return cls(
            key=ExperimentKey.from_metadata(experiment.metadata),
            plan=plan,
            digest=(status.plan_digest if status else None) or plan.digest,
            search_token=(status.search_digest if status else None) or "",
            seed_count=(status.seed_count if status else None) or plan.evaluation.seeds.count,
        )


def build_ablation_plan(ablation: Ablation, parent: AblationParent) -> Plan:
    """Return the plan of an ablation that has passed `check_ablation`; KeyError for an unknown model."""
    spec, plan = ablation.spec, parent.plan
    full = plan.variant(spec.model)
    is_retuned = spec.hyperparameters == "Retune"
    changes = (AblationVariant.model_construct(name=spec.model), *expanded_variants(ablation))
    added = tuple(feature.name for feature in added_features(ablation))
    return Plan(
        dataset=with_added_features(plan.dataset, ablation),
        variants=tuple(_variant(full, change, is_retuned, added) for change in changes),
        tuning=plan.tuning,
        evaluation=Evaluation(seeds=_seeds(ablation, parent), seeds_per_pod=plan.evaluation.seeds_per_pod),
        analysis=plan.analysis.model_copy(update={"reference": spec.model, "compare": "AgainstReference"}),
        parent=ParentExperiment(
            experiment=parent.key.prefix,
            plan_digest=parent.digest,
            search_token=parent.search_token,
            model=spec.model,
            hyperparameters=spec.hyperparameters,
            factorial=removed_parts(ablation) if spec.factorial else None,
        ),
    )


def added_features(ablation: Ablation) -> tuple[Feature, ...]:
    """Return every feature that a variant adds, once, in the order of the specification."""
    declared = {feature.name: feature for variant in ablation.spec.variants for feature in variant.add_features or ()}
    return tuple(declared.values())


def with_added_features(dataset: Dataset, ablation: Ablation) -> Dataset:
    """Return the experiment's data set with the added features last, so that the others are encoded as before."""
    added = added_features(ablation)
    return dataset.model_copy(update={"features": dataset.features + added}) if added else dataset


def removed_parts(ablation: Ablation) -> tuple[str, ...]:
    """Return every part that a variant removes, once, in the order of the specification."""
    return tuple(dict.fromkeys(part for variant in ablation.spec.variants for part in variant.remove or ()))


def expanded_variants(ablation: Ablation) -> tuple[AblationVariant, ...]:
    """Return the listed variants and, with `factorial`, every other combination of removed parts."""
    listed = ablation.spec.variants
    if not ablation.spec.factorial:
        return listed
    parts = removed_parts(ablation)
    existing = {frozenset(variant.remove or ()) for variant in listed if only_removes_parts(variant)}
    subsets = [subset for size in range(1, len(parts) + 1) for subset in combinations(parts, size)]
    added = tuple(
        AblationVariant(name="no-" + "-".join(subset), remove=subset)
        for subset in subsets
        if frozenset(subset) not in existing
    )
    return listed + added


def only_removes_parts(variant: AblationVariant) -> bool:
    """Whether the variant changes nothing else than removing parts."""
    return bool(variant.remove) and not (variant.set or variant.drop_features or variant.add_features)


def describe_change(plan: Plan, variant: Variant) -> str:
    """Return the change in words, such as `without cin, with fusion = gate, without the feature hist_item`."""
    full = plan.variant(plan.reference)
    changed = {name: value for name, value in variant.parameters.items() if full.parameters.get(name) != value}
    phrases = [f"without {part}" for part in variant.remove]
    phrases += [f"with {name} = {value}" for name, value in changed.items()]
    phrases += [f"without the feature {name}" for name in variant.drop_features]
    phrases += [f"with the feature {name}" for name in variant.add_features or ()]
    return ", ".join(phrases) or "as the full model"


def _variant(full: Variant, change: AblationVariant, is_retuned: bool, added: tuple[str, ...]) -> Variant:
    """Return the plan's variant: a parameter that it sets is not tuned, and nothing is with inherited values."""
    fixed = change.set or {}
    used = tuple(feature.name for feature in change.add_features or ())
    search = {name: dimension for name, dimension in full.search.items() if name not in fixed} if is_retuned else {}
    return full.model_copy(
        update={
            "name": change.name,
            "parameters": {**full.parameters, **fixed},
            "search": search,
            "remove": change.remove or (),
            "drop_features": change.drop_features or (),
            "add_features": used or None,
            "hidden_features": tuple(name for name in added if name not in used) or None,
        }
    )


def _seeds(ablation: Ablation, parent: AblationParent) -> Seeds:
    requested, base = ablation.spec.seeds, parent.plan.evaluation.seeds.base
    if requested.from_ == "Inherit":
        return Seeds(count=parent.seed_count, base=base)
    return Seeds(count=requested.count or parent.seed_count, base=base if requested.base is None else requested.base)
