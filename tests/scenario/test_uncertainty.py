"""Quantiles of uncertain numbers against closed forms, and their supports."""

import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, strategies as st

from simulator.core.arrays import Array
from simulator.scenario.schema import Uncertain
from simulator.scenario.uncertainty import parameter_faults, quantile, support

U = np.array([0.001, 0.05, 0.2, 0.25, 0.5, 0.75, 0.9, 0.999])
FREE = (-math.inf, math.inf)


def uncertain(distribution: str, **parameters: object) -> Uncertain:
    return Uncertain.model_validate({"distribution": distribution, **parameters})


EVERY = {
    "uniform": uncertain("uniform", low=2.0, high=6.0),
    "triangular": uncertain("triangular", low=1.0, mode=2.0, high=5.0),
    "pert": uncertain("pert", low=1.0, mode=2.0, high=5.0),
    "normal": uncertain("normal", mean=3.0, sd=0.5),
    "lognormal": uncertain("lognormal", median=3.0, log_sd=0.5),
    "beta": uncertain("beta", a=2.0, b=3.0, low=1.0, high=5.0),
    "discrete": uncertain("discrete", values=[1.0, 2.0, 5.0], weights=[1.0, 2.0, 1.0]),
    "empirical": uncertain("empirical", values=[5.0, 1.0, 2.0, 2.0]),
}


def _triangular(u: float, low: float, mode: float, high: float) -> float:
    """Inverse of F = (x-l)^2/((h-l)(m-l)) below the mode and 1 - (h-x)^2/((h-l)(h-m)) above."""
    if u < (mode - low) / (high - low):
        return low + math.sqrt(u * (high - low) * (mode - low))
    return high - math.sqrt((1 - u) * (high - low) * (high - mode))


CLOSED_FORMS = [
    (EVERY["uniform"], lambda u: 2 + 4 * u),
    (EVERY["triangular"], lambda u: _triangular(u, 1, 2, 5)),
    (uncertain("triangular", low=0.0, mode=0.0, high=2.0), lambda u: _triangular(u, 0, 0, 2)),
    # With the mode at an end a PERT is beta(1, 5) or beta(5, 1), whose distribution functions are powers.
    (uncertain("pert", low=2.0, mode=2.0, high=4.0), lambda u: 2 + 2 * (1 - (1 - u) ** 0.2)),
    (uncertain("pert", low=2.0, mode=4.0, high=4.0), lambda u: 2 + 2 * u**0.2),
    (EVERY["normal"], lambda u: 3 + 0.5 * NormalDist().inv_cdf(u)),
    (EVERY["lognormal"], lambda u: 3 * math.exp(0.5 * NormalDist().inv_cdf(u))),
    (uncertain("beta", a=2.0, b=1.0, low=0.0, high=3.0), lambda u: 3 * math.sqrt(u)),
    (uncertain("beta", a=1.0, b=3.0, low=-1.0, high=1.0), lambda u: -1 + 2 * (1 - (1 - u) ** (1 / 3))),
    (EVERY["discrete"], lambda u: 1.0 if u < 0.25 else 2.0 if u < 0.75 else 5.0),
    (uncertain("discrete", values=[0.0, 1.0]), lambda u: float(u >= 0.5)),
    # Straight lines through 1, 2, 2, 5 at 1/8, 3/8, 5/8, 7/8, flat outside.
    (EVERY["empirical"], lambda u: float(np.interp(u, [0.125, 0.375, 0.625, 0.875], [1, 2, 2, 5]))),
]


@pytest.mark.parametrize(("distribution", "inverse"), CLOSED_FORMS)
def test_quantiles_meet_closed_forms(distribution: Uncertain, inverse: object) -> None:
    expected = [inverse(float(u)) for u in U]  # type: ignore[operator]
    np.testing.assert_allclose(quantile(distribution, U, *FREE), expected, rtol=1e-9)


def test_a_pert_has_its_mean() -> None:
    """(low + 4 mode + high) / 6, by averaging the quantile over the midpoints of 10,000 equal parts."""
    u = (np.arange(10_000) + 0.5) / 10_000
    assert quantile(EVERY["pert"], u, *FREE).mean() == pytest.approx((1 + 4 * 2 + 5) / 6, abs=1e-4)


def test_an_empirical_distribution_has_the_mean_of_its_sample() -> None:
    u = (np.arange(8_000) + 0.5) / 8_000
    assert quantile(EVERY["empirical"], u, *FREE).mean() == pytest.approx(2.5, abs=1e-6)


@pytest.mark.parametrize("distribution", EVERY.values(), ids=EVERY.keys())
def test_quantiles_rise_keep_their_shape_and_stay_in_the_support(distribution: Uncertain) -> None:
    u = np.linspace(0, 1, 101)
    values = quantile(distribution, u, *FREE)
    assert values.shape == u.shape
    assert np.isfinite(values).all()
    assert (np.diff(values) >= 0).all()
    assert len(set(values.tolist())) > 2
    assert support(distribution, *FREE) == (values[0], values[-1])


@pytest.mark.parametrize("distribution", EVERY.values(), ids=EVERY.keys())
def test_draws_are_clipped_to_the_bounds_of_the_number(distribution: Uncertain) -> None:
    free, clipped = quantile(distribution, U, *FREE), quantile(distribution, U, 1.9, 3.1)
    assert clipped.min() >= 1.9
    assert clipped.max() <= 3.1
    np.testing.assert_array_equal(clipped, np.clip(free, 1.9, 3.1))
    assert (clipped != free).any()


def test_normal_and_lognormal_end_at_five_standard_deviations() -> None:
    assert support(EVERY["normal"], *FREE) == (0.5, 5.5)
    assert support(EVERY["lognormal"], *FREE) == pytest.approx((3 * math.exp(-2.5), 3 * math.exp(2.5)))


def test_a_value_without_weight_is_never_drawn() -> None:
    values = uncertain("discrete", values=[1.0, 2.0, 3.0], weights=[0.0, 1.0, 0.0])
    assert quantile(values, np.array([0.0, 0.5, 1.0]), *FREE).tolist() == [2.0, 2.0, 2.0]


@given(st.lists(st.floats(0.01, 10), min_size=1, max_size=6), st.integers(0, 2**32 - 1))
def test_a_discrete_draw_is_the_value_whose_share_of_the_weights_holds_u(weights: list[float], word: int) -> None:
    u = (word + 0.5) / 2**32
    values = [float(k) for k in range(len(weights))]
    drawn = float(quantile(uncertain("discrete", values=values, weights=weights), np.array([u]), *FREE)[0])
    shares: Array = np.concatenate([[0.0], np.cumsum(weights) / np.sum(weights)])
    assert shares[int(drawn)] - 1e-12 <= u <= shares[int(drawn) + 1] + 1e-12


FAULTS = [
    (uncertain("uniform", low=1.0), [("high", "is required by a uniform distribution")]),
    (uncertain("normal"), [(name, "is required by a normal distribution") for name in ("mean", "sd")]),
    (uncertain("discrete"), [("values", "is required by a discrete distribution")]),
    (uncertain("uniform", low=2.0, high=1.0), [("high", "must be above low, which is 2")]),
    (uncertain("uniform", low=1.0, high=1.0), [("high", "must be above low, which is 1")]),
    (
        uncertain("triangular", low=0.0, mode=3.0, high=1.0, mean=1.0),
        [("mean", "is no parameter of a triangular distribution, which has low, mode, high"),
         ("mode", "must be between low, which is 0, and high, which is 1")],
    ),
    (uncertain("discrete", values=[2.0, 1.0]), [("values", "must rise from one to the next")]),
    (
        uncertain("discrete", values=[1.0, 2.0], weights=[1.0]),
        [("weights", "must be as many as the values, which are 2")],
    ),
    (
        uncertain("discrete", values=[1.0, 2.0], weights=[1.0, -1.0]),
        [("weights", "must be at least 0 and not all 0")],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("distribution", "faults"), FAULTS)
def test_faulty_parameters_are_named(distribution: Uncertain, faults: list[tuple[str, str]]) -> None:
    assert list(parameter_faults(distribution)) == faults


@pytest.mark.parametrize("distribution", EVERY.values(), ids=EVERY.keys())
def test_complete_parameters_have_no_fault(distribution: Uncertain) -> None:
    assert list(parameter_faults(distribution)) == []
