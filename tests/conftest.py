"""Settings of every test: property tests have no deadline, since how fast a machine is says nothing about the code."""

import sys
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("ctrlab", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ctrlab")


@pytest.fixture(autouse=True)
def _subnormal_numbers_come_back() -> Iterator[None]:
    """A worker sets its whole process to flush subnormal numbers; here the process goes on to other tests."""
    yield
    if "torch" in sys.modules:
        sys.modules["torch"].set_flush_denormal(False)
