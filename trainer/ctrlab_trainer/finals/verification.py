"""Verification of a finished run: repeat its training and compare the model, without opening the test set."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from safetensors.torch import save

from ctrlab_api.canonical_json import digest
from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.names import ObjectKey, RunFile
from ctrlab_api.plan import Plan
from ctrlab_api.records import PreparedData, RunRecord, StudyRecord
from ctrlab_store import ObjectNotFound, Store
from ctrlab_trainer.data.prepared.train_valid_splits import open_train_valid
from ctrlab_trainer.finals.final_training import FinalTraining
from ctrlab_trainer.process.code_version import code_record
from ctrlab_trainer.process.device import set_up_torch
from ctrlab_trainer.process.hardware import hardware_record
from ctrlab_trainer.process.run_records import find_record
from ctrlab_trainer.process.software_environment import environment_record
from ctrlab_trainer.training.determinism import deterministic

NUMERIC_PACKAGES = ("torch", "numpy")
"""Packages whose version can change the bits of a training."""


@dataclass(frozen=True)
class Verification:
    """The digests of the recorded and the repeated model."""

    recorded: str | None
    """Digest of the recorded model; None if that run diverged in its first epoch."""
    repeated: str | None
    changed: tuple[str, ...] = ()
    """Differences from the recorded circumstances that can explain different bits."""
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
            unchanged = "no recorded circumstance has changed: code, packages, threads, device, processor"
            lines += list(self.changed) or [unchanged]
        return "\n".join(lines)


def verify(plan: Plan, key: ExperimentKey, store_root: Store, variant: str, seed: int) -> Verification:
    """Repeat the training of (variant, seed), in its batch if it had one; ObjectNotFound if it has no record yet."""
    experiment = store_root.below(key.prefix)
    record = find_record(experiment, variant, seed)
    if record is None:
        raise ObjectNotFound(experiment.uri, ObjectKey.run(variant, seed, 1, RunFile.RECORD))
    study = StudyRecord.model_validate_json(experiment.get(ObjectKey.study(variant)))
    prepared = PreparedData.model_validate_json(experiment.get(ObjectKey.PREPARED))
    repeated = retrain_model_digest(plan, study, store_root, prepared, record)
    return Verification(record.model_sha256, repeated, tuple(_changes(record)), record.batched_with)


def retrain_model_digest(
    plan: Plan, study: StudyRecord, store_root: Store, prepared: PreparedData, record: RunRecord
) -> str | None:
    """Train a final run again, with the others of its batch, and return the SHA-256 of its model.

    None if it diverged.
    """
    seeds = record.batched_with or (record.seed,)
    training = FinalTraining.from_plan(plan, study, seeds, set_up_torch())
    # The recorded order of rows; the memory of this machine might lead to another one.
    training = replace(training, config=training.config.model_copy(update={"row_order": record.row_order}))
    with deterministic():
        result = training.train(*open_train_valid(store_root, prepared))[seeds.index(record.seed)]
    return None if result.state is None else digest(save(result.state))


def _changes(record: RunRecord) -> Iterator[str]:
    device = set_up_torch()
    code, environment, hardware = code_record(), environment_record(), hardware_record(device)
    recorded, packages = record.environment, record.environment.packages
    pairs: list[tuple[str, object, object]] = [
        ("ctrlab", record.code.version, code.version),
        ("commit", record.code.git_commit, code.git_commit),
        ("image", record.code.image, code.image),
        ("device", record.device, device),
        ("threads", recorded.threads, environment.threads),
        ("processor", record.hardware.cpu, hardware.cpu),
        ("GPU", record.hardware.gpu, hardware.gpu),
        ("python", recorded.python, environment.python),
        *((name, packages.get(name), environment.packages.get(name)) for name in NUMERIC_PACKAGES),
    ]
    for name, before, now in pairs:
        if before != now:
            yield f"{name}: {before or 'unknown'} then, {now or 'unknown'} now"
    for when, dirty in (("then", record.code.git_dirty), ("now", code.git_dirty)):
        if dirty:
            yield f"code: uncommitted changes {when}"
