"""Checks that a schema cannot express: models against what their architecture declares and what the data offer.

Run by `ctrlab validate` on one machine and by the operator before a plan is frozen; pure, and free of torch.
"""

from ctrlab_api.architectures import ARCHITECTURES, check_parameters, unknown_architecture
from ctrlab_api.checks.search_space_checks import check_grid, check_search_space
from ctrlab_api.errors import Problem
from ctrlab_api.plan import effective_search
from ctrlab_api.resources.experiment import Experiment, Model
from ctrlab_api.search_space import SearchSpace


def check_experiment(experiment: Experiment) -> list[Problem]:
    """Every problem of a well-formed experiment, with the field's path; empty when it can be planned.

    An unknown architecture is allowed where `spec.runtime.image` names an image of the user's own, which may register
    it; the prepare job checks it there.
    """
    spec, found = experiment.spec, []
    has_history = any(feature.type == "History" for feature in spec.dataset.features)
    for index, model in enumerate(spec.models):
        path = f"spec.models[{index}]"
        declared = ARCHITECTURES.get(model.architecture)
        if declared is None:
            if spec.runtime.image is None:
                found.append(Problem(f"{path}.architecture", unknown_architecture(model.architecture)))
            elif model.search_space is not None:
                message = f"no default search is known of {model.architecture!r}; write it out under search"
                found.append(Problem(f"{path}.searchSpace", message))
            found += _space(model, path)
            continue
        if declared.needs_history and not has_history:
            found.append(
                Problem(
                    f"{path}.architecture",
                    f"{declared.title} needs a feature of type History in spec.dataset.features; there is none",
                )
            )
        problems = _space(model, path)
        if not problems:
            space = _space_of(model)
            refused = check_parameters(model.architecture, space.fixed, space.dimensions, space.active_point)
            problems = [Problem(f"{path}.{place}", message) for place, message in refused]
            problems += check_grid(space, path) if spec.tuning.sampler == "Grid" else []
        found += problems
    return [*found, *_cma_es(experiment), *_grid_of_default_space(experiment)]


def _cma_es(experiment: Experiment) -> list[Problem]:
    """What the CmaEs sampler cannot search."""
    tuning, found = experiment.spec.tuning, []
    if tuning.sampler != "CmaEs":
        return []
    for model in experiment.spec.models:
        search = effective_search(model)
        numeric = [name for name, dimension in search.items() if dimension.categorical is None]
        if search and len(numeric) < 2:
            message = f"CmaEs needs at least two dimensions of type float or int; {model.name} has {len(numeric)}"
            found.append(Problem("spec.tuning.sampler", f"{message}; use TPE"))
        conditional = [name for name, dimension in search.items() if dimension.when is not None]
        if tuning.warm_start is not None and conditional:
            message = f"CmaEs cannot begin with trials that differ in {', '.join(conditional)} (when); use TPE or GP"
            found.append(Problem("spec.tuning.warmStart", message))
    return found


def _space_of(model: Model) -> SearchSpace:
    return SearchSpace(effective_search(model), model.constraints, model.parameters or {})


def _space(model: Model, path: str) -> list[Problem]:
    return check_search_space(_space_of(model), path)


def _grid_of_default_space(experiment: Experiment) -> list[Problem]:
    """A rule looks at the dimensions that are written out; the default ones are looked at here."""
    found = []
    for index, model in enumerate(experiment.spec.models):
        continuous = [name for name, dimension in effective_search(model).items() if dimension.cardinality() is None]
        if experiment.spec.tuning.sampler == "Grid" and model.search_space is not None and continuous:
            message = f"the Grid sampler needs a step or categorical values; write {', '.join(continuous)} under search"
            found.append(Problem(f"spec.models[{index}].searchSpace", message))
    return found
