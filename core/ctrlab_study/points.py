"""Samplers whose points are chosen here and not by Optuna: fixed beforehand, by a sequence, or as constraints allow."""

import random
from collections.abc import Callable
from typing import Any, Final

from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, QMCSampler
from optuna.trial import FrozenTrial, TrialState

from ctrlab_api.records.studies import ParameterValue
from ctrlab_api.search_space import SearchSpace, value_at
from ctrlab_study.distributions import Space, space
from ctrlab_study.errors import StudyFailed
from ctrlab_study.experimental import experimental

Point = dict[str, ParameterValue]

MOST_ATTEMPTS: Final = 20
"""Points that a sampler may propose for one trial before one is drawn at random among those that are allowed."""

POINTS_PER_SLOT: Final = 64
"""Points of a sequence that are looked at for each slot before one is drawn at random."""


def draw_point(allowed: SearchSpace, variant: str, seed: int) -> Point:
    """A random allowed point; SearchFailed where constraints leave too little to find one."""
    try:
        return allowed.sample(random.Random(seed))
    except TimeoutError:
        raise StudyFailed(variant, "no allowed point of the search space was found; loosen the constraints") from None


class FixedSampler(BaseSampler):
    """Suggests values that were chosen beforehand."""

    def __init__(self, values: Point) -> None:
        """`values`: of every dimension that will be asked for."""
        self._values = values

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Nothing is drawn jointly."""
        return {}

    def sample_relative(self, study: Study, trial: FrozenTrial, search_space: Space) -> dict[str, Any]:
        """Nothing is drawn jointly."""
        return {}

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> ParameterValue:
        """The chosen value."""
        return self._values[param_name]


class _Chosen(FixedSampler):
    """Chooses the whole point when the first value of a trial is asked for."""

    def __init__(self) -> None:
        super().__init__({})
        self._chosen = False

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> ParameterValue:
        """The chosen point's value."""
        if not self._chosen:
            self._values, self._chosen = self._choose(study, trial), True
        return super().sample_independent(study, trial, param_name, param_distribution)

    def _choose(self, study: Study, trial: FrozenTrial) -> Point:
        raise NotImplementedError


class ConstrainedSampler(_Chosen):
    """Lets a sampler that learns propose points until one is allowed; nothing that is refused reaches the study."""

    def __init__(self, allowed: SearchSpace, variant: str, make: Callable[[int], BaseSampler], seed: int) -> None:
        """`make`: the sampler of each attempt, with a seed of its own."""
        super().__init__()
        self._allowed, self._variant, self._make, self._seed = allowed, variant, make, seed
        self._sampler: BaseSampler | None = None

    def after_trial(self, study: Study, trial: FrozenTrial, state: TrialState, values: Any) -> None:
        """CmaEs notes there what it has learnt."""
        if self._sampler is not None:
            self._sampler.after_trial(study, trial, state, values)

    def _choose(self, study: Study, trial: FrozenTrial) -> Point:
        distributions = space(self._allowed.dimensions)
        for attempt in range(MOST_ATTEMPTS):
            sampler = self._sampler = self._make(attempt)
            joint = sampler.sample_relative(study, trial, sampler.infer_relative_search_space(study, trial))
            point: Point = {}
            for name in self._allowed.sampling_order:
                if self._allowed.is_active(name, point):
                    found = distributions[name]
                    if name in joint:
                        point[name] = joint[name]
                    elif found.single():
                        point[name] = value_at(self._allowed.dimensions[name], 0)
                    else:
                        point[name] = sampler.sample_independent(study, trial, name, found)
            if self._allowed.allows(point):
                return point
        return draw_point(self._allowed, self._variant, self._seed)


class SobolSampler(QMCSampler):
    """The point of a scrambled Sobol sequence whose index is the slot's number.

    Optuna counts points in the study, where two workers can read the same count; and it draws the first at random.
    """

    def __init__(self, search_space: Space, slot: int, seed: int) -> None:
        """`seed`: of the scrambling, the same for all slots of a search."""
        with experimental():
            super().__init__(scramble=True, seed=seed)
        self._search_space = search_space
        self.slot = slot

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """The whole space, from the first trial on."""
        return {name: found for name, found in self._search_space.items() if not found.single()}

    def _find_sample_id(self, study: Study, search_space: Space) -> int:
        return self.slot


class ConstrainedSobolSampler(_Chosen):
    """The allowed point of that number in the sequence; points that differ in inactive parameters alone are one."""

    def __init__(self, allowed: SearchSpace, variant: str, slot: int, seed: int) -> None:
        """`seed`: of the scrambling, the same for all slots of a search."""
        super().__init__()
        self._allowed, self._variant, self._slot, self._seed = allowed, variant, slot, seed

    def _choose(self, study: Study, trial: FrozenTrial) -> Point:
        distributions = space(self._allowed.dimensions)
        single = {name: value_at(self._allowed.dimensions[name], 0) for name, d in distributions.items() if d.single()}
        sequence = SobolSampler(distributions, 0, self._seed)
        seen: set[tuple[tuple[str, ParameterValue], ...]] = set()
        for sequence.slot in range(POINTS_PER_SLOT * (self._slot + 1)):
            joint = sequence.sample_relative(study, trial, sequence.infer_relative_search_space(study, trial))
            point = self._allowed.active_point(joint | single)
            if point is None or tuple(point.items()) in seen:
                continue
            if len(seen) == self._slot:
                return point
            seen.add(tuple(point.items()))
        return draw_point(self._allowed, self._variant, self._seed + self._slot)
