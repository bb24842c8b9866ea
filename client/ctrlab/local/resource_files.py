"""Each resource of a workspace with its status, in the file `<workspace>/experiments/<namespace>.<name>.json`.

The files do what etcd does on a cluster: other commands read the state of experiments and ablations from them.
"""

import json
from pathlib import Path

from ctrlab.local.errors import WorkspaceError
from ctrlab.local.workspace import Workspace
from ctrlab_api.loading.resource_loading import KINDS, Resource
from ctrlab_api.names import LOCAL_NAMESPACE
from ctrlab_store.atomic_files import write_atomically


def save(workspace: Workspace, resource: Resource) -> None:
    """Replace the resource's file atomically."""
    meta = resource.metadata
    path = _path(workspace, meta.namespace, meta.name)
    try:
        write_atomically(path, resource.to_json().encode())
    except OSError as error:
        raise WorkspaceError.at(path, f"cannot be written: {error.strerror or error}") from None


def load(workspace: Workspace, namespace: str, name: str) -> Resource | None:
    """Return the resource as it was last saved; None if the workspace has none of that name."""
    path = _path(workspace, namespace, name)
    return _read(path) if path.exists() else None


def load_all(workspace: Workspace) -> list[Resource]:
    """Return every resource of the workspace, sorted by namespace and name."""
    return [_read(path) for path in sorted(workspace.experiments.glob("*.json"))]


def find(workspace: Workspace, name: str) -> Resource:
    """Return the resource called NAME or NAMESPACE/NAME; WorkspaceError lists the existing names."""
    namespace, _, plain = name.rpartition("/")
    resource = load(workspace, namespace or LOCAL_NAMESPACE, plain)
    if resource is None:
        known = ", ".join(sorted(resource.metadata.name for resource in load_all(workspace))) or "none"
        raise WorkspaceError.at(workspace.root, f"has no experiment or ablation named {name!r}; known: {known}")
    return resource


def _read(path: Path) -> Resource:
    content = path.read_bytes()
    return KINDS[json.loads(content)["kind"]].model_validate_json(content)


def _path(workspace: Workspace, namespace: str, name: str) -> Path:
    return workspace.experiments / f"{namespace}.{name}.json"
