"""What reviewers' checklists ask, answered from the record: the NeurIPS paper checklist and REFORMS.

Only what this report can know is answered; what the author alone knows is left open and says so. The questions are
summarised in our own words; the numbers in brackets are the modules of REFORMS (Kapoor et al. 2024).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from ctrlab_api.canonical_json import short_digest
from ctrlab_api.records import ReportSummary
from ctrlab_report.formatting.number_formats import format_confidence, format_count, format_duration, metric_name

AUTHOR = "For the author to answer."


@dataclass(frozen=True)
class Answer:
    """One item; `open` where only the author can answer."""

    topic: str
    text: str
    open: bool = False


def neurips_answers(report: ReportSummary) -> tuple[Answer, ...]:
    """The items of the NeurIPS paper checklist that concern experiments."""
    return (
        Answer("Claims", f"Each claim is a verdict of the table above; the analysis is {report.status}."),
        Answer(
            "Limitations",
            f"One data set and one split ({report.split}): nothing is shown for other data. " + AUTHOR,
            True,
        ),
        Answer("Reproducibility", f"Plan {short_digest(report.plan_digest)}; ctrlab verify repeats a run bit by bit."),
        Answer(
            "Open access to data and code", f"Data: {report.data_source}, checksums in the appendix. " + AUTHOR, True
        ),
        Answer("Training and test details", _details(report)),
        Answer("Error bars", _errors(report)),
        Answer("Compute", _compute(report)),
        Answer("Licences of assets", AUTHOR, True),
        Answer("Broader impact and safeguards", AUTHOR, True),
    )


def reforms_answers(report: ReportSummary) -> tuple[Answer, ...]:
    """The REFORMS items that a record of the experiment can answer."""
    data, cluster = report.data, report.cluster
    leakage = (
        "Vocabularies and statistics were fitted on train alone. The test set was sealed until every search was "
        f"frozen, and opened {report.openings.total} times, {report.openings.reruns} of them reruns."
    )
    return (
        Answer("Population of the claim [1a]", f"Rows like those of {report.data_source}. " + AUTHOR, True),
        Answer("Why this population [1]", AUTHOR, True),
        Answer(
            "Data [2a]",
            f"Digest {short_digest(data.digest)}, {len(data.sources)} source files with sha256 in the appendix.",
        ),
        Answer("Code [2b]", _code(report)),
        Answer("Computing environment [2c]", f"{_machines(len(report.machines))}, listed with every package."),
        Answer("Instructions and reproduction script [2d, 2e]", "See How to repeat this."),
        Answer("Sample size [3]", _sizes(report)),
        Answer("Outcome variable and its distribution [3]", _rates(report)),
        Answer("Missing data and sampling frame [3]", AUTHOR, True),
        Answer("Preprocessing [4]", f"Encoder {data.encoder_version}; features and rare values are in the appendix."),
        Answer("Models, choice and tuning [5]", _details(report)),
        Answer(
            "Baselines [5]", f"Reference: {report.reference}; all models had the same kind of search. " + AUTHOR, True
        ),
        Answer("Split and leakage [6]", f"Split: {report.split}. {leakage}"),
        Answer(
            "Dependence between rows [6]",
            f"Errors are clustered by {cluster}."
            if cluster
            else "Rows are taken as independent; the plan names no user column.",
        ),
        Answer("Metrics and uncertainty [7]", _errors(report)),
        Answer(
            "Generalisability [8]",
            "Intervals cover new seeds and new rows of this data set, not other data sets. " + AUTHOR,
            True,
        ),
    )


def _details(report: ReportSummary) -> str:
    searches = [
        f"{found.name}: {found.budget} trials ({found.sampler})" if found.budget else f"{found.name}: nothing tuned"
        for found in report.tuning
    ]
    return f"Chosen on validation rows alone. {'; '.join(searches)}. The appendix has spaces, trials and the choice."


def _errors(report: ReportSummary) -> str:
    sources = "seeds and test rows" + (f" (clustered by {report.cluster})" if report.cluster else "")
    corrected = "not corrected" if report.correction == "None" else f"corrected by {report.correction}"
    return (
        f"{format_confidence(report.confidence)} confidence intervals that count {sources}, over {len(report.seeds)} "
        "seeds, by "
        f"Obuchowski-Rockette with Hillis' degrees of freedom; ± is the standard deviation over seeds. p-values of "
        f"{metric_name(report.primary_metric)} are {corrected}."
    )


def _compute(report: ReportSummary) -> str:
    costs = [model.cost for model in report.models if model.cost is not None]
    runs = sum(cost.wall_seconds_total for cost in costs)
    gpu = sum(cost.gpu_seconds_total for cost in costs)
    searches = sum(found.seconds for found in report.tuning)
    failed = sum(model.failures.failed for model in report.models)
    on_gpu = f"GPU {format_duration(gpu)}" if gpu else "no GPU"
    return (
        f"Final runs {format_duration(runs)} ({on_gpu}), searches {format_duration(searches)}, failed and pruned "
        "trials "
        f"included; {failed} final runs without a result. One run of each model is in the cost table."
    )


def _machines(kinds: int) -> str:
    return "One kind of machine" if kinds == 1 else f"{kinds} kinds of machine"


def _code(report: ReportSummary) -> str:
    return "; ".join(dict.fromkeys(_codes(report))) + "."


def _codes(report: ReportSummary) -> Iterator[str]:
    for machine in report.machines:
        code = machine.code
        dirty = " with uncommitted changes" if code.git_dirty else ""
        yield f"{code.package} {code.version}" + (f", commit {code.git_commit}{dirty}" if code.git_commit else "")


def _sizes(report: ReportSummary) -> str:
    data = report.data
    parts = (data.train.rows, data.valid.rows, data.test.rows)
    return "{} rows to train, {} to validate, {} to test.".format(*map(format_count, parts))


def _rates(report: ReportSummary) -> str:
    parts = (("train", report.data.train), ("validation", report.data.valid), ("test", report.data.test))
    return (
        "Share of clicks: "
        + ", ".join(f"{name} {part.positives / max(part.rows, 1):.2%}" for name, part in parts)
        + "."
    )
