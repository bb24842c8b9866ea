"""Search dimensions as distributions and grid cells, and samplers that are rejected before any work."""

from typing import Any

import pytest
from builders import make_plan, make_variant
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from ctrlab_api.plan import Plan
from ctrlab_api.resources.search_dimensions import SearchDimension
from ctrlab_api.search_space import SearchSpace
from ctrlab_study.points import cell_of_slot, distribution_of, distributions_of
from ctrlab_study.pruners import max_epochs
from ctrlab_study.samplers import check_sampler, derived_seed

RATE: dict[str, Any] = {"float": {"low": "1e-4", "high": "1e-1", "log": True}}
LETTER: dict[str, Any] = {"categorical": ["a", "b"]}
DEPTH: dict[str, Any] = {"int": {"low": 1, "high": 6, "step": 2}}
THIRDS: dict[str, Any] = {"float": {"low": "0.1", "high": "0.45", "step": "0.1"}}


def dimension(fields: dict[str, Any]) -> SearchDimension:
    return SearchDimension.model_validate(fields, strict=False)


def plan(search: dict[str, Any], **tuning: Any) -> Plan:
    return make_plan(make_variant("M", "lr", search=search), tuning=tuning)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (RATE, FloatDistribution(1e-4, 1e-1, log=True)),
        (LETTER, CategoricalDistribution(("a", "b"))),
        (DEPTH, IntDistribution(1, 5, step=2)),
        (THIRDS, FloatDistribution(0.1, 0.4, step=0.1)),
    ],
    ids=["log", "categorical", "int that ends at its last step", "float that ends at its last step"],
)
def test_a_dimension_becomes_a_distribution(fields: dict[str, Any], expected: BaseDistribution) -> None:
    assert distribution_of(dimension(fields)) == expected


def test_dimensions_are_drawn_in_alphabetical_order() -> None:
    assert list(distributions_of({"z": dimension(RATE), "a": dimension(LETTER)})) == ["a", "z"]


def test_grid_values_are_the_decimals_that_were_written() -> None:
    search = {"x": dimension(THIRDS)}
    assert [cell_of_slot(SearchSpace(search), 4, slot, seed=1)["x"] for slot in range(4)] == [0.1, 0.2, 0.3, 0.4]


def test_a_full_grid_visits_every_cell_and_a_partial_one_no_cell_twice() -> None:
    search = {"letter": dimension(LETTER), "depth": dimension(DEPTH)}
    cells = {tuple(cell_of_slot(SearchSpace(search), 6, slot, seed=1).items()) for slot in range(6)}
    assert len(cells) == 6
    part = {tuple(cell_of_slot(SearchSpace(search), 4, slot, seed=1).items()) for slot in range(4)}
    assert len(part) == 4
    assert part < cells


def test_slots_that_are_added_to_a_partial_grid_visit_other_cells() -> None:
    search = SearchSpace({"letter": dimension(LETTER), "depth": dimension(DEPTH)})
    planned = [cell_of_slot(search, 2, slot, seed=1) for slot in range(2)]
    added = [cell_of_slot(search, 2, slot, seed=1) for slot in range(6)]
    assert added[:2] == planned
    assert len({tuple(cell.items()) for cell in added}) == 6


def test_seeds_differ_for_different_uses_and_fit_in_32_bits() -> None:
    seeds = {derived_seed(seed, variant, slot) for seed in (1, 2) for variant in "AB" for slot in range(50)}
    assert len(seeds) == 200
    assert max(seeds) < 2**32


def test_a_sampler_without_its_package_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctrlab_study.samplers.find_spec", lambda package: None)
    problems = check_sampler(plan({"x": RATE}, sampler="GP"), "M")
    assert [str(problem) for problem in problems] == [
        "spec.tuning.sampler: GP needs the package torch and scipy, which is not installed; "
        "install it or use TPE, Random or Grid"
    ]


def test_default_samplers_and_untuned_variants_pass() -> None:
    assert check_sampler(plan({"x": RATE}), "M") == []
    assert check_sampler(plan({}), "M") == []


@pytest.mark.parametrize(
    ("variant", "epochs"),
    [
        ({}, 20),
        ({"parameters": {"epochs": 7}}, 7),
        ({"search": {"epochs": DEPTH}}, 6),
        ({"search": {"epochs": {"categorical": ["5", "30"]}}}, 30),
    ],
    ids=["default", "fixed", "tuned", "tuned by choice"],
)
def test_a_pruner_knows_the_maximum_number_of_epochs(variant: dict[str, Any], epochs: int) -> None:
    assert max_epochs(make_variant("M", "lr", **variant)) == epochs
