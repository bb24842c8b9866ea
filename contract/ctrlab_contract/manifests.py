"""Reading manifests: YAML with one or several documents, and what is wrong with them in words a person can use."""

import json
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ctrlab_contract.ablation import Ablation
from ctrlab_contract.checks import check_experiment
from ctrlab_contract.errors import InvalidSpec, Problem
from ctrlab_contract.experiment import Experiment
from ctrlab_contract.names import API_VERSION

Resource = Experiment | Ablation
KINDS: dict[str, type[Experiment] | type[Ablation]] = {"CTRExperiment": Experiment, "Ablation": Ablation}


def load_manifests(path: Path) -> list[Resource]:
    """Every resource in a YAML file, in order, checked; raises InvalidSpec with all problems of the file."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InvalidSpec([Problem(str(path), "no such file")]) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSpec([Problem(str(path), f"cannot be read: {error}")]) from None
    return parse_manifests(text, str(path))


def parse_manifests(text: str, origin: str) -> list[Resource]:
    """Every resource in a YAML text; `origin` names it in messages."""
    try:
        documents = [document for document in yaml.safe_load_all(text) if document is not None]
    except yaml.YAMLError as error:
        raise InvalidSpec([Problem(origin, f"not valid YAML: {' '.join(str(error).split())}")]) from None
    if not documents:
        raise InvalidSpec([Problem(origin, "the file holds no resource; see `ctrlab --help` for an example")])
    resources: list[Resource] = []
    problems: list[Problem] = []
    for document in documents:
        try:
            resources.append(parse_resource(document))
        except InvalidSpec as error:
            problems += error.problems
    if problems:
        raise InvalidSpec(problems)
    return resources


def parse_resource(document: Any) -> Resource:
    """One resource from its parsed YAML; raises InvalidSpec with every problem, each at its field's path."""
    if not isinstance(document, dict):
        raise InvalidSpec(
            [
                Problem(
                    "(document)", f"expected a mapping with apiVersion, kind, metadata and spec, not {document!r:.60}"
                )
            ]
        )
    if document.get("apiVersion") != API_VERSION:
        raise InvalidSpec([Problem("apiVersion", f"expected {API_VERSION}, not {document.get('apiVersion')!r}")])
    model = KINDS.get(str(document.get("kind")))
    if model is None:
        raise InvalidSpec([Problem("kind", f"expected one of {', '.join(KINDS)}, not {document.get('kind')!r}")])
    try:
        resource = model.model_validate_json(json.dumps(document, default=str))
    except ValidationError as error:
        raise InvalidSpec(_describe_all(error)) from None
    if isinstance(resource, Experiment):
        problems = check_experiment(resource)
        if problems:
            raise InvalidSpec(problems)
    return resource


def _describe_all(error: ValidationError) -> list[Problem]:
    """Each error once; a list counts as too short merely because its elements were refused, and that is left out."""
    problems = [describe(detail) for detail in error.errors(include_url=False)]
    return [
        problem
        for problem in problems
        if not any(other.where.startswith(f"{problem.where}[") for other in problems if other is not problem)
    ]


def describe(detail: ErrorDetails) -> Problem:
    """A pydantic error as a field path, what was found, and what is allowed."""
    path = ""
    for part in detail["loc"]:
        path += f"[{part}]" if isinstance(part, int) else f".{part}"
    path = path.removeprefix(".") or "(document)"
    given, kind, context = detail["input"], detail["type"], detail.get("ctx", {})
    match kind:
        case "extra_forbidden":
            return Problem(path, "unknown field; `ctrlab explain` lists the known ones")
        case "missing":
            return Problem(path, "required, but missing")
        case "value_error":
            return Problem(path, detail["msg"].removeprefix("Value error, "))
        case "string_type":
            return Problem(path, f'expected text, not {given!r:.60}; write numbers here in quotes, such as "{given}"')
        case "int_type" | "int_from_float" | "int_parsing":
            return Problem(path, f"expected a whole number, not {given!r:.60}")
        case "literal_error":
            return Problem(path, f"expected {context.get('expected')}, not {given!r:.60}")
        case "string_pattern_mismatch":
            return Problem(path, f"{given!r:.60} does not have the form {context.get('pattern')}")
        case "too_short":
            return Problem(path, f"needs at least {context.get('min_length')}, has {context.get('actual_length')}")
    text = detail["msg"][0].lower() + detail["msg"][1:]
    return Problem(path, f"{text}, not {given!r:.60}" if not isinstance(given, dict | list) else text)
