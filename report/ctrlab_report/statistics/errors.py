"""Input errors, raised before a number is computed.

Each kind of error is a type, so that callers can distinguish them; its message states what was found, what is allowed
and what to do. Input without variation (constant values, one seed) is not an error: the result is `Degenerate`.
"""


class StatisticsError(ValueError):
    """Base of every input error of this package."""


class MisalignedInput(StatisticsError):
    """Two arrays that must describe the same rows, runs or seeds have different lengths or shapes."""


class NoUsers(MisalignedInput):
    """A metric over users has no user ids, or those of one user."""


class MixedModes(StatisticsError):
    """Runs that were trained alone are compared with runs that were trained in a batch of seeds."""


class NotFinite(StatisticsError):
    """A NaN or an infinity where a number is needed."""


class OutOfRange(StatisticsError):
    """A value outside the range in which the formula is defined."""


class OneClass(StatisticsError):
    """Labels are all clicks or all non-clicks, so ranking metrics and base rates are undefined."""


class TooFewSeeds(StatisticsError):
    """The method needs more seeds than there are."""


class TooFewRows(StatisticsError):
    """The method needs more rows or clusters than there are."""


class TooFewDataSets(StatisticsError):
    """A claim across data sets needs more data sets than there are."""


class TooFewTrials(StatisticsError):
    """A tuning curve needs more random trials than there are."""
