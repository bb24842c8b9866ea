"""The plan of an ablation: the full model and its variants, on the data, budget and analysis of a finished experiment.

Everything but the listed change stays as the experiment had it. The parent's plan and searches are named by digest, so
that the ablation's own plan cannot exist before they are frozen.
"""

from dataclasses import dataclass
from itertools import combinations

from ctrlab_api.plan import ExperimentKey, ParentExperiment, Plan, Variant
from ctrlab_api.resources.ablation import Ablation, AblationVariant
from ctrlab_api.resources.dataset import Dataset
from ctrlab_api.resources.experiment import Experiment
from ctrlab_api.resources.features import Feature
from ctrlab_api.resources.tuning import Evaluation, Seeds


@dataclass(frozen=True)
class AblationParent:
    """What an ablation's plan takes from its experiment."""

    key: ExperimentKey
    plan: Plan
    digest: str
    """The planDigest that the experiment ran with."""
    search_token: str
    seed_count: int
    """Seeds of each model in the end, extension included."""

    @classmethod
    def of(cls, experiment: Experiment) -> "AblationParent":
        """From the resource and its status; before the experiment has ended, digests are those known so far."""
        plan, status, meta = Plan.of(experiment), experiment.status, experiment.metadata
        key = ExperimentKey(namespace=meta.namespace, name=meta.name, uid=meta.uid or "")
        return cls(
            key=key,
            plan=plan,
            digest=(status.plan_digest if status else None) or plan.digest,
            search_token=(status.search_digest if status else None) or "",
            seed_count=(status.seed_count if status else None) or plan.evaluation.seeds.count,
        )


def build_ablation_plan(ablation: Ablation, parent: AblationParent) -> Plan:
    """The plan; the ablation has passed `check_ablation`, or KeyError is raised for an unknown model."""
    spec, plan = ablation.spec, parent.plan
    full = plan.variant(spec.model)
    retuned = spec.hyperparameters == "Retune"
    changes = (AblationVariant.model_construct(name=spec.model), *expanded_variants(ablation))
    added = tuple(feature.name for feature in added_features(ablation))
    return Plan(
        dataset=with_added_features(plan.dataset, ablation),
        variants=tuple(_variant(full, change, retuned, added) for change in changes),
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
    """Every feature that some variant adds, once, in the order of the specification."""
    declared = {feature.name: feature for variant in ablation.spec.variants for feature in variant.add_features or ()}
    return tuple(declared.values())


def with_added_features(dataset: Dataset, ablation: Ablation) -> Dataset:
    """The experiment's data set with the added features after its own, which are encoded as they were there."""
    added = added_features(ablation)
    return dataset.model_copy(update={"features": dataset.features + added}) if added else dataset


def removed_parts(ablation: Ablation) -> tuple[str, ...]:
    """Every part that some variant removes, in the order of the specification."""
    return tuple(dict.fromkeys(part for variant in ablation.spec.variants for part in variant.remove or ()))


def expanded_variants(ablation: Ablation) -> tuple[AblationVariant, ...]:
    """The listed variants, then with `factorial` each combination of removals that none of them is."""
    listed = ablation.spec.variants
    if not ablation.spec.factorial:
        return listed
    parts = removed_parts(ablation)
    known = {frozenset(variant.remove or ()) for variant in listed if only_removes_parts(variant)}
    wanted = [chosen for size in range(1, len(parts) + 1) for chosen in combinations(parts, size)]
    added = tuple(
        AblationVariant(name="no-" + "-".join(chosen), remove=chosen)
        for chosen in wanted
        if frozenset(chosen) not in known
    )
    return listed + added


def only_removes_parts(variant: AblationVariant) -> bool:
    """Whether removing parts is all that the variant changes."""
    return bool(variant.remove) and not (variant.set or variant.drop_features or variant.add_features)


def describe_change(plan: Plan, variant: Variant) -> str:
    """Such as `without cin, with fusion = gate, without the feature hist_item`."""
    full = plan.variant(plan.reference)
    given = {name: value for name, value in variant.parameters.items() if full.parameters.get(name) != value}
    words = [f"without {part}" for part in variant.remove]
    words += [f"with {name} = {value}" for name, value in given.items()]
    words += [f"without the feature {name}" for name in variant.drop_features]
    words += [f"with the feature {name}" for name in variant.add_features or ()]
    return ", ".join(words) or "as the full model"


def _variant(full: Variant, change: AblationVariant, retuned: bool, added: tuple[str, ...]) -> Variant:
    """A parameter that the variant sets is no longer searched; with inherited values nothing is."""
    fixed = change.set or {}
    more = tuple(feature.name for feature in change.add_features or ())
    search = {name: dimension for name, dimension in full.search.items() if name not in fixed} if retuned else {}
    return full.model_copy(
        update={
            "name": change.name,
            "parameters": {**full.parameters, **fixed},
            "search": search,
            "remove": change.remove or (),
            "drop_features": change.drop_features or (),
            "add_features": more or None,
            "hidden_features": tuple(name for name in added if name not in more) or None,
        }
    )


def _seeds(ablation: Ablation, parent: AblationParent) -> Seeds:
    asked, base = ablation.spec.seeds, parent.plan.evaluation.seeds.base
    if asked.from_ == "Inherit":
        return Seeds(count=parent.seed_count, base=base)
    return Seeds(count=asked.count or parent.seed_count, base=base if asked.base is None else asked.base)
