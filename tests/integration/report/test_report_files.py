"""`make` writes all files of a report, which agree with each other and have the same bytes when made again."""

import csv
import html
import io
import json
import re
import shlex
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders.finished_experiment import ExperimentWriter, WrittenExperiment, write_finished_experiment
from builders.simulated_experiment import SimulatedExperiment

from ctrlab_api.canonical_json import digest
from ctrlab_api.names import ExitCode, ObjectKey
from ctrlab_api.records import ReportSummary
from ctrlab_report.cli import main
from ctrlab_trainer.cli import argument_parser as trainer_argument_parser

FIGURES = ("curves", "forest", "reliability", "seeds", "slopes", "tuning", "validation-test", "variance")


def make_report(experiment: WrittenExperiment) -> Path:
    """Make the report of an experiment; return its folder."""
    assert main(["make", "--store", experiment.uri, "--experiment", experiment.argument]) == ExitCode.SUCCESS
    return experiment.path / experiment.folder.get(ObjectKey.LATEST_REPORT).decode()


@dataclass(frozen=True)
class PublishedReport:
    """A report and the experiment that it was made from; tests only read them."""

    experiment: WrittenExperiment
    folder: Path

    @property
    def summary(self) -> ReportSummary:
        """The summary of the report."""
        return read_summary(self.folder)

    def text(self, name: str) -> str:
        """Return the content of a file."""
        return (self.folder / name).read_text()


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> PublishedReport:
    """Make one report for all tests that only read it."""
    experiment = write_finished_experiment(tmp_path_factory.mktemp("store"), SimulatedExperiment())
    return PublishedReport(experiment, make_report(experiment))


def read_summary(folder: Path) -> ReportSummary:
    """Return the summary of a report."""
    return ReportSummary.model_validate_json((folder / "summary.json").read_bytes())


def test_every_file_is_listed_with_its_digest(published: PublishedReport) -> None:
    manifest = json.loads(published.text("manifest.json"))
    files = {
        path.relative_to(published.folder).as_posix() for path in published.folder.rglob("*") if path.is_file()
    } - {"manifest.json"}
    assert files == set(manifest["files"])
    assert {"summary.json", "runs.csv", "comparisons.csv", "report.md", "report.html"} <= files
    assert {f"figures/{name}.svg" for name in FIGURES} <= files
    for name, entry in manifest["files"].items():
        assert digest((published.folder / name).read_bytes()) == entry["sha256"]
    for key, recorded in manifest["inputs"].items():
        assert digest(published.experiment.folder.get(key)) == recorded


def test_the_same_inputs_give_the_same_bytes(experiment: WrittenExperiment) -> None:
    folder = make_report(experiment)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for path in before:
        path.unlink()
    assert make_report(experiment) == folder
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("page", ["report.md", "report.html"])
def test_every_model_has_one_command_that_the_trainer_accepts(published: PublishedReport, page: str) -> None:
    text = html.unescape(published.text(page))
    commands = [shlex.split(command) for command in re.findall(r"ctrlab-trainer [^<`]+", text)]
    runs = [trainer_argument_parser().parse_args(arguments) for _, *arguments in commands]
    assert [command[1] for command in commands] == ["verify"] * 3
    assert [(run.variant, run.seed) for run in runs] == [("SIN", 2024), ("DIN", 2024), ("DeepFM", 2024)]
    assert {(run.store, run.experiment) for run in runs} == {(published.experiment.uri, published.experiment.key)}


def test_a_report_on_clicks_only_describes_how_negatives_were_sampled(written: ExperimentWriter) -> None:
    page = (make_report(written(positives_only=True)) / "report.html").read_text()
    assert "Every row of the source is a click. Sampled negatives: 3 for each click, uniform, seed 7." in page
    assert "Label:" not in page


def test_the_summary_is_equal_after_parsing_and_writing(published: PublishedReport) -> None:
    text = published.text("summary.json")
    assert ReportSummary.model_validate_json(text).to_json() == text


def test_runs_csv_has_one_row_per_run_and_metric_with_the_numbers_of_the_summary(published: PublishedReport) -> None:
    summary = published.summary
    rows = list(csv.DictReader(io.StringIO(published.text("runs.csv"))))
    assert len(rows) == 3 * 5 * len(summary.metrics)
    for model in summary.models:
        values = [float(row["test"]) for row in rows if row["model"] == model.name and row["metric"] == "auc"]
        test = model.metrics["auc"].test
        assert test is not None
        assert np.mean(values) == pytest.approx(test.mean, rel=1e-14)
        assert np.std(values, ddof=1) == pytest.approx(test.sd, rel=1e-12)


def test_comparisons_csv_has_a_row_for_each_pair_and_metric(published: PublishedReport) -> None:
    summary = published.summary
    rows = list(csv.DictReader(io.StringIO(published.text("comparisons.csv"))))
    assert [(row["a"], row["b"], row["metric"]) for row in rows] == [(c.a, c.b, c.metric) for c in summary.comparisons]
    assert {row["verdict"] for row in rows if row["role"] == "exploratory"} == {""}
    assert all(row["verdict"] for row in rows if row["role"] == "primary")


def test_each_of_several_studies_has_its_row_its_trials_and_its_final_runs(written: ExperimentWriter) -> None:
    folder = make_report(written(seeds=6, repeats=3))
    summary = read_summary(folder)
    assert [row.name for row in summary.tuning[:3]] == ["SIN, study 1", "SIN, study 2", "SIN, study 3"]
    assert [row.budget for row in summary.tuning[:3]] == [12, 11, 10]
    sin = summary.models[0]
    second = [sin.metrics["auc"].by_seed[seed] for seed in ("2025", "2028")]
    assert summary.tuning[1].test == pytest.approx(sum(value or 0.0 for value in second) / 2)
    assert sin.cost is not None
    assert sin.cost.tuning_seconds == pytest.approx(sum(row.seconds for row in summary.tuning[:3]))
    slopes = (folder / "figures/slopes.svg").read_text()
    assert "The same study in both models" in slopes
    assert f"<title>SIN, study 2: {summary.tuning[1].test:.4f}</title>" in slopes
    page = (folder / "report.html").read_text()
    assert "Every model was tuned 3 times with the same budgets of 12 + 11 + 10 trials" in page
    assert page.count("SIN, study 3: TPE sampler with seed") == 1
    primary = [row for row in summary.comparisons if row.role == "primary"]
    assert all("3 studies" in row.sentence and " seeds" not in row.sentence for row in primary)


@pytest.mark.parametrize(("seeds", "shown"), [(5, False), (8, True)])
def test_exact_tests_are_shown_only_if_they_can_reach_their_level(
    written: ExperimentWriter, seeds: int, shown: bool
) -> None:
    folder = make_report(written(seeds=seeds))
    rows = list(csv.DictReader(io.StringIO((folder / "comparisons.csv").read_text())))
    primary = [row for row in rows if row["role"] == "primary"]
    assert {bool(row[name]) for row in primary for name in ("sign_flip_p", "wilcoxon_p")} == {shown}
    assert ("needs 7 seeds" in (folder / "report.html").read_text()) is not shown
    assert "wilcoxon-signed-rank-exact" in read_summary(folder).methods


def test_every_method_of_a_number_is_explained(published: PublishedReport) -> None:
    summary = published.summary

    def method_ids(content: Any) -> set[str]:
        if isinstance(content, dict):
            ids = {v for k, v in content.items() if k.lower().endswith("method") and isinstance(v, str)}
            return ids.union(*(method_ids(value) for value in content.values()))
        if isinstance(content, list):
            return set().union(*(method_ids(value) for value in content))
        return set()

    assert method_ids(json.loads(summary.to_json())) == set(summary.methods)


def test_every_verdict_sentence_is_on_both_pages(published: PublishedReport) -> None:
    summary = published.summary
    page, markdown = published.text("report.html"), published.text("report.md")
    assert len(summary.answers) == 2
    for sentence in summary.answers:
        assert sentence in markdown
        assert sentence.replace("'", "&#39;") in page


def test_matches_of_side_tables_are_in_the_section_on_data(published: PublishedReport) -> None:
    statement = "items.csv by item_id: 9321 of 10000 rows (93.2%), 1517 of 1604 values matched; 12 rows without a value"
    assert f"| join | {statement} |" in published.text("report.md")
    section = published.text("report.html").partition("Data, split and preprocessing")[2].partition("</details>")[0]
    row = section.partition("items.csv</th>")[2].partition("</tr>")[0]
    assert re.findall(r">([^<]+)</td>", row)[:4] == ["item_id", "10\u202f000", "12", "9\u202f321"]


def test_markdown_tables_have_as_many_cells_as_columns(published: PublishedReport) -> None:
    lines = published.text("report.md").splitlines()
    separators = [index for index, line in enumerate(lines) if line.startswith(("| ---", "| :--"))]
    assert len(separators) >= 6
    for separator in separators:
        columns = lines[separator].count("|")
        assert lines[separator - 1].count("|") == columns
        for line in lines[separator + 1 :]:
            if not line.startswith("|"):
                break
            assert line.replace("\\|", "").count("|") == columns, line


class _TagCollector(HTMLParser):
    """Collects the links, ids and tags of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.ids: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        attributes = dict(attrs)
        self.targets += [value for name in ("href", "src") if (value := attributes.get(name)) is not None]
        if (identifier := attributes.get("id")) is not None:
            self.ids.append(identifier)


def test_the_page_loads_nothing_has_no_script_and_unique_ids(published: PublishedReport) -> None:
    content = published.text("report.html")
    page = _TagCollector()
    page.feed(content)
    assert all(target.startswith(("#", "data:")) for target in page.targets)
    assert "script" not in page.tags
    assert "url(" not in content
    assert len(page.ids) == len(set(page.ids))
    assert {target.removeprefix("#") for target in page.targets if target.startswith("#")} <= set(page.ids)


def test_every_figure_has_a_title_and_a_description(published: PublishedReport) -> None:
    svg = "{http://www.w3.org/2000/svg}"
    for path in sorted((published.folder / "figures").iterdir()):
        root = ElementTree.fromstring(path.read_text())
        assert root.get("role") == "img"
        assert (root.findtext(f"{svg}title") or "").strip()
        assert len((root.findtext(f"{svg}desc") or "").strip()) > 20


def test_an_earlier_plan_that_opened_test_makes_the_report_exploratory(written: ExperimentWriter) -> None:
    experiment = written()
    summary = read_summary(make_report(experiment))
    assert summary.status == "confirmatory"
    lineage = {
        "schemaVersion": 1,
        "earlier": [
            {"uid": "old", "planDigest": "sha256:1", "datasetDigest": summary.data.digest, "openings": 15},
        ],
    }
    experiment.folder.put(ObjectKey.LINEAGE, json.dumps(lineage).encode())
    updated = read_summary(make_report(experiment))
    assert updated.status == "exploratory"
    assert updated.openings.earlier_plans == ("sha256:1",)
    assert updated.digest != summary.digest
