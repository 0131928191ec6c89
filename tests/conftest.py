"""Settings of all tests: Hypothesis tries the same examples at every run."""

from hypothesis import settings

settings.register_profile("same", derandomize=True)
settings.load_profile("same")
