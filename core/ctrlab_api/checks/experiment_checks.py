"""Checks that a schema cannot express: models against the declaration of their architecture and against the data.

`ctrlab validate` runs them on one machine, and the operator before it freezes a plan; they are pure and free of torch.
"""

from ctrlab_api.architectures import ARCHITECTURES, check_parameters, unknown_architecture
from ctrlab_api.checks.column_roles import check_column_roles, check_metrics
from ctrlab_api.checks.search_space_checks import check_grid, check_search_space, unreached_bounds
from ctrlab_api.errors import Problem
from ctrlab_api.plan import effective_search
from ctrlab_api.resources.experiment import Experiment, Model
from ctrlab_api.search_space import SearchSpace


def check_experiment(experiment: Experiment) -> list[Problem]:
    """Return every problem of a well-formed experiment, with the path of its field; none when it can be planned.

    An unknown architecture is allowed if `spec.runtime.image` names a user's image, which may register it; the prepare
    Job checks it there.
    """
    spec = experiment.spec
    problems = [*check_column_roles(spec.dataset), *check_metrics(spec)]
    has_history = any(feature.type == "History" for feature in spec.dataset.features)
    for index, model in enumerate(spec.models):
        path = f"spec.models[{index}]"
        declared = ARCHITECTURES.get(model.architecture)
        if declared is None:
            if spec.runtime.image is None:
                problems.append(Problem(f"{path}.architecture", unknown_architecture(model.architecture)))
            elif model.search_space is not None:
                message = f"no default search space is known for {model.architecture!r}; write it out under search"
                problems.append(Problem(f"{path}.searchSpace", message))
            problems += check_search_space(_search_space(model), path)
            continue
        if declared.needs_history and not has_history:
            message = f"{declared.title} needs a feature of type History in spec.dataset.features; there is none"
            problems.append(Problem(f"{path}.architecture", message))
        problems += _model_problems(model, path, is_grid=spec.tuning.sampler == "Grid")
    return [*problems, *_cma_es_problems(experiment), *_default_grid_problems(experiment)]


def search_space_notes(experiment: Experiment) -> list[Problem]:
    """Return notes about search spaces that can be planned, but may not be what the user meant."""
    return [
        note
        for index, model in enumerate(experiment.spec.models)
        for note in unreached_bounds(_search_space(model), f"spec.models[{index}]")
    ]


def _model_problems(model: Model, path: str, *, is_grid: bool) -> list[Problem]:
    space = _search_space(model)
    problems = check_search_space(space, path)
    if problems:
        return problems
    violations = check_parameters(model.architecture, space.fixed, space.dimensions, space.active_point)
    problems = [Problem(f"{path}.{field}", message) for field, message in violations]
    return problems + (check_grid(space, path) if is_grid else [])


def _search_space(model: Model) -> SearchSpace:
    return SearchSpace(effective_search(model), model.constraints, model.parameters or {})


def _cma_es_problems(experiment: Experiment) -> list[Problem]:
    """Return the search spaces that the CmaEs sampler does not support."""
    tuning, problems = experiment.spec.tuning, list[Problem]()
    if tuning.sampler != "CmaEs":
        return []
    for model in experiment.spec.models:
        search = effective_search(model)
        numeric = [name for name, dimension in search.items() if dimension.categorical is None]
        if search and len(numeric) < 2:
            message = f"CmaEs needs at least two dimensions of type float or int; {model.name} has {len(numeric)}"
            problems.append(Problem("spec.tuning.sampler", f"{message}; use TPE"))
        conditional = [name for name, dimension in search.items() if dimension.when is not None]
        if tuning.warm_start is not None and conditional:
            message = f"CmaEs cannot start with trials that differ in {', '.join(conditional)} (when); use TPE or GP"
            problems.append(Problem("spec.tuning.warmStart", message))
    return problems


def _default_grid_problems(experiment: Experiment) -> list[Problem]:
    """Return continuous default dimensions of a grid; those that are written out are checked by a CEL rule."""
    problems = []
    for index, model in enumerate(experiment.spec.models):
        continuous = [name for name, dimension in effective_search(model).items() if dimension.cardinality() is None]
        if experiment.spec.tuning.sampler == "Grid" and model.search_space is not None and continuous:
            message = f"the Grid sampler needs a step or categorical values; write {', '.join(continuous)} under search"
            problems.append(Problem(f"spec.models[{index}].searchSpace", message))
    return problems
