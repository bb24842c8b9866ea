"""Declarations of architectures are consistent, so that a specification can be checked before anything runs."""

import re

import pytest

from ctrlab_api.architectures import ARCHITECTURES, Architecture, check_parameters, check_parts, declaration
from ctrlab_api.resources.search_dimensions import SearchDimension

ALL = pytest.mark.parametrize("declared", ARCHITECTURES.values(), ids=ARCHITECTURES)


@ALL
def test_branches_are_parts_and_every_part_has_a_description(declared: type[Architecture]) -> None:
    assert set(declared.branches) <= declared.parts.keys()
    assert all(declared.parts.values())
    assert len(set(declared.branches)) == len(declared.branches)


@ALL
def test_defaults_are_allowed_values(declared: type[Architecture]) -> None:
    declared.model_validate(declared().model_dump())
    assert check_parameters(declared.name, declared().model_dump(), {}) == []


@ALL
def test_title_and_paper_are_given(declared: type[Architecture]) -> None:
    assert ARCHITECTURES[declared.name] is declared
    assert declared.title
    assert declared.paper
    assert declared.__doc__


@ALL
def test_every_parameter_has_a_description(declared: type[Architecture]) -> None:
    assert [name for name, field in declared.model_fields.items() if not field.description] == []


@ALL
def test_one_branch_must_remain(declared: type[Architecture]) -> None:
    check_parts(declared.name, declared.branches[1:])
    if declared.branches:
        with pytest.raises(ValueError, match=f"nothing of {re.escape(declared.title)} would be left: keep one of"):
            check_parts(declared.name, declared.branches)


def test_an_unknown_part_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"DeepFM has no removable part 'cin'; known: dnn, fm, linear"):
        check_parts("deepfm", ["cin"])
    with pytest.raises(ValueError, match=r"LR has no removable part 'linear'; known: none"):
        check_parts("lr", ["linear"])


def test_an_unknown_architecture_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"unknown architecture 'sinn'; known: lr, fm"):
        declaration("sinn")


def test_each_range_out_of_bounds_is_reported_once() -> None:
    search = {
        "dropout": SearchDimension.model_validate({"float": {"low": "0.1", "high": "2"}}),
        "epochs": SearchDimension.model_validate({"categorical": ("0", "5", "-3")}),
    }
    paths = [path for path, _ in check_parameters("deepfm", {}, search)]
    assert sorted(paths) == ["search.dropout", "search.epochs"]


def test_widths_are_written_with_commas() -> None:
    assert check_parameters("deepfm", {"hidden_units": "400, 400"}, {}) == []
    assert check_parameters("deepfm", {"hidden_units": 64}, {}) == []
    ((path, message),) = check_parameters("deepfm", {"hidden_units": ""}, {})
    assert path == "parameters.hidden_units"
    assert "at least 1" in message
