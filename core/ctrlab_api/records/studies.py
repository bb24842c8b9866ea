"""`studies/<variant>.json`: one frozen study, with every trial and the justification of the best one."""

import math
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from ctrlab_api.canonical_json import digest
from ctrlab_api.schema_types import ApiModel

ParameterValue = int | float | str | bool


class TrialRecord(ApiModel):
    """One Optuna trial, whether it counts towards the budget or not."""

    number: int
    slot: int | None = None
    """The slot that the trial was run for."""
    counted: bool
    """Whether the trial filled its slot; a lost trial (its worker is gone) does not, and its slot was run again."""
    state: Literal["COMPLETE", "PRUNED", "FAIL"]
    value: float | None = None
    """Best validation value of the primary metric over the epochs of the trial."""
    parameters: dict[str, ParameterValue]
    distributions: dict[str, Any]
    curve: dict[int, float]
    """Validation value after each epoch."""
    worker: str
    device: str | None = None
    """`cpu` or `cuda`; absent where the trial was lost before it started, and in records of earlier versions."""
    started: str
    seconds: float | None = None
    reason: str | None = None
    """Reason why the trial failed or was lost."""


class SearchStop(ApiModel):
    """The rule that ended a study before its budget was used."""

    rule: Literal["after", "gpuTime", "noImprovement"]
    """The first rule of `tuning.stop` that applied."""
    reason: str
    """One clause with the number of trials and the rule that applied."""


class WarmStartRecord(ApiModel):
    """The earlier trials that the sampler learned from before the first trial."""

    experiment: str
    """namespace/name/uid of the earlier experiment."""
    search_digest: str
    """Digest of the earlier study."""
    trials: int
    """Number of earlier trials that the sampler learned from."""
    outside: int
    """Number of earlier trials that are not points of this search space."""


class BestChoice(ApiModel):
    """The best hyperparameters, which the final runs use, and their justification."""

    trial: int | None = None
    """Number of the best trial; None where nothing was tuned."""
    value: float | None = None
    parameters: dict[str, ParameterValue]
    """Values of the tuned parameters; the fixed ones are in the plan."""
    runner_up: int | None = None
    """Number of the second-best trial."""
    runner_up_value: float | None = None
    justification: str
    """One sentence with value, rank and distance to the second-best trial."""


class StudyRecord(ApiModel):
    """A frozen study, which does not change after this record is written."""

    schema_version: Literal[1] = 1
    variant: str
    plan_digest: str
    dataset_digest: str
    primary_metric: str
    direction: Literal["maximize", "minimize"]
    sampler: str
    sampler_seed: int
    pruner: str
    budget: int
    trials: tuple[TrialRecord, ...]
    best: BestChoice
    versions: dict[str, str]
    seconds: float
    """Total duration of all trials."""
    inherited_from: str | None = None
    """In an ablation: the digest of the experiment's study whose best trial is inherited."""
    stopped: SearchStop | None = None
    """Absent where the whole budget was used."""
    warm_start: WarmStartRecord | None = None
    repeats: tuple["StudyRecord", ...] | None = None
    """The other independent studies of `tuning.repeats`; this record is the first."""

    @property
    def all_studies(self) -> tuple["StudyRecord", ...]:
        """All independent studies, this one first."""
        return (self, *(self.repeats or ()))

    def choice(self, study: int) -> BestChoice:
        """Return the best hyperparameters of one of the studies; those of the only one, if nothing was repeated."""
        studies = self.all_studies
        return studies[study if len(studies) > 1 else 0].best

    @property
    def gpu_seconds(self) -> float | None:
        """Total duration of trials on a GPU; None where a trial that took time does not name its device."""
        timed = [trial for trial in self.trials if trial.seconds]
        if any(trial.device is None for trial in timed):
            return None
        return math.fsum(trial.seconds or 0.0 for trial in timed if trial.device != "cpu")

    @property
    def digest(self) -> str:
        """The digest of this study (`searchDigest` in the status)."""
        return digest(self)


def search_token(studies: Iterable[StudyRecord]) -> str:
    """Return the digest over all frozen studies of an experiment: the token that opens its test rows."""
    return token_of_digests({study.variant: study.digest for study in studies})


def token_of_digests(digests: Mapping[str, str]) -> str:
    """Return the search token from the digest of each variant's study."""
    return digest(dict(digests))
