"""Recognition as a tournament, against its closed form and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from simulator.behavior.contests import tournament_price
from simulator.core.arrays import ranks
from tests.program.build import num, scalar


@pytest.mark.parametrize(
    ("sd", "cost", "prize", "effort"),
    [(1.0, 1.0, 1.0, 0.282095), (2.0, 1.0, 3.0, 0.423142)],
)
def test_two_like_rivals_work_as_lazear_and_rosen_say(sd: float, cost: float, prize: float, effort: float) -> None:
    """e* = dW / (2 s sqrt(pi) c), the marginal price of effort over the slope of its cost."""
    price = scalar(tournament_price(num(prize), num(0.0), num(sd), num(sd)))
    assert price / cost == pytest.approx(effort, abs=5e-7)


def test_the_price_is_the_slope_of_the_odds_of_winning() -> None:
    own, cutoff, step = 3.0, 4.0, 1e-5
    chance = [norm.cdf((2.0 + x) / 5.0) for x in (-step, step)]
    price = scalar(tournament_price(num(100.0), num(2.0), num(own), num(cutoff)))
    assert price == pytest.approx(100.0 * (chance[1] - chance[0]) / (2 * step), rel=1e-8)


def test_ties_go_by_partner_number_and_outsiders_come_last() -> None:
    result = np.array([[5.0, 7.0, 7.0, 9.0, 7.0]])
    members = np.array([True, True, True, False, True])
    assert ranks(result, members).tolist() == [[3, 0, 1, 4, 2]]
