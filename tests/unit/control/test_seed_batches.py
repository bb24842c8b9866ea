"""`evaluation.seedsPerPod`: which final runs one process makes, from the plan to the jobs."""

from dataclasses import replace
from typing import Any

import pytest
from builders import final_runs, make_seed_decision, make_small_experiment, make_tuned_facts, model_spec

from ctrlab.cli.plan_command import experiment_amounts
from ctrlab_api.plan import Plan
from ctrlab_api.resources.experiment import Experiment
from ctrlab_control.planner import EnsureJob, Facts, JobFacts, JobRequest, decide


def experiment(evaluation: dict[str, Any], **tuning: Any) -> Experiment:
    return make_small_experiment(
        models=[model_spec("FM"), model_spec("LR")],
        tuning={"workers": 2, **tuning},
        evaluation={"seeds": {"count": 5, "base": 10}} | evaluation,
    )


def groups(plan: Plan, seed_count: int | None = None) -> list[tuple[str, ...]]:
    """Return each group as its variant and its seeds."""
    return [(group[0].variant, *(str(run.seed) for run in group)) for group in plan.run_groups(seed_count)]


def requested_job(facts: Facts) -> JobRequest:
    [request] = [action.request for action in decide(facts).actions if isinstance(action, EnsureJob)]
    return request


def test_a_group_has_that_many_seeds_of_one_variant_and_the_last_the_rest() -> None:
    plan = Plan.from_experiment(experiment({"seedsPerPod": 2}))
    assert groups(plan) == [
        ("FM", "10", "11"),
        ("LR", "10", "11"),
        ("FM", "12", "13"),
        ("LR", "12", "13"),
        ("FM", "14"),
        ("LR", "14"),
    ]
    assert {run for group in plan.run_groups() for run in group} == set(plan.final_runs())
    assert plan.evaluation.execution_mode == "batched"


@pytest.mark.parametrize("evaluation", [{}, {"seedsPerPod": 1}])
def test_without_batches_each_run_has_its_own_process_in_plain_mode(evaluation: dict[str, Any]) -> None:
    plan = Plan.from_experiment(experiment(evaluation))
    assert plan.run_groups() == tuple((run,) for run in plan.final_runs())
    assert plan.evaluation.execution_mode == "plain"


def test_seeds_of_different_studies_are_never_in_one_batch() -> None:
    """Their hyperparameters may differ."""
    plan = Plan.from_experiment(experiment({"seeds": {"count": 6, "base": 10}, "seedsPerPod": 2}, repeats=2))
    groups_of_fm = [group for group in groups(plan) if group[0] == "FM"]
    assert groups_of_fm == [("FM", "10", "12"), ("FM", "11", "13"), ("FM", "14"), ("FM", "15")]


def test_an_extension_keeps_the_planned_groups() -> None:
    plan = Plan.from_experiment(experiment({"seedsPerPod": 4}))
    added = groups(plan, 8)[len(plan.run_groups()) :]
    assert groups(plan, 8)[: len(plan.run_groups())] == groups(plan)
    assert added == [("FM", "15", "16", "17"), ("LR", "15", "16", "17")]


def test_the_number_of_seeds_per_pod_changes_the_plan_digest() -> None:
    digests = {Plan.from_experiment(experiment({"seedsPerPod": count})).digest for count in (1, 2, 3)}
    assert len(digests) == 3


def test_the_job_has_an_index_for_each_batch() -> None:
    resource = experiment({"seedsPerPod": 2})
    request = requested_job(make_tuned_facts(resource))
    assert (request.completions, request.parallelism) == (6, 4)
    assert request.groups == Plan.from_experiment(resource).run_groups()
    other = replace(request, groups=Plan.from_experiment(experiment({"seedsPerPod": 3})).run_groups())
    assert request.digest != other.digest


def test_the_job_of_the_extension_begins_after_the_planned_batches() -> None:
    resource = experiment(
        {
            "seeds": {"count": 5, "max": 9, "base": 10},
            "precision": {"metric": "auc", "halfWidth": "0.001"},
            "seedsPerPod": 2,
        }
    )
    plan = Plan.from_experiment(resource)
    facts = make_tuned_facts(resource, runs=final_runs(resource), decision=make_seed_decision(7))
    request = requested_job(facts)
    assert request.arguments == ("evaluate", "--seed-count", "7", "--first-index", "6")
    assert request.groups == plan.run_groups(7)[6:]
    assert request.completions == 2


def test_a_lost_index_loses_the_runs_of_its_batch_that_have_no_record() -> None:
    resource = experiment({"seedsPerPod": 2})
    lost = Plan.from_experiment(resource).run_groups()[0][1]
    facts = make_tuned_facts(
        resource,
        runs=final_runs(resource) - {lost},
        jobs={"evaluate": JobFacts("Failed", failed_indexes=frozenset({0}))},
    )
    models = decide(facts).status.models
    assert [(model.name, model.runs_done, model.runs_failed) for model in models] == [("FM", 4, 1), ("LR", 5, 0)]


def test_the_plan_command_shows_the_batches() -> None:
    amounts = dict(experiment_amounts(Plan.from_experiment(experiment({"seedsPerPod": 2})), 2))
    assert amounts["final runs"] == "10 in 6 batches of seeds"
