"""A plan that differs from an earlier one in what is reported only uses the studies and runs of the earlier one.

The new plan has its own folder, so nothing of the earlier one changes. Studies and run records are copied with the
digest of the new plan and the origin of each run; `plan.json` is written last, so a crash leaves no plan with a part of
its runs. Any backend can call `find_origins` before a plan is frozen, and `adopt` to freeze it.
"""

from collections.abc import Iterator
from typing import Any

from ctrlab_api.canonical_json import digest
from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.names import ObjectKey, RunFile
from ctrlab_api.plan import Plan
from ctrlab_api.records import RunRecord, StudyRecord
from ctrlab_api.records.ablation_changes import ReusedRun
from ctrlab_api.records.reanalysis import Reanalysis
from ctrlab_api.run_attempts import RUNS_PREFIX, attempts_with
from ctrlab_control.plan_freezing import freeze_plan
from ctrlab_store import Store

REPORTED_FIELDS = frozenset({"metrics", "margin", "confidence", "reference", "compare", "correction"})
"""Fields of spec.analysis that no training depends on."""
DECIDING_FIELDS = frozenset({"confidence", "reference", "compare", "correction"})
"""Those among them that the number of seeds depends on, if `evaluation.precision` extends it."""
COPIED_FILES = (RunFile.PREDICTIONS, RunFile.CURVE)


def find_origins(store: Store, key: ExperimentKey, plan: Plan) -> list[ExperimentKey]:
    """Return the experiments of the same name whose studies and runs this plan can use, the best first.

    They differ from the plan in reported fields only, and all their studies are frozen. `store`: that of all
    experiments.
    """
    origins = []
    for prefix in _folders(store, key):
        folder = store.below(prefix)
        other = Plan.model_validate_json(folder.get(ObjectKey.PLAN))
        if prefix == key.prefix or folder.exists(ObjectKey.REANALYSIS) or not folder.exists(ObjectKey.PREPARED):
            continue
        is_frozen = all(folder.exists(ObjectKey.study(name)) for name in other.names)
        if is_frozen and _trained_content(store, other) == _trained_content(store, plan):
            origins.append((-len(attempts_with(folder.list(RUNS_PREFIX), RunFile.RECORD)), prefix))
    return [ExperimentKey.parse(prefix) for _, prefix in sorted(origins)]


def changed_fields(plan: Plan, earlier: Plan) -> tuple[str, ...]:
    """Return the API names of the fields of spec.analysis that differ, sorted."""
    new, old = (each.analysis.model_dump(mode="json", by_alias=True) for each in (plan, earlier))
    return tuple(sorted(name for name in new if new[name] != old[name]))


def is_untouched(store: Store, key: ExperimentKey, plan: Plan) -> bool:
    """Return whether no study of the plan is frozen, so that it can still use those of an earlier plan."""
    folder = store.below(key.prefix)
    return not any(folder.exists(ObjectKey.study(name)) for name in plan.names)


def adopt(store: Store, key: ExperimentKey, plan: Plan, origin: ExperimentKey) -> Reanalysis:
    """Freeze the plan with the studies and runs of `origin`, and return the record; idempotent."""
    source, folder = store.below(origin.prefix), store.below(key.prefix)
    earlier = Plan.model_validate_json(source.get(ObjectKey.PLAN))
    keys = source.list(RUNS_PREFIX)
    studies = {name: StudyRecord.model_validate_json(source.get(ObjectKey.study(name))) for name in plan.names}
    adopted = {name: _under_plan(study, plan) for name, study in studies.items()}
    for name in (ObjectKey.PREPARED, ObjectKey.SEED_DECISION, *(ObjectKey.trials_csv(name) for name in plan.names)):
        if source.exists(name) and not folder.exists(name):
            folder.put(name, source.get(name))
    for (variant, seed), attempts in attempts_with(keys, RunFile.RECORD).items():
        for attempt in attempts:
            _adopt_run(source, folder, key, origin, adopted[variant], seed, attempt, plan)
    record = _record(origin, plan, earlier, keys)
    if folder.exists(ObjectKey.REANALYSIS):
        record = Reanalysis.model_validate_json(folder.get(ObjectKey.REANALYSIS))
    else:
        folder.put(ObjectKey.REANALYSIS, record.to_json().encode())
    for name, study in adopted.items():
        folder.put(ObjectKey.study(name), study.to_json().encode())
    freeze_plan(store, key, plan)
    return record


def _record(origin: ExperimentKey, plan: Plan, earlier: Plan, run_keys: list[str]) -> Reanalysis:
    opened = any(name.endswith(f"/{RunFile.OPENING}") for name in run_keys)
    return Reanalysis(
        experiment=origin.prefix,
        plan_digest=earlier.digest,
        changed=changed_fields(plan, earlier),
        opened=opened or any(name.endswith(f"/{RunFile.RECORD}") for name in run_keys),
    )


def _under_plan(study: StudyRecord, plan: Plan) -> StudyRecord:
    repeats = None if study.repeats is None else tuple(_under_plan(repeat, plan) for repeat in study.repeats)
    return study.model_copy(update={"plan_digest": plan.digest, "repeats": repeats})


def _adopt_run(
    source: Store,
    folder: Store,
    key: ExperimentKey,
    origin: ExperimentKey,
    study: StudyRecord,
    seed: int,
    attempt: int,
    plan: Plan,
) -> None:
    """Copy one attempt of a run; its record is written last."""
    content = source.get(ObjectKey.run(study.variant, seed, attempt, RunFile.RECORD))
    record = RunRecord.model_validate_json(content)
    for name in COPIED_FILES:
        file = ObjectKey.run(study.variant, seed, attempt, name)
        if source.exists(file):
            folder.put(file, source.get(file))
    reused = ReusedRun(
        experiment=origin.prefix,
        attempt=attempt,
        plan_digest=record.plan_digest,
        search_digest=record.search_digest,
        record_sha256=digest(content),
    )
    update = {
        "experiment": key.prefix,
        "plan_digest": plan.digest,
        "search_digest": study.digest,
        "reused_from": record.reused_from or reused,
    }
    target = ObjectKey.run(study.variant, seed, attempt, RunFile.RECORD)
    folder.put(target, record.model_copy(update=update).to_json().encode())


def _folders(store: Store, key: ExperimentKey) -> Iterator[str]:
    """Yield the folders of all plans of this experiment's name."""
    for name in store.list(f"{key.namespace}/{key.name}/"):
        folder, _, file = name.rpartition("/")
        if file == ObjectKey.PLAN and folder.count("/") == 2:
            yield folder


def _trained_content(store: Store, plan: Plan) -> dict[str, Any]:
    """Return the plan without what is only reported, and with the experiment that trained the parent's runs."""
    content: dict[str, Any] = plan.model_dump(mode="json", by_alias=True, exclude_none=True)
    reported = REPORTED_FIELDS - (DECIDING_FIELDS if plan.evaluation.precision is not None else frozenset())
    content["analysis"] = {name: value for name, value in content["analysis"].items() if name not in reported}
    if plan.parent is not None:
        trained = plan.parent.experiment
        folder = store.below(trained)
        if folder.exists(ObjectKey.REANALYSIS):
            trained = Reanalysis.model_validate_json(folder.get(ObjectKey.REANALYSIS)).experiment
        parent = {name: value for name, value in content["parent"].items() if name not in ("planDigest", "searchToken")}
        content["parent"] = parent | {"experiment": trained}
    return content
