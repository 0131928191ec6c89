"""Tier criteria on a sum of points: by hand, priced by weight, and the same in both engines."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest

from simulator.engines.events import accounts
from simulator.engines.vector.engine import VectorRun
from simulator.program.credit_splits import SECOND
from simulator.program.measures import TALLIES, Event, Tally, deal_code
from simulator.runs.simulate import fit_reference, prepare
from simulator.scenario.load import parse
from simulator.studies.lint.lint import lint
from simulator.studies.verify import verify
from tests.engines.quick import quick_reference
from tests.engines.small import BASELINE, HEAD
from tests.program.build import compiled, scalar

POINTS = """[{ measure = "revenue", engagement = "sourced", weight = 0.05 },
{ measure = "revenue", engagement = "assisted", weight = 0.03 }, { measure = "certification", weight = 200 }]"""
TIERED = f"""
[programs.points.tiers]
levels.silver = {{ criteria = [{{ points = {POINTS}, at_least = 9000 }}] }}
levels.gold = {{ criteria = [{{ points = {POINTS}, at_least = 20000 }}, {{ measure = "deals", at_least = 9 }}] }}
[programs.points.components.core]
kind = "revenue_share"
rate = 0.04
payout_by_tier = {{ silver = 1.5, gold = 2.5 }}
"""
SCENARIO = HEAD + BASELINE + TIERED


def code(engagement: int) -> int:
    one = (np.array([x]) for x in (1, 1, engagement, 2, 1))
    return int(deal_code(*one)[0])


def points(claims: list[tuple[Event, int, float]]) -> float:
    """Points of (event, code, money) by the first level's weights."""
    tiers = compiled(TIERED.replace("programs.points", "programs.p")).tiers
    assert tiers is not None
    event, codes, amount = (np.array(x) for x in zip(*claims, strict=True))
    total = 0.0
    for name, weight in tiers.levels[0][0].terms:
        tally = TALLIES[name]
        total += scalar(weight) * float(tally.value(amount * 100)[tally.counts(event, codes)].sum())
    return total / 100


def test_points_by_hand() -> None:
    """5 per 100 of 40,000 sourced is 2,000; 3 per 100 of 20,000 assisted is 600; two certificates are 400: 3,000.

    A demo counts for nothing.
    """
    claims = [
        (Event.SIGNED, code(0), 40_000.0), (Event.SIGNED, code(1), 20_000.0), (Event.CERTIFIED, -1, 0.0),
        (Event.CERTIFIED, -1, 0.0), (Event.DEMO, code(0), 40_000.0),
    ]  # fmt: skip
    assert points(claims) == pytest.approx(3_000)


@pytest.fixture(scope="module")
def run() -> VectorRun:
    """Four replications under points, to the end of a year."""
    scenario = parse(SCENARIO.replace("horizon_weeks = 39", "horizon_weeks = 52"))
    with quick_reference():
        stage = prepare(scenario, fit_reference(scenario), ("points",), 3, np.arange(4))
    return VectorRun(stage.world, stage.rollout("points"), stage.mode[True]).run(-26, 52)


def test_the_tier_price_of_a_measure_is_its_weight_times_the_density(run: VectorRun) -> None:
    """For small claims d P(total >= T)/dx = w phi(z)/sd, so a claim of sourced money is priced 5 to 3 of an assisted.

    Mean and variance are sums over the terms: sum w f c 26 and sum w^2 f E[c^2] 26 in 26 weeks at f claims a week.
    """
    b = run.accounts[-1]
    seen = copy.copy(b.perception)
    seen.tier_forecasts = {n: replace(p, claim=np.ones((1, 1))) for n, p in seen.tier_forecasts.items()}
    assert seen.program.tiers is not None
    criterion, pace = seen.program.tiers.levels[0][0], np.ones((1, 1))
    _, more = seen._odds(criterion, 26.0, 2, b)
    gain = dict(more)
    assert (gain["revenue assisted"] > 0).any()
    np.testing.assert_allclose(3 * gain["revenue sourced"], 5 * gain["revenue assisted"], rtol=1e-2, atol=1e-12)
    mean, sd = seen.points_ahead(criterion, 26.0, pace, lambda _: np.zeros((1, 1)))
    flows = {n: seen._certified if n == "certification" else seen.rate for n, _ in criterion.terms}
    terms = [(flows[n] * 26.0, w, seen.tier_forecasts[n]) for n, w in criterion.terms]
    np.testing.assert_allclose(mean, sum(w * f * p.credit for f, w, p in terms))
    np.testing.assert_allclose(sd**2, sum(w**2 * f * p.square for f, w, p in terms))


def test_status_is_what_the_claims_of_the_last_year_add_up_to(run: VectorRun) -> None:
    """Recomputed claim by claim: in week 51, the four closed quarters are weeks -13 to 38."""
    c = run.claims
    total, deals = np.zeros(run.shape), np.zeros(run.shape)
    for k in range(c.rows):
        if c["role"][k] == SECOND or not -13 <= c["week"][k] < 39:
            continue
        at = divmod(int(c["cell"][k]), run.shape[1])
        if c["event"][k] == Event.SIGNED:
            assisted = int(c["code"][k]) // 6 % 2
            total[at] += c["amount"][k] / 100 * (0.03 if assisted else 0.05)
            deals[at] += 1
        elif c["event"][k] == Event.CERTIFIED:
            total[at] += 200
    expected = np.where((total >= 20_000) & (deals >= 9), 2, np.where(total >= 9_000, 1, 0))
    accounts = run.accounts[-1].copy()
    accounts._review(52, True)
    assert len(np.unique(expected)) == 3
    assert (accounts.status == expected).all()


def test_the_engines_agree_on_points(monkeypatch: pytest.MonkeyPatch) -> None:
    """And differ where one of them counts every claim as sourced."""
    scenario = parse(SCENARIO)
    with quick_reference():
        without_gaming = verify(scenario, programs=("points",), replications=1, seed=5)
        assert without_gaming.agrees, str(without_gaming)
        monkeypatch.setattr(
            accounts, "TALLIES", TALLIES | {"revenue assisted": Tally(TALLIES["revenue"].measure, None)}
        )
        assert not verify(scenario, programs=("points",), replications=1, seed=5).agrees


def test_lint_knows_tiers_by_points() -> None:
    far = TIERED.replace("at_least = 20000", "at_least = 9e7")
    found = lint(parse(HEAD + BASELINE + far), programs=("points",))
    assert any(f.rule == "unreachable" and "points of a year (tier gold)" in f.unit for f in found.findings)
