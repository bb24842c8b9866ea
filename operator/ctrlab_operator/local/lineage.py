"""Freezing a plan, and with it what was known then: which earlier plans of the same name had opened a test set."""

from ctrlab_contract.names import Key
from ctrlab_contract.plan import ExperimentKey, Plan
from ctrlab_contract.records import EarlierPlan, Lineage, PreparedData, TestOpening
from ctrlab_contract.store import Store


def lineage(store: Store, key: ExperimentKey) -> Lineage:
    """What the store tells of the other experiments of this namespace and name; `store` is the root.

    Every opening of test is logged before the rows are read, so that a run which then crashed counts as well.
    """
    siblings = f"{key.namespace}/{key.name}/"
    openings: dict[str, list[str]] = {}
    for found in store.list(siblings):
        uid, _, rest = found.removeprefix(siblings).partition("/")
        if uid != key.uid and rest.startswith("runs/") and rest.endswith("/opening.json"):
            openings.setdefault(uid, []).append(found)
    return Lineage(earlier=tuple(_earlier(store, siblings, uid, keys) for uid, keys in sorted(openings.items())))


def freeze(store: Store, key: ExperimentKey, plan: Plan) -> None:
    """Put `lineage.json` and then `plan.json`; both are written once."""
    folder = store.below(key.prefix)
    if not folder.exists(Key.LINEAGE):
        folder.put(Key.LINEAGE, lineage(store, key).to_json().encode())
    folder.put(Key.PLAN, plan.to_json().encode())


def _earlier(store: Store, siblings: str, uid: str, openings: list[str]) -> EarlierPlan:
    prepared = PreparedData.model_validate_json(store.get(f"{siblings}{uid}/{Key.PREPARED}"))
    first = TestOpening.model_validate_json(store.get(openings[0]))
    return EarlierPlan(uid=uid, plan_digest=first.plan_digest, dataset_digest=prepared.digest, openings=len(openings))
