"""Chance and what we do not know: the split of variance against a closed form, and through a real crossed study."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.axes import Axes

import simulator as sim
from simulator.core.arrays import Array
from simulator.core.errors import InputError
from simulator.scenario.load import parse
from simulator.stats.variance_components import components, split_variance
from tests.engines.small import BASELINE, HEAD, SMALL
from tests.test_vectors import UNCERTAIN

TWO = HEAD.replace("opportunist_share = 0.6\n", "") + UNCERTAIN + BASELINE
TRUTH = np.array([4.0, 9.0, 2.25])


def crossed(luck: np.random.Generator, design: int = 24, worlds: int = 8) -> Array:
    """y = 1 + 2 a + 3 b + 1.5 a b with standard normals: variances 4, 9 and 2.25."""
    a, b = luck.normal(size=(design, 1)), luck.normal(size=(1, worlds))
    return np.asarray(1 + 2 * a + 3 * b + 1.5 * a * b)


def test_components_are_unbiased() -> None:
    luck = np.random.default_rng(1)
    made = [crossed(luck) for _ in range(1000)]
    found = np.array([components(y) for y in made])
    error = found.std(axis=0, ddof=1) / np.sqrt(len(found))
    assert (np.abs(found.mean(axis=0) - TRUTH) < 4 * error).all()


def test_the_plain_variance_of_means_over_worlds_is_too_large() -> None:
    # With nothing but y = 1.5 a b, ignorance is 0; the plain variance is 2.25/8.
    luck = np.random.default_rng(4)
    made = [1.5 * luck.normal(size=(24, 1)) * luck.normal(size=(1, 8)) for _ in range(1000)]
    plain = np.array([y.mean(axis=1).var(ddof=1) for y in made])
    right = np.array([components(y)[0] for y in made])
    assert plain.mean() > 4 * plain.std(ddof=1) / np.sqrt(1000)
    assert abs(right.mean()) < 4 * right.std(ddof=1) / np.sqrt(1000)


def test_parts_add_up_to_the_table() -> None:
    # [[1, 2, 6], [3, 4, 2], [2, 6, 7]]: row means 3, 3, 5, column means 2, 4, 5, mean 11/3. Sums of squares: rows
    # 3 (4/9 + 4/9 + 16/9) = 8, columns 3 (25/9 + 1/9 + 16/9) = 14, all 114/9 + ... = 38; the rest 38 - 8 - 14 = 16.
    # Mean squares 4, 7, 4: components (4 - 4)/3 = 0, (7 - 4)/3 = 1, 4.
    got = components(np.array([[1.0, 2.0, 6.0], [3.0, 4.0, 2.0], [2.0, 6.0, 7.0]]))
    np.testing.assert_allclose(got, [0.0, 1.0, 4.0], atol=1e-12)


def test_the_error_of_a_share_covers_it() -> None:
    luck, truth = np.random.default_rng(2), 4.0 / TRUTH.sum()
    found = [split_variance(crossed(luck, 32, 24)) for _ in range(250)]
    held = [
        abs(s.ignorance_share - truth) < 2 * s.ignorance_share_se
        for s in found
        if s.ignorance_share is not None and s.ignorance_share_se is not None
    ]
    assert len(held) == 250
    assert np.mean(held) > 0.95 - 4 * np.sqrt(0.95 * 0.05 / 250)


@pytest.mark.parametrize(("weights", "share"), [((1, 0), 1.0), ((0, 1), 0.0)])
def test_all_ignorance_and_all_luck(weights: tuple[int, int], share: float) -> None:
    luck = np.random.default_rng(3)
    y = weights[0] * luck.normal(size=(10, 1)) + weights[1] * luck.normal(size=(1, 6)) + np.zeros((10, 6))
    got = split_variance(y)
    assert got.ignorance_share == pytest.approx(share, abs=1e-12)
    assert got.ignorance_share_se == pytest.approx(0.0, abs=1e-9)
    assert split_variance(np.ones((4, 4))).ignorance_share is None


def test_a_scenario_is_split_in_public(quick: None) -> None:
    study = sim.split(parse(TWO), vectors=4, worlds=3, seed=2)
    table = study.table().set_index(["of", "program", "metric"])
    cost = study.simulated.totals["baseline", "strategic"]["cost"].reshape(4, 3) / 100
    row = table.loc[("level", "baseline", "program_cost")]
    np.testing.assert_allclose(
        row[["var_ignorance", "var_world", "var_both"]].astype(float), components(cost), atol=1e-3
    )
    assert row["ignorance"] + row["luck"] == pytest.approx(1.0)
    assert "4 vectors, each in the same 3 worlds, seed 2" in study.text()
    assert isinstance(study.plot("level"), Axes)


def test_what_cannot_be_split_is_refused() -> None:
    with pytest.raises(InputError, match="no number is uncertain, so all is chance"):
        sim.split(parse(SMALL))
    with pytest.raises(InputError, match="vectors = 2: must be at least 3"):
        sim.split(parse(TWO), vectors=2)
