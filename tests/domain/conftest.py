"""Hypothesis draws the same examples on every run, so that a red build is red again on the next one."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "drsim",
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("drsim")
