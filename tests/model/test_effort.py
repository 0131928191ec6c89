"""Effort against its closed form and against independent optimization of the partner's problem."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy import optimize

from simulator.behavior import effort
from tests.program.build import num, scalar

SHARES = (0.4, 0.35, 0.1, 0.15)
values = st.lists(st.floats(0.05, 20), min_size=4, max_size=4)


def chosen(
    value: list[float], usual: list[float], eps: float, capacity: float = 1e6, shares: tuple[float, ...] = SHARES
) -> np.ndarray:
    got = effort.target_activity(
        [num(v) for v in value], [num(u) for u in usual], num(eps), [num(s) for s in shares], num(capacity)
    )
    return np.array([scalar(q) for q in got])


def hours(q: np.ndarray, eps: float, shares: tuple[float, ...] = SHARES) -> float:
    return float(np.sum(np.array(shares) * q ** ((1 + eps) / eps)))


def test_at_elasticity_one_activity_is_the_ratio_of_values() -> None:
    assert chosen([3, 1, 0.5, 2], [2, 1, 1, 8], 1.0) == pytest.approx([1.5, 1, 0.5, 0.25])


def test_at_elasticity_a_half_it_is_the_root() -> None:
    assert chosen([4, 1, 0.25, 9], [1, 1, 1, 1], 0.5) == pytest.approx([2, 1, 0.5, 3])


@given(value=values, capacity=st.floats(1, 3))
def test_a_partner_that_does_not_respond_stays_at_one(value: list[float], capacity: float) -> None:
    assert chosen(value, [1, 2, 3, 4], 0.0, capacity).tolist() == [1, 1, 1, 1]


def test_what_is_worth_nothing_or_less_is_left() -> None:
    assert chosen([-3, 0, 1, 1], [1, 1, 1, 1], 0.7).tolist() == [0, 0, 1, 1]


@given(value=values, eps=st.floats(0.1, 3))
def test_usual_values_leave_activity_at_one_within_any_capacity(value: list[float], eps: float) -> None:
    assert chosen(value, value, eps, 1.0).tolist() == [1, 1, 1, 1]


@given(value=values, eps=st.floats(0.1, 3), capacity=st.floats(1, 5))
def test_capacity_binds_exactly_and_keeps_proportions(value: list[float], eps: float, capacity: float) -> None:
    free, held = chosen(value, [1] * 4, eps), chosen(value, [1] * 4, eps, capacity)
    if hours(free, eps) <= capacity * (1 - 1e-12):
        assert held.tolist() == free.tolist()
    elif hours(free, eps) > capacity * (1 + 1e-12):
        assert hours(held, eps) == pytest.approx(capacity, rel=1e-9)
        assert held / free == pytest.approx(np.full(4, held[0] / free[0]))


def test_capacity_by_hand() -> None:
    """eps = 1, values twice the usual: q = 2, 4 hours. Capacity 2.25: hours times .5625, q by its root, 1.5."""
    assert chosen([2] * 4, [1] * 4, 1.0, 2.25) == pytest.approx([1.5] * 4)


@settings(max_examples=15, deadline=None)
@given(
    ratio=st.lists(st.floats(0.3, 4), min_size=4, max_size=4), eps=st.floats(0.2, 2.5), capacity=st.floats(1, 4),
)  # fmt: skip
def test_the_choice_solves_the_partners_problem(ratio: list[float], eps: float, capacity: float) -> None:
    """Maximise sum V_a q_a - w sum h_a over hours with q_a = (h_a / h0_a)^gamma and sum h_a <= capacity.

    One wage w for all hours, so that baseline hours are best at V0 where gamma V0_a = w h0_a: V0 is proportional to
    the shares. Solved by SLSQP, and its value compared, which is what the partner cares about.
    """
    gamma, share, wage = eps / (1 + eps), np.array(SHARES), 1.0
    usual = wage * share / gamma
    value = usual * np.array(ratio)

    def loss(h: np.ndarray) -> float:
        return float(wage * h.sum() - value @ (h / share) ** gamma)

    solved = optimize.minimize(
        loss, share, jac=lambda h: wage - value * gamma / share * (h / share) ** (gamma - 1), method="SLSQP",
        bounds=[(1e-6, 500)] * 4, constraints={"type": "ineq", "fun": lambda h: capacity - h.sum(),
        "jac": lambda h: 0 * h - 1}, options={"ftol": 1e-13, "maxiter": 500},
    )  # fmt: skip
    q = chosen(value.tolist(), usual.tolist(), eps, capacity)
    own = share * q ** (1 / gamma)
    assert own.sum() <= capacity * (1 + 1e-9)
    assert loss(own) == pytest.approx(solved.fun, rel=1e-6, abs=1e-7)
    assert own == pytest.approx(solved.x, rel=5e-3, abs=5e-3)


def test_wholly_rivalrous_sourcing_adds_nothing_when_all_work_harder() -> None:
    """rho = 1 and everybody at 1.5: m = 1.5 / 1.5 = 1. One alone at 2 of two equal ones: 2 / 1.5 and 1 / 1.5."""
    weight, home = np.array([[1.0, 3.0, 2.0]]), np.zeros(3, dtype=np.int64)
    same = np.full((1, 3), 1.5)
    mean = effort.territory_means(weight, same, home, 1)
    assert effort.sourcing_multiple(np.ones((1, 3)), same, num(1), mean) == pytest.approx(1.0)
    two = np.array([[2.0, 1.0]])
    mean = effort.territory_means(np.ones((1, 2)), two, np.zeros(2, dtype=np.int64), 1)
    assert effort.sourcing_multiple(np.ones((1, 2)), two, num(1), mean)[0] == pytest.approx([4 / 3, 2 / 3])


@given(
    q=st.lists(st.floats(0.1, 5), min_size=4, max_size=4), weight=st.lists(st.floats(0.1, 9), min_size=4, max_size=4)
)
def test_rivals_share_a_fixed_total(q: list[float], weight: list[float]) -> None:
    """With rho = 1 the weighted total of a territory never changes; with rho = 0 each has its own multiple."""
    activity, rate = np.array([q]), np.array([weight])
    mean = effort.territory_means(rate, activity, np.zeros(4, dtype=np.int64), 1)
    rivals = effort.sourcing_multiple(np.ones((1, 4)), activity, num(1), mean)
    assert (rate * rivals).sum() == pytest.approx(rate.sum())
    assert effort.sourcing_multiple(np.ones((1, 4)), activity, num(0), mean)[0] == pytest.approx(q)


def test_territories_are_apart() -> None:
    """Weights 1 and 3 at 2 and 4 have mean 3.5; the other territory is alone at 5; one without partners is skipped."""
    got = effort.territory_means(
        np.array([[1.0, 1.0, 3.0]]), np.array([[2.0, 5.0, 4.0]]), np.array([0, 2, 0]), 3
    )  # fmt: skip
    assert got.tolist() == [[3.5, 5.0, 3.5]]


def test_intensity_pace_and_adjustment_by_hand() -> None:
    """Usual 4 open: 1 at 4 open, 2 at 2, 4 at none. Pace (2 * 13 + 4) / (1 * 13 + 4). A quarter of the way per week."""
    assert effort.intensity(np.ones(3), np.full(3, 4.0), np.array([4.0, 2.0, 0.0])).tolist() == [1, 2, 4]
    assert effort.pace(num(2), num(1), num(4), num(13)) == pytest.approx(num(30 / 17))
    assert effort.pace(num(1), num(1), num(4), num(13)).tolist() == [[1.0]]
    assert effort.adjust(num(1), num(3), num(4)).tolist() == [[1.5]]


@given(start=st.floats(0, 5), target=st.floats(0, 5), weeks=st.floats(1, 104))
def test_adjustment_approaches_its_target_from_one_side(start: float, target: float, weeks: float) -> None:
    """After n weeks the distance is (1 - 1/weeks)^n of what it was."""
    q = num(start)
    for _ in range(10):
        q = effort.adjust(q, num(target), num(weeks))
    assert scalar(q) - target == pytest.approx((start - target) * (1 - 1 / weeks) ** 10, abs=1e-9)
