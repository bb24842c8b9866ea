"""Points of a search space: Optuna distributions, grid cells, and samplers whose points are chosen here.

Bounds are decimal strings and computed as decimals, so a step of 0.1 reaches 0.3 and not 0.30000000000000004.
"""

import random
from collections.abc import Callable, Mapping
from typing import Any, Final

import optuna
from optuna import Study
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler, QMCSampler
from optuna.trial import FrozenTrial, TrialState

from ctrlab_api.parameter_values import value_at
from ctrlab_api.records.studies import ParameterValue
from ctrlab_api.resources.search_dimensions import SearchDimension
from ctrlab_api.search_space import SearchSpace, grid_points, grid_size
from ctrlab_study.errors import StudyFailed

Point = dict[str, ParameterValue]
Distributions = dict[str, BaseDistribution]

MAX_PROPOSALS: Final = 20
"""Points that a sampler may propose for one trial before one of the allowed points is drawn at random."""

SEQUENCE_POINTS_PER_SLOT: Final = 64
"""Points of a sequence to examine for each slot before one is drawn at random."""


def distributions_of(dimensions: Mapping[str, SearchDimension]) -> Distributions:
    """Return the Optuna distribution of every dimension, in alphabetical order (the order in which they are drawn)."""
    return {name: distribution_of(dimensions[name]) for name in sorted(dimensions)}


def distribution_of(dimension: SearchDimension) -> BaseDistribution:
    """Return one dimension as a distribution; a range whose width is no multiple of its step ends at its last value."""
    if dimension.int_ is not None:
        ints = dimension.int_
        high = ints.low + (ints.high - ints.low) // ints.step * ints.step
        return IntDistribution(ints.low, high, log=ints.log, step=ints.step)
    if dimension.float_ is not None:
        floats = dimension.float_
        if floats.step is None:
            return FloatDistribution(float(floats.low), float(floats.high), log=floats.log)
        return FloatDistribution(
            float(floats.low), float(value_at(dimension, (dimension.cardinality() or 1) - 1)), step=float(floats.step)
        )
    return CategoricalDistribution(dimension.categorical or ())


def suggest_point(trial: optuna.Trial, space: SearchSpace) -> Point:
    """Return the sampler's value of every active parameter."""
    point: Point = {}
    for name in space.sampling_order:
        if space.is_active(name, point):
            point[name] = _suggest(trial, name, distribution_of(space.dimensions[name]))
    return point


def _suggest(trial: optuna.Trial, name: str, distribution: BaseDistribution) -> ParameterValue:
    match distribution:
        case FloatDistribution(low=low, high=high, step=step, log=log):
            return trial.suggest_float(name, low, high, step=step, log=log)
        case IntDistribution(low=low, high=high, step=step, log=log):
            return trial.suggest_int(name, low, high, step=step, log=log)
        case CategoricalDistribution(choices=choices):
            return str(trial.suggest_categorical(name, choices))
        case _:
            raise TypeError(f"unsupported distribution: {distribution!r}")


def draw_point(space: SearchSpace, variant: str, seed: int) -> Point:
    """Draw a random allowed point; raise StudyFailed if the constraints leave too few to draw one."""
    try:
        return space.sample(random.Random(seed))
    except TimeoutError:
        message = "no random point of the search space satisfies the constraints; relax them"
        raise StudyFailed(variant, message) from None


def cell_of_slot(space: SearchSpace, budget: int, slot: int, seed: int) -> Point:
    """Return the allowed grid cell of a slot: each cell once, or a random subset if the budget is smaller.

    `budget` is the planned number of trials: slots that are added later continue with cells that were not visited.
    """
    allowed = None if space.is_unconstrained else grid_points(space)
    size = grid_size(space)
    index = slot if budget >= size else _index_without_repetition(size, budget, slot, seed)
    return _cell(space.dimensions, index) if allowed is None else allowed[index]


def _cell(dimensions: Mapping[str, SearchDimension], index: int) -> Point:
    """Return a cell of the full grid by its index; the last dimension in alphabetical order varies fastest."""
    point: Point = {}
    for name in sorted(dimensions, reverse=True):
        index, position = divmod(index, dimensions[name].cardinality() or 1)
        point[name] = value_at(dimensions[name], position)
    return dict(sorted(point.items()))


def _index_without_repetition(size: int, budget: int, slot: int, seed: int) -> int:
    planned = random.Random(seed).sample(range(size), budget)
    if slot < budget:
        return planned[slot]
    generator, visited = random.Random(f"{seed}/further"), set(planned)
    while slot >= len(visited):
        visited.add(index := generator.randrange(size))
    return index


class FixedSampler(BaseSampler):
    """Suggests the values of a given point."""

    def __init__(self, point: Point) -> None:
        """`point` has a value for every parameter that will be suggested."""
        self._point = point

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Return no joint space: nothing is drawn jointly."""
        return {}

    def sample_relative(self, study: Study, trial: FrozenTrial, search_space: Distributions) -> dict[str, Any]:
        """Return nothing: there is no joint space."""
        return {}

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> ParameterValue:
        """Return the value of the point."""
        return self._point[param_name]


class _ChoosingSampler(FixedSampler):
    """Chooses the whole point when the first value of a trial is suggested."""

    def __init__(self) -> None:
        super().__init__({})
        self._is_chosen = False

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> ParameterValue:
        """Return the value of the chosen point."""
        if not self._is_chosen:
            self._point, self._is_chosen = self._choose(study, trial), True
        return super().sample_independent(study, trial, param_name, param_distribution)

    def _choose(self, study: Study, trial: FrozenTrial) -> Point:
        raise NotImplementedError


class ConstrainedSampler(_ChoosingSampler):
    """Lets a learning sampler propose points until one is allowed; rejected points never reach the study."""

    def __init__(self, space: SearchSpace, variant: str, make: Callable[[int], BaseSampler], seed: int) -> None:
        """`make` returns the sampler of each proposal, with a different seed."""
        super().__init__()
        self._space, self._variant, self._make, self._seed = space, variant, make, seed
        self._sampler: BaseSampler | None = None

    def after_trial(self, study: Study, trial: FrozenTrial, state: TrialState, values: Any) -> None:
        """Let the sampler of the accepted point record what it learned, as CmaEs does."""
        if self._sampler is not None:
            self._sampler.after_trial(study, trial, state, values)

    def _choose(self, study: Study, trial: FrozenTrial) -> Point:
        distributions = distributions_of(self._space.dimensions)
        for proposal in range(MAX_PROPOSALS):
            sampler = self._sampler = self._make(proposal)
            joint = sampler.sample_relative(study, trial, sampler.infer_relative_search_space(study, trial))
            point: Point = {}
            for name in self._space.sampling_order:
                if self._space.is_active(name, point):
                    distribution = distributions[name]
                    if name in joint:
                        point[name] = joint[name]
                    elif distribution.single():
                        point[name] = value_at(self._space.dimensions[name], 0)
                    else:
                        point[name] = sampler.sample_independent(study, trial, name, distribution)
            if self._space.allows(point):
                return point
        return draw_point(self._space, self._variant, self._seed)


class SobolSampler(QMCSampler):
    """Suggests the point of a scrambled Sobol sequence whose index is the slot's number.

    Optuna's sampler uses the number of trials in the study as index, so two workers can read the same number; it also
    draws the first point at random.
    """

    def __init__(self, distributions: Distributions, slot: int, seed: int) -> None:
        """`seed` scrambles the sequence and is the same for all slots of a study."""
        super().__init__(scramble=True, seed=seed)
        self._distributions = distributions
        self.slot = slot

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Return the whole space, from the first trial on."""
        return {name: item for name, item in self._distributions.items() if not item.single()}

    def _find_sample_id(self, study: Study, search_space: Distributions) -> int:
        return self.slot


class ConstrainedSobolSampler(_ChoosingSampler):
    """Suggests the n-th allowed point of a Sobol sequence, counting points that differ in inactive parameters once."""

    def __init__(self, sequence: SobolSampler, space: SearchSpace, variant: str, seed: int) -> None:
        """`sequence` has the slot; `seed` is the same for all slots of a study."""
        super().__init__()
        self._sequence, self._space, self._variant, self._seed = sequence, space, variant, seed
        self._slot = sequence.slot

    def _choose(self, study: Study, trial: FrozenTrial) -> Point:
        distributions = distributions_of(self._space.dimensions)
        single = {name: value_at(self._space.dimensions[name], 0) for name, d in distributions.items() if d.single()}
        seen: set[tuple[tuple[str, ParameterValue], ...]] = set()
        for index in range(SEQUENCE_POINTS_PER_SLOT * (self._slot + 1)):
            self._sequence.slot = index
            joint_space = self._sequence.infer_relative_search_space(study, trial)
            joint = self._sequence.sample_relative(study, trial, joint_space)
            point = self._space.active_point(joint | single)
            if point is None or tuple(point.items()) in seen:
                continue
            if len(seen) == self._slot:
                return point
            seen.add(tuple(point.items()))
        return draw_point(self._space, self._variant, self._seed + self._slot)
