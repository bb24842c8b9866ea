"""The resource with its status as a file, so that other commands can tell how an experiment stands.

A cluster keeps it in etcd; here it is `<workspace>/experiments/<namespace>.<name>.json`.
"""

import os
from pathlib import Path

from ctrlab_contract.experiment import Experiment
from ctrlab_contract.names import LOCAL_NAMESPACE
from ctrlab_operator.local.errors import WorkspaceError
from ctrlab_operator.local.workspace import Workspace


def save(workspace: Workspace, experiment: Experiment) -> None:
    """Replace the file in one step."""
    meta = experiment.metadata
    path = _path(workspace, meta.namespace, meta.name)
    temporary = path.with_suffix(".writing")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(experiment.to_json(), encoding="utf-8")
        os.replace(temporary, path)
    except OSError as error:
        raise WorkspaceError.at(path, f"cannot be written: {error.strerror or error}") from None


def load(workspace: Workspace, namespace: str, name: str) -> Experiment | None:
    """The resource as it was saved last."""
    path = _path(workspace, namespace, name)
    return Experiment.model_validate_json(path.read_bytes()) if path.exists() else None


def load_all(workspace: Workspace) -> list[Experiment]:
    """Every resource of the workspace, sorted by name."""
    return [Experiment.model_validate_json(path.read_bytes()) for path in sorted(workspace.experiments.glob("*.json"))]


def find(workspace: Workspace, name: str) -> Experiment:
    """The resource called NAME or NAMESPACE/NAME; WorkspaceError lists the known ones."""
    namespace, _, plain = name.rpartition("/")
    found = load(workspace, namespace or LOCAL_NAMESPACE, plain)
    if found is None:
        known = ", ".join(sorted(experiment.metadata.name for experiment in load_all(workspace))) or "none"
        raise WorkspaceError.at(workspace.root, f"no experiment is named {name!r} here; known: {known}")
    return found


def _path(workspace: Workspace, namespace: str, name: str) -> Path:
    return workspace.experiments / f"{namespace}.{name}.json"
