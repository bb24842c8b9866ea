"""The sampler of one slot.

A new sampler is made for each trial, seeded with (tuning.seed, variant, slot): no two slots draw the same numbers, and
a slot that is run again after its worker was lost draws the same ones. Random, Grid and QMC searches are therefore
functions of the plan alone, whatever workers and crashes do; TPE, GP and CmaEs also depend on which trials have ended
by then.
"""

import hashlib
from collections.abc import Sequence
from importlib.util import find_spec

from optuna.samplers import BaseSampler, CmaEsSampler, GPSampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial

from ctrlab_api.errors import Problem
from ctrlab_api.plan import Plan
from ctrlab_api.search_space import SearchSpace
from ctrlab_study.distributions import cell_of_slot, space
from ctrlab_study.experimental import experimental
from ctrlab_study.points import (
    ConstrainedSampler,
    ConstrainedSobolSampler,
    FixedSampler,
    SobolSampler,
    draw_point,
)

NEEDS = {"GP": ("torch", "scipy"), "QMC": ("scipy",), "CmaEs": ("cmaes",)}
"""Packages that a sampler needs beyond Optuna itself."""


def derived_seed(*parts: object) -> int:
    """A seed below 2^32 from whatever tells one use from another: the first 4 bytes of SHA-256."""
    return int.from_bytes(hashlib.sha256("/".join(map(str, parts)).encode()).digest()[:4], "big")


def sampler_of_slot(
    plan: Plan, variant: str, slot: int, repeat: int = 0, source: Sequence[FrozenTrial] = ()
) -> BaseSampler:
    """The sampler that suggests the parameters of this slot of one of the repeated searches.

    `source`: complete trials of an earlier search whose best tenth CmaEs takes its first mean and covariance from.
    """
    allowed, tuning = plan.variant(variant).search_space, plan.tuning
    own = (tuning.seed, variant) if repeat == 0 else (tuning.seed, variant, f"repeat {repeat}")
    seed = derived_seed(*own, slot)
    match tuning.sampler:
        case "Random":
            return (
                RandomSampler(seed=seed)
                if allowed.is_unconstrained
                else FixedSampler(draw_point(allowed, variant, seed))
            )
        case "QMC":
            scramble = derived_seed(*own)
            if allowed.is_unconstrained:
                return SobolSampler(space(allowed.dimensions), slot, scramble)
            return ConstrainedSobolSampler(allowed, variant, slot, scramble)
        case "Grid":
            return FixedSampler(cell_of_slot(allowed, plan.study_budget(variant), slot, derived_seed(*own)))
        case _ if allowed.is_unconstrained:
            return _that_learns(plan, allowed, seed, source)
        case _:
            return ConstrainedSampler(
                allowed, variant, lambda n: _that_learns(plan, allowed, derived_seed(*own, slot, n), source), seed
            )


def _that_learns(plan: Plan, allowed: SearchSpace, seed: int, source: Sequence[FrozenTrial]) -> BaseSampler:
    match plan.tuning.sampler:
        case "GP":
            return (
                GPSampler(seed=seed)
                if allowed.is_unconstrained
                else GPSampler(seed=seed, warn_independent_sampling=False)
            )
        case "CmaEs":
            with experimental():
                return CmaEsSampler(seed=seed, warn_independent_sampling=False, source_trials=list(source) or None)
        case _:
            return TPESampler(seed=seed) if allowed.is_unconstrained else _grouped_tpe(seed)


def _grouped_tpe(seed: int) -> TPESampler:
    """Parameters that are active together are drawn jointly."""
    with experimental():
        return TPESampler(seed=seed, multivariate=True, group=True)


def check_sampler(plan: Plan, variant: str) -> list[Problem]:
    """What this installation cannot search, found before any work starts; empty when all is well."""
    tuning, found = plan.tuning, []
    if not plan.variant(variant).search:
        return []
    missing = [package for package in NEEDS.get(tuning.sampler, ()) if find_spec(package) is None]
    if missing:
        message = f"{tuning.sampler} needs the package {' and '.join(missing)}, which is not installed here"
        found.append(Problem("spec.tuning.sampler", f"{message}; install it or use TPE, Random or Grid"))
    return found
