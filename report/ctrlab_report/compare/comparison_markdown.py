"""Renders a comparison of experiments as Markdown."""

from collections.abc import Mapping, Sequence

from ctrlab_report.compare.comparison_result import AcrossDataSets, AcrossSplits, ExperimentsComparison, ModelPair
from ctrlab_report.formatting.number_formats import (
    ABSENT,
    MINUS,
    decimals_for_spread,
    format_confidence,
    format_difference,
    format_p,
    format_p_clause,
    format_percent,
    format_signed_range,
    format_value,
    metric_name,
)

MEAN_DECIMALS = 5
"""Decimals of means, which have no standard error here."""


def comparison_markdown(comparison: ExperimentsComparison) -> str:
    """Return the comparison as a Markdown document."""
    lines = [
        f"# {comparison_title(comparison)}",
        "",
        "Exploratory: no plan named this comparison before the test sets were opened. Confirm a claim with an "
        "experiment "
        "that plans it.",
        "",
    ]
    if comparison.splits is not None:
        lines += _split_lines(comparison.splits)
    elif comparison.across is not None:
        lines += _data_set_lines(comparison.across, comparison.margin)
    else:
        lines += _pair_lines(comparison)
    lines += ["", "| experiment | folder | data set |", "| --- | --- | --- |"]
    lines += [f"| {name} | `{folder}` | `{comparison.data[name]}` |" for name, folder in comparison.experiments.items()]
    return "\n".join([*lines, ""])


def comparison_title(comparison: ExperimentsComparison) -> str:
    """Return the title, such as `june and july: AUC on test`."""
    *names, last = comparison.experiments
    return f"{', '.join(names)} and {last}: {metric_name(comparison.metric)} on test"


def _pair_lines(comparison: ExperimentsComparison) -> list[str]:
    ci = f"{format_confidence(comparison.confidence)} CI, new data"
    return [
        "One data set: every model of one experiment against every model of the others.",
        "",
        f"| comparison | difference | {ci} | p (Holm) | seeds | verdict |",
        "| --- | ---: | :---: | ---: | --- | --- |",
        *(_pair_row(pair) for pair in comparison.pairs),
        "",
        *(f"- {pair.sentence}" for pair in comparison.pairs),
    ]


def _pair_row(pair: ModelPair) -> str:
    decimals = decimals_for_spread(pair.se or 0.0)
    has_interval = pair.low is not None and pair.high is not None
    cells = (
        f"{pair.a} {MINUS} {pair.b}",
        format_difference(pair.difference, decimals),
        format_signed_range(pair.low or 0.0, pair.high or 0.0, decimals) if has_interval else ABSENT,
        format_p(pair.p_adjusted),
        f"{len(pair.paired_seeds)} shared" if pair.paired_seeds else "not shared",
        pair.label,
    )
    return f"| {' | '.join(cells)} |"


def _data_set_lines(across: AcrossDataSets, margin: float | None) -> list[str]:
    lines = _means_table("data set", across.models, across.values)
    if across.refused is not None:
        return [*lines, "", f"No test over data sets: {across.refused}"]
    adjusted = ", ".join(
        f"{model}: p {format_p(p)}"
        for model, p in zip(across.models, across.against_first, strict=True)
        if p is not None
    )
    return [
        *lines,
        f"| mean rank | {' | '.join(format_value(rank, 2) for rank in across.mean_ranks)} |",
        "",
        f"Friedman's test (Iman and Davenport): {format_p_clause(across.friedman_p)} for equal mean ranks of all "
        "models "
        f"over {len(across.values)} data sets. Nemenyi's critical difference of mean ranks: "
        f"{format_value(across.critical_difference, 2)}.",
        "",
        "![Critical-difference diagram](critical-difference.svg)",
        "",
        f"| pair | P(second better) | P(within ±{margin or 0:g}) | P(first better) |",
        "| --- | ---: | ---: | ---: |",
        *(
            f"| {pair.replace(' - ', f' {MINUS} ')} | {' | '.join(map(format_percent, probabilities))} |"
            for pair, probabilities in across.posterior.items()
        ),
        "",
        "Bayesian signed-rank test (Benavoli et al. 2014) above; mean ranks against the first model (Holm): "
        f"{adjusted}.",
    ]


def _split_lines(splits: AcrossSplits) -> list[str]:
    return [
        "Random splits of one source. Their train rows overlap, so the standard error is that of the corrected "
        "resampled "
        "t-test (Nadeau and Bengio 2003); no conclusion about other sources follows.",
        "",
        *_means_table("split", splits.models, splits.values),
        "",
        *(f"- {pair.sentence}" for pair in splits.pairs),
    ]


def _means_table(row_title: str, models: Sequence[str], values: Mapping[str, Sequence[float]]) -> list[str]:
    return [
        f"| {row_title} | {' | '.join(models)} |",
        f"| --- |{' ---: |' * len(models)}",
        *(
            f"| {name} | {' | '.join(format_value(mean, MEAN_DECIMALS) for mean in means)} |"
            for name, means in values.items()
        ),
    ]
