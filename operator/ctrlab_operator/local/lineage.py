"""Which earlier plans of the same name had already opened a test set."""

from ctrlab_contract.names import Key
from ctrlab_contract.plan import ExperimentKey
from ctrlab_contract.records import EarlierPlan, Lineage, RunRecord
from ctrlab_contract.store import Store


def lineage(store: Store, key: ExperimentKey) -> Lineage:
    """What the store tells of the other experiments of this namespace and name; `store` is the root."""
    records: dict[str, list[RunRecord]] = {}
    for found in store.list(f"{key.namespace}/{key.name}/"):
        uid, _, rest = found.removeprefix(f"{key.namespace}/{key.name}/").partition("/")
        if uid != key.uid and rest.startswith("runs/") and rest.endswith("/record.json"):
            records.setdefault(uid, []).append(RunRecord.model_validate_json(store.get(found)))
    return Lineage(
        earlier=tuple(
            EarlierPlan(
                uid=uid,
                plan_digest=runs[0].plan_digest,
                dataset_digest=runs[0].dataset_digest,
                openings=sum(len(run.openings) for run in runs),
            )
            for uid, runs in sorted(records.items())
        )
    )


def write_lineage(store: Store, key: ExperimentKey) -> None:
    """Put `lineage.json`, unless it was written before: it tells what was known when the plan was frozen."""
    target = Key.experiment(key.namespace, key.name, key.uid, Key.LINEAGE)
    if not store.exists(target):
        store.put(target, lineage(store, key).to_json().encode())
