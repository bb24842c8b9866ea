"""`ctrlab validate`: everything that can be known before work starts."""

from pathlib import Path
from typing import Annotated

import typer

from ctrlab.cli.console import print_text
from ctrlab.cli.resource_sets import ablations_without_experiment, check_together, experiment_name_of
from ctrlab_api.errors import InvalidSpec, Problem
from ctrlab_api.loading.resource_loading import Resource, load_manifests

Files = Annotated[list[Path], typer.Argument(help="YAML files; each may hold several documents.", show_default=False)]


def validate(files: Files) -> None:
    """Check specifications without starting anything; every problem is listed with the field's path."""
    resources = load_all(files)
    check_together(resources)
    alone = ablations_without_experiment(resources)
    for resource in resources:
        unchecked = (
            f"; not checked against {experiment_name_of(resource)}, give its file as well" if resource in alone else ""
        )
        print_text(f"{resource.kind} {resource.metadata.name}: valid{unchecked}")


def load_all(files: list[Path]) -> list[Resource]:
    """The resources of all files in order; raises InvalidSpec with the problems of every file."""
    resources: list[Resource] = []
    problems: list[Problem] = []
    for file in files:
        try:
            resources += load_manifests(file)
        except InvalidSpec as error:
            problems += [_in_file(file, problem) for problem in error.problems]
    if problems:
        raise InvalidSpec(problems)
    return resources


def _in_file(file: Path, problem: Problem) -> Problem:
    if problem.where == str(file):
        return problem
    return Problem(f"{file}: {problem.where}", problem.message)
