"""Settings of all tests: property tests have no deadline, because the speed of the machine is not under test."""

import sys
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("ctrlab", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ctrlab")


@pytest.fixture(autouse=True)
def _subnormal_numbers_come_back() -> Iterator[None]:
    """Undo a worker's setting of the process to flush subnormal numbers, which would affect later tests."""
    yield
    if "torch" in sys.modules:
        sys.modules["torch"].set_flush_denormal(False)
