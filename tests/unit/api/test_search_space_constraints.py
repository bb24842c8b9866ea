"""Conditions, forbidden combinations and orders: the points that they allow, and the problems that are reported."""

import random
from typing import Any

import pytest

from ctrlab_api.checks.search_space_checks import check_grid, check_search_space
from ctrlab_api.resources.search_dimensions import Constraints, SearchDimension
from ctrlab_api.search_space import SearchSpace, grid_points, grid_size

FUSION: dict[str, Any] = {"categorical": ["attention", "sum"]}
HEADS: dict[str, Any] = {"int": {"low": 1, "high": 4}}
RATE: dict[str, Any] = {"float": {"low": "0.1", "high": "0.9"}}
MULTIPLES_OF_16: dict[str, Any] = {"int": {"low": 16, "high": 64, "step": 16}}


def space(search: dict[str, Any], constraints: dict[str, Any] | None = None, **fixed: int | str) -> SearchSpace:
    return SearchSpace(
        {name: SearchDimension.model_validate(given, strict=False) for name, given in search.items()},
        Constraints.model_validate(constraints, strict=False) if constraints else None,
        fixed,
    )


def test_a_conditional_parameter_is_sampled_after_its_dependencies_and_only_if_they_allow() -> None:
    search_space = space({"a_heads": HEADS | {"when": {"fusion": "attention"}}, "fusion": FUSION})
    assert search_space.sampling_order == ("fusion", "a_heads")
    points = [search_space.sample(random.Random(seed)) for seed in range(40)]
    assert {point["fusion"] for point in points} == {"attention", "sum"}
    assert all(("a_heads" in point) == (point["fusion"] == "attention") for point in points)


def test_a_grid_has_each_allowed_point_once_without_inactive_parameters() -> None:
    search_space = space(
        {"fusion": FUSION, "heads": HEADS | {"when": {"fusion": "attention"}}},
        {"forbidden": [{"fusion": "attention", "heads": 3}]},
    )
    assert list(grid_points(search_space)) == [
        {"fusion": "attention", "heads": 1},
        {"fusion": "attention", "heads": 2},
        {"fusion": "attention", "heads": 4},
        {"fusion": "sum"},
    ]
    assert grid_size(search_space) == 4


def test_ordered_parameters_never_decrease() -> None:
    search_space = space(
        {"first": MULTIPLES_OF_16, "second": MULTIPLES_OF_16, "third": RATE | {}}, {"ordered": [["second", "first"]]}
    )
    points = [search_space.sample(random.Random(seed)) for seed in range(60)]
    assert all(point["second"] <= point["first"] for point in points)  # type: ignore[operator]
    assert len({(point["first"], point["second"]) for point in points}) == 10


def test_numbers_are_compared_by_value_and_fixed_parameters_count() -> None:
    rates = {"categorical": ["1e-3", "1e-2"]}
    search_space = space({"rate": rates, "heads": HEADS}, {"forbidden": [{"rate": "0.001", "layers": "2"}]}, layers=2)
    assert not search_space.allows({"rate": "1e-3", "heads": 1})
    assert search_space.allows({"rate": "1e-2", "heads": 1})


def test_a_point_is_found_where_random_sampling_would_fail() -> None:
    names = [f"p{index}" for index in range(8)]
    wide = {"int": {"low": 1, "high": 2**31 - 1}}
    search_space = space(dict.fromkeys(names, wide), {"ordered": [names]})
    point = search_space.sample(random.Random(1))
    assert [point[name] for name in names] == sorted(point[name] for name in names)


def test_equal_values_satisfy_orders_in_both_directions() -> None:
    search_space = space({"a": HEADS, "b": HEADS}, {"ordered": [["a", "b"], ["b", "a"]]})
    assert search_space.find_point() == {"a": 1, "b": 1}
    assert grid_size(search_space) == 4


@pytest.mark.parametrize(
    ("search", "constraints", "message"),
    [
        (
            {"x": RATE | {"when": {"y": "1"}}},
            None,
            "m.search.x.when.y: y is neither tuned nor fixed; known: fixed_one, x",
        ),
        ({"x": RATE | {"when": {"x": "1"}}}, None, "m.search.x.when.x: x cannot depend on itself"),
        (
            {"x": HEADS | {"when": {"y": 1}}, "y": HEADS | {"when": {"x": 1}}},
            None,
            "m.search: the conditions of x, y depend on each other: remove one of them",
        ),
        (
            {"x": RATE | {"when": {"fusion": "gate"}}, "fusion": FUSION},
            None,
            "m.search.x.when.fusion: fusion cannot be 'gate'; allowed: attention, sum",
        ),
        (
            {"x": RATE | {"when": {"fixed_one": 2}}},
            None,
            "m.search.x.when.fixed_one: fixed_one is fixed at 1, so x would never be tuned; "
            "remove it from search, or tune fixed_one",
        ),
        (
            {"x": HEADS | {"when": {"rate": "0.5"}}, "rate": RATE},
            None,
            "m.search.x.when.rate: rate is continuous (0.1 to 0.9), so no trial matches it exactly; give it a step",
        ),
        (
            {"heads": MULTIPLES_OF_16},
            {"forbidden": [{"heads": 24}]},
            "m.constraints.forbidden[0].heads: heads cannot be 24; allowed: 16 to 64 in steps of 16",
        ),
        (
            {"heads": HEADS},
            {"forbidden": [{"width": 24}]},
            "m.constraints.forbidden[0].width: width is neither tuned nor fixed; known: fixed_one, heads",
        ),
        (
            {"heads": HEADS, "fusion": FUSION},
            {"ordered": [["heads", "width"]]},
            "m.constraints.ordered[0]: width is not tuned; known: fusion, heads",
        ),
        (
            {"heads": HEADS, "fusion": FUSION},
            {"ordered": [["heads", "fusion"]]},
            "m.constraints.ordered[0]: fusion has values that are not numbers and therefore have no order",
        ),
        (
            {"heads": HEADS, "width": MULTIPLES_OF_16},
            {"ordered": [["width", "heads"]]},
            "m.constraints: no point of the search space is allowed: width <= heads; with heads 1 to 4; width 16 to 64",
        ),
        (
            {"fusion": FUSION, "heads": HEADS},
            {"forbidden": [{"fusion": "attention"}, {"fusion": "sum"}]},
            "m.constraints: no point of the search space is allowed: not fusion attention; not fusion sum; "
            "with fusion attention|sum; heads 1 to 4",
        ),
    ],
    ids=lambda value: value.split(":")[1].strip()[:40] if isinstance(value, str) else "",
)
def test_problems_have_path_and_allowed_values(
    search: dict[str, Any], constraints: dict[str, Any] | None, message: str
) -> None:
    assert [str(problem) for problem in check_search_space(space(search, constraints, fixed_one=1), "m")] == [message]


def test_a_grid_that_is_too_large_to_be_listed_is_rejected() -> None:
    wide = {"int": {"low": 1, "high": 1000}}
    search_space = space({"a": wide, "b": wide}, {"ordered": [["a", "b"]]})
    assert [str(problem) for problem in check_grid(search_space, "m")] == [
        "m.search: a Grid with constraints has at most 100000 cells before they apply, not 1000000; "
        "use larger steps, or another sampler"
    ]
    assert check_grid(space({"a": wide, "b": wide}), "m") == []
