"""CPU time of a job."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def timed(job: Callable[[], T]) -> tuple[float, T]:
    """CPU seconds of this process, and the result."""
    begun = time.process_time()
    found = job()
    return time.process_time() - begun, found
