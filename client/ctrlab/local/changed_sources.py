"""Detects that the data of an experiment changed after an earlier run of the same plan had prepared them.

The plan says where the data are, and not what they are. So before an earlier result is returned or resumed, the files
are compared with those that were prepared: by size and time stamps, and by digest where these differ. On other data,
`--new-data` starts another experiment, whose uid is derived from the plan and the files; the earlier one is kept.
"""

from collections.abc import Callable

from ctrlab.local.errors import ExperimentFailed, SourceChanged
from ctrlab.local.subcommands import run_subcommand
from ctrlab.local.worker_process import source_folder_environment
from ctrlab.local.workspace import Workspace
from ctrlab_api.canonical_json import digest, short_digest
from ctrlab_api.errors import InvalidInput, Problem
from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.names import ObjectKey
from ctrlab_api.plan import Plan
from ctrlab_api.records import PreparedData
from ctrlab_api.records.source_changes import SourceFiles, describe_changes
from ctrlab_api.resources.experiment import Experiment
from ctrlab_control.reanalysis import find_origins, is_untouched

Sources = Callable[[Workspace, ExperimentKey, str | None], SourceFiles]
"""Reads the files of a frozen plan's data set as they are now."""


def read_current_sources(workspace: Workspace, key: ExperimentKey, source_folder: str | None) -> SourceFiles:
    """Return the files as they are now; InvalidInput or ExperimentFailed if they cannot be read."""
    output = run_subcommand(
        "trainer",
        ["sources", "--store", workspace.store.uri, "--experiment", key.prefix],
        source_folder_environment(source_folder),
    )
    return SourceFiles.model_validate_json(output)


def key_for_current_data(
    workspace: Workspace,
    key: ExperimentKey,
    source_folder: str | None,
    note: Callable[[str], None],
    *,
    new_data: bool = False,
    read_sources: Sources = read_current_sources,
) -> ExperimentKey:
    """Return the key of the experiment of this plan on the data as they are now.

    It is `key` unless that experiment has prepared other data. Then it is an experiment that `new_data` started before,
    or starts now; without both, SourceChanged says what changed. `note` reports files that cannot be compared.
    """
    folder = workspace.store.below(key.prefix)
    if not folder.exists(ObjectKey.PREPARED):
        return key
    prepared = PreparedData.model_validate_json(folder.get(ObjectKey.PREPARED))
    if all(file.name.startswith("builtin://") for file in prepared.sources):
        return key
    try:
        now = read_sources(workspace, key, source_folder)
    except (InvalidInput, ExperimentFailed) as error:
        note(f"the data cannot be compared with what was prepared ({error}); continuing with what was prepared")
        return key
    changes = describe_changes(prepared, now.files)
    if not changes:
        return key
    plan = Plan.model_validate_json(folder.get(ObjectKey.PLAN))
    other = key.model_copy(update={"uid": short_digest(digest({"plan": plan.digest, "sources": now.digest}))})
    if new_data or workspace.store.below(other.prefix).exists(ObjectKey.PLAN):
        return other
    raise SourceChanged(
        [
            Problem(
                f"{key.name} spec.dataset.source",
                f"the data changed since they were prepared for this experiment: {changes}. Its results stay in "
                f"{folder.uri}. To run the experiment on the data as they are now, add --new-data, or write another "
                "metadata.name",
            )
        ]
    )


def note_changes_since_parent(workspace: Workspace, parent: Experiment, note: Callable[[str], None]) -> None:
    """Report that the data changed since the parent of an ablation prepared them."""
    key = ExperimentKey.from_metadata(parent.metadata)
    try:
        key_for_current_data(workspace, key, parent.metadata.source_folder, note)
    except SourceChanged as error:
        note(f"{error.problems[0].message.partition('. ')[0]}; the ablation uses the data as they were prepared")


def origin_with_current_data(
    workspace: Workspace,
    source_folder: str | None,
    key: ExperimentKey,
    plan: Plan,
    read_sources: Sources = read_current_sources,
) -> ExperimentKey | None:
    """Return an earlier experiment on the present data whose plan differs in its analysis only; None if there is none.

    A source that cannot be read counts as unchanged.
    """
    origins = find_origins(workspace.store, key, plan) if is_untouched(workspace.store, key, plan) else []
    for origin in origins:
        try:
            same = key_for_current_data(workspace, origin, source_folder, lambda _: None, read_sources=read_sources)
        except SourceChanged:
            continue
        if same == origin:
            return origin
    return None
