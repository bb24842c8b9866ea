"""The largest status of 20 models fits beside its object in etcd, and round-trips through JSON."""

from ctrlab_api.canonical_json import canonical_json
from ctrlab_api.names import ConditionType
from ctrlab_api.resources.status import MAX_VERDICT_LENGTH, ExperimentStatus, ModelStatus, ReportStatus, StatusCondition

DIGEST = "sha256:" + "a" * 64
CONDITIONS = sorted(value for name, value in vars(ConditionType).items() if name.isupper())

LARGEST = ExperimentStatus(
    observed_generation=99,
    plan_digest=DIGEST,
    dataset_digest=DIGEST,
    search_digest=DIGEST,
    stage="Evaluating",
    trials="200000/200000",
    best="0.812345",
    seeds="20/20",
    seed_count=20,
    models=tuple(
        ModelStatus(
            name=f"{'m' * 37}-{index:02}",
            trials_done=10_000,
            trials_failed=10_000,
            best="0.812345",
            search_digest=DIGEST,
            runs_done=20,
            runs_failed=20,
        )
        for index in range(20)
    ),
    report=ReportStatus(
        uri="s3://bucket/" + "p" * 300,
        digest=DIGEST,
        page="s3://bucket/" + "p" * 312,
        verdict="v" * MAX_VERDICT_LENGTH,
        conclusion="c" * MAX_VERDICT_LENGTH,
    ),
    conditions=tuple(
        StatusCondition(
            type=kind,
            status="True",
            observed_generation=99,
            last_transition_time="2026-01-01T00:00:00Z",
            reason="EvaluationOfEveryModelIsComplete",
            message="m" * 400,
        )
        for kind in CONDITIONS
    ),
)


def test_twenty_models_with_twenty_seeds_stay_below_16_kib() -> None:
    assert len(CONDITIONS) == 11
    assert len(canonical_json(LARGEST)) < 16 * 1024


def test_a_status_round_trips_through_json() -> None:
    assert ExperimentStatus.model_validate_json(LARGEST.to_json()) == LARGEST
