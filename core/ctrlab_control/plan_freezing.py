"""Freeze a plan together with its lineage: the earlier plans that had opened a test set by then.

Earlier plans of the same experiment name count, and plans of any other name that trained one of the same models: a plan
that changed after its results were seen is exploratory under every name. The parent of an ablation and its full model
do not count, because an ablation reuses both unchanged; openings before the parent's plan count for the ablation, too.
"""

from collections.abc import Iterable, Iterator

from ctrlab_api.canonical_json import digest
from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.names import ObjectKey, RunFile
from ctrlab_api.plan import Plan, Variant
from ctrlab_api.records import EarlierPlan, Lineage, PreparedData, TestOpening
from ctrlab_api.records.lineage import test_rows_digest
from ctrlab_store import Store


def freeze_plan(store: Store, key: ExperimentKey, plan: Plan) -> None:
    """Write `lineage.json` and then `plan.json`, each once; `store` is the store of all experiments."""
    folder = store.below(key.prefix)
    if not folder.exists(ObjectKey.LINEAGE):
        folder.put(ObjectKey.LINEAGE, lineage_of(store, key, plan).to_json().encode())
    folder.put(ObjectKey.PLAN, plan.to_json().encode())


def lineage_of(store: Store, key: ExperimentKey, plan: Plan) -> Lineage:
    """Return the earlier plans of this namespace that count; `store` is the store of all experiments.

    Every opening of test rows is logged before the rows are read, so a run that crashed afterwards counts as well.
    """
    parent = plan.parent.experiment if plan.parent is not None else None
    opened = [
        _earlier_plan(store, key, plan, folder, opening_keys)
        for folder, opening_keys in _openings(store, key.namespace).items()
        if folder not in (key.prefix, parent)
    ]
    counted = {
        (earlier.experiment or key.name, earlier.uid): earlier
        for earlier in opened
        if earlier.experiment is None or earlier.shared_models
    }
    for earlier in _lineage_of_parent(store, plan):
        counted.setdefault((earlier.experiment or "", earlier.uid), earlier)
    return Lineage(earlier=tuple(counted[name_and_uid] for name_and_uid in sorted(counted)))


def shared_models(plan: Plan, other: Plan) -> tuple[str, ...]:
    """Return the models that both plans train, under any name in `other`, without the full model of an ablation."""
    identities = {_identity(variant) for variant in other.variants}
    full_model = plan.parent.model if plan.parent is not None else None
    return tuple(v.name for v in plan.variants if v.name != full_model and _identity(v) in identities)


def _identity(variant: Variant) -> str:
    return digest(variant.model_dump(mode="json", exclude={"name"}))


def _openings(store: Store, namespace: str) -> dict[str, list[str]]:
    """Return the keys of the openings by the experiment's folder (namespace/name/uid)."""
    openings: dict[str, list[str]] = {}
    for key in store.list(f"{namespace}/"):
        match key.split("/"):
            case [_, _, _, "runs", *_, RunFile.OPENING] as parts:
                openings.setdefault("/".join(parts[:3]), []).append(key)
    return openings


def _earlier_plan(
    store: Store, key: ExperimentKey, plan: Plan, folder: str, opening_keys: Iterable[str]
) -> EarlierPlan:
    _, name, uid = folder.split("/")
    keys = sorted(opening_keys)
    prepared = PreparedData.model_validate_json(store.get(f"{folder}/{ObjectKey.PREPARED}"))
    first = TestOpening.model_validate_json(store.get(keys[0]))
    other = Plan.model_validate_json(store.get(f"{folder}/{ObjectKey.PLAN}"))
    return EarlierPlan(
        uid=uid,
        experiment=None if name == key.name else name,
        plan_digest=first.plan_digest,
        dataset_digest=prepared.digest,
        test_rows=test_rows_digest(prepared),
        openings=len(keys),
        shared_models=shared_models(plan, other),
    )


def _lineage_of_parent(store: Store, plan: Plan) -> Iterator[EarlierPlan]:
    """Yield the earlier plans that the parent of an ablation recorded, from the ablation's point of view."""
    if plan.parent is None:
        return
    folder = store.below(plan.parent.experiment)
    if folder.exists(ObjectKey.LINEAGE):
        for earlier in Lineage.model_validate_json(folder.get(ObjectKey.LINEAGE)).earlier:
            name = earlier.experiment or plan.parent.name
            yield earlier.model_copy(update={"experiment": name, "shared_models": (plan.parent.model,)})
