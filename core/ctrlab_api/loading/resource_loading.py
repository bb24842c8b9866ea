"""Load resources from YAML with one or several documents, and report their problems in words that users understand."""

from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from ctrlab_api.checks.experiment_checks import check_experiment
from ctrlab_api.errors import InvalidSpec, Problem
from ctrlab_api.loading.kubernetes_yaml import without_nulls
from ctrlab_api.loading.validation_problems import describe_errors
from ctrlab_api.loading.yaml_spellings import Spelling, load_documents
from ctrlab_api.names import API_VERSION
from ctrlab_api.resources.ablation import Ablation
from ctrlab_api.resources.experiment import Experiment

Resource = Experiment | Ablation
"""Either kind of resource."""
KINDS: dict[str, type[Experiment] | type[Ablation]] = {"CTRExperiment": Experiment, "Ablation": Ablation}


def load_manifests(path: Path) -> list[Resource]:
    """Return every resource in a YAML file, in order and checked; InvalidSpec lists all problems of the file."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InvalidSpec([Problem(str(path), "no such file")]) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSpec([Problem(str(path), f"cannot be read: {error}")]) from None
    return [_with_source_folder(resource, path) for resource in parse_manifests(text, str(path))]


def _with_source_folder(resource: Resource, path: Path) -> Resource:
    """Return an experiment with the folder of its file, to which the paths of its sources are relative."""
    if isinstance(resource, Ablation):
        return resource
    metadata = resource.metadata.model_copy(update={"source_folder": str(path.absolute().parent)})
    return resource.model_copy(update={"metadata": metadata})


def parse_manifests(text: str, origin: str) -> list[Resource]:
    """Return every resource in a YAML text, which messages call `origin`."""
    try:
        documents = load_documents(text)
    except yaml.YAMLError as error:
        raise InvalidSpec([Problem(origin, f"not valid YAML: {' '.join(str(error).split())}")]) from None
    if not documents:
        raise InvalidSpec([Problem(origin, "the file contains no resource; see `ctrlab --help` for an example")])
    resources: list[Resource] = []
    problems: list[Problem] = []
    for document, spelling in documents:
        try:
            resources.append(parse_resource(document, spelling))
        except InvalidSpec as error:
            prefix = f"{_title(document)} " if len(documents) > 1 else ""
            problems += [Problem(prefix + problem.where, problem.message) for problem in error.problems]
    if problems:
        raise InvalidSpec(problems)
    return resources


def parse_resource(document: Any, spelling: Spelling | None = None) -> Resource:
    """Return one resource from its parsed YAML or JSON; InvalidSpec lists every problem with the path of its field.

    `spelling` finds the values as they are written in the file, for messages.
    """
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
    content = without_nulls(document)
    try:
        resource = model.model_validate(content, by_name=False)
    except ValidationError as error:
        raise InvalidSpec(describe_errors(error, model, content, spelling)) from None
    if isinstance(resource, Experiment):
        problems = check_experiment(resource)
        if problems:
            raise InvalidSpec(problems)
    return resource


def _title(document: Any) -> str:
    """Return kind and name of a document, for messages about a file with several documents."""
    if not isinstance(document, dict):
        return "(document)"
    metadata = document.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return f"{document.get('kind')}/{name}"
