"""All randomness: every uniform has an address.

The generator is the counter-based Philox 4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3").
The key comes from the seed and the name of the stream; the counter holds the address (replication, who, week,
ordinal). One address gives four uniforms of 32 bits, the centres of 2^32 equal cells of (0, 1), so none is 0 or 1.
Nothing is consumed: a draw depends on its address alone, whatever else is or is not drawn.
"""

from __future__ import annotations

import hashlib
import zlib
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.program.numbers import Array

Words = NDArray[np.uint64]

_M0, _M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_W0, _W1 = 0x9E3779B9, 0xBB67AE85
_LOW = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)
_BLOCK = 16384
WEEK_OFFSET = 1 << 20
"""Added to a week number, since weeks of the burn-in are negative and counters are not."""


def philox(counter: tuple[Words, Words, Words, Words], key: tuple[int, int]) -> tuple[Words, Words, Words, Words]:
    """Philox 4x32-10: four 32-bit words (held in uint64) per counter."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        p0 = c0 * _M0
        p1 = c2 * _M1
        c0, c1, c2, c3 = (
            (p1 >> _32) ^ c1 ^ np.uint64(k0),
            p1 & _LOW,
            (p0 >> _32) ^ c3 ^ np.uint64(k1),
            p0 & _LOW,
        )
        k0, k1 = (k0 + _W0) & 0xFFFFFFFF, (k1 + _W1) & 0xFFFFFFFF
    return c0, c1, c2, c3


@lru_cache(maxsize=4096)
def _key(seed: int, stream: str) -> tuple[int, int]:
    digest = hashlib.sha256(f"{seed}/{stream}".encode()).digest()
    return int.from_bytes(digest[:4], "little"), int.from_bytes(digest[4:8], "little")


def name_word(name: str) -> int:
    """A 32-bit word for a name, so that addresses hold names instead of positions."""
    return zlib.crc32(name.encode())


class Streams:
    """The named streams of one seed."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def draw(self, stream: str, replication: Any, who: Any, week: Any = 0, ordinal: Any = 0) -> Array:
        """Four uniforms for each address; shape (4, n) where n is the broadcast length of the address parts.

        stream: name; replication, who, ordinal: non-negative integers below 2^32; week: from -2^20 on.
        """
        parts = np.broadcast_arrays(
            np.asarray(replication), np.asarray(who), np.asarray(week) + WEEK_OFFSET, np.asarray(ordinal)
        )
        words = [np.ascontiguousarray(p, dtype=np.uint64).reshape(-1) for p in parts]
        n = words[0].size
        out = np.empty((4, n))
        key = _key(self.seed, stream)
        for start in range(0, n, _BLOCK):
            stop = min(start + _BLOCK, n)
            block = philox(
                (words[0][start:stop], words[1][start:stop], words[2][start:stop], words[3][start:stop]), key
            )
            for lane in range(4):
                out[lane, start:stop] = block[lane]
        out += 0.5
        out *= 2.0**-32
        return out


def poisson(u: Array, rate: Array) -> NDArray[np.int64]:
    """Poisson counts from uniforms by inversion: the smallest k with P(N <= k) > u. Rates up to about 700."""
    u, rate = np.broadcast_arrays(u, rate)
    shape = u.shape
    u, rate = np.ascontiguousarray(u).reshape(-1), np.ascontiguousarray(rate).reshape(-1)
    count = np.zeros(u.size, dtype=np.int64)
    term = np.exp(-rate)
    open_ = np.flatnonzero(u >= term)
    left, mass, mean = u[open_], term[open_], rate[open_]
    below = mass.copy()
    k = 0
    while open_.size:
        k += 1
        mass = mass * (mean / k)
        below = below + mass
        count[open_] = k
        going = (left >= below) & (mass > 0.0)
        open_, left, mass, mean, below = open_[going], left[going], mass[going], mean[going], below[going]
    return count.reshape(shape)
