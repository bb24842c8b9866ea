"""What Optuna calls experimental is used without its warning: that it may change is met by pinning Optuna, and by the
record of its version."""

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from optuna.exceptions import ExperimentalWarning

_FILTERS = threading.Lock()
"""Python keeps the filters of warnings for all threads together."""


@contextmanager
def experimental() -> Iterator[None]:
    """While a sampler or pruner is made."""
    with _FILTERS, warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        yield
