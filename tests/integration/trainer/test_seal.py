"""The test set opens once, after the freeze, with a logged opening; everything else is rejected."""

from typing import Protocol

import pytest

from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.names import ObjectKey
from ctrlab_api.plan import Plan
from ctrlab_api.records import TestOpening
from ctrlab_store import Store
from ctrlab_trainer.data.prepared.encoded_schema import EncodedSchema
from ctrlab_trainer.finals.seal import OpenedTest, SealError, open_test


class Prepared(Protocol):
    """The type of the fixture `prepared`."""

    store: Store
    key: ExperimentKey
    plan: Plan
    schema: EncodedSchema

    @property
    def folder(self) -> Store: ...

    def freeze(self, *names: str) -> str: ...


def open_sealed(prepared: Prepared, token: str, attempt: int = 1, reason: str = "first") -> OpenedTest:
    return open_test(
        prepared.store,
        prepared.key,
        prepared.plan,
        prepared.schema,
        variant="SIN",
        seed=10,
        attempt=attempt,
        token=token,
        reason=reason,
    )


def test_opening_before_any_study_is_frozen_is_rejected_and_not_logged(prepared: Prepared) -> None:
    with pytest.raises(SealError, match="sealed until every study is frozen; still open: DeepFM, SIN, Wild"):
        open_sealed(prepared, token="sha256:0")
    assert not prepared.folder.list("runs/")


def test_opening_while_one_study_is_open_is_rejected(prepared: Prepared) -> None:
    token = prepared.freeze("DeepFM", "SIN")
    with pytest.raises(SealError, match="still open: Wild"):
        open_sealed(prepared, token)


def test_a_wrong_token_is_rejected(prepared: Prepared) -> None:
    prepared.freeze()
    with pytest.raises(SealError, match="the token sha256:0 is not that of the frozen studies"):
        open_sealed(prepared, token="sha256:0")


def test_another_plan_is_rejected(prepared: Prepared) -> None:
    token = prepared.freeze()
    other = prepared.plan.model_copy(update={"variants": prepared.plan.variants[:2]})
    with pytest.raises(SealError, match="is not the frozen one"):
        open_test(
            prepared.store,
            prepared.key,
            other,
            prepared.schema,
            variant="SIN",
            seed=10,
            attempt=1,
            token=token,
        )


def test_a_study_of_another_plan_is_rejected(prepared: Prepared) -> None:
    token = prepared.freeze("DeepFM", "SIN")
    record = prepared.folder.get(ObjectKey.study("SIN")).replace(prepared.plan.digest.encode(), b"sha256:other")
    prepared.folder.put(ObjectKey.study("Wild"), record)
    with pytest.raises(SealError, match=r"studies/Wild\.json belongs to the plan sha256:other"):
        open_sealed(prepared, token)


def test_the_first_opening_is_logged_with_plan_and_token(prepared: Prepared) -> None:
    token = prepared.freeze()
    opened = open_sealed(prepared, token)
    assert opened.split.rows > 0
    logged = TestOpening.model_validate_json(prepared.folder.get("runs/SIN/10/1/opening.json"))
    assert opened.openings == (logged,)
    assert (logged.plan_digest, logged.token, logged.attempt, logged.reason) == (
        prepared.plan.digest,
        token,
        1,
        "first",
    )


def test_a_second_opening_needs_a_new_attempt_with_a_reason(prepared: Prepared) -> None:
    token = prepared.freeze()
    open_sealed(prepared, token)
    with pytest.raises(SealError, match="was already opened for SIN, seed 10 in attempt 1"):
        open_sealed(prepared, token)
    with pytest.raises(SealError, match="attempt 2 of SIN, seed 10 is a rerun: it needs a reason"):
        open_sealed(prepared, token, attempt=2)
    reopened = open_sealed(prepared, token, attempt=2, reason="attempt 1 ended without a record")
    assert [opening.attempt for opening in reopened.openings] == [1, 2]
