"""`ctrlab retry`: runs again what an experiment or ablation has lost, under the same plan and on record."""

import shlex
import subprocess
import sys
from datetime import UTC, datetime
from typing import Annotated

import typer

from ctrlab.cli.console import print_text
from ctrlab.cli.options import DEFAULT_WORKSPACE, Workers, WorkspaceFolder, cpu_count
from ctrlab.cli.run_command import run_resource, show_result
from ctrlab.local import resource_files
from ctrlab.local.errors import WorkspaceError
from ctrlab.local.workspace import Workspace
from ctrlab_api.errors import InvalidInput, Problem
from ctrlab_api.names import GROUP, RETRY_ANNOTATION, ConditionType

PLURALS = ("ctrexperiments", "ablations")
"""Resources of the API group, in the order in which a name is looked up."""


def retry(
    name: Annotated[str, typer.Argument(help="NAME or NAMESPACE/NAME.", show_default=False)],
    workspace: WorkspaceFolder = DEFAULT_WORKSPACE,
    workers: Workers = None,
    cluster: Annotated[bool, typer.Option("--cluster", help="Request the retry on the cluster of kubectl.")] = False,
) -> None:
    """Run the final runs again that an experiment lost, or the phase that failed, and make the report again.

    Runs that have a result are kept. The plan stays the same, and a record of the retry appears in the report.
    """
    if cluster:
        print_text(request_on_cluster(name))
        return
    opened = Workspace.open_existing(workspace)
    resource = resource_files.find(opened, name)
    status = resource.status
    if status is None or not (status.is_true(ConditionType.FAILED) or status.stage == "Incomplete"):
        stage = status.stage if status is not None else "Pending"
        advice = "there is nothing to retry" if stage == "Succeeded" else "resume it with `ctrlab run`"
        raise WorkspaceError.at(name, f"is in stage {stage}, without a failure or a lost run: {advice}")
    command = shlex.join(["ctrlab", "retry", name, "--workspace", str(opened.root)])
    show_result(opened, resource, run_resource(opened, resource, workers or cpu_count(), command))


def request_on_cluster(name: str) -> str:
    """Set the annotation that requests a retry with kubectl, and return its output; InvalidInput if kubectl fails."""
    namespace, _, plain = name.rpartition("/")
    token = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    options = ["--namespace", namespace] if namespace else []
    message = ""
    for plural in PLURALS:
        command = ["kubectl", "annotate", f"{plural}.{GROUP}", plain, f"{RETRY_ANNOTATION}={token}", "--overwrite"]
        try:
            completed = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
        except OSError as error:
            problem = Problem("kubectl", f"cannot be started: {error.strerror}; install it, or leave out --cluster")
            raise InvalidInput([problem]) from None
        if completed.returncode == 0:
            return completed.stdout.strip()
        message = completed.stderr.strip() or f"exit code {completed.returncode}"
        if "NotFound" not in message:
            break
    print(message, file=sys.stderr)
    raise InvalidInput([Problem(name, "the retry was not requested; see the message of kubectl above")])
