"""The error of a column of times, before the row is known."""


class TimeProblem(Exception):
    """A column of times has no single reading."""

    def __init__(self, value: object, message: str) -> None:
        super().__init__(message)
        self.value = value
        """The text or number that shows the problem; None if it concerns the whole column."""
