"""`ctrlab validate`: everything that can be known before work starts."""

from pathlib import Path
from typing import Annotated

import typer

from ctrlab_contract.errors import InvalidSpec, Problem
from ctrlab_contract.manifests import Resource, load_manifests
from ctrlab_operator.cli.documents import check_together, named, unaccompanied
from ctrlab_operator.cli.output import say

Files = Annotated[list[Path], typer.Argument(help="YAML files; each may hold several documents.", show_default=False)]


def validate(files: Files) -> None:
    """Check specifications without starting anything; every problem is listed with the field's path."""
    resources = load_all(files)
    check_together(resources)
    alone = unaccompanied(resources)
    for resource in resources:
        unchecked = f"; not checked against {named(resource)}, give its file as well" if resource in alone else ""
        say(f"{resource.kind} {resource.metadata.name}: valid{unchecked}")


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
