"""Likelihoods against brute-force integration and closed forms."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.special import expit, gammaln, logit
from scipy.stats import norm, poisson

from simulator.calibration.deal_size import fit_sizes
from simulator.calibration.likelihood import hessian, log_integrals, lognormal_verdict
from simulator.calibration.remarks import figure
from simulator.calibration.sales_cycle import _log_likelihood, fit_cycle, offsets
from simulator.calibration.volume import fit_volume
from simulator.calibration.win_odds import Trials, fit_odds, log_likelihood, trials


def test_logistic_likelihood_is_the_integral_that_it_claims_to_be() -> None:
    wins, deals, linear, spread = [0.0, 3.0, 700.0], [2.0, 4.0, 800.0], np.array([-0.4, 0.3, 0.9]), 1.3
    owner = np.arange(3, dtype=np.intp)
    data = Trials(np.eye(3), np.array(wins), np.array(deals), owner, 3, ("a", "b", "c"), False)

    def by_quadrature(k: int) -> float:
        def inside(u: float) -> float:
            eta = linear[k] + spread * u
            level = wins[k] * eta - deals[k] * np.logaddexp(0, eta)
            return math.exp(level - tops[k] - u * u / 2) / math.sqrt(2 * math.pi)

        return tops[k] + math.log(quad(inside, -9, 9, points=[modes[k]], limit=500)[0])

    grid = np.linspace(-9, 9, 20001)
    levels = [
        w * (m + spread * grid) - n * np.logaddexp(0, m + spread * grid)
        for w, n, m in zip(wins, deals, linear, strict=True)
    ]
    tops = [float(level.max()) for level in levels]
    modes = [float(grid[np.argmax(level)]) for level in levels]
    expected = sum(by_quadrature(k) for k in range(3))
    assert log_likelihood(data, np.append(linear, spread)) == pytest.approx(expected, abs=1e-4)
    assert log_likelihood(data, np.append(linear, -spread)) == pytest.approx(expected, abs=1e-4)


def test_likelihood_without_partner_effects_is_the_binomial_one() -> None:
    data = Trials(
        np.ones((2, 1)),
        np.array([3.0, 1.0]),
        np.array([5.0, 4.0]),
        np.arange(2, dtype=np.intp),
        2,
        ("a",),
        False,
    )
    p = float(expit(0.2))
    expected = 4 * math.log(p) + 5 * math.log(1 - p)
    assert log_likelihood(data, np.array([0.2, 0.0])) == pytest.approx(expected, abs=1e-9)


def test_partners_with_the_same_record_do_not_differ() -> None:
    """The likelihood falls from between = 0 on: ratio 1, and half of the mixture lies at 0, so p = .5."""
    wins, deals = np.full(10, 5.0), np.full(10, 10.0)
    odds = fit_odds(Trials(np.ones((10, 1)), wins, deals, np.arange(10, dtype=np.intp), 10, ("a",), False))
    assert (odds.between.value, odds.between.se, odds.p_value) == (0.0, None, pytest.approx(0.5, abs=1e-3))
    assert odds.probability["a"].value == pytest.approx(0.5, abs=1e-4)
    assert odds.probability["a"].se == pytest.approx(math.sqrt(0.25 / 100), rel=1e-2)
    assert odds.upper is not None


def test_young_deals_are_not_taken_for_fast_or_lost_ones() -> None:
    """Deals aged up to 30 weeks, wins take 10 weeks, losses 4, a twelfth is never decided; half are won.

    Of the decided ones far fewer than half are won; the competing cycles and the offset of age undo that.
    """
    rng, n = np.random.default_rng(3), 8000
    won, age = rng.random(n) < 0.5, np.floor(210 * rng.random(n))
    days = np.where(won, 70, 28) * np.exp(0.7 * rng.normal(size=n))
    end = pd.Timestamp("2024-06-30")
    created = end - pd.to_timedelta(age, unit="D")
    closed = pd.Series(created + pd.to_timedelta(np.round(days), unit="D"))
    is_open = closed.gt(end) | (rng.random(n) < 1 / 12)
    rows = pd.DataFrame(
        {
            "created": created,
            "closed": closed.mask(is_open),
            "outcome": np.where(is_open, "open", np.where(won, "won", "lost")),
            "market": "m",
            "owner": np.arange(n) % 5,
        }
    )
    cycle = fit_cycle(rows, end=end)
    for found, truth in (
        (cycle.median["m"], 10.0),
        (cycle.log_sd["m"], 0.7),
        (cycle.lost_median["m"], 4.0),
        (cycle.stale["m"], 1 / 12),
    ):
        assert found.se is not None
        assert abs(found.value - truth) < 4 * found.se
        assert found.se < 0.2 * truth
    decided = rows[~is_open].assign(offset=offsets(rows[~is_open], cycle, end=end)).dropna(subset="offset")
    odds = fit_odds(trials(decided, medians={}, with_size=False)).probability["m"]
    naive = fit_odds(trials(decided.drop(columns="offset"), medians={}, with_size=False)).probability["m"]
    assert odds.se is not None
    assert abs(odds.value - 0.5) < 4 * odds.se
    assert naive.value < 0.5 - 4 * odds.se


def test_competing_likelihood_by_hand() -> None:
    """One win after 10 weeks, one loss after 5, one deal open at 20; cycles 8 and 4 weeks, p = .3, c = .1."""
    at = np.array([logit(0.3), math.log(8), math.log(0.5), math.log(4), math.log(0.6), logit(0.1)])
    win, loss = norm(math.log(8), 0.5), norm(math.log(4), 0.6)
    waiting = 0.3 * win.sf(math.log(20)) + 0.7 * loss.sf(math.log(20))
    expected = 0.9 * 0.3 * win.pdf(math.log(10)) * 0.9 * 0.7 * loss.pdf(math.log(5)) * (0.1 + 0.9 * waiting)
    found = _log_likelihood(at, *(np.log([x]) for x in (10.0, 5.0, 20.0)))
    # Without the factor 1 / sqrt(2 pi) of each decided deal.
    assert found == pytest.approx(math.log(expected) + math.log(2 * math.pi), abs=1e-12)


def test_poisson_integral() -> None:
    counts, centre, spread = np.array([0.0, 3.0, 400.0]), 1.0, 1.2

    def value(u: np.ndarray) -> np.ndarray:
        log_mean = centre + spread * u
        return np.asarray(counts[:, None] * log_mean - np.exp(log_mean) - gammaln(counts + 1)[:, None])

    def slope_and_curvature(u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        mean = np.exp(centre + spread * u)
        return spread * (counts - mean), spread**2 * mean

    found = log_integrals(value, slope_and_curvature, 3)
    for n, log_integral in zip(counts, found, strict=True):
        near = (math.log(max(n, 0.5)) - centre) / spread
        brute, _ = quad(
            lambda u, n=n: poisson.pmf(n, math.exp(centre + spread * u)) * norm.pdf(u),
            -9,
            9,
            points=[near],
            limit=500,
        )
        assert log_integral == pytest.approx(math.log(brute), abs=1e-4)


def test_balanced_sizes_have_a_closed_form() -> None:
    """G groups of m: sd_within^2 = SSW / (G (m - 1)), sd_between^2 = (SSB / G - sd_within^2) / m G / (G - 1)."""
    groups, m = 12, 30
    rng = np.random.default_rng(4)
    logs = 9 + 0.8 * rng.normal(size=(groups, 1)) + 1.2 * rng.normal(size=(groups, m))
    rows = pd.DataFrame(
        {
            "owner": np.repeat(np.arange(groups), m),
            "amount": np.exp(logs.ravel()),
            "market": "m",
            "product": "",
        }
    )
    means = logs.mean(axis=1)
    within = ((logs - means[:, None]) ** 2).sum() / (groups * (m - 1))
    between = (m * ((means - means.mean()) ** 2).sum() / groups - within) / m
    found = fit_sizes(rows)
    assert found.within["m"].value == pytest.approx(math.sqrt(within), rel=1e-4)
    assert found.between.value == pytest.approx(math.sqrt(between * groups / (groups - 1)), rel=1e-4)
    assert found.median["m"].value == pytest.approx(math.exp(means.mean()), rel=1e-4)
    # Balanced: the mean of the group means has variance (between + within / m) / G.
    error = math.sqrt((between + within / m) / groups)
    assert found.median["m"].se == pytest.approx(found.median["m"].value * error, rel=1e-2)


def test_hessian_of_a_quadratic_is_exact() -> None:
    curvature = np.array([[3.0, -1.0], [-1.0, 2.0]])
    found = hessian(lambda x: float(x @ curvature @ x) / 2, np.array([0.3, -2.0]), np.array([0.1, 0.2]))
    assert found == pytest.approx(curvature, abs=1e-9)


def test_exposure_by_hand() -> None:
    """Export of 104 weeks.

    steady: every 4 weeks until week 100: (100 / 104)^25 = .38, it goes on, 2 years of exposure.
    gone: five within 4 weeks, then silence: (4 / 104)^4 = 2e-6, so half a year, the minimum.
    slow: twice in week 40 to 60: 20 / 64 = .31, two in the first third of a reach prove nothing: 64 weeks.
    late: 2 in the last week.
    """
    day0 = pd.Timestamp("2022-01-03")
    weeks = {"gone": np.arange(5), "late": [103.5, 104.0], "slow": [40.0, 60.0], "steady": np.arange(0, 101, 4)}
    rows = pd.DataFrame(
        [{"owner": owner, "created": day0 + pd.Timedelta(weeks=float(w))} for owner, at in weeks.items() for w in at]
    )
    volume = fit_volume(rows, min_activity_weeks=26)
    assert volume.activity["weeks"].tolist() == pytest.approx([26, 0.5, 64, 104])
    assert volume.activity["active"].tolist() == [False, True, True, True]
    assert volume.mean_of_rates == pytest.approx((8 + 12.5 + 52 / 64) / 3)  # late has no rate of its own
    assert (volume.seen, volume.partners) == (4, 3)
    assert volume.recent == 12 + 2 + 1  # after week 52: 56, 60, ..., 100, the two late ones, and slow at 60


def test_verdicts() -> None:
    quantiles = norm.ppf((np.arange(2000) + 0.5) / 2000)
    assert str(lognormal_verdict(quantiles)) == "fits a lognormal (largest gap of the distribution functions 0.000)"
    two = lognormal_verdict(np.concatenate([quantiles * 0.3 - 2, quantiles * 0.3 + 2]))
    assert (two.fits, two.modes) == ("no", 2)
    # An exponential has mean 1 and sd 1; its largest gap from that normal is at 0: Phi(-1) = .159.
    skewed = lognormal_verdict(-np.log((np.arange(2000) + 0.5) / 2000))
    assert skewed.fits == "no"
    assert skewed.distance == pytest.approx(norm.cdf(-1), abs=0.005)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (0.123456, "0.1235"),
        (12.0, "12"),
        (999.96, "1000"),
        (1234567.0, "1,235,000"),
        (0.000012, "1.2e-05"),
    ],
)
def test_figures_have_four_digits(value: float, text: str) -> None:
    assert figure(value) == text
