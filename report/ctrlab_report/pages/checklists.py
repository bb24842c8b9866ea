"""Answers to reviewers' checklists from the records: the NeurIPS paper checklist and REFORMS.

Items that only the author can answer are left open and say so. The items are summarized in our own words; the numbers
in brackets are the modules of REFORMS (Kapoor et al. 2024).
"""

from typing import NamedTuple

from ctrlab_api.canonical_json import short_digest
from ctrlab_api.records import ReportSummary
from ctrlab_report.formatting.number_formats import format_confidence, format_count, format_duration, metric_name

OPEN = "For the author to answer."


class Answer(NamedTuple):
    """The answer to one item of a checklist; the author answers what ends with OPEN."""

    topic: str
    text: str


def neurips_answers(report: ReportSummary) -> tuple[Answer, ...]:
    """Return the items of the NeurIPS paper checklist that concern experiments."""
    return (
        Answer("Claims", f"Each claim is a verdict of the table above; the analysis is {report.status}."),
        Answer("Limitations", f"One data set and one split ({report.split}): no claim about other data. {OPEN}"),
        Answer("Reproducibility", f"Plan {short_digest(report.plan_digest)}; ctrlab verify repeats a run bit by bit."),
        Answer("Open access to data and code", f"Data: {report.data_source}, checksums in the appendix. {OPEN}"),
        Answer("Training and test details", _training_details(report)),
        Answer("Error bars", _uncertainty(report)),
        Answer("Compute", _compute(report)),
        Answer("Licenses of assets", OPEN),
        Answer("Broader impact and safeguards", OPEN),
    )


def reforms_answers(report: ReportSummary) -> tuple[Answer, ...]:
    """Return the items of REFORMS that the records of an experiment can answer."""
    data, cluster = report.data, report.cluster
    machines = len(report.machines)
    leakage = (
        "Vocabularies and statistics were fitted on the train split alone. The test set was sealed until every study "
        f"was frozen, and opened {report.openings.total} times, {report.openings.reruns} of them reruns."
    )
    dependence = (
        f"Errors are clustered by {cluster}."
        if cluster
        else "Rows are assumed to be independent; the plan names no user column."
    )
    return (
        Answer("Population of the claim [1a]", f"Rows like those of {report.data_source}. {OPEN}"),
        Answer("Why this population [1]", OPEN),
        Answer(
            "Data [2a]",
            f"Digest {short_digest(data.digest)}, {len(data.sources)} source files with sha256 in the appendix.",
        ),
        Answer("Code [2b]", _code(report)),
        Answer(
            "Computing environment [2c]",
            f"{'One kind of machine' if machines == 1 else f'{machines} kinds of machines'}, listed with every "
            "package.",
        ),
        Answer("Instructions and reproduction script [2d, 2e]", "See How to reproduce this report."),
        Answer("Sample size [3]", _sample_sizes(report)),
        Answer("Outcome variable and its distribution [3]", _click_rates(report)),
        Answer("Missing data and sampling frame [3]", OPEN),
        Answer("Preprocessing [4]", f"Encoder {data.encoder_version}; features and rare values are in the appendix."),
        Answer("Models, choice and tuning [5]", _training_details(report)),
        Answer("Baselines [5]", f"Reference: {report.reference}; all models were tuned in the same way. {OPEN}"),
        Answer("Split and leakage [6]", f"Split: {report.split}. {leakage}"),
        Answer("Dependence between rows [6]", dependence),
        Answer("Metrics and uncertainty [7]", _uncertainty(report)),
        Answer(
            "Generalizability [8]",
            f"Intervals cover new seeds and new rows of this data set, not other data sets. {OPEN}",
        ),
    )


def _training_details(report: ReportSummary) -> str:
    studies = [
        f"{study.name}: {study.budget} trials ({study.sampler})" if study.budget else f"{study.name}: not tuned"
        for study in report.tuning
    ]
    return (
        f"Chosen on validation rows alone. {'; '.join(studies)}. "
        "The appendix lists search spaces, trials and the chosen values."
    )


def _uncertainty(report: ReportSummary) -> str:
    sources = "seeds and test rows" + (f" (clustered by {report.cluster})" if report.cluster else "")
    corrected = "not corrected" if report.correction == "None" else f"corrected by {report.correction}"
    return (
        f"{format_confidence(report.confidence)} confidence intervals that cover the variance of {sources}, over "
        f"{len(report.seeds)} seeds, by Obuchowski-Rockette with Hillis' degrees of freedom; ± is the standard "
        f"deviation over seeds. p-values of {metric_name(report.primary_metric)} are {corrected}."
    )


def _compute(report: ReportSummary) -> str:
    costs = [model.cost for model in report.models if model.cost is not None]
    run_seconds = sum(cost.wall_seconds_total for cost in costs)
    gpu_seconds = sum(cost.gpu_seconds_total for cost in costs)
    tuning_seconds = sum(study.seconds for study in report.tuning)
    failed = sum(model.failures.failed for model in report.models)
    gpu = f"GPU {format_duration(gpu_seconds)}" if gpu_seconds else "no GPU"
    return (
        f"Final runs {format_duration(run_seconds)} ({gpu}), tuning {format_duration(tuning_seconds)}, failed and "
        f"pruned trials included; {failed} final runs without a result. The cost table has one run of each model."
    )


def _code(report: ReportSummary) -> str:
    versions = []
    for code in (machine.code for machine in report.machines):
        changes = " with uncommitted changes" if code.git_dirty else ""
        commit = f", commit {code.git_commit}{changes}" if code.git_commit else ""
        versions.append(f"{code.package} {code.version}{commit}")
    return "; ".join(dict.fromkeys(versions)) + "."


def _sample_sizes(report: ReportSummary) -> str:
    data = report.data
    train, validation, test = map(format_count, (data.train.rows, data.valid.rows, data.test.rows))
    return f"{train} train rows, {validation} validation rows, {test} test rows."


def _click_rates(report: ReportSummary) -> str:
    splits = (("train", report.data.train), ("validation", report.data.valid), ("test", report.data.test))
    rates = ", ".join(f"{name} {split.positives / max(split.rows, 1):.2%}" for name, split in splits)
    return f"Click rate: {rates}."
