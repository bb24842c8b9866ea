"""`ctrlab validate`: checks specifications without starting anything."""

from pathlib import Path
from typing import Annotated

import typer

from ctrlab.cli.console import print_text
from ctrlab.cli.resource_sets import ablations_without_experiment, check_together, parent_name
from ctrlab_api.checks.experiment_checks import search_space_notes
from ctrlab_api.errors import InvalidSpec, Problem
from ctrlab_api.loading.resource_loading import Resource, load_manifests
from ctrlab_api.resources.experiment import Experiment

Files = Annotated[list[Path], typer.Argument(help="YAML files with one or several documents.", show_default=False)]


def validate(files: Files) -> None:
    """Check specifications without starting anything; print every problem with the path of its field."""
    resources = load_files(files)
    check_together(resources)
    orphans = ablations_without_experiment(resources)
    for resource in resources:
        remark = f"; not checked against {parent_name(resource)}, add its file" if resource in orphans else ""
        print_text(f"{resource.kind} {resource.metadata.name}: valid{remark}")
        show_notes(resource)


def show_notes(resource: Resource) -> None:
    """Print notes about a valid resource that may not mean what its author meant."""
    for note in search_space_notes(resource) if isinstance(resource, Experiment) else ():
        print_text(f"note: {note}")


def load_files(files: list[Path]) -> list[Resource]:
    """Return the resources of all files in order; InvalidSpec with the problems of every file."""
    resources: list[Resource] = []
    problems: list[Problem] = []
    for file in files:
        try:
            resources += load_manifests(file)
        except InvalidSpec as error:
            problems += [_with_file(file, problem) for problem in error.problems]
    if problems:
        raise InvalidSpec(problems)
    return resources


def _with_file(file: Path, problem: Problem) -> Problem:
    if problem.where == str(file):
        return problem
    return Problem(f"{file}: {problem.where}", problem.message)
