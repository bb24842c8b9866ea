"""Freezing a plan, and with it what was known then: which earlier plans had opened a test set.

Those of the same name count, and those of any other name that trained one of the same models: what was changed after
the results were seen is exploratory under every name. An ablation's experiment and its full model do not count, because
an ablation takes both over as they are; what had been opened before its experiment counts for the ablation, too.
"""

from collections.abc import Iterable, Iterator

from ctrlab_api.canonical_json import digest
from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.names import ObjectKey, RunFile
from ctrlab_api.plan import Plan, Variant
from ctrlab_api.records import EarlierPlan, Lineage, PreparedData, TestOpening
from ctrlab_api.records.lineage import test_rows_digest
from ctrlab_store import Store


def lineage(store: Store, key: ExperimentKey, plan: Plan) -> Lineage:
    """What the store tells of the other experiments of this namespace; `store` is the root.

    Every opening of test is logged before the rows are read, so that a run which then crashed counts as well.
    """
    parent = plan.parent.experiment if plan.parent is not None else None
    found = [
        _earlier(store, key, plan, folder, keys)
        for folder, keys in _openings(store, key.namespace).items()
        if folder not in (key.prefix, parent)
    ]
    counted = {
        (one.experiment or key.name, one.uid): one for one in found if one.experiment is None or one.shared_models
    }
    for one in _of_parent(store, plan):
        counted.setdefault((one.experiment or "", one.uid), one)
    return Lineage(earlier=tuple(counted[place] for place in sorted(counted)))


def freeze_plan(store: Store, key: ExperimentKey, plan: Plan) -> None:
    """Put `lineage.json` and then `plan.json`; both are written once."""
    folder = store.below(key.prefix)
    if not folder.exists(ObjectKey.LINEAGE):
        folder.put(ObjectKey.LINEAGE, lineage(store, key, plan).to_json().encode())
    folder.put(ObjectKey.PLAN, plan.to_json().encode())


def shared_models(plan: Plan, other: Plan) -> tuple[str, ...]:
    """Names of the models that both plans train, whatever the other calls them; an ablation's full model aside."""
    known = {_identity(variant) for variant in other.variants}
    full = plan.parent.model if plan.parent is not None else None
    return tuple(v.name for v in plan.variants if v.name != full and _identity(v) in known)


def _identity(variant: Variant) -> str:
    return digest(variant.model_dump(mode="json", exclude={"name"}))


def _openings(store: Store, namespace: str) -> dict[str, list[str]]:
    """Keys of the openings by experiment folder (namespace/name/uid)."""
    found: dict[str, list[str]] = {}
    for key in store.list(f"{namespace}/"):
        match key.split("/"):
            case [_, _, _, "runs", *_, RunFile.OPENING] as parts:
                found.setdefault("/".join(parts[:3]), []).append(key)
    return found


def _earlier(store: Store, key: ExperimentKey, plan: Plan, folder: str, openings: Iterable[str]) -> EarlierPlan:
    other_key = ExperimentKey.parse(folder)
    keys = sorted(openings)
    prepared = PreparedData.model_validate_json(store.get(f"{folder}/{ObjectKey.PREPARED}"))
    first = TestOpening.model_validate_json(store.get(keys[0]))
    other = Plan.model_validate_json(store.get(f"{folder}/{ObjectKey.PLAN}"))
    return EarlierPlan(
        uid=other_key.uid,
        experiment=None if other_key.name == key.name else other_key.name,
        plan_digest=first.plan_digest,
        dataset_digest=prepared.digest,
        test_rows=test_rows_digest(prepared),
        openings=len(keys),
        shared_models=shared_models(plan, other),
    )


def _of_parent(store: Store, plan: Plan) -> Iterator[EarlierPlan]:
    """What the experiment of an ablation had recorded, seen from the ablation."""
    if plan.parent is None:
        return
    folder = store.below(plan.parent.experiment)
    if folder.exists(ObjectKey.LINEAGE):
        for one in Lineage.model_validate_json(folder.get(ObjectKey.LINEAGE)).earlier:
            name = one.experiment or plan.parent.name
            yield one.model_copy(update={"experiment": name, "shared_models": (plan.parent.model,)})
