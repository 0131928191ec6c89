"""Settings of all tests: Hypothesis tries the same examples at every run; and a reference population in a moment."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

# No test is timed: a busy machine is no fault of what is tested.
settings.register_profile("same", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("same")


@pytest.fixture
def quick() -> Iterator[None]:
    """A small reference population, where it is not asked how well it is fitted."""
    from tests.engines.quick import quick_reference

    with quick_reference():
        yield
