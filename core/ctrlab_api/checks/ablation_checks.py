"""Checks of an ablation against its experiment: parts, parameters and features that it names must be there.

Run by `ctrlab validate` where both are in the given files, by `ctrlab run` and by the operator before anything starts.
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
    """Every problem of a well-formed ablation of a sound experiment, with the field's path; empty when it can run.

    Parts and parameters of an architecture that only the user's own image knows are checked there.
    """
    spec = ablation.spec
    models = {model.name: model for model in experiment.spec.models}
    if spec.model not in models:
        message = f"{experiment.metadata.name} has no model {spec.model!r}; known: {', '.join(models)}"
        return [Problem("spec.model", message)]
    model, found = models[spec.model], list[Problem]()
    for index, variant in enumerate(spec.variants):
        path = f"spec.variants[{index}]"
        found += _parts(path, variant, model, experiment.spec.dataset)
        found += _parameters(path, variant, model)
        found += _features(path, variant, experiment.spec.dataset)
    return found or [
        *_same_change(ablation),
        *_added(ablation, experiment.spec.dataset),
        *_combinations(ablation, model),
    ]


def _parts(path: str, variant: AblationVariant, model: Model, dataset: Dataset) -> Iterator[Problem]:
    declared = ARCHITECTURES.get(model.architecture)
    if declared is None:
        return
    removed = list(variant.remove or ())
    try:
        check_parts(model.architecture, removed)
        if _without_histories(variant, dataset):
            check_parts(model.architecture, [*removed, *declared.history_branches])
    except ValueError as error:
        yield Problem(f"{path}.remove", str(error))


def _without_histories(variant: AblationVariant, dataset: Dataset) -> bool:
    dropped = variant.drop_features or ()
    return all(feature.name in dropped for feature in dataset.features if feature.type == "History")


def _parameters(path: str, variant: AblationVariant, model: Model) -> Iterator[Problem]:
    declared, given = ARCHITECTURES.get(model.architecture), variant.set or {}
    if declared is None or not given:
        return
    search = {name: dimension for name, dimension in (model.search or {}).items() if name not in given}
    found = check_parameters(model.architecture, {**(model.parameters or {}), **given}, search)
    for place, message in found:
        kind, _, name = place.partition(".")
        yield Problem(f"{path}.set.{name}" if kind == "parameters" and name else f"{path}.set", message)
    if found:
        return
    full = _values(declared, model, {})
    for name in given:
        if (
            name not in (model.search or {})
            and full is not None
            and _values(declared, model, {name: given[name]}) == full
        ):
            yield Problem(
                f"{path}.set.{name}",
                f"changes nothing: {model.name} has {given[name]} already; give another value or leave it out",
            )


def _values(declared: type[Architecture], model: Model, given: dict[str, int | str]) -> Architecture | None:
    """The model's fixed parameters with those given; None where they only go together with tuned ones."""
    try:
        return declared.model_validate({**(model.parameters or {}), **given})
    except ValidationError:
        return None


def _features(path: str, variant: AblationVariant, dataset: Dataset) -> Iterator[Problem]:
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
                f"the full model sees {feature.name!r} already, as every feature of the data set ({known}); give it "
                "another name, or drop features instead",
            )


def _added(ablation: Ablation, dataset: Dataset) -> Iterator[Problem]:
    """Whether the features that variants add could stand in the experiment's own data set."""
    declared: dict[str, Feature] = {}
    for index, variant in enumerate(ablation.spec.variants):
        path = f"spec.variants[{index}].addFeatures"
        for feature in variant.add_features or ():
            if declared.setdefault(feature.name, feature) != feature:
                yield Problem(path, f"{feature.name!r} is declared otherwise by another variant; give one a new name")
        if not variant.add_features:
            continue
        own = dataset.model_copy(update={"features": dataset.features + variant.add_features})
        try:
            Dataset.model_validate_json(own.to_json())
        except ValidationError as error:
            for problem in describe_errors(error, Dataset):
                yield Problem(path, problem.message)


def _same_change(ablation: Ablation) -> Iterator[Problem]:
    seen: dict[tuple[object, ...], str] = {}
    for index, variant in enumerate(ablation.spec.variants):
        values = sorted((name, str(value)) for name, value in (variant.set or {}).items())
        features = frozenset(variant.drop_features or ()), frozenset(f.name for f in variant.add_features or ())
        change = (frozenset(variant.remove or ()), tuple(values), features)
        if change in seen:
            yield Problem(f"spec.variants[{index}]", f"{variant.name} makes the same change as {seen[change]}")
        seen.setdefault(change, variant.name)


def _combinations(ablation: Ablation, model: Model) -> Iterator[Problem]:
    """What only the combinations of a factorial ablation break."""
    if not ablation.spec.factorial:
        return
    if model.architecture in ARCHITECTURES:
        try:
            check_parts(model.architecture, removed_parts(ablation))
        except ValueError as error:
            yield Problem("spec.factorial", f"{error}; all removals are combined, so leave one of them out")
    names = [variant.name for variant in expanded_variants(ablation)]
    for name in sorted({name for name in names if names.count(name) > 1 or name == ablation.spec.model}):
        yield Problem("spec.factorial", f"a combination would be called {name!r}, as is a variant of another change")
