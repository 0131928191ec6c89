"""Addressed randomness: published vectors of the generator, independence of what else is drawn, inversion."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy import stats

from simulator.core import streams
from simulator.core.streams import Streams, philox, poisson

VECTORS = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]
"""Known-answer vectors of philox4x32-10 in the Random123 distribution: counter, key, result."""


def words(counter: tuple[int, ...], key: tuple[int, int]) -> tuple[int, ...]:
    a, b, c, d = (np.array([x], dtype=np.uint64) for x in counter)
    return tuple(int(x[0]) for x in philox((a, b, c, d), key))


@pytest.mark.parametrize(("counter", "key", "expected"), VECTORS)
def test_published_vectors(counter: tuple[int, ...], key: tuple[int, int], expected: tuple[int, ...]) -> None:
    assert words(counter, key) == expected


def test_the_published_vectors_in_one_call_per_key_agree() -> None:
    """A block of counters gives what each counter gives alone."""
    counters = np.array([v[0] for v in VECTORS], dtype=np.uint64)
    for _, key, _ in VECTORS:
        a, b, c, d = counters.T
        block = np.stack(philox((a, b, c, d), key), axis=1)
        assert [tuple(map(int, row)) for row in block] == [words(v[0], key) for v in VECTORS]


def test_published_vectors_catch_swapped_multipliers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted defect: the two multipliers change places, which still looks random."""
    monkeypatch.setattr(streams, "_MULTIPLIERS", streams._MULTIPLIERS[::-1])
    assert all(words(counter, key) != expected for counter, key, expected in VECTORS)


addresses = st.lists(
    st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1), st.integers(-1000, 1000), st.integers(0, 1000)),
    min_size=1,
    max_size=30,
)


@settings(max_examples=50, deadline=None)
@given(addresses=addresses, more=addresses, seed=st.integers(0, 2**63 - 1))
def test_a_draw_depends_on_its_address_alone(
    addresses: list[tuple[int, int, int, int]], more: list[tuple[int, int, int, int]], seed: int
) -> None:
    """Alone, among others in any order, and from another object with the same seed: the same four uniforms."""
    together = Streams(seed).draw("deal", *np.array([*more, *addresses]).T)
    backwards = Streams(seed).draw("deal", *np.array([*more, *addresses][::-1]).T)
    assert np.array_equal(together, backwards[:, ::-1])
    one = Streams(seed)
    one.draw("other", 1, 2)
    for at, address in enumerate(addresses):
        assert np.array_equal(together[:, [len(more) + at]], one.draw("deal", *address))


@pytest.mark.parametrize("cut", [1, 16_383, 16_384, 16_385, 39_999])
def test_blocks_do_not_show(cut: int) -> None:
    """Long draws are made in blocks; where a block or a caller's chunk ends makes no difference."""
    one = Streams(5)
    whole = one.draw("deal", np.arange(40_000), 3, 2, 1)
    left, right = one.draw("deal", np.arange(cut), 3, 2, 1), one.draw("deal", np.arange(cut, 40_000), 3, 2, 1)
    assert np.array_equal(whole, np.concatenate([left, right], axis=1))


def test_every_part_of_the_address_matters() -> None:
    """Neighbours in replication, partner, week, ordinal, stream and seed: all 7 x 4 uniforms differ."""
    base = Streams(1)
    near = [
        base.draw("deal", 4, 5, 6, 7), base.draw("deal", 5, 5, 6, 7), base.draw("deal", 4, 6, 6, 7),
        base.draw("deal", 4, 5, 7, 7), base.draw("deal", 4, 5, 6, 8), base.draw("sale", 4, 5, 6, 7),
        Streams(2).draw("deal", 4, 5, 6, 7),
    ]  # fmt: skip
    assert len(set(np.concatenate(near, axis=None).tolist())) == 28


def test_uniforms_are_inside_the_unit_interval_and_uniform() -> None:
    """Words 0 and 2^32 - 1 are 2^-33 and 1 - 2^-33; mean, variance and neighbours' correlation within 4 SE."""
    u = Streams(17).draw("deal", np.arange(50_000), 0)
    assert u.min() >= 2.0**-33
    assert u.max() <= 1 - 2.0**-33
    n = u.size
    assert abs(u.mean() - 1 / 2) < 4 * np.sqrt(1 / 12 / n)
    assert abs(u.var() - 1 / 12) < 4 * np.sqrt(1 / 180 / n)
    lanes = np.corrcoef(u)
    assert np.abs(lanes[np.triu_indices(4, 1)]).max() < 4 / np.sqrt(50_000)
    assert abs(np.corrcoef(u[0, :-1], u[0, 1:])[0, 1]) < 4 / np.sqrt(49_999)


@pytest.mark.parametrize("rate", [0.001, 0.1, 1.0, 7.3, 60.0, 400.0])
def test_poisson_counts_are_scipys(rate: float) -> None:
    u = Streams(23).draw("count", np.arange(5_000), 0)[0]
    counts = poisson(u, np.full(u.shape, rate))
    away = np.abs(stats.poisson.cdf(counts, rate) - u) > 1e-12
    assert away.mean() > 0.999
    assert np.array_equal(counts[away], stats.poisson.ppf(u, rate)[away])


def test_poisson_at_the_edges() -> None:
    """Nothing at rate 0; P(N = 0) = 1/2 at rate ln 2, and N > u there means at least one."""
    assert poisson(np.array([0.0, 0.5, 1 - 2.0**-33]), np.zeros(3)).tolist() == [0, 0, 0]
    assert poisson(np.array([0.4999, 0.5001]), np.full(2, np.log(2))).tolist() == [0, 1]
    grid = poisson(np.array([[0.1], [0.9]]), np.array([[1.0, 2.0, 3.0]]))
    assert grid.tolist() == stats.poisson.ppf([[0.1], [0.9]], [[1.0, 2.0, 3.0]]).tolist()
    assert (np.diff(poisson(np.linspace(0.001, 0.999, 999), np.full(999, 5.0))) >= 0).all()
