"""The seal on the test set: a final run opens it once, after every study is frozen, and logs the opening before.

This is the only module that reads the sealed prefix. The token is the digest of all frozen studies: a process that
opens the test set thereby proves that it knows them, and the logged opening ties the run to them.
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
from ctrlab_store.waiting_store import with_patience_of
from ctrlab_trainer.data.prepared.bayes_optimum import bayes_auc_of
from ctrlab_trainer.data.prepared.encoded_schema import EncodedSchema
from ctrlab_trainer.data.prepared.encoded_splits import EncodedSplit
from ctrlab_trainer.data.prepared.split_validation import open_validated_split

FIRST_OPENING = "first"
"""The reason of an opening that is not a rerun."""


class SealError(FinalRunFailed):
    """The test set stays sealed; the message says why, and what would open it."""


@dataclass(frozen=True)
class OpenedTest:
    """The test rows, and every opening for this (variant, seed), the latest last."""

    split: EncodedSplit
    openings: tuple[TestOpening, ...]
    bayes_auc: float | None
    """AUC of the true click probabilities, the best that any model can reach; None if they are unknown."""


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
    """Log the opening as `runs/<variant>/<seed>/<attempt>/opening.json`, then open the test rows.

    Raises SealError if the plan or the data are not the experiment's, if a study is not frozen, if the token is not
    that of the frozen studies, or if this (variant, seed) was opened before and this is not a new attempt with a
    reason. An ablation shares the test set of its experiment, whose studies must be the frozen ones that the ablation's
    plan names.
    """
    experiment = store_root.below(key.prefix)
    prepared = _read_prepared(experiment, plan)
    _check_token(frozen_studies(experiment, plan, prepared), token)
    _check_parent(store_root, plan)
    previous = read_openings(experiment, variant, seed)
    _check_first_or_rerun(previous, variant, seed, attempt, reason)
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
        raise SealError(_already_opened(variant, seed, attempt)) from None
    folder = _with_sealed_credentials(store_root).local_folder(ObjectKey.sealed(prepared.digest))
    return OpenedTest(open_validated_split(folder, schema), (*previous, opening), bayes_auc_of(folder))


def _with_sealed_credentials(store_root: Store) -> Store:
    """Return the same store, opened with the separate credentials for the sealed rows if the cluster sets them."""
    sealed = {
        name.removeprefix(Variable.SEALED_PREFIX): value
        for name, value in os.environ.items()
        if name.startswith(Variable.SEALED_PREFIX)
    }
    if not sealed:
        return store_root
    others = {name: value for name, value in os.environ.items() if name != "AWS_SESSION_TOKEN"}
    return with_patience_of(store_root, open_store(store_root.uri, {**others, **sealed}))


def frozen_studies(experiment: Store, plan: Plan, prepared: PreparedData) -> dict[str, StudyRecord]:
    """Return every study of the plan by variant; SealError if one is open or belongs to another plan or other data."""
    studies: dict[str, StudyRecord] = {}
    for name in plan.names:
        try:
            studies[name] = StudyRecord.model_validate_json(experiment.get(ObjectKey.study(name)))
        except ObjectNotFound:
            continue
    missing = [name for name in plan.names if name not in studies]
    if missing:
        raise SealError(
            f"the test set is sealed until every study is frozen; still open: {', '.join(missing)}. "
            f"Finish tuning first ({ObjectKey.study(missing[0])} must exist)"
        )
    for name, record in studies.items():
        if record.plan_digest != plan.digest:
            raise SealError(f"{ObjectKey.study(name)} belongs to the plan {record.plan_digest}, not to {plan.digest}")
        if record.dataset_digest != prepared.digest:
            raise SealError(
                f"{ObjectKey.study(name)} was tuned on the data {record.dataset_digest}, not on {prepared.digest}"
            )
    return studies


def read_openings(experiment: Store, variant: str, seed: int) -> tuple[TestOpening, ...]:
    """Return every logged opening for one (variant, seed), in the order of attempts."""
    attempts = attempts_with(experiment.list(f"{RUNS_PREFIX}{variant}/{seed}/"), RunFile.OPENING)
    keys = [ObjectKey.run(variant, seed, attempt, RunFile.OPENING) for attempt in attempts.get((variant, seed), ())]
    return tuple(TestOpening.model_validate_json(experiment.get(key)) for key in keys)


def _read_prepared(experiment: Store, plan: Plan) -> PreparedData:
    stored = Plan.model_validate_json(experiment.get(ObjectKey.PLAN))
    if stored.digest != plan.digest:
        raise SealError(f"the plan {plan.digest} is not the frozen one, {stored.digest}")
    return PreparedData.model_validate_json(experiment.get(ObjectKey.PREPARED))


def _check_token(studies: dict[str, StudyRecord], token: str) -> None:
    expected = search_token(studies.values())
    if token != expected:
        raise SealError(f"the token {token} is not that of the frozen studies, {expected}")


def _check_parent(store_root: Store, plan: Plan) -> None:
    """Check that the studies of the parent experiment are frozen, and those that the plan names.

    This reads one object per model of the parent; once a run is done, nothing of the parent is needed.
    """
    if plan.parent is None:
        return
    folder = store_root.below(plan.parent.experiment)
    names = Plan.model_validate_json(folder.get(ObjectKey.PLAN)).names
    try:
        studies = [StudyRecord.model_validate_json(folder.get(ObjectKey.study(name))) for name in names]
    except ObjectNotFound as error:
        raise SealError(
            f"the test set is sealed until every study of {plan.parent.experiment} is frozen, too: {error}"
        ) from None
    token = search_token(studies)
    if token != plan.parent.search_token:
        raise SealError(
            f"the frozen studies of {plan.parent.experiment} have the token {token}, but this plan was made for "
            f"{plan.parent.search_token}"
        )


def _check_first_or_rerun(
    previous: tuple[TestOpening, ...], variant: str, seed: int, attempt: int, reason: str
) -> None:
    latest = max((opening.attempt for opening in previous), default=0)
    if attempt <= latest:
        raise SealError(_already_opened(variant, seed, latest))
    if previous and (not reason or reason == FIRST_OPENING):
        raise SealError(f"attempt {attempt} of {variant}, seed {seed} is a rerun: it needs a reason")


def _already_opened(variant: str, seed: int, attempt: int) -> str:
    return (
        f"the test set was already opened for {variant}, seed {seed} in attempt {attempt}; "
        f"only a new attempt with a reason may open it again"
    )
