"""What is refused before a number is computed.

Each error is a type, so that a caller can react to the kind, and carries one message that says what was found, what is
allowed and what to do. A *statistical* dead end (nothing varies, one seed) is no error: it is the result `Degenerate`.
"""


class StatisticsError(ValueError):
    """The base of every refusal of this package."""


class MisalignedInput(StatisticsError):
    """Two arrays which must describe the same rows, runs or seeds have different lengths or shapes."""


class MixedModes(StatisticsError):
    """Runs that were trained alone are compared with runs that were trained in a batch of seeds."""


class NotFinite(StatisticsError):
    """A NaN or an infinity where a number is needed."""


class OutOfRange(StatisticsError):
    """A value outside the range in which the formula means anything."""


class OneClass(StatisticsError):
    """Labels hold only clicks or only non-clicks, so ranking metrics and base rates are undefined."""


class TooFewSeeds(StatisticsError):
    """The method needs more seeds than there are."""


class TooFewRows(StatisticsError):
    """The method needs more rows or clusters than there are."""


class TooFewDataSets(StatisticsError):
    """A claim across data sets is asked from fewer data sets than can carry it."""


class TooFewTrials(StatisticsError):
    """A tuning curve is asked from too few random trials."""
