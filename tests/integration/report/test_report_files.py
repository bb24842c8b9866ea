"""`make`: all files are there, say the same, and are the same bytes when made again."""

import csv
import html
import io
import json
import re
import shlex
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ctrlab_api.canonical_json import digest
from ctrlab_api.names import ExitCode, ObjectKey
from ctrlab_api.records import ReportSummary
from ctrlab_report.cli import main
from ctrlab_trainer.cli import parser as trainer_parser

FIGURES = ("curves", "forest", "reliability", "seeds", "slopes", "tuning", "validation-test", "variance")


def make_report(experiment: Any) -> Path:
    """Make the report of an experiment; return its folder."""
    assert main(["make", "--store", experiment.uri, "--experiment", experiment.argument]) == ExitCode.SUCCESS
    folder: Path = experiment.path / experiment.folder.get(ObjectKey.LATEST_REPORT).decode()
    return folder


def summary_of(folder: Path) -> ReportSummary:
    return ReportSummary.model_validate_json((folder / "summary.json").read_bytes())


def test_every_file_is_listed_with_its_digest(experiment: Any) -> None:
    folder = make_report(experiment)
    manifest = json.loads((folder / "manifest.json").read_text())
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - {"manifest.json"}
    assert files == set(manifest["files"])
    assert {"summary.json", "runs.csv", "comparisons.csv", "report.md", "report.html"} <= files
    assert {f"figures/{name}.svg" for name in FIGURES} <= files
    for name, entry in manifest["files"].items():
        assert digest((folder / name).read_bytes()) == entry["sha256"]
    for key, recorded in manifest["inputs"].items():
        assert digest(experiment.folder.get(key)) == recorded


def test_the_same_inputs_give_the_same_bytes(experiment: Any) -> None:
    folder = make_report(experiment)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for path in before:
        path.unlink()
    assert make_report(experiment) == folder
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("page", ["report.md", "report.html"])
def test_every_model_has_one_command_that_the_trainer_accepts(experiment: Any, page: str) -> None:
    text = html.unescape((make_report(experiment) / page).read_text())
    commands = [shlex.split(command) for command in re.findall(r"ctrlab-trainer [^<`]+", text)]
    runs = [trainer_parser().parse_args(arguments) for _, *arguments in commands]
    assert [command[1] for command in commands] == ["verify"] * 3
    assert [(run.variant, run.seed) for run in runs] == [("SIN", 2024), ("DIN", 2024), ("DeepFM", 2024)]
    assert {(run.store, run.experiment) for run in runs} == {(experiment.uri, experiment.key)}


def test_a_report_on_clicks_only_describes_how_negatives_were_sampled(written: Callable[..., Any]) -> None:
    page = (make_report(written(positives_only=True)) / "report.html").read_text()
    assert "Every row of the source is a click. Sampled negatives: 3 for each click, uniform, seed 7." in page
    assert "Label:" not in page


def test_the_summary_survives_a_round_trip(experiment: Any) -> None:
    folder = make_report(experiment)
    text = (folder / "summary.json").read_text()
    assert ReportSummary.model_validate_json(text).to_json() == text


def test_runs_csv_is_tidy_and_holds_the_numbers_of_the_summary(experiment: Any) -> None:
    folder = make_report(experiment)
    summary = summary_of(folder)
    rows = list(csv.DictReader(io.StringIO((folder / "runs.csv").read_text())))
    assert len(rows) == 3 * 5 * len(summary.metrics)
    for model in summary.models:
        values = [float(row["test"]) for row in rows if row["model"] == model.name and row["metric"] == "auc"]
        found = model.metrics["auc"].test
        assert found is not None
        assert np.mean(values) == pytest.approx(found.mean, rel=1e-14)
        assert np.std(values, ddof=1) == pytest.approx(found.sd, rel=1e-12)


def test_comparisons_csv_has_a_row_for_each_pair_and_metric(experiment: Any) -> None:
    folder = make_report(experiment)
    summary = summary_of(folder)
    rows = list(csv.DictReader(io.StringIO((folder / "comparisons.csv").read_text())))
    assert [(row["a"], row["b"], row["metric"]) for row in rows] == [(c.a, c.b, c.metric) for c in summary.comparisons]
    assert {row["verdict"] for row in rows if row["role"] == "exploratory"} == {""}
    assert all(row["verdict"] for row in rows if row["role"] == "primary")


def test_every_search_of_several_has_its_row_its_trials_and_its_final_runs(written: Callable[..., Any]) -> None:
    folder = make_report(written(seeds=6, repeats=3))
    summary = summary_of(folder)
    assert [row.name for row in summary.tuning[:3]] == ["SIN, search 1", "SIN, search 2", "SIN, search 3"]
    assert [row.budget for row in summary.tuning[:3]] == [12, 11, 10]
    sin = summary.models[0]
    second = [sin.metrics["auc"].by_seed[seed] for seed in ("2025", "2028")]
    assert summary.tuning[1].test == pytest.approx(sum(value or 0.0 for value in second) / 2)
    assert sin.cost is not None
    assert sin.cost.tuning_seconds == pytest.approx(sum(row.seconds for row in summary.tuning[:3]))
    page = (folder / "report.html").read_text()
    assert "Every model was tuned 3 times with the same budgets of 12 + 11 + 10 trials" in page
    assert page.count("SIN, search 3: TPE sampler with seed") == 1
    primary = [row for row in summary.comparisons if row.role == "primary"]
    assert all("3 searches" in row.sentence and " seeds" not in row.sentence for row in primary)


@pytest.mark.parametrize(("seeds", "shown"), [(5, False), (8, True)])
def test_exact_tests_are_shown_only_where_they_can_reach_their_level(
    written: Callable[..., Any], seeds: int, shown: bool
) -> None:
    folder = make_report(written(seeds=seeds))
    rows = list(csv.DictReader(io.StringIO((folder / "comparisons.csv").read_text())))
    primary = [row for row in rows if row["role"] == "primary"]
    assert {bool(row[name]) for row in primary for name in ("sign_flip_p", "wilcoxon_p")} == {shown}
    assert ("needs 7 seeds" in (folder / "report.html").read_text()) is not shown
    assert "wilcoxon-signed-rank-exact" in summary_of(folder).methods


def test_every_method_that_a_number_names_is_explained(experiment: Any) -> None:
    summary = summary_of(make_report(experiment))

    def named(content: Any) -> set[str]:
        if isinstance(content, dict):
            here = {v for k, v in content.items() if k.lower().endswith("method") and isinstance(v, str)}
            return here.union(*(named(value) for value in content.values()))
        if isinstance(content, list):
            return set().union(*(named(value) for value in content))
        return set()

    assert named(json.loads(summary.to_json())) == set(summary.methods)


def test_every_verdict_sentence_is_on_both_pages(experiment: Any) -> None:
    folder = make_report(experiment)
    summary = summary_of(folder)
    page, markdown = (folder / "report.html").read_text(), (folder / "report.md").read_text()
    assert len(summary.answers) == 2
    for sentence in summary.answers:
        assert sentence in markdown
        assert sentence.replace("'", "&#39;") in page


def test_markdown_tables_have_as_many_cells_as_columns(experiment: Any) -> None:
    lines = (make_report(experiment) / "report.md").read_text().splitlines()
    heads = [place for place, line in enumerate(lines) if line.startswith(("| ---", "| :--"))]
    assert len(heads) >= 6
    for head in heads:
        columns = lines[head].count("|")
        assert lines[head - 1].count("|") == columns
        for line in lines[head + 1 :]:
            if not line.startswith("|"):
                break
            assert line.replace("\\|", "").count("|") == columns, line


class _Collector(HTMLParser):
    """Links, sources and open tags of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.ids: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        found = dict(attrs)
        self.targets += [value for name in ("href", "src") if (value := found.get(name)) is not None]
        if (name := found.get("id")) is not None:
            self.ids.append(name)


def test_the_page_needs_no_network_no_script_and_has_unique_ids(experiment: Any) -> None:
    html = (make_report(experiment) / "report.html").read_text()
    page = _Collector()
    page.feed(html)
    assert all(target.startswith(("#", "data:")) for target in page.targets)
    assert "script" not in page.tags
    assert "url(" not in html
    assert len(page.ids) == len(set(page.ids))
    assert {target.removeprefix("#") for target in page.targets if target.startswith("#")} <= set(page.ids)


def test_every_figure_says_in_words_what_it_shows(experiment: Any) -> None:
    folder = make_report(experiment)
    space = "{http://www.w3.org/2000/svg}"
    for path in sorted((folder / "figures").iterdir()):
        root = ElementTree.fromstring(path.read_text())
        assert root.get("role") == "img"
        assert (root.findtext(f"{space}title") or "").strip()
        assert len((root.findtext(f"{space}desc") or "").strip()) > 20


def test_an_earlier_plan_that_opened_test_makes_the_report_exploratory(written: Callable[..., Any]) -> None:
    experiment = written()
    summary = summary_of(make_report(experiment))
    assert summary.status == "confirmatory"
    lineage = {
        "schemaVersion": 1,
        "earlier": [
            {"uid": "old", "planDigest": "sha256:1", "datasetDigest": summary.data.digest, "openings": 15},
        ],
    }
    experiment.folder.put(ObjectKey.LINEAGE, json.dumps(lineage).encode())
    again = summary_of(make_report(experiment))
    assert again.status == "exploratory"
    assert again.openings.earlier_plans == ("sha256:1",)
    assert again.digest != summary.digest
