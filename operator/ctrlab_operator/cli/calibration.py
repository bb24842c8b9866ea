"""The part of `ctrlab plan` that looks at the data: time and memory from a few batches, and what can be detected."""

import json
from pathlib import Path

from ctrlab_contract.experiment import Experiment
from ctrlab_contract.names import Key
from ctrlab_contract.plan import ExperimentKey, Plan
from ctrlab_contract.records import PreparedData, SplitSummary
from ctrlab_contract.records.calibration import Calibration
from ctrlab_operator.cli.output import say, show_table
from ctrlab_operator.local.estimate import as_duration
from ctrlab_operator.local.launch import ONE_THREAD
from ctrlab_operator.local.lineage import freeze
from ctrlab_operator.local.tools import answer
from ctrlab_operator.local.workspace import Workspace

MIB = 2**20


def show_estimates(experiment: Experiment, plan: Plan, folder: Path, slots: int) -> None:
    """Encode the data (kept for the run), time each model, and print what follows."""
    place = Workspace.open(folder)
    key = ExperimentKey.local(experiment, plan)
    where = ["--store", place.store.uri, "--experiment", key.prefix]
    with place.locked(key.namespace, key.name, lambda: say("waiting for the workers of an interrupted run to end")):
        freeze(place.store, key, plan)
        answer("trainer", ["prepare", *where])
        measured = Calibration.model_validate_json(answer("trainer", ["calibrate", *where], ONE_THREAD))
    prepared = PreparedData.model_validate_json(place.store.below(key.prefix).get(Key.PREPARED))
    rows = [[name, str(part.rows), str(part.positives)] for name, part in _parts(prepared)]
    show_table(("PART", "ROWS", "CLICKS"), rows)
    show_table(("MODEL", "PARAMETERS", "TIME OF AN EPOCH", "MEMORY", "AT MOST"), _costs(plan, measured))
    most = as_duration(most_seconds(plan, measured, slots))
    say(f"time: about {most} with {slots} workers on {measured.device} if every training used all its epochs;")
    say("early stopping and pruning usually need a part of it")
    memory = max(found.peak_memory_bytes for found in measured.variants.values())
    say(f"memory: about {memory * slots // MIB} MiB for {slots} workers")
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
    found = json.loads(answer("report", ["detectable", *(str(part) for pair in arguments.items() for part in pair)]))
    say(
        f"smallest detectable difference (power {found['power']:.0%}): {found['inSdOfPairedDifferences']:.2f} standard "
        "deviations of the paired differences over seeds"
    )
    for spread, difference in found["examples"].items():
        say(f"  {spread}: {difference:.5f} AUC")
    say(f"  assumes {found['assumes']}")
