"""Checks of an ablation against its experiment, which must have the parts, parameters and features that it names.

`ctrlab validate` runs them when both are in the given files, `ctrlab run` and the operator before anything starts.
"""

from collections.abc import Iterator

from pydantic import ValidationError

from ctrlab_api.ablation_plan import expanded_variants, removed_parts
from ctrlab_api.architectures import ARCHITECTURES, Architecture, check_parameters, check_parts
from ctrlab_api.errors import Problem
from ctrlab_api.loading.validation_problems import describe_errors
from ctrlab_api.resources.ablation import Ablation, AblationVariant
from ctrlab_api.resources.dataset import Dataset
from ctrlab_api.resources.experiment import Experiment, Model
from ctrlab_api.resources.features import Feature


def check_ablation(ablation: Ablation, experiment: Experiment) -> list[Problem]:
    """Return every problem of a well-formed ablation of a valid experiment, with the path of its field.

    Parts and parameters of an architecture that only the user's image registers are checked there.
    """
    spec = ablation.spec
    models = {model.name: model for model in experiment.spec.models}
    if spec.model not in models:
        message = f"{experiment.metadata.name} has no model {spec.model!r}; known: {', '.join(models)}"
        return [Problem("spec.model", message)]
    model, problems = models[spec.model], list[Problem]()
    for index, variant in enumerate(spec.variants):
        path = f"spec.variants[{index}]"
        problems += _part_problems(path, variant, model, experiment.spec.dataset)
        problems += _parameter_problems(path, variant, model)
        problems += _feature_problems(path, variant, experiment.spec.dataset)
    return problems or [
        *_duplicate_changes(ablation),
        *_added_feature_problems(ablation, experiment.spec.dataset),
        *_factorial_problems(ablation, model),
    ]


def _part_problems(path: str, variant: AblationVariant, model: Model, dataset: Dataset) -> Iterator[Problem]:
    declared = ARCHITECTURES.get(model.architecture)
    if declared is None:
        return
    removed = list(variant.remove or ())
    try:
        check_parts(model.architecture, removed)
        if _drops_all_histories(variant, dataset):
            check_parts(model.architecture, [*removed, *declared.history_branches])
    except ValueError as error:
        yield Problem(f"{path}.remove", str(error))


def _drops_all_histories(variant: AblationVariant, dataset: Dataset) -> bool:
    dropped = variant.drop_features or ()
    return all(feature.name in dropped for feature in dataset.features if feature.type == "History")


def _parameter_problems(path: str, variant: AblationVariant, model: Model) -> Iterator[Problem]:
    declared, changed = ARCHITECTURES.get(model.architecture), variant.set or {}
    if declared is None or not changed:
        return
    search = {name: dimension for name, dimension in (model.search or {}).items() if name not in changed}
    violations = check_parameters(model.architecture, {**(model.parameters or {}), **changed}, search)
    for field, message in violations:
        kind, _, name = field.partition(".")
        yield Problem(f"{path}.set.{name}" if kind == "parameters" and name else f"{path}.set", message)
    if violations:
        return
    full = _fixed_values(declared, model, {})
    for name, value in changed.items():
        is_tuned = name in (model.search or {})
        if not is_tuned and full is not None and _fixed_values(declared, model, {name: value}) == full:
            message = f"changes nothing: {model.name} has {value} already; give another value or leave it out"
            yield Problem(f"{path}.set.{name}", message)


def _fixed_values(declared: type[Architecture], model: Model, changed: dict[str, int | str]) -> Architecture | None:
    """Return the model's fixed parameters with changes; None where they are valid only together with tuned ones."""
    try:
        return declared.model_validate({**(model.parameters or {}), **changed})
    except ValidationError:
        return None


def _feature_problems(path: str, variant: AblationVariant, dataset: Dataset) -> Iterator[Problem]:
    names = [feature.name for feature in dataset.features]
    known = ", ".join(names)
    dropped = variant.drop_features or ()
    for name in dropped:
        if name not in names:
            yield Problem(f"{path}.dropFeatures", f"the data set has no feature {name!r}; known: {known}")
    for feature in dataset.features:
        if feature.type == "History" and feature.of in dropped and feature.name not in dropped:
            yield Problem(
                f"{path}.dropFeatures",
                f"the history {feature.name!r} needs its candidate {feature.of!r}: drop both or neither",
            )
    if set(names) <= set(dropped):
        yield Problem(f"{path}.dropFeatures", f"no feature would be left; keep one of {known}")
    for feature in variant.add_features or ():
        if feature.name in names:
            yield Problem(
                f"{path}.addFeatures",
                f"the full model already uses {feature.name!r}, like every feature of the data set ({known}); give it "
                "another name, or drop features instead",
            )


def _added_feature_problems(ablation: Ablation, dataset: Dataset) -> Iterator[Problem]:
    """Yield the problems that added features would have in the data set of the experiment."""
    declared: dict[str, Feature] = {}
    for index, variant in enumerate(ablation.spec.variants):
        path = f"spec.variants[{index}].addFeatures"
        for feature in variant.add_features or ():
            if declared.setdefault(feature.name, feature) != feature:
                message = f"{feature.name!r} is declared differently by another variant; give one of them a new name"
                yield Problem(path, message)
        if not variant.add_features:
            continue
        yield from (Problem(path, message) for message in _changed_vocabularies(variant.add_features, dataset))
        try:
            Dataset.model_validate({**dict(dataset), "features": dataset.features + variant.add_features})
        except ValidationError as error:
            for problem in describe_errors(error, Dataset):
                yield Problem(path, problem.message)


def _changed_vocabularies(added: tuple[Feature, ...], dataset: Dataset) -> Iterator[str]:
    """Yield messages about stored histories whose values would change a vocabulary of the experiment."""
    vocabularies = {feature.name for feature in dataset.features if feature.hash_buckets is None}
    for feature in added:
        if feature.stored is not None and feature.of in vocabularies:
            yield (
                f"{feature.name!r} would add its values to the ids of {feature.of!r}, which every variant uses; "
                "declare the history in the experiment, and drop it in a variant"
            )


def _duplicate_changes(ablation: Ablation) -> Iterator[Problem]:
    variants: dict[tuple[object, ...], str] = {}
    for index, variant in enumerate(ablation.spec.variants):
        values = sorted((name, str(value)) for name, value in (variant.set or {}).items())
        features = frozenset(variant.drop_features or ()), frozenset(f.name for f in variant.add_features or ())
        change = (frozenset(variant.remove or ()), tuple(values), features)
        if change in variants:
            yield Problem(f"spec.variants[{index}]", f"{variant.name} makes the same change as {variants[change]}")
        variants.setdefault(change, variant.name)


def _factorial_problems(ablation: Ablation, model: Model) -> Iterator[Problem]:
    """Yield the problems that only the combinations of a factorial ablation have."""
    if not ablation.spec.factorial:
        return
    if model.architecture in ARCHITECTURES:
        try:
            check_parts(model.architecture, removed_parts(ablation))
        except ValueError as error:
            yield Problem("spec.factorial", f"{error}; all removals are combined, so leave one of them out")
    names = [variant.name for variant in expanded_variants(ablation)]
    for name in sorted({name for name in names if names.count(name) > 1 or name == ablation.spec.model}):
        message = f"a combination would be named {name!r}, like a variant with another change; rename that variant"
        yield Problem("spec.factorial", message)
