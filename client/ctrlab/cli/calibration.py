"""The part of `ctrlab plan` that looks at the data: time and memory from a few batches, and what can be detected."""

import json
from pathlib import Path

from ctrlab.cli.console import print_text, show_table
from ctrlab.local.subcommands import run_subcommand
from ctrlab.local.time_estimate import as_duration
from ctrlab.local.worker_process import ONE_THREAD
from ctrlab.local.workspace import Workspace
from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.names import ObjectKey
from ctrlab_api.plan import Plan
from ctrlab_api.records import PreparedData, SplitSummary
from ctrlab_api.records.calibrations import Calibration
from ctrlab_api.resources.experiment import Experiment
from ctrlab_control.plan_freezing import freeze_plan

MIB = 2**20


def show_estimates(experiment: Experiment, plan: Plan, folder: Path, slots: int) -> None:
    """Encode the data (kept for the run), time each model, and print what follows."""
    place = Workspace.open(folder)
    key = ExperimentKey.for_local_run(experiment.metadata, plan.digest)
    where = ["--store", place.store.uri, "--experiment", key.prefix]
    with place.locked(
        key.namespace, key.name, lambda: print_text("waiting for the workers of an interrupted run to end")
    ):
        freeze_plan(place.store, key, plan)
        run_subcommand("trainer", ["prepare", *where])
        measured = Calibration.model_validate_json(run_subcommand("trainer", ["calibrate", *where], ONE_THREAD))
    prepared = PreparedData.model_validate_json(place.store.below(key.prefix).get(ObjectKey.PREPARED))
    rows = [[name, str(part.rows), str(part.positives)] for name, part in _parts(prepared)]
    show_table(("PART", "ROWS", "CLICKS"), rows)
    show_table(("MODEL", "PARAMETERS", "TIME OF AN EPOCH", "MEMORY", "AT MOST"), _costs(plan, measured))
    most = as_duration(most_seconds(plan, measured, slots))
    print_text(f"time: about {most} with {slots} workers on {measured.device} if every training used all its epochs;")
    print_text("early stopping and pruning usually need a part of it")
    memory = max(found.peak_memory_bytes for found in measured.variants.values())
    print_text(f"memory: about {memory * slots // MIB} MiB for {slots} workers")
    if plan.comparisons():
        _show_detectable(plan, prepared)


def most_seconds(plan: Plan, measured: Calibration, slots: int) -> float:
    """If every training used all its epochs, spread evenly over the workers; a batch of seeds is one process."""
    processes = len(plan.run_groups()) + slots * len(plan.names)
    training = sum(_seconds_of(plan, measured, name) for name in plan.names)
    return (training + processes * measured.startup_seconds) / slots


def _seconds_of(plan: Plan, measured: Calibration, name: str) -> float:
    trainings = plan.trial_budget(name) + plan.evaluation.seeds.count
    return trainings * measured.variants[name].epochs * measured.variants[name].seconds_per_epoch


def _costs(plan: Plan, measured: Calibration) -> list[list[str]]:
    return [
        [
            name,
            str(found.parameters),
            f"{found.seconds_per_epoch:.2f} s",
            f"{found.peak_memory_bytes // MIB} MiB",
            as_duration(_seconds_of(plan, measured, name)),
        ]
        for name, found in measured.variants.items()
    ]


def _parts(prepared: PreparedData) -> list[tuple[str, SplitSummary]]:
    return [("train", prepared.train), ("valid", prepared.valid), ("test", prepared.test)]


def _show_detectable(plan: Plan, prepared: PreparedData) -> None:
    arguments = {
        "--seeds": plan.evaluation.seeds.count,
        "--comparisons": len(plan.comparisons()),
        "--confidence": plan.analysis.confidence,
        "--rows-positive": prepared.test.positives,
        "--rows-negative": prepared.test.rows - prepared.test.positives,
    }
    found = json.loads(
        run_subcommand("report", ["detectable", *(str(part) for pair in arguments.items() for part in pair)])
    )
    print_text(
        f"smallest detectable difference (power {found['power']:.0%}): {found['inSdOfPairedDifferences']:.2f} standard "
        "deviations of the paired differences over seeds"
    )
    for spread, difference in found["examples"].items():
        print_text(f"  {spread}: {difference:.5f} AUC")
    print_text(f"  assumes {found['assumes']}")
