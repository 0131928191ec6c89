"""Value of information against closed forms.

Two actions, worth 0 and theta ~ N(mu, s^2). Choosing now gives max(mu, 0); knowing theta gives
E[max(theta, 0)] = mu Phi(mu / s) + s phi(mu / s). With theta = mu + b1 z1 + b2 z2, z standard normal and independent,
knowing z1 leaves E[theta | z1] ~ N(mu, b1^2): the same form with s = b1; knowing both has s^2 = b1^2 + b2^2.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from simulator.stats.sensitivity.factors import factors_of
from simulator.stats.sensitivity.value_of_information import value_of_knowing
from simulator.studies.value_of_information import EVERYTHING, value_of_information
from tests.sensitivity.analytic import PATHS, answer, scenario

FACTORS = factors_of(("z1", "z2", "idle"), {"both": ("z1", "z2")}, together=False)
NAMES = tuple(path for path, _, _ in PATHS)


def closed(mu: float, s: float) -> float:
    return float(mu * norm.cdf(mu / s) + s * norm.pdf(mu / s) - max(mu, 0.0))


TRUTH = (closed(2, 4), closed(2, 3), 0.0, closed(2, 5))


def drawn(seed: int, n: int, noise: float) -> tuple[np.ndarray, np.ndarray]:
    """Inputs, and values of two programs that share luck of 20 and differ by 2 + 4 z1 + 3 z2 and luck of `noise`."""
    chance = np.random.default_rng(seed)
    z, shared = chance.standard_normal((n, 3)), 20.0 * chance.standard_normal(n)
    gap = 2.0 + z @ [4.0, 3.0, 0.0] + noise * chance.standard_normal(n)
    return z, np.column_stack([shared, shared + gap])


def test_closed_form_is_the_published_one() -> None:
    assert closed(2, 5) == pytest.approx(1.152194, abs=5e-7)


@pytest.mark.parametrize("noise", [0.0, 10.0])
def test_linear_normal_case(noise: float) -> None:
    got = value_of_knowing(*drawn(7, 4000, noise), FACTORS, 1)
    for row, truth in zip(got, TRUTH, strict=True):
        assert abs(row.worth.value - truth) < 4 * row.worth.se + 1e-9
    assert not got[2].worth.distinguishable
    assert got[3].worth.se < 0.12


def test_luck_is_not_counted_as_knowledge() -> None:
    """The maximum of single replications would be worth E[max(N(2, 5^2 + 10^2), 0)] - 2 = 3.5, thrice the truth."""
    z, values = drawn(7, 4000, 10.0)
    naive = values.max(axis=1).mean() - values.mean(axis=0).max()
    assert naive > 3.0
    (everything,) = value_of_knowing(z, values, FACTORS[3:], 1)
    assert everything.worth.high < 1.7


def test_intervals_cover_and_idle_inputs_are_worth_nothing() -> None:
    """At 300 noisy replications estimates are skewed, so a little less than 95 % is covered: measured .92."""
    repeats, inside, idle = 40, 0, 0
    for seed in range(repeats):
        z1, _, nothing, both = value_of_knowing(*drawn(seed, 300, 10.0), FACTORS, seed)
        inside += (z1.worth.low <= TRUTH[0] <= z1.worth.high) + (both.worth.low <= TRUTH[3] <= both.worth.high)
        idle += nothing.worth.distinguishable
    assert inside / (2 * repeats) > 0.92 - 4 * np.sqrt(0.92 * 0.08 / repeats / 2)
    assert idle <= 4


def test_study_against_the_closed_form(monkeypatch: pytest.MonkeyPatch) -> None:
    """In millions, growth less baseline is -.1 + z1 x .3 + luck .5, z1 the normal score of the elasticity's rank."""
    answer(monkeypatch, lambda u: -0.1 + 0.3 * norm.ppf(u[:, 0]), luck=0.5, shared=3.0)
    study = value_of_information(scenario(3), replications=3000, seed=2, groups={"rest": NAMES[1:3]})
    truth = 1e6 * closed(-0.1, 0.3)
    table = study.table().set_index("input")
    assert study.perfect.factor == EVERYTHING
    assert study.best == "baseline"
    for name in (EVERYTHING, NAMES[0]):
        assert abs(table.loc[name, "worth"] - truth) < 4 * table.loc[name, "worth_se"]
    assert not table.loc["rest", "distinguishable"]
    assert f"To learn first: {NAMES[0]} [J]" in study.headline()[2]
    assert "To learn first" in study._repr_html_()
