"""Indices through the tool's own path against published values; repeated small studies for the coverage."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from simulator.report.formats import NOT_DISTINGUISHABLE
from simulator.stats.sensitivity import first_order, sobol
from simulator.stats.sensitivity.factors import EstimateWithCI, factors_of
from simulator.studies.sensitivity.study import Sensitivity, sensitivity
from tests.sensitivity.analytic import (
    G_FIRST,
    G_TOTAL,
    ISHIGAMI_FIRST,
    ISHIGAMI_TOTAL,
    PATHS,
    answer,
    ishigami,
    scenario,
    sobol_g,
)

ISHIGAMI, EIGHT = scenario(3), scenario(8)
NAMES = tuple(path for path, _, _ in PATHS)


def covers(got: EstimateWithCI, truth: float) -> bool:
    return got.low <= truth <= got.high


def values(study: Sensitivity, name: str) -> list[float]:
    return [getattr(row, name).value for row in study.found["growth"]]


def test_ishigami_by_the_design(monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, ishigami)
    study = sensitivity(ISHIGAMI, method="sobol", points=1024, replications=2, seed=3)
    assert_allclose(values(study, "first"), ISHIGAMI_FIRST, atol=0.02)
    assert_allclose(values(study, "total"), ISHIGAMI_TOTAL, atol=0.02)
    table = study.table().set_index("input")
    assert table.loc[NAMES[2], "first_low"] <= 0 <= table.loc[NAMES[2], "first_high"]
    assert f"{NAMES[2]} alone {NOT_DISTINGUISHABLE}: " in study.headline()[0]


def test_ishigami_from_plain_replications(monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, ishigami)
    study = sensitivity(ISHIGAMI, replications=2048, seed=3)
    assert_allclose(values(study, "first"), ISHIGAMI_FIRST, atol=0.02)
    assert f"indistinguishable from 0: {NAMES[2]}" in study.headline()[0]
    assert "grade J" in study.headline()[1]


def test_sobol_g_by_both(monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, sobol_g)
    by_design = sensitivity(EIGHT, method="sobol", points=1024, replications=2, seed=5)
    assert_allclose(values(by_design, "first"), G_FIRST, atol=0.02)
    assert_allclose(values(by_design, "total"), G_TOTAL, atol=0.02)
    assert_allclose(values(sensitivity(EIGHT, replications=2048, seed=5), "first"), G_FIRST, atol=0.02)
    assert_allclose(G_FIRST[:4], [0.7162, 0.1790, 0.0237, 0.0072], atol=5e-5)


def test_luck_in_the_same_worlds_leaves_the_indices(monkeypatch: pytest.MonkeyPatch) -> None:
    """What worlds add to all programs drops out; what they add to every row alike does too. With luck of its own in
    every row and world the indices change, and the study says how much of the variance that is."""
    answer(monkeypatch, ishigami, shared=50.0)
    study = sensitivity(ISHIGAMI, method="sobol", points=512, replications=4, seed=3)
    assert_allclose(values(study, "total"), ISHIGAMI_TOTAL, atol=0.03)
    alone = sensitivity(ISHIGAMI, method="sobol", points=512, replications=4, seed=3, against=None)
    assert_allclose(values(alone, "total"), ISHIGAMI_TOTAL, atol=0.03)
    # Var of the function is 13.84; 4 worlds of luck with variance 13.84 leave a quarter of it, a fifth of the sum.
    answer(monkeypatch, ishigami, luck=3.72)
    noisy = sensitivity(ISHIGAMI, method="sobol", points=512, replications=4, seed=3)
    assert noisy.found["growth"][0].luck == pytest.approx(0.2, abs=0.02)
    assert values(noisy, "total")[2] > 0.3


def test_intervals_of_the_design_cover(monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, ishigami)
    repeats, inside = 150, np.zeros(6)
    for seed in range(repeats):
        rows = sensitivity(ISHIGAMI, method="sobol", points=128, replications=2, seed=seed).found["growth"]
        inside += [covers(r.first, t) for r, t in zip(rows, ISHIGAMI_FIRST, strict=True)] + [
            covers(r.total, t) for r, t in zip(rows, ISHIGAMI_TOTAL, strict=True)
        ]
    # Four standard errors of a share of .95 over all 900 intervals, taken as 150 independent ones.
    assert inside.mean() / repeats == pytest.approx(0.95, abs=4 * np.sqrt(0.95 * 0.05 / repeats))


def test_intervals_from_replications_cover() -> None:
    repeats, inside, alone = 200, np.zeros(3), factors_of("abc", {}, together=False)
    chance = np.random.default_rng(1)
    for _ in range(repeats):
        u = chance.random((400, 3))
        rows = first_order.first_order(u, ishigami(u) + 2.0 * chance.standard_normal(400), alone)
        share = 13.8446 / (13.8446 + 4.0)
        inside += [covers(r.first, share * t) for r, t in zip(rows, ISHIGAMI_FIRST, strict=True)]
    tolerance = 4 * np.sqrt(0.95 * 0.05 / repeats)
    assert (inside / repeats > 0.95 - tolerance).all()
    assert inside[0] / repeats == pytest.approx(0.95, abs=tolerance)


def test_indices_agree_with_scipy() -> None:
    """Another estimator on another design, to the error of both."""
    flat = [stats.uniform(), stats.uniform(), stats.uniform()]
    other = stats.sobol_indices(func=lambda x: ishigami(x.T), n=2048, dists=flat, rng=np.random.default_rng(1))
    factors = factors_of("abc", {}, together=True)
    rows = sobol.indices(ishigami(sobol.design(factors, 3, 2048, 1))[:, None], factors)
    assert_allclose([r.first.value for r in rows], other.first_order, atol=0.02)
    assert_allclose([r.total.value for r in rows], other.total_order, atol=0.02)


def test_a_group_moves_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the first and third input of Ishigami in one group, nothing interacts: .5576 and .4424 both alone."""
    answer(monkeypatch, ishigami)
    groups = {"pair": [NAMES[0], NAMES[2]]}
    study = sensitivity(ISHIGAMI, method="sobol", points=1024, replications=2, seed=3, groups=groups)
    got = {r.factor: (r.first.value, r.total.value) for r in study.found["growth"]}
    assert_allclose(got["pair"], [0.5576, 0.5576], atol=0.02)
    assert_allclose(got[NAMES[1]], [0.4424, 0.4424], atol=0.02)


def test_constant_outcomes_have_no_indices(monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, lambda u: np.ones(len(u)))
    for method in ("given", "sobol", "tornado"):
        study = sensitivity(ISHIGAMI, method=method, replications=60 if method == "given" else 4, seed=1)
        assert study.mattering("growth") == []
        assert "nan" not in study.to_json().lower()
