"""Several documents at once: which belong together, whether ablations fit their experiments, and in which order."""

from collections.abc import Callable, Sequence

from ctrlab_api.checks.ablation_checks import check_ablation
from ctrlab_api.errors import InvalidSpec, Problem
from ctrlab_api.loading.resource_loading import Resource
from ctrlab_api.resources.ablation import Ablation
from ctrlab_api.resources.experiment import Experiment


def order_resources(resources: Sequence[Resource]) -> list[Resource]:
    """Experiments in the order given, each followed by its ablations; then the ablations of others."""
    ablations = [found for found in resources if isinstance(found, Ablation)]
    ordered: list[Resource] = []
    for experiment in resources:
        if isinstance(experiment, Experiment):
            ordered += [experiment, *(found for found in ablations if experiment_name_of(found) == _name(experiment))]
    return ordered + [found for found in ablations if found not in ordered]


def check_together(
    resources: Sequence[Resource], elsewhere: Callable[[Ablation], Experiment | None] = lambda ablation: None
) -> None:
    """Raises InvalidSpec for names given twice, and for ablations that do not fit the experiment that they name.

    `elsewhere` finds an experiment that is not among the documents; an ablation whose experiment is nowhere is not
    checked against one.
    """
    names = [_name(found) for found in resources]
    problems = [
        Problem(f"{resources[names.index(name)].kind} {name}", "given twice; names must differ")
        for name in sorted({name for name in names if names.count(name) > 1})
    ]
    experiments = {_name(found): found for found in resources if isinstance(found, Experiment)}
    for ablation in resources:
        if not isinstance(ablation, Ablation):
            continue
        experiment = experiments.get(experiment_name_of(ablation)) or elsewhere(ablation)
        if experiment is not None:
            where = f"Ablation {ablation.metadata.name}"
            problems += [Problem(f"{where} {p.where}", p.message) for p in check_ablation(ablation, experiment)]
    if problems:
        raise InvalidSpec(problems)


def ablations_without_experiment(resources: Sequence[Resource]) -> list[Ablation]:
    """Ablations whose experiment is not among the documents."""
    given = {_name(found) for found in resources if isinstance(found, Experiment)}
    return [found for found in resources if isinstance(found, Ablation) and experiment_name_of(found) not in given]


def experiment_name_of(ablation: Ablation) -> str:
    """Namespace and name of the experiment that an ablation names."""
    return f"{ablation.metadata.namespace}/{ablation.spec.experiment_ref.name}"


def _name(resource: Resource) -> str:
    return f"{resource.metadata.namespace}/{resource.metadata.name}"
