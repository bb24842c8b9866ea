"""The part of `ctrlab plan` that reads the data: estimated time and memory, and the smallest detectable difference."""

import json
from pathlib import Path

from ctrlab.cli.console import print_text, show_table
from ctrlab.cli.data_facts import print_matches, print_times
from ctrlab.local.changed_sources import key_for_current_data
from ctrlab.local.subcommands import run_subcommand
from ctrlab.local.time_estimate import format_duration
from ctrlab.local.worker_process import SINGLE_THREAD_ENV, source_folder_environment
from ctrlab.local.workspace import Workspace
from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.names import ObjectKey
from ctrlab_api.plan import Plan
from ctrlab_api.records import PreparedData
from ctrlab_api.records.calibrations import Calibration
from ctrlab_api.resources.experiment import Experiment
from ctrlab_control.plan_freezing import freeze_plan

MIB = 2**20


def show_estimates(experiment: Experiment, plan: Plan, folder: Path, slots: int) -> None:
    """Prepare the data (reused by the run), time a few batches of each model, and print the estimates."""
    workspace = Workspace.open(folder)
    key = ExperimentKey.for_local_run(experiment.metadata, plan.digest)
    key = key_for_current_data(workspace, key, experiment.metadata.source_folder, print_text, new_data=True)
    location = ["--store", workspace.store.uri, "--experiment", key.prefix]
    with workspace.locked(
        key.namespace, key.name, lambda: print_text("waiting for the workers of an interrupted run to end")
    ):
        freeze_plan(workspace.store, key, plan)
        environment = source_folder_environment(experiment.metadata.source_folder)
        run_subcommand("trainer", ["prepare", *location], environment)
        output = run_subcommand("trainer", ["calibrate", *location], SINGLE_THREAD_ENV)
    calibration = Calibration.model_validate_json(output)
    prepared = PreparedData.model_validate_json(workspace.store.below(key.prefix).get(ObjectKey.PREPARED))
    splits = (("train", prepared.train), ("valid", prepared.valid), ("test", prepared.test))
    show_table(("SPLIT", "ROWS", "CLICKS"), [[name, str(s.rows), str(s.positives)] for name, s in splits])
    print_times(prepared.time_format)
    print_matches(prepared.matches)
    show_table(("MODEL", "PARAMETERS", "TIME PER EPOCH", "MEMORY", "MAX TIME"), _model_rows(plan, calibration))
    total = format_duration(max_seconds(plan, calibration, slots))
    print_text(f"time: about {total} with {slots} workers on {calibration.device} if every training uses all epochs;")
    print_text("early stopping and pruning usually need only a part of it")
    memory = max(model.peak_memory_bytes for model in calibration.variants.values())
    print_text(f"memory: about {memory * slots // MIB} MiB for {slots} workers")
    if plan.comparisons():
        _show_detectable_difference(plan, prepared)


def max_seconds(plan: Plan, calibration: Calibration, slots: int) -> float:
    """Return the duration if every training uses all epochs, spread evenly over `slots` workers.

    A batch of seeds starts one process.
    """
    processes = len(plan.run_groups()) + slots * len(plan.names)
    training = sum(_training_seconds(plan, calibration, name) for name in plan.names)
    return (training + processes * calibration.startup_seconds) / slots


def _training_seconds(plan: Plan, calibration: Calibration, name: str) -> float:
    trainings = plan.trial_budget(name) + plan.evaluation.seeds.count
    return trainings * calibration.variants[name].epochs * calibration.variants[name].seconds_per_epoch


def _model_rows(plan: Plan, calibration: Calibration) -> list[list[str]]:
    return [
        [
            name,
            str(model.parameters),
            f"{model.seconds_per_epoch:.2f} s",
            f"{model.peak_memory_bytes // MIB} MiB",
            format_duration(_training_seconds(plan, calibration, name)),
        ]
        for name, model in calibration.variants.items()
    ]


def _show_detectable_difference(plan: Plan, prepared: PreparedData) -> None:
    options = {
        "--seeds": plan.evaluation.seeds.count,
        "--comparisons": len(plan.comparisons()),
        "--confidence": plan.analysis.confidence,
        "--rows-positive": prepared.test.positives,
        "--rows-negative": prepared.test.rows - prepared.test.positives,
    }
    arguments = [str(part) for option in options.items() for part in option]
    detectable = json.loads(run_subcommand("report", ["detectable", *arguments]))
    print_text(
        f"smallest detectable difference (power {detectable['power']:.0%}): "
        f"{detectable['inSdOfPairedDifferences']:.2f} standard deviations of the paired differences over seeds"
    )
    for spread, difference in detectable["examples"].items():
        print_text(f"  {spread}: {difference:.5f} AUC")
    print_text(f"  assumes {detectable['assumes']}")
