"""Finished experiments that commands name: one of a workspace, or a folder in any store by its URI."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from ctrlab.local import resource_files
from ctrlab.local.errors import WorkspaceError
from ctrlab.local.workspace import Workspace
from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.loading.resource_loading import Resource
from ctrlab_api.names import ObjectKey
from ctrlab_store import ObjectNotFound, Store, open_store


def newest_report(name: str, workspace: Path) -> Store:
    """The newest report of an experiment; WorkspaceError if there is none."""
    if "://" not in name:
        return report_of(resource_files.find(Workspace.existing(workspace), name))
    folder = open_store(name)
    try:
        return folder.below(folder.get(ObjectKey.LATEST_REPORT).decode())
    except ObjectNotFound:
        raise WorkspaceError.at(
            name, "has no report yet, or is no experiment's folder (…/NAMESPACE/NAME/UID)"
        ) from None


def report_of(resource: Resource) -> Store:
    """The report that the status names; WorkspaceError if it names none."""
    return open_store(_report_uri(resource))


def page_of(report: Store) -> str:
    """Where a browser finds the page: a path on this machine, a URI elsewhere."""
    parts = urlsplit(report.uri)
    folder = unquote(parts.path) if parts.scheme == "file" else report.uri
    return f"{folder.rstrip('/')}/report.html"


def folder_uri(name: str, workspace: Path) -> str:
    """The URI of the experiment's folder (…/NAMESPACE/NAME/UID); `name` may be such a URI itself."""
    if "://" in name:
        return name.rstrip("/")
    found = resource_files.find(Workspace.existing(workspace), name)
    return _report_uri(found).rsplit("/report/", 1)[0]


def root_and_key(name: str, workspace: Path) -> tuple[str, str]:
    """The URI of the store's root and NAMESPACE/NAME/UID; WorkspaceError where the name leads nowhere."""
    return split_folder_uri(folder_uri(name, workspace), name)


def split_folder_uri(uri: str, name: str) -> tuple[str, str]:
    """Return the URI of the store's root and NAMESPACE/NAME/UID; WorkspaceError about `name` for any other URI."""
    try:
        root, key = ExperimentKey.split_folder_uri(uri)
    except ValueError as error:
        raise WorkspaceError.at(name, str(error)) from None
    return root, key.prefix


def _report_uri(resource: Resource) -> str:
    status = resource.status
    if status is None or status.report is None:
        stage = status.stage if status else "Pending"
        raise WorkspaceError.at(resource.metadata.name, f"has no report yet (stage {stage}); `ctrlab run` makes it")
    return status.report.uri
