"""The surrogate: what it must reproduce exactly, and its leave-one-out error against leaving points out."""

from __future__ import annotations

import numpy as np
import pytest

import simulator.stats.surrogate as surrogate_module
from simulator.stats.surrogate import fit_surrogate

POINTS = np.random.default_rng(1).uniform(size=(20, 2))


def test_a_plane_is_reproduced_everywhere() -> None:
    got = fit_surrogate(POINTS, 3.0 + POINTS @ np.array([2.0, -5.0]))
    x = np.random.default_rng(2).uniform(size=(50, 2))
    assert got(x) == pytest.approx(3.0 + x @ np.array([2.0, -5.0]), abs=1e-6)
    assert got.error < 1e-6


def test_a_smooth_function_is_met_at_its_points_and_nearly_between() -> None:
    def f(x: np.ndarray) -> np.ndarray:
        return 1e6 * np.sin(3 * x[:, 0]) * (1 - x[:, 1] ** 2)

    points = np.random.default_rng(3).uniform(size=(60, 2))
    got = fit_surrogate(points, f(points))
    assert got(points) == pytest.approx(f(points), abs=1e4)
    inside = np.random.default_rng(4).uniform(0.15, 0.85, size=(50, 2))
    assert got(inside) == pytest.approx(f(inside), abs=5e4)


def test_error_is_that_of_leaving_points_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surrogate_module, "_SMOOTHING", (1e-2,))
    values = np.random.default_rng(5).normal(size=20)
    # The smoothing is relative to the spread, so the same one must be asked for without the point.
    size = np.std(values)
    missed = []
    for k in range(20):
        rest = np.arange(20) != k
        monkeypatch.setattr(surrogate_module, "_SMOOTHING", (1e-2,))
        missed.append(values[k] - fit_surrogate(POINTS[rest], values[rest])(POINTS[[k]])[0])
    assert fit_surrogate(POINTS, values).error == pytest.approx(np.sqrt(np.mean(np.square(missed))), rel=1e-6)
    assert size > 0


def test_noise_is_smoothed() -> None:
    x = np.linspace(0, 1, 40)[:, None]
    noise = np.random.default_rng(6).normal(size=40)
    got = fit_surrogate(x, noise)
    assert np.std(got(x)) < 0.7 * np.std(noise)
