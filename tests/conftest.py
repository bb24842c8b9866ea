"""Settings of every test: property tests have no deadline, since how fast a machine is says nothing about the code."""

from hypothesis import HealthCheck, settings

settings.register_profile("ctrlab", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ctrlab")
