"""Conditions, forbidden combinations and orders: which points they leave, and what is wrong with them."""

import random
from typing import Any

import pytest

from ctrlab_api.checks.search_space_checks import check_grid, check_search_space
from ctrlab_api.resources.search_dimensions import Constraints, SearchDimension
from ctrlab_api.search_space import SearchSpace, grid_points, grid_size

FUSION: dict[str, Any] = {"categorical": ["attention", "sum"]}
HEADS: dict[str, Any] = {"int": {"low": 1, "high": 4}}
RATE: dict[str, Any] = {"float": {"low": "0.1", "high": "0.9"}}
SIXTEENS: dict[str, Any] = {"int": {"low": 16, "high": 64, "step": 16}}


def space(search: dict[str, Any], constraints: dict[str, Any] | None = None, **fixed: int | str) -> SearchSpace:
    return SearchSpace(
        {name: SearchDimension.model_validate(given, strict=False) for name, given in search.items()},
        Constraints.model_validate(constraints, strict=False) if constraints else None,
        fixed,
    )


def test_a_conditional_parameter_is_drawn_after_those_that_it_depends_on_and_only_where_they_allow() -> None:
    found = space({"a_heads": HEADS | {"when": {"fusion": "attention"}}, "fusion": FUSION})
    assert found.sampling_order == ("fusion", "a_heads")
    drawn = [found.sample(random.Random(seed)) for seed in range(40)]
    assert {point["fusion"] for point in drawn} == {"attention", "sum"}
    assert all(("a_heads" in point) == (point["fusion"] == "attention") for point in drawn)


def test_a_grid_visits_each_allowed_point_once_and_inactive_parameters_not_at_all() -> None:
    found = space(
        {"fusion": FUSION, "heads": HEADS | {"when": {"fusion": "attention"}}},
        {"forbidden": [{"fusion": "attention", "heads": 3}]},
    )
    assert list(grid_points(found)) == [
        {"fusion": "attention", "heads": 1},
        {"fusion": "attention", "heads": 2},
        {"fusion": "attention", "heads": 4},
        {"fusion": "sum"},
    ]
    assert grid_size(found) == 4


def test_ordered_parameters_never_fall() -> None:
    found = space({"first": SIXTEENS, "second": SIXTEENS, "third": RATE | {}}, {"ordered": [["second", "first"]]})
    drawn = [found.sample(random.Random(seed)) for seed in range(60)]
    assert all(point["second"] <= point["first"] for point in drawn)  # type: ignore[operator]
    assert len({(point["first"], point["second"]) for point in drawn}) == 10


def test_numbers_are_equal_by_value_and_fixed_parameters_take_part() -> None:
    rates = {"categorical": ["1e-3", "1e-2"]}
    found = space({"rate": rates, "heads": HEADS}, {"forbidden": [{"rate": "0.001", "layers": "2"}]}, layers=2)
    assert not found.allows({"rate": "1e-3", "heads": 1})
    assert found.allows({"rate": "1e-2", "heads": 1})


def test_a_point_is_found_where_drawing_at_random_would_not_meet_it() -> None:
    names = [f"p{index}" for index in range(8)]
    wide = {"int": {"low": 1, "high": 2**31 - 1}}
    found = space(dict.fromkeys(names, wide), {"ordered": [names]})
    point = found.sample(random.Random(1))
    assert [point[name] for name in names] == sorted(point[name] for name in names)


def test_equal_values_satisfy_orders_in_both_directions() -> None:
    found = space({"a": HEADS, "b": HEADS}, {"ordered": [["a", "b"], ["b", "a"]]})
    assert found.find_point() == {"a": 1, "b": 1}
    assert grid_size(found) == 4


@pytest.mark.parametrize(
    ("search", "constraints", "says"),
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
            {"heads": SIXTEENS},
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
            {"heads": HEADS, "width": SIXTEENS},
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
def test_what_is_wrong_is_said_with_path_and_allowed_values(
    search: dict[str, Any], constraints: dict[str, Any] | None, says: str
) -> None:
    assert [str(problem) for problem in check_search_space(space(search, constraints, fixed_one=1), "m")] == [says]


def test_a_grid_that_is_too_large_to_be_listed_is_refused() -> None:
    wide = {"int": {"low": 1, "high": 1000}}
    found = space({"a": wide, "b": wide}, {"ordered": [["a", "b"]]})
    assert [str(problem) for problem in check_grid(found, "m")] == [
        "m.search: a Grid with constraints has at most 100000 cells before they apply, not 1000000; "
        "use larger steps, or another sampler"
    ]
    assert check_grid(space({"a": wide, "b": wide}), "m") == []
