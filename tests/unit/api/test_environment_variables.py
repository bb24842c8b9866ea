"""Every environment variable is defined once, and is either set by ctrlab or documented."""

import re
from pathlib import Path

import pytest

from ctrlab_api.names import Variable
from ctrlab_operator.operator_settings import MigrationSettings, OperatorSettings, variable_name

ROOT = Path(__file__).parents[3]
SOURCES = [
    path for folder in ("core", "operator", "trainer", "report", "client") for path in (ROOT / folder).rglob("*.py")
]
VARIABLES = {name: value for name, value in vars(Variable).items() if name.isupper()}
SETTERS = [
    *(ROOT / "operator/ctrlab_operator/manifests").glob("*.py"),
    ROOT / "client/ctrlab/local/worker_process.py",
]
TEMPLATES = [*(ROOT / "charts").rglob("*.tpl"), *(ROOT / "charts").rglob("*.yaml")]
TEXTS = [*(ROOT / "docs").rglob("*.md"), *TEMPLATES]


def _text(paths: list[Path]) -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in paths)


def test_only_names_spells_variables_out() -> None:
    literal = re.compile(r"[\"']CTRLAB_[A-Z_]+[\"']")
    spelled = {path.name for path in SOURCES if literal.search(path.read_text(encoding="utf-8"))}
    assert spelled == {"names.py"}


@pytest.mark.parametrize("name", VARIABLES)
def test_a_variable_is_read_by_a_process(name: str) -> None:
    assert re.search(rf"\bVariable\.{name}\b", _text([path for path in SOURCES if path.name != "names.py"]))


@pytest.mark.parametrize(("name", "value"), VARIABLES.items(), ids=VARIABLES)
def test_a_variable_is_set_by_ctrlab_or_documented(name: str, value: str) -> None:
    is_set = re.search(rf"\bVariable\.{name}\b", _text(SETTERS))
    assert is_set or value in _text(TEXTS), f"nothing sets {value}, and no page of docs/ describes it"


def test_the_chart_sets_every_variable_of_the_operators_settings() -> None:
    fields = {*OperatorSettings.model_fields, *MigrationSettings.model_fields}
    assert {variable_name(field) for field in fields} - set(
        re.findall(r"\bCTRLAB_[A-Z_]+\b", _text(TEMPLATES))
    ) == set()
