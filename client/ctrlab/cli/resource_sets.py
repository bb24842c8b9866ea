"""Several resources in one command: check ablations against their experiments, and order them for running."""

from collections.abc import Callable, Sequence

from ctrlab_api.checks.ablation_checks import check_ablation
from ctrlab_api.errors import InvalidSpec, Problem
from ctrlab_api.loading.resource_loading import Resource
from ctrlab_api.resources.ablation import Ablation
from ctrlab_api.resources.experiment import Experiment


def order_resources(resources: Sequence[Resource]) -> list[Resource]:
    """Return experiments in the given order, each followed by its ablations; ablations without experiment last."""
    ablations = [resource for resource in resources if isinstance(resource, Ablation)]
    ordered: list[Resource] = []
    for experiment in resources:
        if isinstance(experiment, Experiment):
            name = _qualified_name(experiment)
            ordered += [experiment, *(ablation for ablation in ablations if parent_name(ablation) == name)]
    return ordered + [ablation for ablation in ablations if ablation not in ordered]


def check_together(
    resources: Sequence[Resource], find_parent: Callable[[Ablation], Experiment | None] = lambda ablation: None
) -> None:
    """Raise InvalidSpec for duplicate names and for ablations that do not fit their experiment.

    `find_parent` returns an experiment that is not among the resources; if it returns None, the ablation is not checked
    against its experiment.
    """
    names = [_qualified_name(resource) for resource in resources]
    problems = [
        Problem(f"{resources[names.index(name)].kind} {name}", "given twice; names must differ")
        for name in sorted({name for name in names if names.count(name) > 1})
    ]
    experiments = {_qualified_name(resource): resource for resource in resources if isinstance(resource, Experiment)}
    for ablation in resources:
        if not isinstance(ablation, Ablation):
            continue
        experiment = experiments.get(parent_name(ablation)) or find_parent(ablation)
        if experiment is not None:
            prefix = f"Ablation {ablation.metadata.name}"
            problems += [Problem(f"{prefix} {p.where}", p.message) for p in check_ablation(ablation, experiment)]
    if problems:
        raise InvalidSpec(problems)


def ablations_without_experiment(resources: Sequence[Resource]) -> list[Ablation]:
    """Return the ablations whose experiment is not among the resources."""
    experiments = {_qualified_name(resource) for resource in resources if isinstance(resource, Experiment)}
    ablations = [resource for resource in resources if isinstance(resource, Ablation)]
    return [ablation for ablation in ablations if parent_name(ablation) not in experiments]


def parent_name(ablation: Ablation) -> str:
    """Return NAMESPACE/NAME of the experiment that an ablation refers to."""
    return f"{ablation.metadata.namespace}/{ablation.spec.experiment_ref.name}"


def _qualified_name(resource: Resource) -> str:
    return f"{resource.metadata.namespace}/{resource.metadata.name}"
