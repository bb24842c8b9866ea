"""Repeats the training of a finished run and compares the model, bit by bit, without opening test again."""

from dataclasses import dataclass

from ctrlab_contract.names import Key
from ctrlab_contract.plan import ExperimentKey, Plan
from ctrlab_contract.records import PreparedData, StudyRecord
from ctrlab_contract.store import ObjectNotFound, Store
from ctrlab_trainer.evaluate import find_record, model_digest


@dataclass(frozen=True)
class Verification:
    """What the repetition gave."""

    recorded: str | None
    """Digest of the recorded model; None if that run diverged at once."""
    repeated: str | None

    @property
    def equal(self) -> bool:
        """Whether the two models are equal in every bit."""
        return self.recorded == self.repeated


def verify(plan: Plan, key: ExperimentKey, store_root: Store, variant: str, seed: int) -> Verification:
    """Trains (variant, seed) once more; ObjectNotFound if it has no record yet."""
    experiment = store_root.below(key.prefix)
    record = find_record(experiment, variant, seed)
    if record is None:
        raise ObjectNotFound(experiment.uri, Key.run(variant, seed, 1, "record.json"))
    search = StudyRecord.model_validate_json(experiment.get(Key.study(variant)))
    prepared = PreparedData.model_validate_json(experiment.get(Key.PREPARED))
    return Verification(record.model_sha256, model_digest(plan, search, store_root, prepared, variant, seed))
