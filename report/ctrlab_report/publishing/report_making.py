"""Links between the reports of an experiment and of its ablations, by pages whose address never changes.

A report lies under the digest of what it was made from, so neither of two that link to each other could name the
other's. `report/index.html` leads to the newest one instead.
"""

from ctrlab_api.errors import InvalidInput
from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.names import ObjectKey
from ctrlab_api.plan import Plan
from ctrlab_api.records.ablation_summary import AblationLink
from ctrlab_report.analysis.report_analysis import analyse_report
from ctrlab_report.inputs.report_inputs import read_report_inputs
from ctrlab_report.pages.rendering import render_report
from ctrlab_report.publishing.report_files import publish_report
from ctrlab_store import Store, StoreError


def make_report(store: Store, key: ExperimentKey) -> str:
    """Make and publish a report, and that of its experiment again where it is an ablation's; the former's key."""
    folder = store.below(key.prefix)
    inputs = read_report_inputs(folder, key)
    summary = analyse_report(inputs)
    prefix = publish_report(folder, summary, render_report(summary, inputs))
    if inputs.plan.parent is not None:
        _tell_parent(store, key, inputs.plan)
    return prefix


def _tell_parent(store: Store, key: ExperimentKey, plan: Plan) -> None:
    """The experiment's report is made again with the link. What is gone or damaged there does not concern the ablation,
    whose report is complete."""
    parent = plan.parent
    assert parent is not None
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
        told: dict[str, str] = {}
        while not told.keys() >= set(folder.list(ObjectKey.ABLATIONS)):  # another ablation may end at the same time
            inputs = read_report_inputs(folder, parent.key)
            summary = analyse_report(inputs)
            publish_report(folder, summary, render_report(summary, inputs))
            told = inputs.input_digests
    except (InvalidInput, StoreError) as error:
        print(f"the report of {parent.experiment} keeps its old page without a link to this one: {error}")
