"""Repeats the training of a finished run and compares the model, bit by bit, without opening test again."""

from collections.abc import Iterator
from dataclasses import dataclass

from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.names import ObjectKey, RunFile
from ctrlab_api.plan import Plan
from ctrlab_api.records import PreparedData, RunRecord, StudyRecord
from ctrlab_store import ObjectNotFound, Store
from ctrlab_trainer.finals.final_runs import retrain_model_digest
from ctrlab_trainer.process.code_version import code_record
from ctrlab_trainer.process.device import set_up_torch
from ctrlab_trainer.process.hardware import hardware_record
from ctrlab_trainer.process.run_records import find_record
from ctrlab_trainer.process.software_environment import environment_record

DECIDING = ("torch", "numpy")
"""Packages whose version can change the bits of a training."""


@dataclass(frozen=True)
class Verification:
    """What the repetition gave."""

    recorded: str | None
    """Digest of the recorded model; None if that run diverged at once."""
    repeated: str | None
    changed: tuple[str, ...] = ()
    """What is not as it was then, and could be why the bits differ."""
    batch: tuple[int, ...] | None = None
    """The seeds that were trained together, both times."""

    @property
    def equal(self) -> bool:
        """Whether the two models are equal in every bit."""
        return self.recorded == self.repeated

    def __str__(self) -> str:
        lines = [f"recorded {self.recorded}", f"repeated {self.repeated}", "bit-equal" if self.equal else "different"]
        if self.batch is not None:
            lines.insert(0, f"batched  seeds {', '.join(map(str, self.batch))} trained together")
        if not self.equal:
            nothing = "nothing that is recorded has changed since: code, packages, threads, device, processor"
            lines += list(self.changed) or [nothing]
        return "\n".join(lines)


def verify(plan: Plan, key: ExperimentKey, store_root: Store, variant: str, seed: int) -> Verification:
    """Trains (variant, seed) once more, in the batch that it was trained in; ObjectNotFound if it has no record yet."""
    experiment = store_root.below(key.prefix)
    record = find_record(experiment, variant, seed)
    if record is None:
        raise ObjectNotFound(experiment.uri, ObjectKey.run(variant, seed, 1, RunFile.RECORD))
    search = StudyRecord.model_validate_json(experiment.get(ObjectKey.study(variant)))
    prepared = PreparedData.model_validate_json(experiment.get(ObjectKey.PREPARED))
    repeated = retrain_model_digest(plan, search, store_root, prepared, record)
    return Verification(record.model_sha256, repeated, tuple(_changes(record)), record.batched_with)


def _changes(record: RunRecord) -> Iterator[str]:
    device = set_up_torch()
    code, environment, hardware = code_record(), environment_record(), hardware_record(device)
    then, packages = record.environment, record.environment.packages
    pairs: list[tuple[str, object, object]] = [
        ("ctrlab", record.code.version, code.version),
        ("commit", record.code.git_commit, code.git_commit),
        ("image", record.code.image, code.image),
        ("device", record.device, device),
        ("threads", then.threads, environment.threads),
        ("processor", record.hardware.cpu, hardware.cpu),
        ("GPU", record.hardware.gpu, hardware.gpu),
        ("python", then.python, environment.python),
        *((name, packages.get(name), environment.packages.get(name)) for name in DECIDING),
    ]
    for what, before, now in pairs:
        if before != now:
            yield f"{what}: {before or 'unknown'} then, {now or 'unknown'} now"
    for when, dirty in (("then", record.code.git_dirty), ("now", code.git_dirty)):
        if dirty:
            yield f"code: uncommitted changes {when}"
