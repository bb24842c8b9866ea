"""Statement that compares the tuning budgets of models: trials, time, and time on a GPU."""

import pytest
from builders import make_study_record, make_trial_record

from ctrlab_api.records import StudyRecord, TuningSummary
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
    ("searches", "statement"),
    [
        (
            [search("A", 8), search("B", 8)],
            "Every model had the same tuning budget of 8 trials; tuning took 2 min 0 s in total.",
        ),
        (
            [search("A", 8, gpu=60.0), search("B", 20, gpu=30.0)],
            "The models had different tuning budgets (A 8, B 20 trials), which can favor one of them; "
            "tuning took 2 min 0 s in total, 1 min 30 s of it on a GPU.",
        ),
        (
            [search("A", 8, gpu=0.0), search("LR", 0, 0.0, 0.0)],
            "A had 8 trials; tuning took 1 min 0 s in total, none of it on a GPU. LR was not tuned.",
        ),
        (
            [search("A", 8, number=1), search("A", 7, number=2), search("B", 7, number=1), search("B", 8, number=2)],
            "Every model was tuned 2 times with the same budgets of 8 + 7 trials; tuning took 4 min 0 s in total.",
        ),
        (
            [search("A", 8, number=1), search("A", 8, number=2), search("B", 8, number=1), search("B", 5, number=2)],
            "The models had different tuning budgets (A 8 + 8, B 8 + 5 trials), which can favor one of them; "
            "tuning took 4 min 0 s in total.",
        ),
        ([search("LR", 0, 0.0)], "No model was tuned: every model uses the values in the plan."),
    ],
)
def test_tuning_budgets_are_compared_in_one_statement(searches: list[TuningSummary], statement: str) -> None:
    assert tuning_statement(searches) == statement


def record(*devices: str | None) -> StudyRecord:
    trials = [make_trial_record(number, device=device, seconds=10.0) for number, device in enumerate(devices)]
    return make_study_record("A", trials)


def test_gpu_time_is_the_sum_over_gpu_trials_and_unknown_if_a_device_is_missing() -> None:
    assert record("cuda", "cpu", "cuda").gpu_seconds == 20.0
    assert record("cpu").gpu_seconds == 0.0
    assert record("cuda", None).gpu_seconds is None


def test_record_of_an_earlier_version_keeps_its_digest() -> None:
    written = record(None).to_json()
    assert '"device"' not in written
    assert StudyRecord.model_validate_json(written).digest == record(None).digest
