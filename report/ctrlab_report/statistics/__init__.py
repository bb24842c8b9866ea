"""The statistics engine: pure functions over arrays, from scores of test rows to a verdict about two models.

Read in this order: `influence` and `covariance` (what the test rows contribute), `obuchowski_rockette` (the primary
comparison), `paired`, `equivalence`, `precision` (what else is asked of two models), `comparison` (all of it together)
and `verdict` (the sentence). Every result is a frozen dataclass whose `method` is an id listed in `methods`.
"""
