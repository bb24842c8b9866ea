"""All inputs of a report, read once and checked before any number is computed.

After `read_report_inputs` returns, the rest of the package is pure: plan, data, studies and runs belong together, every
score is a probability, and all runs are scored on the same rows in the same order. Violations raise InvalidData with
the name of the object and a remedy. A missing run is not an error but a result (`RunInputs.record` is None).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ctrlab_api.errors import InvalidData
from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.names import ObjectKey, RunFile
from ctrlab_api.plan import Plan
from ctrlab_api.records import Anomaly, PreparedData, RetryRecord, RunRecord, SeedDecision, StudyRecord
from ctrlab_api.records.ablation_summary import AblationLink
from ctrlab_api.records.lineage import Lineage
from ctrlab_api.records.reanalysis import Reanalysis
from ctrlab_report.inputs.object_reader import (
    ObjectReader,
    list_attempts,
    read_decision,
    read_interrupted_starts,
    read_plan,
    read_prepared,
    read_record,
    read_study,
)
from ctrlab_report.inputs.prediction_reader import (
    Predictions,
    TestRows,
    read_predictions,
    require_same_rows,
    require_unique_rows,
)
from ctrlab_store import Store


@dataclass(frozen=True)
class RunInputs:
    """One planned (variant, seed): its first finished attempt, and later attempts."""

    variant: str
    seed: int
    record: RunRecord | None
    """None if no attempt finished."""
    scores: NDArray[np.float32] | None
    """[test rows]; None if the run is missing or diverged without predictions."""
    later_attempts: tuple[RunRecord, ...] = ()
    """Later attempts in order; they never replace the first."""
    interrupted_starts: tuple[Anomaly, ...] = ()
    """The end of each start of a run without a record."""


@dataclass(frozen=True)
class ReportInputs:
    """The inputs of one report."""

    key: ExperimentKey
    plan: Plan
    prepared: PreparedData
    studies: dict[str, StudyRecord]
    runs: tuple[RunInputs, ...]
    """Every planned (variant, seed), ordered by seed first."""
    test_rows: TestRows | None
    """None if no run has predictions."""
    decision: SeedDecision | None
    lineage: Lineage
    """Earlier plans that opened a test set; empty if none is recorded."""
    input_digests: dict[str, str]
    """SHA-256 of every object that was read, by its key below the experiment's folder."""
    ablations: tuple[AblationLink, ...] = ()
    """Ablations of the experiment that have a report, by key."""
    retries: tuple[RetryRecord, ...] = ()
    """Every retry of the experiment, in order."""
    reanalysis: Reanalysis | None = None
    """The experiment whose studies and runs the plan uses, if only the analysis differs."""

    @property
    def seeds(self) -> tuple[int, ...]:
        """The planned seeds, including the extension."""
        return self.plan.evaluation.seeds.values(self.decision.count if self.decision else None)

    def runs_of(self, variant: str) -> tuple[RunInputs, ...]:
        """Return the runs of one variant in the order of their seeds."""
        return tuple(run for run in self.runs if run.variant == variant)


def read_report_inputs(folder: Store, key: ExperimentKey) -> ReportInputs:
    """Read and check one experiment; `folder` is the store rooted at the experiment.

    Raises InvalidData for a missing or damaged object, and for objects of different plans, data sets or studies.
    """
    reader = ObjectReader(folder)
    plan, prepared, decision = read_plan(reader), read_prepared(reader), read_decision(reader)
    lineage = (
        reader.read_document(Lineage, ObjectKey.LINEAGE) if reader.exists(ObjectKey.LINEAGE) else Lineage(earlier=())
    )
    is_reanalysis = reader.exists(ObjectKey.REANALYSIS)
    reanalysis = reader.read_document(Reanalysis, ObjectKey.REANALYSIS) if is_reanalysis else None
    ablations = tuple(reader.read_document(AblationLink, key) for key in reader.list_keys(ObjectKey.ABLATIONS))
    retry_keys = reader.list_keys(ObjectKey.RETRIES)
    retries = tuple(reader.read_document(RetryRecord, ObjectKey.retry(n + 1)) for n in range(len(retry_keys)))
    studies = {name: read_study(reader, name, plan, prepared) for name in plan.names}
    attempts = list_attempts(reader, plan, decision)
    runs: list[RunInputs] = []
    first: tuple[str, TestRows] | None = None
    for planned in plan.final_runs(decision.count if decision else None):
        numbers = attempts.get((planned.variant, planned.seed), ())
        records = [
            read_record(reader, planned.variant, planned.seed, n, plan, prepared, studies[planned.variant])
            for n in numbers
        ]
        predictions = _predictions(reader, records[0], plan) if records else None
        if predictions is not None:
            where = ObjectKey.run(planned.variant, planned.seed, numbers[0], RunFile.PREDICTIONS)
            if first is None:
                require_unique_rows(predictions.test, where)
                _check_test_rows(where, predictions.test, prepared)
                first = (where, predictions.test)
            require_same_rows(first[1], first[0], predictions.test, where)
        runs.append(
            RunInputs(
                planned.variant,
                planned.seed,
                records[0] if records else None,
                predictions.scores if predictions else None,
                tuple(records[1:]),
                () if records else read_interrupted_starts(reader, planned.variant, planned.seed),
            )
        )
    return ReportInputs(
        key,
        plan,
        prepared,
        studies,
        tuple(runs),
        first[1] if first else None,
        decision,
        lineage,
        dict(sorted(reader.digests.items())),
        ablations,
        retries,
        reanalysis,
    )


def _predictions(reader: ObjectReader, record: RunRecord, plan: Plan) -> Predictions | None:
    key = ObjectKey.run(record.variant, record.seed, record.attempt, RunFile.PREDICTIONS)
    if record.predictions_sha256 is None:
        if record.state == "Succeeded":
            raise InvalidData.at(
                ObjectKey.run(record.variant, record.seed, record.attempt, RunFile.RECORD),
                "state is Succeeded and predictionsSha256 is absent; a run without predictions is Diverged: run this "
                "seed again",
            )
        return None
    content = reader.read_bytes(
        key, "its record names it, so it was lost after the run: restore it or run this seed again"
    )
    if reader.digests[key] != record.predictions_sha256:
        raise InvalidData.at(
            key,
            f"has {reader.digests[key]}, but its record says {record.predictions_sha256}; the file was truncated or "
            "changed after the run: restore it or run this seed again",
        )
    dataset = plan.dataset
    weighted = dataset.weight is not None and dataset.weight.metrics
    return read_predictions(
        content,
        key,
        expect_users=dataset.user is not None,
        expect_weights=weighted,
        expect_groups=dataset.group is not None,
    )


def _check_test_rows(where: str, test: TestRows, prepared: PreparedData) -> None:
    rows, clicks = int(test.rows.size), int(test.labels.sum())
    for name, count, expected in (("rows", rows, prepared.test.rows), ("positives", clicks, prepared.test.positives)):
        if count != expected:
            raise InvalidData.at(
                where,
                f"has {count} {name}, but {ObjectKey.PREPARED} says {expected} for the test part; the run was scored "
                "on other rows: run this seed again",
            )
