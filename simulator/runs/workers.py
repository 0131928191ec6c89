"""Chunks shared out to workers: any `concurrent.futures` executor, or processes of our own.

A worker of our own that dies is replaced and its chunks are given out again; results cannot differ, since every draw
has its own address. Another executor looks after its own workers.
"""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import os
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, Executor, ProcessPoolExecutor, as_completed
from typing import TypeVar

from simulator.core.errors import SimulatorError

T = TypeVar("T")
Job = tuple[int, int]
"""First replication of a chunk, and how many it has."""
_TRIES = 5
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Options of glibc's `mallopt`; what they are set to is where glibc ends up by itself."""


def share(
    work: Callable[[int, int], T],
    jobs: Sequence[Job],
    add: Callable[[int, int, T], None],
    workers: int,
    executor: Executor | None = None,
) -> None:
    """Do all `jobs` and hand each result to `add` as it comes, in any order.

    Raises `SimulatorError` where our own workers die again and again without finishing anything.
    """
    left = list(jobs)
    if executor is not None:
        if (broken := _run(executor, work, left, add)) is not None:
            raise broken
        return
    tries = 0
    while left:
        before = len(left)
        pool = ProcessPoolExecutor(workers, mp_context=_context())
        try:
            broken = _run(pool, work, left, add)
        finally:
            pool.shutdown(cancel_futures=True)
        if broken is not None:
            tries = 0 if len(left) < before else tries + 1
            if tries == _TRIES:
                raise SimulatorError(
                    "worker processes die again and again; a script that uses workers must start under "
                    '`if __name__ == "__main__":`, and too little memory is helped by a smaller chunk'
                ) from broken


def _run(
    pool: Executor, work: Callable[[int, int], T], left: list[Job], add: Callable[[int, int, T], None]
) -> BrokenExecutor | None:
    """Do the jobs `left`, each removed when its result was handed over; a result is let go at once.

    Returns the error of an executor that broke on the way: raised here it would hold, by its frames, all that was
    going on until the next full garbage collection.
    """
    futures = {pool.submit(work, first, count): (first, count) for first, count in left}
    try:
        for future in as_completed(list(futures)):
            first, count = futures.pop(future)
            if isinstance(error := future.exception(), BrokenExecutor):
                return error
            add(first, count, future.result())
            left.remove((first, count))
    finally:
        for future in futures:
            future.cancel()
    return None


def _context() -> multiprocessing.context.BaseContext:
    """How processes of our own start: forked from a server that has imported the engines once, where that exists."""
    methods = multiprocessing.get_all_start_methods()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        context = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
    context.set_forkserver_preload(["simulator.runs.simulate"])
    return context


def keep_memory() -> None:
    """Let the C library reuse memory that is let go, as it does unless its environment says otherwise.

    Dask starts workers with MALLOC_TRIM_THRESHOLD_=65536, which gives every larger array back to the system at once: a
    chunk then takes 1.4 times as long. Elsewhere, and without glibc, nothing happens.
    """
    if "MALLOC_TRIM_THRESHOLD_" in os.environ:
        with contextlib.suppress(OSError, AttributeError):
            allocator = ctypes.CDLL(None)
            for option, most in ((_MMAP_THRESHOLD, 32 << 20), (_TRIM_THRESHOLD, 64 << 20)):
                allocator.mallopt(option, most)
