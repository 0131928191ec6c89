"""Estimators against statsmodels, by hand, and by laws that any of them must obey."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings, strategies as st
from scipy import stats
from scipy.optimize import minimize

from simulator.pilots.estimators import ESTIMATORS, violated_assumptions
from simulator.pilots.estimators.regression import components, outcomes
from simulator.pilots.estimators.relabelling import _weights
from simulator.pilots.panel import PilotPanel
from tests.pilots.panels import normal_panel

PANEL = normal_panel(3, 3, 8, 3, effect=0.5, dropout=0.2)
WEDGE = normal_panel(4, 3, 12, 2, effect=0.5, design="wedge", dropout=0.2)


def cells(panel: PilotPanel, r: int) -> tuple[np.ndarray, ...]:
    """Outcome, treatment, period, partner, cluster of the cells that were observed."""
    partner, period = np.nonzero(panel.observed[r])
    seen = (partner, period)
    return panel.outcome[r][seen], panel.treated[r][seen].astype(float), period, partner, panel.cluster[r][partner]


def test_difference_is_the_test_of_welch() -> None:
    y, treated, used = outcomes(PANEL)
    found = ESTIMATORS["difference"].estimate(PANEL)
    for r in range(3):
        one, other = y[r][used[r] & treated[r]], y[r][used[r] & ~treated[r]]
        welch = stats.ttest_ind(one, other, equal_var=False)
        assert found.effect[r] == pytest.approx(one.mean() - other.mean())
        assert found.z()[r] == pytest.approx(welch.statistic)


def test_pairs_are_the_paired_t_test() -> None:
    panel = normal_panel(5, 2, 10, effect=0.5, pairs=True)
    y, treated, _ = outcomes(panel)
    found = ESTIMATORS["difference"].estimate(panel)
    for r in range(2):
        paired = stats.ttest_rel(y[r][treated[r]], y[r][~treated[r]])
        assert (found.z()[r], found.degrees[r]) == pytest.approx((paired.statistic, 4.0))
        assert found.p_value()[r] == pytest.approx(paired.pvalue)
        interval = paired.confidence_interval(0.9)
        assert (found.limits(0.9)[0][r], found.limits(0.9)[1][r]) == pytest.approx((interval.low, interval.high))


def test_regression_on_the_level_before_has_the_errors_of_statsmodels() -> None:
    y, treated, used = outcomes(PANEL)
    found = ESTIMATORS["cuped"].estimate(PANEL)
    for r in range(3):
        x = np.column_stack([treated[r], PANEL.before[r].mean(axis=1), np.ones(len(y[r]))])[used[r]]
        fit = sm.OLS(y[r][used[r]], x.astype(float)).fit(cov_type="HC2")
        assert (found.effect[r], found.se[r]) == pytest.approx((fit.params[0], fit.bse[0]))


def by_definition(y: np.ndarray, x: np.ndarray, cluster: np.ndarray) -> tuple[float, float, float]:
    """Coefficient, CR2 error and Satterthwaite's degrees of freedom from the full matrices; x in full."""
    b = np.linalg.pinv(x.T @ x)
    hat, n = x @ b @ x.T, len(y)
    v = np.zeros((n, len(np.unique(cluster))))
    for column, g in enumerate(np.unique(cluster)):
        rows = np.flatnonzero(cluster == g)
        values, design = np.linalg.eigh(np.eye(len(rows)) - hat[np.ix_(rows, rows)])
        v[rows, column] = (design / np.sqrt(values)) @ design.T @ x[rows] @ b[:, 0]
    m = v.T @ (np.eye(n) - hat) @ v
    return (
        float(b[0] @ x.T @ y),
        float(np.sqrt(np.sum((v.T @ (y - hat @ y)) ** 2))),
        float(np.trace(m) ** 2 / np.sum(m**2)),
    )


@pytest.mark.parametrize("strata", [1, 2])
def test_cluster_robust_errors_by_their_definition(strata: int) -> None:
    panel = replace(PANEL, stratum=PANEL.cluster % strata)
    y, treated, used = outcomes(panel)
    found = ESTIMATORS["cluster"].estimate(panel)
    for r in range(3):
        dummies = (panel.stratum[r][:, None] == np.arange(strata)).astype(float)
        x = np.column_stack([treated[r], panel.before[r].mean(axis=1), dummies])[used[r]]
        truth = by_definition(y[r][used[r]], x, panel.cluster[r][used[r]])
        assert (found.effect[r], found.se[r], found.degrees[r]) == pytest.approx(truth)


def test_stepped_wedge_is_generalised_least_squares() -> None:
    """With the components that it found itself, statsmodels' GLS with the whole covariance gives the same effect."""
    sigma2, tau2 = components(WEDGE)
    found = ESTIMATORS["stepped_wedge"].estimate(WEDGE)
    for r in range(3):
        y, d, period, partner, _ = cells(WEDGE, r)
        x = np.column_stack([d, period[:, None] == np.arange(4)])
        covariance = tau2[r] * (partner[:, None] == partner) + sigma2[r] * np.eye(len(y))
        assert found.effect[r] == pytest.approx(sm.GLS(y, x, sigma=covariance).fit().params[0])


def test_switchback_compares_within_partners_and_periods() -> None:
    panel = normal_panel(6, 2, 12, effect=0.5, periods=3, design="switchback", dropout=0.1)
    one = replace(panel, treated=panel.treated[..., [0, 2, 0]])  # blocks of one period: all are used
    found = ESTIMATORS["switchback"].estimate(one)
    for r in range(2):
        y, d, period, partner, _ = cells(one, r)
        x = np.column_stack([d, period[:, None] == np.arange(3), partner[:, None] == np.unique(partner)[1:]])
        fit = sm.OLS(y, x.astype(float)).fit()
        assert found.effect[r] == pytest.approx(fit.params[0])


def test_randomisation_inverts_itself_and_agrees_with_all_labellings() -> None:
    """Eight partners, four treated: 70 labellings; the p value is that of full enumeration, within its own error."""
    panel = normal_panel(8, 1, 8, before=0, effect=1.0)
    found = ESTIMATORS["randomisation"].estimate(panel)
    y = panel.outcome.mean(axis=2)[0]
    drawn = [y[list(c)].sum() * 2 - y.sum() for c in combinations(range(8), 4)]
    own = abs(y[panel.treated[0, :, 0]].sum() * 2 - y.sum())
    exact = np.mean(np.abs(drawn) >= own - 1e-9)
    assert abs(found.p_value()[0] - exact) < 4 * np.sqrt(exact * (1 - exact) / 499) + 0.002
    low, high = found.limits(0.9)
    inside, outside = low[0] + 1e-6, low[0] - 1e-6
    assert found.p_value(inside)[0] > 0.1 >= found.p_value(outside)[0]
    assert found.p_value(high[0] - 1e-6)[0] > 0.1 >= found.p_value(high[0] + 1e-6)[0]


def test_mixed_model_of_a_balanced_panel_is_the_t_test_of_means() -> None:
    """Restricted maximum likelihood of a balanced panel, where its components are not 0: the pooled t test on what was
    assigned as one (Laird and Ware 1982; closed form of the analysis of variance)."""
    for each, seed in ((1, 2), (3, 5)):
        panel = normal_panel(seed, 2, 10, each, before=0, effect=0.5, shared=1.5)
        found = ESTIMATORS["mixed"].estimate(panel)
        means = panel.outcome.mean(axis=2).reshape(2, 10, each).mean(axis=2)
        on = panel.treated[:, ::each, 0]
        for r in range(2):
            t = stats.ttest_ind(means[r][on[r]], means[r][~on[r]])
            assert found.z()[r] == pytest.approx(t.statistic, rel=1e-3)
            assert found.p_value()[r] == pytest.approx(t.pvalue, rel=2e-3)


def test_weights_of_a_synthetic_control_are_the_least_squares_ones() -> None:
    """Against a general solver, on the same least squares."""
    panel = normal_panel(1, 1, 9, before=4)
    past = panel.before - panel.before.mean(axis=2, keepdims=True)
    zeta2 = np.mean(np.diff(past[0], axis=1) ** 2)
    found = _weights(past, np.ones((1, 9), dtype=bool), ~np.eye(9, dtype=bool)[None])
    for i in range(3):
        others = np.delete(past[0], i, axis=0)

        def loss(w: np.ndarray, i: int = i, others: np.ndarray = others) -> float:
            return float(np.sum((past[0, i] - w @ others) ** 2) + zeta2 * 4 * w @ w)

        whole = {"type": "eq", "fun": lambda w: w.sum() - 1.0}
        best = minimize(loss, np.full(8, 1 / 8), bounds=[(0, 1)] * 8, constraints=whole, options={"ftol": 1e-14})
        assert np.delete(found[0, i], i) == pytest.approx(best.x, abs=1e-5)
        assert found[0, i, i] == 0.0


def test_synthetic_control_follows_partners_that_moved_alike() -> None:
    """Six of twelve rise and fall together, and fall by 4 after launch; two of them are on the candidate, which adds 1.
    Of the ten others four follow the wave, so that differences in differences are low by 4 - 4 x 4 / 10 = 2.4."""
    wave = np.array([0.0, 4.0, -4.0, 4.0, -4.0, 4.0, -4.0, -4.0])
    y = np.arange(12)[:, None] + np.where(np.arange(12)[:, None] < 6, wave, 0.0)
    on, there = np.repeat(np.arange(12)[:, None] < 2, 2, axis=1), np.ones((1, 12, 2), dtype=bool)
    singly = np.arange(12)[None]
    panel = PilotPanel(y[None, :, 6:] + on, y[None, :, :6], on[None], there, singly, 0 * singly)
    naive, found = (ESTIMATORS[name].estimate(panel).effect[0] for name in ("did", "synthetic"))
    base = wave[:6].mean()
    assert naive == pytest.approx(1.0 + (wave[6:].mean() - base) * 0.6)
    assert abs(found - 1.0) < 0.5 * abs(naive - 1.0)


def test_labels_are_drawn_within_strata() -> None:
    """Four pairs and an effect beyond doubt: only the labels in force and their mirror image of 2^4 are as far out."""
    found = ESTIMATORS["randomisation"].estimate(normal_panel(9, 3, 8, before=0, pairs=True, effect=50.0))
    assert np.abs(found.p_value() - 2 / 16).max() < 4 * np.sqrt(1 / 8 * 7 / 8 / 499) + 0.002


def test_components_of_variance_are_found() -> None:
    """Partners' levels and noise have variance 1 each."""
    panel = normal_panel(10, 200, 40, shared=0.0, design="wedge", effect=0.3, dropout=0.2)
    for found in components(panel):
        assert abs(found.mean() - 1.0) < 4 * found.std() / np.sqrt(200) + 0.05  # some is lost to what was fitted


def fitting(name: str) -> list[str]:
    """Designs that an estimator is made for."""
    crossing = ESTIMATORS[name].crossing
    return [
        *(["parallel"] if crossing is not True else []),
        *(["wedge", "switchback"] if crossing is not False else []),
    ]


def obeys_the_laws(name: str, panel: PilotPanel, order: np.ndarray, shift: float, scale: float, added: float) -> None:
    """Names of partners and clusters mean nothing; what was not observed is not used, nor who takes no part; units and
    effects carry over."""
    estimate, found = ESTIMATORS[name].estimate, ESTIMATORS[name].estimate(panel)
    relabelled = PilotPanel(*(np.asarray(part)[:, order] for part in vars(panel).values()))
    relabelled = replace(relabelled, cluster=(7 - 3 * relabelled.cluster) % 101)
    hidden = replace(panel, outcome=np.where(panel.observed, panel.outcome, np.nan))
    idle = PilotPanel(*(np.concatenate([part, part[:, :3]], axis=1) for part in vars(panel).values()))
    there = np.arange(len(order) + 3) < len(order)
    idle = replace(idle, treated=idle.treated & there[:, None], observed=idle.observed & there[:, None])
    idle = replace(idle, cluster=np.where(there, idle.cluster, 200 + np.arange(len(there))))
    moved = replace(panel, outcome=shift + scale * panel.outcome, before=shift + scale * panel.before)
    lifted = replace(panel, outcome=panel.outcome + added * panel.treated)
    for other, effect, unit in (
        (relabelled, found.effect, 1.0),
        (hidden, found.effect, 1.0),
        (idle, found.effect, 1.0),
        (moved, scale * found.effect, scale),
        (lifted, found.effect + added, 1.0),
    ):
        aa_pilots, close = estimate(other), 1e-4 if name == "mixed" else 1e-6  # its optimiser stops somewhere
        assert aa_pilots.effect == pytest.approx(effect, rel=close, abs=close)
        assert aa_pilots.se == pytest.approx(unit * found.se, rel=close, abs=close)
        assert aa_pilots.limits()[0] == pytest.approx(
            effect - unit * (found.effect - found.limits()[0]), rel=close, abs=close
        )


@pytest.mark.parametrize("name", [name for name in ESTIMATORS if name != "mixed"])
@settings(max_examples=8, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    data=st.data(),
    shift=st.floats(-50, 50),
    scale=st.floats(0.1, 20),
    added=st.floats(-5, 5),
)
def test_laws(name: str, seed: int, data: st.DataObject, shift: float, scale: float, added: float) -> None:
    design = data.draw(st.sampled_from(fitting(name)))
    panel = normal_panel(seed, 2, 12, 2, effect=0.3, before=4, design=design, dropout=0.1)  # type: ignore[arg-type]
    obeys_the_laws(name, panel, np.random.default_rng(seed).permutation(24), shift, scale, added)


def test_the_mixed_model_obeys_them_too() -> None:
    obeys_the_laws("mixed", normal_panel(1, 1, 10, dropout=0.1), np.arange(10)[::-1], 20.0, 3.0, 2.0)


def test_a_panel_that_shows_no_contrast_has_no_effect() -> None:
    for name, estimator in ESTIMATORS.items():
        if estimator.compared:
            found = estimator.estimate(replace(PANEL, treated=np.ones_like(PANEL.treated)))
            assert np.isnan(found.effect).all(), name
            assert not found.rejects().any()


def test_each_says_where_it_is_not_to_be_trusted() -> None:
    few, many = normal_panel(1, 2, 8, 3), normal_panel(1, 2, 30)
    assert list(violated_assumptions("cuped", many)) == []
    assert list(violated_assumptions("cluster", few)) == []
    (said,) = violated_assumptions("cuped", few)
    assert said == "takes what was assigned as one for assigned singly, so its errors are too small: use 'cluster'"
    assert "needs 1 periods before launch" in next(
        violated_assumptions("did", replace(many, before=many.before[..., :0]))
    )
    assert "use 'stepped_wedge'" in next(violated_assumptions("cuped", WEDGE))
    assert "use 'randomisation'" in next(violated_assumptions("stepped_wedge", normal_panel(1, 2, 9, design="wedge")))
    (said,) = violated_assumptions("randomisation", normal_panel(1, 2, 6, 4))
    assert said == "cannot reject at 0.05, as labels could be drawn in 20 ways only: assign more units"
    assert "assign more units" in next(violated_assumptions("cluster", normal_panel(1, 2, 6, 4)))
