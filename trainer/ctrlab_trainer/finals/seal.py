"""The seal on the test set: it opens for a final run, after every search is frozen, once, and is logged before.

This is the only module that reads the sealed prefix. The token is the digest of all frozen searches: whoever opens
shows that they know them, and the log of the opening ties the run to them.
"""

import os
import socket
from dataclasses import dataclass
from datetime import UTC, datetime

from ctrlab_api.errors import FinalRunFailed
from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.names import ObjectKey, RunFile, Variable
from ctrlab_api.plan import Plan
from ctrlab_api.records import PreparedData, StudyRecord, TestOpening, search_token
from ctrlab_api.run_attempts import RUNS_PREFIX, attempts_with
from ctrlab_store import ObjectExists, ObjectNotFound, Store, open_store
from ctrlab_trainer.data.prepared.bayes_optimum import bayes_auc_of
from ctrlab_trainer.data.prepared.encoded_schema import EncodedSchema
from ctrlab_trainer.data.prepared.encoded_splits import EncodedSplit
from ctrlab_trainer.data.prepared.split_validation import open_validated_split

FIRST_OPENING = "first"
"""The reason of an opening that is no rerun."""


class SealError(FinalRunFailed):
    """The test set stays closed; the message says why and what would open it."""


@dataclass(frozen=True)
class OpenedTest:
    """The test rows, and every opening for this (variant, seed), the latest last."""

    split: EncodedSplit
    openings: tuple[TestOpening, ...]
    bayes_auc: float | None
    """AUC of the true click probabilities, the best that any model can reach; None where they are not known."""


def open_test(
    store_root: Store,
    key: ExperimentKey,
    plan: Plan,
    schema: EncodedSchema,
    *,
    variant: str,
    seed: int,
    attempt: int,
    token: str,
    reason: str = FIRST_OPENING,
) -> OpenedTest:
    """Logs the opening as `runs/<variant>/<seed>/<attempt>/opening.json`, then opens the test rows.

    Raises SealError if the plan or the data are not the experiment's, a search is not frozen, the token is not that of
    the frozen searches, or this (variant, seed) was opened before and this is no new attempt with a reason. An ablation
    shares its test set with its experiment, whose searches must be the frozen ones that its plan names.
    """
    experiment = store_root.below(key.prefix)
    prepared = _prepared(experiment, plan)
    _check_token(frozen_studies(experiment, plan, prepared), token)
    _check_parent(store_root, plan)
    earlier = read_openings(experiment, variant, seed)
    _check_first_or_rerun(earlier, variant, seed, attempt, reason)
    opening = TestOpening(
        at=datetime.now(UTC).isoformat(timespec="microseconds"),
        by=f"{socket.gethostname()}/{os.getpid()}",
        plan_digest=plan.digest,
        token=token,
        attempt=attempt,
        reason=reason,
    )
    try:
        experiment.put(ObjectKey.run(variant, seed, attempt, RunFile.OPENING), opening.to_json().encode())
    except ObjectExists:
        raise SealError(_opened_before(variant, seed, attempt)) from None
    folder = _with_own_credentials(store_root).local_folder(ObjectKey.sealed(prepared.digest))
    return OpenedTest(open_validated_split(folder, schema), (*earlier, opening), bayes_auc_of(folder))


def _with_own_credentials(store_root: Store) -> Store:
    """The same store, opened with the credentials for the sealed rows where a cluster gives some of their own."""
    own = {
        name.removeprefix(Variable.SEALED_PREFIX): value
        for name, value in os.environ.items()
        if name.startswith(Variable.SEALED_PREFIX)
    }
    if not own:
        return store_root
    others = {name: value for name, value in os.environ.items() if name != "AWS_SESSION_TOKEN"}
    return open_store(store_root.uri, {**others, **own})


def frozen_studies(experiment: Store, plan: Plan, prepared: PreparedData) -> dict[str, StudyRecord]:
    """Every search of the plan by variant; SealError names those that are open or belong to another plan or data."""
    found: dict[str, StudyRecord] = {}
    for name in plan.names:
        try:
            found[name] = StudyRecord.model_validate_json(experiment.get(ObjectKey.study(name)))
        except ObjectNotFound:
            continue
    missing = [name for name in plan.names if name not in found]
    if missing:
        raise SealError(
            f"the test set is sealed until every search is frozen; still open: {', '.join(missing)}. "
            f"Finish tuning first ({ObjectKey.study(missing[0])} must exist)"
        )
    for name, record in found.items():
        if record.plan_digest != plan.digest:
            raise SealError(f"{ObjectKey.study(name)} belongs to the plan {record.plan_digest}, not to {plan.digest}")
        if record.dataset_digest != prepared.digest:
            raise SealError(
                f"{ObjectKey.study(name)} was tuned on the data {record.dataset_digest}, not on {prepared.digest}"
            )
    return found


def read_openings(experiment: Store, variant: str, seed: int) -> tuple[TestOpening, ...]:
    """Every logged opening for one (variant, seed), by attempt."""
    attempts = attempts_with(experiment.list(f"{RUNS_PREFIX}{variant}/{seed}/"), RunFile.OPENING).get(
        (variant, seed), ()
    )
    keys = [ObjectKey.run(variant, seed, attempt, RunFile.OPENING) for attempt in attempts]
    return tuple(TestOpening.model_validate_json(experiment.get(key)) for key in keys)


def _prepared(experiment: Store, plan: Plan) -> PreparedData:
    stored = Plan.model_validate_json(experiment.get(ObjectKey.PLAN))
    if stored.digest != plan.digest:
        raise SealError(f"the plan {plan.digest} is not the frozen one, {stored.digest}")
    return PreparedData.model_validate_json(experiment.get(ObjectKey.PREPARED))


def _check_token(searches: dict[str, StudyRecord], token: str) -> None:
    expected = search_token(searches.values())
    if token != expected:
        raise SealError(f"the token {token} is not that of the frozen searches, {expected}")


def _check_parent(store_root: Store, plan: Plan) -> None:
    """Only as many objects are read as the experiment has models; nothing of it is needed once a run is done."""
    if plan.parent is None:
        return
    folder = store_root.below(plan.parent.experiment)
    names = Plan.model_validate_json(folder.get(ObjectKey.PLAN)).names
    try:
        searches = [StudyRecord.model_validate_json(folder.get(ObjectKey.study(name))) for name in names]
    except ObjectNotFound as error:
        raise SealError(
            f"the test set is sealed until every search of {plan.parent.experiment} is frozen, too: {error}"
        ) from None
    found = search_token(searches)
    if found != plan.parent.search_token:
        raise SealError(
            f"the frozen searches of {plan.parent.experiment} are {found}, but this plan was made for "
            f"{plan.parent.search_token}"
        )


def _check_first_or_rerun(earlier: tuple[TestOpening, ...], variant: str, seed: int, attempt: int, reason: str) -> None:
    latest = max((opening.attempt for opening in earlier), default=0)
    if attempt <= latest:
        raise SealError(_opened_before(variant, seed, latest))
    if earlier and (not reason or reason == FIRST_OPENING):
        raise SealError(f"attempt {attempt} of {variant}, seed {seed} is a rerun: it needs a reason")


def _opened_before(variant: str, seed: int, attempt: int) -> str:
    return (
        f"the test set was opened for {variant}, seed {seed} in attempt {attempt} already; "
        f"only a new attempt with a reason may open it again"
    )
