"""Locates experiments that commands name: by name in a workspace, or by the URI of their folder in any store."""

from pathlib import Path

from ctrlab.local import resource_files
from ctrlab.local.errors import WorkspaceError
from ctrlab.local.workspace import Workspace
from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.loading.resource_loading import Resource
from ctrlab_api.names import ObjectKey, ReportFile
from ctrlab_store import ObjectNotFound, Store, open_store, path_of_file_uri


def newest_report(name: str, workspace: Path) -> Store:
    """Return the folder of the newest report of an experiment; WorkspaceError if there is none."""
    if "://" not in name:
        return report_folder(resource_files.find(Workspace.open_existing(workspace), name))
    folder = open_store(name)
    try:
        return folder.below(folder.get(ObjectKey.LATEST_REPORT).decode())
    except ObjectNotFound:
        raise WorkspaceError.at(
            name, "has no report yet, or is not the folder of an experiment (…/NAMESPACE/NAME/UID)"
        ) from None


def report_folder(resource: Resource) -> Store:
    """Return the folder of the report that the status names; WorkspaceError if it names none."""
    return open_store(_report_uri(resource))


def page_location(report: Store) -> str:
    """Return the location of the HTML page for a browser: a path on this machine, a URI elsewhere."""
    folder = path_of_file_uri(report.uri) if report.uri.startswith("file://") else report.uri
    return f"{folder.rstrip('/')}/{ReportFile.PAGE}"


def folder_with_report(name: str, workspace: Path) -> str:
    """Return the URI of the experiment's folder; WorkspaceError if an experiment of the workspace has no report."""
    if "://" in name:
        return name.rstrip("/")
    resource = resource_files.find(Workspace.open_existing(workspace), name)
    return _report_uri(resource).rsplit("/report/", 1)[0]


def split_folder_uri(uri: str) -> tuple[str, ExperimentKey]:
    """Split the URI of an experiment's folder into the URI of the store's root and the key; else WorkspaceError."""
    try:
        return ExperimentKey.split_folder_uri(uri)
    except ValueError as error:
        raise WorkspaceError.at(uri, str(error)) from None


def _report_uri(resource: Resource) -> str:
    status = resource.status
    if status is None or status.report is None:
        stage = status.stage if status else "Pending"
        raise WorkspaceError.at(resource.metadata.name, f"has no report yet (stage {stage}); `ctrlab run` creates it")
    return status.report.uri
