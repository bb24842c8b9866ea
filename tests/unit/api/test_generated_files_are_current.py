"""crds/ and docs/reference/ are what `make manifests` writes."""

from pathlib import Path

import pytest
import yaml

from ctrlab_api.crd.__main__ import admission_files, crd_files, main, reference_files
from ctrlab_api.crd.reason_table import reason_table, with_reason_table

ROOT = Path(__file__).parents[3]
GENERATED = {
    Path("crds"): crd_files(),
    Path("docs/reference"): reference_files(),
    Path("charts/ctrlab/files/admission"): admission_files(),
}
FILES = {folder / name: text for folder, files in GENERATED.items() for name, text in files.items()}


@pytest.mark.parametrize("path", FILES, ids=str)
def test_the_file_in_the_repository_equals_the_generated_one(path: Path) -> None:
    assert (ROOT / path).read_text(encoding="utf-8") == FILES[path], "run `make manifests`"


def test_the_table_of_conditions_and_reasons_is_generated() -> None:
    page = (ROOT / "docs/operator.md").read_text(encoding="utf-8")
    assert with_reason_table(page) == page, "run `make manifests`"
    assert reason_table() in page


def test_every_crd_file_is_generated() -> None:
    assert {path.name for path in (ROOT / "crds").glob("*.yaml")} == crd_files().keys()


def test_the_command_writes_both_folders(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main([str(tmp_path / "crds"), str(tmp_path / "reference")])
    written = sorted(path.name for path in tmp_path.rglob("*.*"))
    assert written == sorted([*crd_files(), *reference_files()])
    assert len(capsys.readouterr().out.splitlines()) == len(written)


@pytest.mark.parametrize("text", crd_files().values(), ids=crd_files())
def test_a_crd_file_is_plain_yaml_without_anchors(text: str) -> None:
    assert yaml.safe_load(text)["kind"] == "CustomResourceDefinition"
    assert not any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text))


@pytest.mark.parametrize("text", [text for name, text in reference_files().items() if name.endswith(".md")])
def test_every_row_of_the_reference_has_five_cells(text: str) -> None:
    rows = [line.replace("\\|", "") for line in text.splitlines() if line.startswith("|")]
    assert len(rows) > 40
    assert {row.count("|") for row in rows} == {6}
