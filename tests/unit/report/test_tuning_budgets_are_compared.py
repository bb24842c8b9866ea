"""Budgets are told side by side: trials, time and time on a GPU, and why there is no tuning curve."""

import pytest

from ctrlab_api.records import BestChoice, StudyRecord, TrialRecord, TuningSummary
from ctrlab_report.analysis.tuning_summaries import tuning_statement


def search(
    model: str, budget: int, seconds: float = 60.0, gpu: float | None = None, number: int | None = None
) -> TuningSummary:
    return TuningSummary(
        model=model,
        search=number,
        sampler="TPE",
        pruner="none",
        budget=budget,
        completed=budget,
        pruned=0,
        failed=0,
        lost=0,
        seconds=seconds,
        gpu_seconds=gpu,
        chosen={},
        justification="",
        history=(),
        search_digest="sha256:1",
    )


@pytest.mark.parametrize(
    ("searches", "said"),
    [
        (
            [search("A", 8), search("B", 8)],
            "Every search had the same budget of 8 trials; together they took 2 min 0 s.",
        ),
        (
            [search("A", 8, gpu=60.0), search("B", 20, gpu=30.0)],
            "The searches had different budgets (A 8, B 20 trials), so the models did not have the same chance; "
            "together they took 2 min 0 s, 1 min 30 s of it on a GPU.",
        ),
        (
            [search("A", 8, gpu=0.0), search("LR", 0, 0.0, 0.0)],
            "A had 8 trials; together they took 1 min 0 s, none of it on a GPU. Nothing was tuned of LR.",
        ),
        (
            [search("A", 8, number=1), search("A", 7, number=2), search("B", 7, number=1), search("B", 8, number=2)],
            "Every model was searched 2 times with the same budgets, 8 + 7 trials; together they took 4 min 0 s.",
        ),
        (
            [search("A", 8, number=1), search("A", 8, number=2), search("B", 8, number=1), search("B", 5, number=2)],
            "The searches had different budgets (A 8 + 8, B 8 + 5 trials), so the models did not have the same chance; "
            "together they took 4 min 0 s.",
        ),
        ([search("LR", 0, 0.0)], "Nothing was searched: every model has the values that the plan gives."),
    ],
)
def test_the_budgets_are_one_sentence(searches: list[TuningSummary], said: str) -> None:
    assert tuning_statement(searches) == said


def record(*devices: str | None) -> StudyRecord:
    trials = tuple(
        TrialRecord(
            number=number,
            counted=True,
            state="COMPLETE",
            value=0.7,
            parameters={},
            distributions={},
            curve={},
            worker="w",
            device=device,
            started="2026-05-01T10:00:00Z",
            seconds=10.0,
        )
        for number, device in enumerate(devices)
    )
    return StudyRecord(
        variant="A",
        plan_digest="sha256:1",
        dataset_digest="sha256:2",
        primary_metric="auc",
        direction="maximize",
        sampler="Random",
        sampler_seed=0,
        pruner="none",
        budget=len(devices),
        trials=trials,
        best=BestChoice(parameters={}, justification=""),
        versions={},
        seconds=10.0 * len(devices),
    )


def test_gpu_time_is_that_of_the_trials_on_a_gpu_and_unknown_where_one_does_not_say() -> None:
    assert record("cuda", "cpu", "cuda").gpu_seconds == 20.0
    assert record("cpu").gpu_seconds == 0.0
    assert record("cuda", None).gpu_seconds is None


def test_a_record_of_an_earlier_version_is_read_and_keeps_its_digest() -> None:
    written = record(None).to_json()
    assert '"device"' not in written
    assert StudyRecord.model_validate_json(written).digest == record(None).digest
