"""The statistics engine: pure functions over arrays, from scores of test rows to a verdict on two models.

Read in this order: `influence` and `covariance` (what the test rows contribute to the variance), `obuchowski_rockette`
(the primary comparison), `paired_tests`, `equivalence`, `power_and_precision` (further analyses of two models),
`model_comparison` (all analyses of a pair and of a family) and `verdict_table` (the conclusion). Every result is a
frozen dataclass whose `method` is an id in `method_registry`.
"""
