"""Power, bounds and the value of a sample against published figures, and simulation against the closed forms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy.stats import multivariate_normal, norm
from statsmodels.stats.power import TTestIndPower

from simulator.core.arrays import Array
from simulator.pilots.diagnosands import (
    textbook_power,
    two_sample_power,
    variance_left,
    wedge_power,
    wedge_variance,
)
from simulator.pilots.estimators import ESTIMATORS
from simulator.pilots.interim_analysis import boundary, calibrated, crossing, first_crossing, spent
from simulator.pilots.panel import PilotPanel, PilotReadings
from simulator.stats.sensitivity.factors import Factor
from simulator.stats.sensitivity.value_of_information import value_of_knowing


def even_times(looks: int) -> Array:
    """Information at evenly spaced looks, (looks,)."""
    return np.arange(1, looks + 1) / looks


THREE_STEPS = np.repeat([[0, 1, 1, 1], [0, 0, 1, 1], [0, 0, 0, 1]], 3, axis=0).astype(bool)
TWO_ARMS = np.repeat([[1] * 5, [0] * 5], 10, axis=0).astype(bool)


def plain(
    seed: int, pilots: int, course: np.ndarray, effect: float, sigma: float, tau: float, rho: float = 0.0
) -> PilotPanel:
    """Clusters as rows of a course of treatment, one partner each; levels before correlate by rho with the mean."""
    chance = np.random.default_rng(seed)
    p, t = course.shape
    treated = np.stack([course[chance.permutation(p)] for _ in range(pilots)])
    noise = sigma * chance.normal(size=(pilots, p, t))
    y = tau * chance.normal(size=(pilots, p, 1)) + noise + effect * treated
    level = y.mean(axis=2) - effect * treated.mean(axis=2)
    sd = np.sqrt(tau**2 + sigma**2 / t)
    before = rho * level + np.sqrt(1 - rho**2) * sd * chance.normal(size=(pilots, p))
    singly = np.broadcast_to(np.arange(p), (pilots, p))
    return PilotPanel(y, before[..., None], treated, np.ones_like(treated), singly, 0 * singly)


def test_power_of_hussey_and_hughes() -> None:
    assert wedge_power(THREE_STEPS, 0.2, 1 / 50, 0.0) == pytest.approx(0.8074, abs=5e-5)
    assert wedge_power(TWO_ARMS, 0.25, 0.25, 0.0) == pytest.approx(0.7054, abs=5e-5)
    assert wedge_power(TWO_ARMS, 0.25, 0.25, 0.04) == pytest.approx(0.4615, abs=1e-4)


def test_variance_of_a_wedge_is_that_of_generalised_least_squares() -> None:
    """(X' V^-1 X)^-1 with the whole covariance of 12 clusters and 4 periods."""
    clusters, periods = THREE_STEPS.shape
    cluster = np.repeat(np.arange(clusters), periods)
    x = np.column_stack([THREE_STEPS.reshape(-1), np.tile(np.eye(periods), (clusters, 1))])
    v = 0.3 * np.eye(len(cluster)) + 0.2 * (cluster[:, None] == cluster)
    whole = np.linalg.inv(x.T @ np.linalg.solve(v, x))
    assert wedge_variance(THREE_STEPS, 0.3, 0.2) == pytest.approx(whole[0, 0])


def test_two_groups_against_statsmodels() -> None:
    other = TTestIndPower()
    assert two_sample_power(0.5, 1.0, 64, 64) == pytest.approx(other.power(0.5, 64, 0.05))
    assert two_sample_power(1.0, 2.0, 20, 60, level=0.1) == pytest.approx(
        other.power(0.5, 20, 0.1, ratio=3.0), rel=1e-5
    )


@pytest.mark.parametrize(("name", "rho"), [("difference", 0.0), ("cuped", 0.8)])
def test_simulated_power_of_two_groups(name: str, rho: float) -> None:
    course = np.repeat([[1] * 3, [0] * 3], 15, axis=0).astype(bool)
    sd = np.sqrt(0.5**2 + 1.0 / 3)
    panel = plain(31, 2000, course, 0.6, 1.0, 0.5, rho)
    closed = two_sample_power(0.6, sd, 15, 15, rho=rho)
    share = float(ESTIMATORS[name].estimate(panel).rejects().mean())
    assert abs(share - closed) < 4 * np.sqrt(closed * (1 - closed) / 2000)


def test_regression_on_the_level_before_leaves_what_it_should() -> None:
    """The ratio of variances is 1 - rho^2 = .36 at rho = .8, times (n - 2 + 1) / (n - 2) or so for n = 40 partners."""
    course = np.repeat([[1] * 2, [0] * 2], 20, axis=0).astype(bool)
    panel = plain(32, 1500, course, 0.0, 1.0, 0.5, 0.8)
    with_level, without = (ESTIMATORS[name].estimate(panel).effect for name in ("cuped", "difference"))
    ratio = with_level.var() / without.var()
    assert abs(ratio - variance_left(0.8) * (1 + 1 / 37)) < 4 * ratio * np.sqrt(2 / 1500) * 0.8


def test_simulated_power_of_a_stepped_wedge() -> None:
    """60 clusters, so that estimating the components and Student's t cost less than the simulation's error."""
    course = np.repeat([[0, 1, 1, 1], [0, 0, 1, 1], [0, 0, 0, 1]], 20, axis=0).astype(bool)
    closed = wedge_power(course, 0.65, 1.0, 0.5)
    assert 0.75 < closed < 0.9
    panel = plain(33, 1000, course, 0.65, 1.0, np.sqrt(0.5))
    share = float(ESTIMATORS["stepped_wedge"].estimate(panel).rejects().mean())
    assert abs(share - closed) < 4 * np.sqrt(closed * (1 - closed) / 1000)


def test_textbook_power_of_simulated_pilots() -> None:
    """From worlds whose spread is known: two groups on a level with rho = .8, and a wedge."""
    arms = np.repeat([[1] * 3, [0] * 3], 15, axis=0).astype(bool)
    wedge = np.repeat([[0, 1, 1, 1], [0, 0, 1, 1], [0, 0, 0, 1]], 10, axis=0).astype(bool)
    sd = np.sqrt(0.5**2 + 1.0 / 3)
    for course, tau, rho, closed in (
        (arms, 0.5, 0.8, two_sample_power(0.5, sd, 15, 15, rho=0.8)),
        (wedge, 0.7, 0.8, wedge_power(wedge, 0.5, 1.0, 0.49)),
    ):
        panel = plain(38, 600, course, 0.5, 1.0, tau, rho)
        off = panel.outcome - 0.5 * panel.treated
        assert textbook_power(PilotReadings(panel, off + 0.5, off)) == pytest.approx(closed, abs=0.02)
    pairs = replace(panel, cluster=panel.cluster // 2)
    assert textbook_power(PilotReadings(pairs, off + 0.5, off)) is None


def test_published_bounds() -> None:
    assert boundary("obrien_fleming", even_times(3)) == pytest.approx([3.4711, 2.4544, 2.0040], abs=6e-5)
    assert boundary("pocock", even_times(5)) == pytest.approx(np.full(5, 2.413), abs=5e-4)
    assert boundary("spending", even_times(3)) == pytest.approx([3.7103, 2.5114, 1.9930], abs=6e-5)


def test_five_looks_at_the_naive_threshold() -> None:
    """.1417 by integration; and by another route, the multivariate normal distribution, for three looks."""
    naive = boundary("none", even_times(5))
    assert crossing(naive, even_times(5))[-1] == pytest.approx(0.1417, abs=5e-5)
    t = even_times(3)
    correlation = np.sqrt(np.minimum.outer(t, t) / np.maximum.outer(t, t))
    inside = multivariate_normal(cov=correlation).cdf([1.96] * 3, lower_limit=[-1.96] * 3)
    assert crossing(np.full(3, 1.96), t)[-1] == pytest.approx(1 - inside, abs=1e-5)


def test_one_look_has_the_power_of_the_normal_test() -> None:
    bound = boundary("pocock", even_times(1))
    truth = norm.sf(bound[0] - 2.8) + norm.cdf(-bound[0] - 2.8)
    assert crossing(bound, even_times(1), drift=2.8)[0] == pytest.approx(truth, abs=1e-10)


@pytest.mark.parametrize("kind", ["obrien_fleming", "pocock", "spending"])
def test_calibrated_bounds_are_the_tables_where_increments_are_independent(kind: str) -> None:
    """20,000 null paths: a bound crossed with chance q has a standard error of sqrt(q (1 - q) / R) / density."""
    times, r = even_times(3), 20_000
    steps = np.random.default_rng(34).normal(size=(r, 3)) / np.sqrt(3)
    z = np.cumsum(steps, axis=1) / np.sqrt(times)
    found = calibrated(kind, z, times)  # type: ignore[arg-type]
    table = boundary(kind, times)  # type: ignore[arg-type]
    assert crossing(found, times)[-1] == pytest.approx(0.05, abs=4 * np.sqrt(0.05 * 0.95 / r))
    assert found[-1] == pytest.approx(table[-1], abs=0.1)


def looks(seed: int, pilots: int) -> np.ndarray:
    """z at five looks at the same 24 partners, whose levels stay: increments are not independent."""
    course = np.repeat([[1] * 5, [0] * 5], 12, axis=0).astype(bool)
    panel = plain(seed, pilots, course, 0.0, 1.0, 1.0)
    return np.stack([ESTIMATORS["difference"].estimate(panel.until(k)).score() for k in range(1, 6)], axis=1)


def test_looks_at_the_same_partners_inflate_and_calibration_restores() -> None:
    times, own, fresh = even_times(5), looks(35, 2000), looks(36, 2000)
    naive = float((first_crossing(fresh, boundary("none", times)) < 5).mean())
    assert 0.05 + 4 * 0.005 < naive < 0.1417 - 4 * 0.0075  # fewer than tables say, as the looks are more alike
    for kind in ("obrien_fleming", "pocock", "spending"):
        bounds = calibrated(kind, own, times)  # type: ignore[arg-type]
        assert (first_crossing(own, bounds) < 5).mean() <= 0.05
        share = float((first_crossing(fresh, bounds) < 5).mean())
        assert abs(share - 0.05) < 4 * np.sqrt(2 * 0.05 * 0.95 / 2000)  # of the paths and of the bounds
    pocock = calibrated("pocock", own, times)[0]
    assert pocock < boundary("pocock", times)[0] - 0.1  # the table would give power away


@settings(max_examples=10, deadline=None)
@given(level=st.floats(0.005, 0.3), looks=st.integers(1, 5), drift=st.floats(0, 4))
def test_laws_of_bounds(level: float, looks: int, drift: float) -> None:
    times = even_times(looks)
    for kind in ("obrien_fleming", "pocock"):
        bounds = boundary(kind, times, level)  # type: ignore[arg-type]
        assert crossing(bounds, times)[-1] == pytest.approx(level, abs=1e-6)
        assert (np.diff(crossing(bounds, times, drift)) >= 0).all()
    assert spent(times, level)[-1] == pytest.approx(level)


def test_value_of_a_sample() -> None:
    """Normal prior N(2, 5^2) of what a rollout is worth over none, linear loss: perfect information is worth 1.152194,
    and the mean of 16 readings with sd 20 each, .630319 (unit normal loss, Raiffa and Schlaifer 1961)."""
    chance = np.random.default_rng(37)
    worth = 2.0 + 5.0 * chance.normal(size=6000)
    reading = worth + 20.0 / np.sqrt(16) * chance.normal(size=6000)
    values = np.column_stack([np.zeros(6000), worth])
    factors = [Factor("truth", (0,)), Factor("pilot", (1,))]
    perfect, sample = value_of_knowing(np.column_stack([worth, reading]), values, factors, 1)
    assert abs(perfect.worth.value - 1.152194) < 4 * perfect.worth.se
    assert abs(sample.worth.value - 0.630319) < 4 * sample.worth.se
    assert sample.worth.se < 0.06
