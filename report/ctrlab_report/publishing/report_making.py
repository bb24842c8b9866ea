"""Makes the report of an experiment, and links the reports of an experiment and its ablations.

A report is stored under the digest of its inputs, so neither of two reports that link to each other could name the
other. `report/index.html` has a fixed address and leads to the newest report instead.
"""

from ctrlab_api.errors import InvalidInput
from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.names import ObjectKey
from ctrlab_api.plan import ParentExperiment, Plan
from ctrlab_api.records.ablation_summary import AblationLink
from ctrlab_report.analysis.report_analysis import analyse_report
from ctrlab_report.inputs.report_inputs import ReportInputs, read_report_inputs
from ctrlab_report.pages.rendering import render_report
from ctrlab_report.publishing.report_files import publish_report
from ctrlab_store import Store, StoreError, StoreUnavailable


def make_report(store: Store, key: ExperimentKey) -> str:
    """Make and publish the report of an experiment or ablation; return the key of its folder.

    After the report of an ablation, the report of its experiment is made again with a link to it.
    """
    inputs, folder_key = _publish_new_report(store, key)
    if inputs.plan.parent is not None:
        _link_from_parent(store, key, inputs.plan, inputs.plan.parent)
    return folder_key


def _publish_new_report(store: Store, key: ExperimentKey) -> tuple[ReportInputs, str]:
    folder = store.below(key.prefix)
    inputs = read_report_inputs(folder, key)
    summary = analyse_report(inputs)
    return inputs, publish_report(folder, summary, render_report(summary, inputs))


def _link_from_parent(store: Store, key: ExperimentKey, plan: Plan, parent: ParentExperiment) -> None:
    """Record the ablation in its experiment's folder, and make the experiment's report again.

    An error there is printed and not raised, because the report of the ablation is complete without the link. Only
    during an outage it is raised, because the job runs again afterwards.
    """
    folder = store.below(parent.experiment)
    if not folder.exists(ObjectKey.LATEST_REPORT):
        return
    link = AblationLink(
        experiment=key.prefix,
        model=parent.model,
        variants=len(plan.variants) - 1,
        hyperparameters=parent.hyperparameters,
    )
    try:
        folder.put(ObjectKey.ablation(key.name, key.uid), link.to_json().encode())
        linked: dict[str, str] = {}
        # Another ablation may end at the same time: repeat until the report contains every link of the folder.
        while not linked.keys() >= set(folder.list(ObjectKey.ABLATIONS)):
            inputs, _ = _publish_new_report(store, parent.key)
            linked = inputs.input_digests
    except StoreUnavailable:
        raise
    except (InvalidInput, StoreError) as error:
        print(f"the report of {parent.experiment} keeps its old page without a link to this one: {error}")
