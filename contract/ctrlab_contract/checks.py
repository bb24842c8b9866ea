"""Checks that a schema cannot express: models against what their architecture declares and what the data offer.

Run by `ctrlab validate` on one machine and by the operator before a plan is frozen; pure, and free of torch.
"""

from ctrlab_contract.architectures import ARCHITECTURES, check_parameters
from ctrlab_contract.errors import Problem
from ctrlab_contract.experiment import Experiment


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
                known = ", ".join(ARCHITECTURES)
                found.append(
                    Problem(f"{path}.architecture", f"unknown architecture {model.architecture!r}; known: {known}")
                )
            continue
        if declared.needs_history and not has_history:
            found.append(
                Problem(
                    f"{path}.architecture",
                    f"{declared.title} needs a feature of type History in spec.dataset.features; there is none",
                )
            )
        problems = check_parameters(model.architecture, model.parameters or {}, model.search or {})
        found += [Problem(f"{path}.{place}", message) for place, message in problems]
    return found + _cma_es(experiment)


def _cma_es(experiment: Experiment) -> list[Problem]:
    """What the CmaEs sampler cannot search."""
    tuning, found = experiment.spec.tuning, []
    if tuning.sampler != "CmaEs":
        return []
    if tuning.mode == "Synchronous":
        message = "CmaEs keeps its state in trials of all generations; use mode Asynchronous or another sampler"
        found.append(Problem("spec.tuning.mode", message))
    for model in experiment.spec.models:
        numeric = [name for name, dimension in (model.search or {}).items() if dimension.categorical is None]
        if model.search and len(numeric) < 2:
            message = f"CmaEs needs at least two dimensions of type float or int; {model.name} has {len(numeric)}"
            found.append(Problem("spec.tuning.sampler", f"{message}; use TPE"))
    return found
