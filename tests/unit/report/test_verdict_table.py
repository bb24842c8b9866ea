"""Each row of the verdict table, its order, and its sentence."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from ctrlab_report.statistics.degenerate_results import Degenerate
from ctrlab_report.statistics.two_source_estimates import (
    ErrorCovariances,
    TwoSourceComparison,
    VarianceParts,
)
from ctrlab_report.statistics.verdict_table import Evidence, VerdictKind, decide_verdict


def two_source(estimate: float, *, seed_part: float = 1e-6, test_part: float = 1e-8) -> TwoSourceComparison:
    """Return a difference over 8 seeds; the parts are variances of the mean."""
    parts = VarianceParts(seed=[(seed_part, 7)], test=test_part, test_df=np.inf)
    covariances = ErrorCovariances(1e-4, 9e-5, 9e-5, 9e-5 - test_part / 2)
    return TwoSourceComparison.from_parts("or-hillis-shared-seeds", estimate, parts, covariances, 0.95, 8, 8)


def evidence(
    result: TwoSourceComparison | Degenerate,
    p: float | None = 0.5,
    *,
    test_set_only: float | None = 0.5,
    equivalence: float | None = None,
    margin: float | None = None,
    higher: bool = True,
) -> Evidence:
    return Evidence(
        "SIN", "DeepFM", "auc" if higher else "logloss", higher, result, p, test_set_only, equivalence, margin, 0.05
    )


CASES = [
    (
        1,
        evidence(Degenerate("or-hillis-shared-seeds", "no spread with one seed", 1, 0.01), None),
        VerdictKind.DEGENERATE,
    ),
    (2, evidence(two_source(0.0001), 0.9, equivalence=0.001, margin=0.001), VerdictKind.EQUIVALENT),
    (2, evidence(two_source(0.0001), 0.001, equivalence=0.001, margin=0.001), VerdictKind.EQUIVALENT),
    (3, evidence(two_source(0.005), 0.001, equivalence=1.0, margin=0.001), VerdictKind.BETTER),
    (3, evidence(two_source(-0.005), 0.001, higher=False), VerdictKind.BETTER),
    (4, evidence(two_source(-0.005), 0.001), VerdictKind.WORSE),
    (4, evidence(two_source(0.005), 0.001, higher=False), VerdictKind.WORSE),
    (5, evidence(two_source(0.003, test_part=1e-5), 0.4, test_set_only=0.001), VerdictKind.BETTER_HERE),
    (6, evidence(two_source(0.003, test_part=1e-5), 0.4), VerdictKind.TEST_SET_TOO_SMALL),
    (6, evidence(two_source(-0.003, test_part=1e-5), 0.4, test_set_only=0.001), VerdictKind.TEST_SET_TOO_SMALL),
    (7, evidence(two_source(0.001), 0.3), VerdictKind.NEEDS_SEEDS),
]


@pytest.mark.parametrize(("row", "inputs", "kind"), CASES)
def test_the_first_row_that_applies_decides(row: int, inputs: Evidence, kind: VerdictKind) -> None:
    verdict = decide_verdict(inputs)
    assert (verdict.row, verdict.kind) == (row, kind)
    assert "SIN" in verdict.sentence
    assert "DeepFM" in verdict.sentence
    assert verdict.sentence.endswith(".")


def test_significant_difference_within_the_margin_is_equivalent_and_the_sentence_mentions_both() -> None:
    verdict = decide_verdict(evidence(two_source(0.0001), 0.001, equivalence=0.001, margin=0.001))
    assert "statistically significant, but within the margin" in verdict.sentence


def test_needed_seeds_exceed_those_already_run_and_appear_in_label_and_sentence() -> None:
    verdict = decide_verdict(evidence(two_source(0.0019), 0.08))
    assert verdict.seeds_needed is not None
    assert verdict.seeds_needed > 8
    assert verdict.label == f"inconclusive (needs {verdict.seeds_needed} seeds)"
    assert f"About {verdict.seeds_needed} seeds" in verdict.sentence


def test_with_studies_as_unit_the_text_does_not_mention_seeds() -> None:
    verdict = decide_verdict(replace(evidence(two_source(0.0019), 0.08), unit="studies"))
    assert verdict.label == f"inconclusive (needs {verdict.seeds_needed} studies)"
    assert f"About {verdict.seeds_needed} studies would decide it" in verdict.sentence
    small = decide_verdict(replace(evidence(two_source(0.003, test_part=1e-5), 0.4), unit="studies"))
    assert "More studies would not decide it" in small.sentence
    assert "seeds" not in verdict.sentence + small.sentence


def test_margin_can_make_an_inconclusive_comparison_decidable_by_equivalence() -> None:
    tiny = two_source(1e-6)
    assert decide_verdict(evidence(tiny, 0.99)).kind is VerdictKind.TEST_SET_TOO_SMALL
    assert decide_verdict(evidence(tiny, 0.99, equivalence=0.2, margin=0.001)).kind is VerdictKind.NEEDS_SEEDS


def test_better_and_worse_require_the_two_source_p_regardless_of_the_test_over_seeds() -> None:
    grid = itertools.product([-0.004, 0.004], [0.051, 0.5, None], [1e-9, 0.5], [True, False])
    for estimate, p, test_set_only, higher in grid:
        kind = decide_verdict(evidence(two_source(estimate), p, test_set_only=test_set_only, higher=higher)).kind
        assert kind not in (VerdictKind.BETTER, VerdictKind.WORSE)


def test_swapping_the_models_swaps_better_and_worse_and_keeps_equivalent() -> None:
    for estimate, p in itertools.product([-0.004, 0.004], [0.01, 0.2]):
        forward, backward = (decide_verdict(evidence(two_source(sign * estimate), p)).kind for sign in (1, -1))
        swapped = {VerdictKind.BETTER: VerdictKind.WORSE, VerdictKind.WORSE: VerdictKind.BETTER}
        assert backward is swapped.get(forward, forward)


def test_sentence_shows_two_significant_digits_of_the_standard_error() -> None:
    verdict = decide_verdict(evidence(two_source(0.00512345), 0.0003))
    assert verdict.sentence == (
        "SIN is better than DeepFM: AUC differs by +0.0051 (95 % CI +0.0028 to +0.0075, p < 0.001, 8 seeds)."
    )


def test_sentence_states_that_a_lower_loss_is_better() -> None:
    assert "LogLoss differs by −0.0050 (lower is better)" in decide_verdict(CASES[4][1]).sentence
