"""The second moment of a payout against quadrature and closed forms."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from simulator.program.schedule import Schedule, expected_payout, expected_square
from tests.program.build import num, paid, scalar, schedule

CASES = {
    "linear": schedule(0.05, []),
    "accelerator": schedule(0.05, [(100.0, 0.03, 0.0)]),
    "bonus": schedule(0.0, [(100.0, 0.0, 5.0)]),
    "two lumps": schedule(0.01, [(90.0, 0.0, 2.0), (120.0, 0.02, 3.0)]),
    "capped": schedule(0.10, [(150.0, 0.02, 0.0)], cap=12.0),
    "floor and cap": schedule(0.10, [(80.0, 0.05, 1.0)], floor=6.0, cap=14.0),
    "retroactive": schedule(0.05, [(100.0, 0.03, 0.0)], retroactive=True),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(("mean", "sd"), [(100.0, 20.0), (80.0, 15.0), (130.0, 5.0)])
def test_the_second_moment_is_the_integral(name: str, mean: float, sd: float) -> None:
    pay: Schedule = CASES[name]
    edges = sorted({mean - 9 * sd, mean + 9 * sd, *(scalar(k.at) for k in pay.smooth().knots)})
    total = sum(
        quad(lambda x: paid(pay, x) ** 2 * norm.pdf(x, mean, sd), a, b, epsabs=1e-13, epsrel=1e-12)[0]
        for a, b in pairwise(edges)
        if b > mean - 9 * sd and a < mean + 9 * sd
    )
    got = scalar(expected_square(pay.smooth(), num(mean), num(sd)))
    assert got == pytest.approx(total, rel=1e-9, abs=1e-12)


def test_linear_pay_has_the_variance_of_the_result_and_a_lump_that_of_a_coin() -> None:
    share, lump = CASES["linear"], CASES["bonus"]
    mean, sd = num(95.0), num(10.0)
    variance = expected_square(share, mean, sd) - expected_payout(share, mean, sd) ** 2
    assert scalar(variance) == pytest.approx((0.05 * 10.0) ** 2, rel=1e-12)
    p = norm.cdf(-0.5)
    variance = expected_square(lump, mean, sd) - expected_payout(lump, mean, sd) ** 2
    assert scalar(variance) == pytest.approx(25.0 * p * (1 - p), rel=1e-12)


def test_it_broadcasts_over_replications_and_partners() -> None:
    pay = schedule(0.05, [(100.0, 0.03, 0.0)])
    mean = np.array([[80.0, 100.0, 120.0]])
    sd = np.array([[15.0], [20.0]])
    got = expected_square(pay, mean, sd)
    assert got.shape == (2, 3)
    assert got[1, 2] == scalar(expected_square(pay, num(120.0), num(20.0)))
