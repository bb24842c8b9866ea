"""The sampler of one slot.

A new sampler is made for each trial, seeded with (tuning.seed, variant, slot): no two slots draw the same numbers, and
a slot that is run again after its worker was lost draws the same ones. Random, Grid and QMC searches are therefore
functions of the plan alone, whatever workers and crashes do; TPE, GP and CmaEs also depend on which trials have ended
by then.
"""

import hashlib
import warnings
from importlib.util import find_spec
from typing import Any

from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler, CmaEsSampler, GPSampler, QMCSampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial

from ctrlab_contract.errors import Problem
from ctrlab_contract.plan import Plan
from ctrlab_contract.records.study import ParameterValue
from ctrlab_contract.study.spaces import Space, cell_of_slot, space

NEEDS = {"GP": ("torch", "scipy"), "QMC": ("scipy",), "CmaEs": ("cmaes",)}
"""Packages that a sampler needs beyond Optuna itself."""


def derived_seed(*parts: object) -> int:
    """A seed below 2^32 from whatever tells one use from another: the first 4 bytes of SHA-256."""
    return int.from_bytes(hashlib.sha256("/".join(map(str, parts)).encode()).digest()[:4], "big")


def sampler_of_slot(plan: Plan, variant: str, slot: int) -> BaseSampler:
    """The sampler that suggests the parameters of this slot."""
    search, tuning = plan.variant(variant).search, plan.tuning
    seed = derived_seed(tuning.seed, variant, slot)
    match tuning.sampler:
        case "TPE":
            return TPESampler(seed=seed)
        case "Random":
            return RandomSampler(seed=seed)
        case "GP":
            return GPSampler(seed=seed)
        case "CmaEs":
            return CmaEsSampler(seed=seed, warn_independent_sampling=False)
        case "QMC":
            return SlotOfSequence(space(search), slot, derived_seed(tuning.seed, variant))
        case "Grid":
            budget = plan.trial_budget(variant)
            return Fixed(cell_of_slot(search, budget, slot, derived_seed(tuning.seed, variant)))


def check_search(plan: Plan, variant: str) -> list[Problem]:
    """What this installation cannot search, found before any work starts; empty when all is well."""
    tuning, found = plan.tuning, []
    if not plan.variant(variant).search:
        return []
    missing = [package for package in NEEDS.get(tuning.sampler, ()) if find_spec(package) is None]
    if missing:
        message = f"{tuning.sampler} needs the package {' and '.join(missing)}, which is not installed here"
        found.append(Problem("spec.tuning.sampler", f"{message}; install it or use TPE, Random or Grid"))
    return found


class Fixed(BaseSampler):
    """Suggests values that were chosen beforehand."""

    def __init__(self, values: dict[str, ParameterValue]) -> None:
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


class SlotOfSequence(QMCSampler):
    """The point of a scrambled Sobol sequence whose index is the slot's number.

    Optuna counts points in the study, where two workers can read the same count; and it draws the first at random.
    """

    def __init__(self, search_space: Space, slot: int, seed: int) -> None:
        """`seed`: of the scrambling, the same for all slots of a search."""
        with warnings.catch_warnings():
            # That it may change is met by pinning Optuna, and by the record of its version.
            warnings.simplefilter("ignore", ExperimentalWarning)
            super().__init__(scramble=True, seed=seed)
        self._search_space = search_space
        self._slot = slot

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """The whole space, from the first trial on."""
        return {name: found for name, found in self._search_space.items() if not found.single()}

    def _find_sample_id(self, study: Study, search_space: Space) -> int:
        return self._slot
