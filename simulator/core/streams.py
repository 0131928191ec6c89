"""All randomness: every uniform has an address.

The generator is the counter-based Philox 4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3").
The key comes from the seed and the name of the stream; the counter holds the address (replication, who, week,
ordinal). One address gives four uniforms of 32 bits, the centres of 2^32 equal cells of (0, 1), so none is 0 or 1.
Nothing is consumed: a draw depends on its address alone, whatever else is or is not drawn.
"""

from __future__ import annotations

import hashlib
import math
import zlib
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.core.arrays import Array

Words = NDArray[np.uint64]

_MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
_WEYL = (0x9E3779B9, 0xBB67AE85)
_LOW = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)
_BLOCK = 8192
"""Counters worked on together, so that they stay in the fastest caches."""
WEEK_OFFSET = 1 << 20
"""Added to a week number, since weeks of the burn-in are negative and counters are not."""


def philox(counter: tuple[Words, Words, Words, Words], key: tuple[int, int]) -> tuple[Words, Words, Words, Words]:
    """Philox 4x32-10: four 32-bit words (held in uint64) per counter."""
    words = np.stack(counter)
    _rounds(words, np.empty_like(words[:2]), _round_keys(*key))
    return words[0], words[1], words[2], words[3]


def _rounds(words: Words, products: Words, keys: Words) -> None:
    """Ten rounds on the counters `words` (4, ..., n), in place. products: room for two words; keys: (10, 2, ..., 1)."""
    w0, w1, w2, w3 = words
    p0, p1 = products
    for k0, k1 in keys:
        np.multiply(w0, _MULTIPLIERS[0], out=p0)
        np.multiply(w2, _MULTIPLIERS[1], out=p1)
        np.right_shift(p1, _32, out=w0)
        w0 ^= w1
        w0 ^= k0
        np.right_shift(p0, _32, out=w2)
        w2 ^= w3
        w2 ^= k1
        np.bitwise_and(p1, _LOW, out=w1)
        np.bitwise_and(p0, _LOW, out=w3)


@lru_cache(maxsize=4096)
def _round_keys(*key: int) -> Words:
    """The keys of the ten rounds, (10, 2)."""
    rounds = [[(k + r * w) & 0xFFFFFFFF for k, w in zip(key, _WEYL, strict=True)] for r in range(10)]
    return np.array(rounds, dtype=np.uint64)


@lru_cache(maxsize=4096)
def _keys(seed: int, streams: tuple[str, ...]) -> Words:
    """Keys of the rounds of several streams, (10, 2, streams, 1)."""
    digests = [hashlib.sha256(f"{seed}/{stream}".encode()).digest() for stream in streams]
    keys = [_round_keys(int.from_bytes(d[:4], "little"), int.from_bytes(d[4:8], "little")) for d in digests]
    return np.stack(keys, axis=2)[..., None]


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
        return self.draws((stream,), replication, who, week, ordinal)

    def draws(self, streams: tuple[str, ...], replication: Any, who: Any, week: Any = 0, ordinal: Any = 0) -> Array:
        """What `draw` gives for each of several streams, one after another; shape (4 streams, n)."""
        parts = (np.asarray(replication), np.asarray(who), np.asarray(week) + WEEK_OFFSET, np.asarray(ordinal))
        shape = np.broadcast_shapes(*(p.shape for p in parts))
        flat = [np.broadcast_to(p, shape).reshape(-1) if p.ndim else p for p in parts]
        n = math.prod(shape)
        out = np.empty((len(streams), 4, n))
        keys = _keys(self.seed, streams)
        step = max(_BLOCK // len(streams), 1)
        for start in range(0, n, step):
            here = slice(start, min(start + step, n))
            words = np.empty((6, len(streams), here.stop - start), dtype=np.uint64)
            for word, part in zip(words, flat, strict=False):
                word[:] = part[here] if part.ndim else part
            _rounds(words[:4], words[4:], keys)
            np.add(words[:4].swapaxes(0, 1).view(np.int64), 0.5, out=out[:, :, here])
        out *= 2.0**-32
        return out.reshape(4 * len(streams), n)


def poisson(u: Array, rate: Array) -> NDArray[np.int64]:
    """Poisson counts from uniforms by inversion: the smallest k with P(N <= k) > u. Rates up to about 700."""
    u, rate = np.broadcast_arrays(u, rate)
    shape = u.shape
    u, rate = np.ascontiguousarray(u).reshape(-1), np.ascontiguousarray(rate).reshape(-1)
    count = np.zeros(u.size, dtype=np.int64)
    open_ = np.flatnonzero(u > 1.0 - rate - 1e-12)  # exp(-r) >= 1 - r: most are 0 without an exponential
    left, mean = u.take(open_), rate.take(open_)
    mass = np.exp(-mean)
    below = mass.copy()
    k = 0
    while True:
        going = np.flatnonzero((left >= below) & (mass > 0.0))
        if not going.size:
            break
        open_ = open_.take(going)
        left, mass, mean, below = (x.take(going) for x in (left, mass, mean, below))
        k += 1
        count[open_] = k
        mass = mass * (mean / k)
        below = below + mass
    return count.reshape(shape)
