"""Every condition and every reason that the code sets is in the table of docs/operator.md."""

import ast
from collections.abc import Iterator
from pathlib import Path

from ctrlab_api.crd.reason_table import CONDITION_MEANINGS
from ctrlab_api.names import ConditionType
from ctrlab_api.resources.status import Stage
from ctrlab_api.status_reasons import STATUS_REASONS

ROOT = Path(__file__).parents[3]
SOURCES = [ROOT / "core/ctrlab_control", ROOT / "operator/ctrlab_operator"]
REASON_FIRST = {"Blocked", "Obstacle", "Stall", "Fail"}
"""Classes whose first argument is a reason."""


def reasons_in_code() -> Iterator[str]:
    for path in (path for folder in SOURCES for path in folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
                arguments = [arg.value for arg in node.args if isinstance(arg, ast.Constant)]
                if node.func.id in REASON_FIRST:
                    yield from (str(value) for value in arguments[:1])
                elif node.func.id == "_value":
                    yield from (str(value) for value in arguments if isinstance(value, str) and value)


def test_every_reason_that_the_code_sets_is_described() -> None:
    used = set(reasons_in_code())
    assert len(used) > 25
    assert used - STATUS_REASONS.keys() == set()


def test_every_stage_is_a_reason_of_ready() -> None:
    stages = set(Stage.__args__) - {"Failed", "Incomplete"}  # type: ignore[attr-defined]
    assert stages - STATUS_REASONS.keys() == set()


def test_every_condition_is_described() -> None:
    types = {value for name, value in vars(ConditionType).items() if not name.startswith("_")}
    assert CONDITION_MEANINGS.keys() == types


def test_every_problem_says_what_to_do() -> None:
    for name, reason in STATUS_REASONS.items():
        assert reason.meaning, name
        assert reason.action, name
        if reason.effect in ("stalled", "ended"):
            assert not reason.action.startswith("nothing"), name
