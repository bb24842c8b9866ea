"""Each resource with its status as a file, so that other commands can tell how an experiment or ablation stands.

A cluster keeps it in etcd; here it is `<workspace>/experiments/<namespace>.<name>.json`.
"""

import json
from pathlib import Path

from ctrlab.local.errors import WorkspaceError
from ctrlab.local.workspace import Workspace
from ctrlab_api.loading.resource_loading import KINDS, Resource
from ctrlab_api.names import LOCAL_NAMESPACE
from ctrlab_store.atomic_files import write_atomically


def save(workspace: Workspace, resource: Resource) -> None:
    """Replace the file in one step."""
    meta = resource.metadata
    path = _path(workspace, meta.namespace, meta.name)
    try:
        write_atomically(path, resource.to_json().encode())
    except OSError as error:
        raise WorkspaceError.at(path, f"cannot be written: {error.strerror or error}") from None


def load(workspace: Workspace, namespace: str, name: str) -> Resource | None:
    """The resource as it was saved last."""
    path = _path(workspace, namespace, name)
    return _read(path) if path.exists() else None


def load_all(workspace: Workspace) -> list[Resource]:
    """Every resource of the workspace, sorted by name."""
    return [_read(path) for path in sorted(workspace.experiments.glob("*.json"))]


def find(workspace: Workspace, name: str) -> Resource:
    """The resource called NAME or NAMESPACE/NAME; WorkspaceError lists the known ones."""
    namespace, _, plain = name.rpartition("/")
    found = load(workspace, namespace or LOCAL_NAMESPACE, plain)
    if found is None:
        known = ", ".join(sorted(resource.metadata.name for resource in load_all(workspace))) or "none"
        raise WorkspaceError.at(workspace.root, f"no experiment is named {name!r} here; known: {known}")
    return found


def _read(path: Path) -> Resource:
    content = path.read_bytes()
    return KINDS[json.loads(content)["kind"]].model_validate_json(content)


def _path(workspace: Workspace, namespace: str, name: str) -> Path:
    return workspace.experiments / f"{namespace}.{name}.json"
