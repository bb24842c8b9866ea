"""The sampler of one slot.

Each trial has a new sampler, seeded with (tuning.seed, variant, slot): no two slots draw the same numbers, and a slot
that runs again after its worker was lost draws the same ones. Studies with the samplers Random, Grid and QMC are
therefore functions of the plan alone, regardless of workers and crashes; TPE, GP and CmaEs also depend on which trials
have ended by then.
"""

import hashlib
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec

from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler, CmaEsSampler, GPSampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial

from ctrlab_api.errors import Problem
from ctrlab_api.plan import Plan
from ctrlab_api.search_space import SearchSpace
from ctrlab_study.history import SnapshotSampler
from ctrlab_study.points import (
    ConstrainedSampler,
    ConstrainedSobolSampler,
    FixedSampler,
    SobolSampler,
    cell_of_slot,
    distributions_of,
    draw_point,
)

REQUIRED_PACKAGES = {"GP": ("torch", "scipy"), "QMC": ("scipy",), "CmaEs": ("cmaes",)}
"""Packages that a sampler needs beyond Optuna itself."""

_WARNING_FILTERS = threading.Lock()
"""Python shares the warning filters between all threads."""


@contextmanager
def ignore_experimental_warnings() -> Iterator[None]:
    """Silence Optuna's warnings about experimental features: its version is pinned, and recorded with each study."""
    with _WARNING_FILTERS, warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        yield


def derived_seed(*parts: object) -> int:
    """Return a seed below 2^32 from the parts that identify its use: the first 4 bytes of SHA-256."""
    return int.from_bytes(hashlib.sha256("/".join(map(str, parts)).encode()).digest()[:4], "big")


def sampler_of_slot(
    plan: Plan, variant: str, slot: int, repeat: int = 0, source: Sequence[FrozenTrial] = ()
) -> BaseSampler:
    """Return the sampler that suggests the parameters of this slot of one of the repeated studies.

    `source`: complete trials of a previous study; CmaEs initializes its mean and covariance from their best tenth.
    """
    space, tuning = plan.variant(variant).search_space, plan.tuning
    identity = (tuning.seed, variant) if repeat == 0 else (tuning.seed, variant, f"repeat {repeat}")
    seed = derived_seed(*identity, slot)
    match tuning.sampler:
        case "Random":
            return (
                RandomSampler(seed=seed) if space.is_unconstrained else FixedSampler(draw_point(space, variant, seed))
            )
        case "QMC":
            scramble = derived_seed(*identity)
            with ignore_experimental_warnings():
                sequence = SobolSampler(distributions_of(space.dimensions), slot, scramble)
            return sequence if space.is_unconstrained else ConstrainedSobolSampler(sequence, space, variant, scramble)
        case "Grid":
            return FixedSampler(cell_of_slot(space, plan.study_budget(variant), slot, derived_seed(*identity)))
        case _ if space.is_unconstrained:
            return SnapshotSampler(_learning_sampler(plan, space, seed, source))
        case _:
            return SnapshotSampler(
                ConstrainedSampler(
                    space,
                    variant,
                    lambda n: _learning_sampler(plan, space, derived_seed(*identity, slot, n), source),
                    seed,
                )
            )


def _learning_sampler(plan: Plan, space: SearchSpace, seed: int, source: Sequence[FrozenTrial]) -> BaseSampler:
    match plan.tuning.sampler:
        case "GP":
            return (
                GPSampler(seed=seed)
                if space.is_unconstrained
                else GPSampler(seed=seed, warn_independent_sampling=False)
            )
        case "CmaEs":
            with ignore_experimental_warnings():
                return CmaEsSampler(seed=seed, warn_independent_sampling=False, source_trials=list(source) or None)
        case _:
            return TPESampler(seed=seed) if space.is_unconstrained else _grouped_tpe_sampler(seed)


def _grouped_tpe_sampler(seed: int) -> TPESampler:
    """Return a TPE sampler that draws parameters jointly if they are active together."""
    with ignore_experimental_warnings():
        return TPESampler(seed=seed, multivariate=True, group=True)


def check_sampler(plan: Plan, variant: str) -> list[Problem]:
    """Return the reasons why this installation cannot tune the variant, before any work starts; empty if it can."""
    if not plan.variant(variant).search:
        return []
    sampler = plan.tuning.sampler
    missing = [package for package in REQUIRED_PACKAGES.get(sampler, ()) if find_spec(package) is None]
    if not missing:
        return []
    message = f"{sampler} needs the package {' and '.join(missing)}, which is not installed"
    return [Problem("spec.tuning.sampler", f"{message}; install it or use TPE, Random or Grid")]
