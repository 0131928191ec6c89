"""Settings of all tests: Hypothesis tries the same examples at every run; and a reference population in a moment."""

from collections.abc import Iterator

import pytest
from hypothesis import settings

settings.register_profile("same", derandomize=True)
settings.load_profile("same")


@pytest.fixture
def quick() -> Iterator[None]:
    """A small reference population, where it is not asked how well it is fitted."""
    from tests.engines.random_scenarios import quick_reference

    with quick_reference():
        yield
