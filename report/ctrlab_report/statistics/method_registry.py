"""Registry of methods: maps the method id of every number in a report to a title, a paper and a version."""

from dataclasses import dataclass
from importlib.metadata import version


@dataclass(frozen=True)
class MethodDescription:
    """Description of a method; `assumes` states the population of the claim and the assumptions."""

    title: str
    package: str
    assumes: str
    source: str

    @property
    def version(self) -> str:
        """The installed version of `package`."""
        return version(self.package)


METHODS: dict[str, MethodDescription] = {
    "influence-iid": MethodDescription(
        "Test-sample covariance of metrics from row influence",
        "numpy",
        "New test rows from the same population; rows independent.",
        "DeLong, DeLong and Clarke-Pearson 1988; Sun and Xu 2014",
    ),
    "influence-clustered": MethodDescription(
        "Test-sample covariance of metrics from influence summed by cluster",
        "numpy",
        "New users (without a user column: groups) from the same population; users independent, rows of one user not.",
        "Obuchowski 1997",
    ),
    "or-hillis-shared-seeds": MethodDescription(
        "Difference of two models with seed and test-sample variance",
        "scipy",
        "New seeds and new test rows; both models trained with the same seeds; seed effects near normal.",
        "Obuchowski and Rockette 1995; Hillis 2007",
    ),
    "or-unshared-seeds": MethodDescription(
        "Difference of two models with seed and test-sample variance, seeds nested in models",
        "scipy",
        "New seeds and new test rows; seeds independent between models; seed effects near normal.",
        "Obuchowski and Rockette 1995; Satterthwaite 1946",
    ),
    "or-hillis-one-model": MethodDescription(
        "Mean of one model with seed and test-sample variance",
        "scipy",
        "New seeds and new test rows; seed effects near normal.",
        "Hillis 2007",
    ),
    "test-sample-only-one-run": MethodDescription(
        "One run with its test-sample error",
        "scipy",
        "This trained network on new test rows; seed variance unknown.",
        "DeLong, DeLong and Clarke-Pearson 1988",
    ),
    "test-sample-only-two-runs": MethodDescription(
        "Difference of two runs with its test-sample error",
        "scipy",
        "These two trained networks on new test rows; seed variance unknown.",
        "DeLong, DeLong and Clarke-Pearson 1988; Obuchowski 1997",
    ),
    "best-of-trials-prediction-bound": MethodDescription(
        "Prediction bound for the best of several trials, above the mean of the final runs",
        "scipy",
        "Trials no better than the final runs; values near normal; Bonferroni over trials.",
        "Hahn 1970",
    ),
    "paired-t": MethodDescription(
        "Paired t-test over seeds",
        "scipy",
        "New seeds on this test set only; differences near normal.",
        "Student 1908",
    ),
    "sign-flip-exact": MethodDescription(
        "Sign-flip permutation test over seeds, all patterns",
        "scipy",
        "New seeds on this test set only; differences symmetric under no effect.",
        "Fisher 1935",
    ),
    "sign-flip-sampled": MethodDescription(
        "Sign-flip permutation test over seeds, 99 999 random patterns",
        "scipy",
        "New seeds on this test set only; differences symmetric under no effect.",
        "Fisher 1935; Phipson and Smyth 2010",
    ),
    "wilcoxon-signed-rank-exact": MethodDescription(
        "Wilcoxon signed-rank test over seeds, exact",
        "scipy",
        "New seeds on this test set only; differences symmetric under no effect.",
        "Wilcoxon 1945",
    ),
    "ped-anova": MethodDescription(
        "Importance of hyperparameters for reaching the best tenth of the trials",
        "optuna",
        "Describes the finished trials of this study; no claim outside its search space.",
        "Watanabe, Bansal and Hutter 2023",
    ),
    "welch-t": MethodDescription(
        "Welch's t-test",
        "scipy",
        "New seeds on this test set only; seeds independent between models; near normal.",
        "Welch 1947",
    ),
    "corrected-resampled-t": MethodDescription(
        "Corrected resampled t-test",
        "scipy",
        "Random splits of one data set whose training parts overlap.",
        "Nadeau and Bengio 2003",
    ),
    "t-interval": MethodDescription(
        "t interval of the mean over seeds",
        "scipy",
        "New seeds on this test set only; near normal.",
        "Student 1908",
    ),
    "bca-bootstrap": MethodDescription(
        "BCa bootstrap interval of the mean over seeds",
        "scipy",
        "New seeds on this test set only; 20 seeds or more.",
        "Efron 1987",
    ),
    "bonferroni-t": MethodDescription(
        "Simultaneous t interval",
        "scipy",
        "All planned comparisons hold simultaneously at the stated confidence.",
        "Dunn 1961",
    ),
    "adjust-none": MethodDescription(
        "Unadjusted p-values", "statsmodels", "One comparison, or a plan without correction.", "-"
    ),
    "adjust-bonferroni": MethodDescription(
        "Bonferroni correction", "statsmodels", "Any dependence between tests.", "Dunn 1961"
    ),
    "adjust-holm": MethodDescription("Holm correction", "statsmodels", "Any dependence between tests.", "Holm 1979"),
    "adjust-simes-hochberg": MethodDescription(
        "Hochberg correction", "statsmodels", "Independent or positively dependent tests.", "Hochberg 1988"
    ),
    "adjust-fdr_bh": MethodDescription(
        "Benjamini-Hochberg correction (exploratory)",
        "statsmodels",
        "Bounds the expected share of false claims; independent or positively dependent tests.",
        "Benjamini and Hochberg 1995",
    ),
    "cohen-d-z-noncentral-t": MethodDescription(
        "Standardized paired difference d_z with a noncentral-t interval",
        "scipy",
        "New seeds on this test set only; differences near normal.",
        "Cohen 1988; Hedges 1981",
    ),
    "probability-of-superiority-paired": MethodDescription(
        "Share of seeds in which A scored better",
        "statsmodels",
        "New seeds on this test set only.",
        "Bouthillier et al. 2021; Wilson 1927",
    ),
    "tost": MethodDescription(
        "Two one-sided tests against the margin",
        "scipy",
        "The margin was fixed before the test set was opened.",
        "Schuirmann 1987",
    ),
    "rope-reference-posterior": MethodDescription(
        "Posterior probability of the region of practical equivalence",
        "scipy",
        "Reference prior on difference and scale; the margin was fixed beforehand.",
        "Kruschke 2013; Benavoli et al. 2017",
    ),
    "mde-noncentral-t": MethodDescription(
        "Smallest difference detected with the stated power",
        "scipy",
        "Standard error and degrees of freedom as observed.",
        "Cohen 1988",
    ),
    "seeds-for-half-width": MethodDescription(
        "Number of seeds for a target half-width",
        "scipy",
        "Seed variance and test-sample variance as observed.",
        "Hillis 2007",
    ),
    "stein-two-stage": MethodDescription(
        "Number of seeds from the pilot's spread",
        "scipy",
        "Seed effects near normal; extended once, based on the spread only.",
        "Stein 1945",
    ),
    "process-signals": MethodDescription(
        "Class of a run from its process signals", "numpy", "Uses no comparison of scores between runs.", "-"
    ),
    "grubbs-two-sided": MethodDescription(
        "Grubbs' test", "scipy", "Seeds near normal; flags runs, never removes them.", "Grubbs 1969"
    ),
    "wilson-interval": MethodDescription(
        "Wilson interval of a rate", "statsmodels", "Runs fail independently.", "Wilson 1927"
    ),
    "verdict-table-1": MethodDescription(
        "Verdict by a fixed table", "scipy", "Margin, level and pairs were fixed before the test set was opened.", "-"
    ),
    "tuning-curve-ld-band": MethodDescription(
        "Tuning curve with exact simultaneous bands",
        "opda",
        "Trials sampled independently at random; continuous scores.",
        "Lourie, Cho and He 2024",
    ),
    "friedman-iman-davenport": MethodDescription(
        "Friedman's test with the F of Iman and Davenport",
        "scipy",
        "Five or more independent data sets.",
        "Iman and Davenport 1980; Demsar 2006",
    ),
    "nemenyi-critical-difference": MethodDescription(
        "Nemenyi's critical difference",
        "scipy",
        "Five or more independent data sets.",
        "Nemenyi 1963; Demsar 2006",
    ),
    "holm-against-control-ranks": MethodDescription(
        "Mean ranks against a control, Holm-adjusted",
        "statsmodels",
        "Five or more independent data sets.",
        "Demsar 2006",
    ),
    "bayesian-signed-rank": MethodDescription(
        "Bayesian signed-rank test", "numpy", "Five or more independent data sets.", "Benavoli et al. 2014"
    ),
}
