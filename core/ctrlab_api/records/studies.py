"""`studies/<variant>.json`: one frozen search, with every trial and the reason for the choice of the best."""

import math
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from ctrlab_api.canonical_json import digest
from ctrlab_api.schema_types import ApiModel

ParameterValue = int | float | str | bool


class TrialRecord(ApiModel):
    """One Optuna trial, whether it counted towards the budget or not."""

    number: int
    slot: int | None = None
    """The budget slot it was run for."""
    counted: bool
    """Whether it filled its slot; a lost trial (worker gone) does not, and its slot was run again."""
    state: Literal["COMPLETE", "PRUNED", "FAIL"]
    value: float | None = None
    """Best validation value of the primary metric over its epochs."""
    parameters: dict[str, ParameterValue]
    distributions: dict[str, Any]
    curve: dict[int, float]
    """Validation value after each epoch."""
    worker: str
    device: str | None = None
    """`cpu` or `cuda`; absent where the trial was lost before it began, and in records of earlier versions."""
    started: str
    seconds: float | None = None
    reason: str | None = None
    """Why it failed or was lost."""


class SearchStop(ApiModel):
    """That a search ended before its budget was used."""

    rule: Literal["after", "gpuTime", "noImprovement"]
    """Which of `tuning.stop` held first."""
    reason: str
    """One clause: after how many trials, and what held."""


class WarmStartRecord(ApiModel):
    """What the sampler knew before the first trial."""

    experiment: str
    search_digest: str
    trials: int
    """Earlier trials that it was shown."""
    outside: int
    """Earlier trials that are not points of this search space."""


class BestChoice(ApiModel):
    """Which hyper-parameters the final runs use, and why."""

    trial: int | None = None
    """None where nothing was tuned."""
    value: float | None = None
    parameters: dict[str, ParameterValue]
    """Tuned values; the fixed ones are in the plan."""
    runner_up: int | None = None
    """The next best trial."""
    runner_up_value: float | None = None
    justification: str
    """One sentence: value, rank and distance to the runner-up."""


class StudyRecord(ApiModel):
    """A search, frozen: nothing about it changes once this is written."""

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
    """Summed over trials."""
    inherited_from: str | None = None
    """Of an ablation: the digest of the experiment's search that the choice was taken from."""
    stopped: SearchStop | None = None
    """Absent where the whole budget was used."""
    warm_start: WarmStartRecord | None = None
    repeats: tuple["StudyRecord", ...] | None = None
    """The further independent searches of `tuning.repeats`; this record is the first."""

    @property
    def all_studies(self) -> tuple["StudyRecord", ...]:
        """All independent searches, this one first."""
        return (self, *(self.repeats or ()))

    def choice(self, search: int) -> BestChoice:
        """What the final runs of one of the searches use; the only one where there is one."""
        return self.all_studies[search % len(self.all_studies)].best

    @property
    def gpu_seconds(self) -> float | None:
        """Over all trials on a GPU; None where one that took time does not say what it ran on."""
        timed = [trial for trial in self.trials if trial.seconds]
        if any(trial.device is None for trial in timed):
            return None
        return math.fsum(trial.seconds or 0.0 for trial in timed if trial.device != "cpu")

    @property
    def digest(self) -> str:
        """The searchDigest of this variant."""
        return digest(self)


def search_token(studies: Iterable[StudyRecord]) -> str:
    """Return the digest over all frozen studies of an experiment: the token that opens its test rows."""
    return token_of_digests({study.variant: study.digest for study in studies})


def token_of_digests(digests: Mapping[str, str]) -> str:
    """Return the search token from the digest of each variant's study."""
    return digest(dict(digests))
