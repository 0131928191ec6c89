"""Market shocks by hand, in closed form, and in minimally different worlds."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.core.arrays import Array
from simulator.core.streams import Streams
from simulator.engines.events import arrivals
from simulator.engines.totals.settlement import settle
from simulator.engines.vector.engine import VectorRun
from simulator.reference.fit import Reference
from simulator.runs.simulate import fit_reference, prepare
from simulator.scenario.load import parse
from simulator.studies.verify import verify
from simulator.world.setting import compile_setting
from simulator.world.shocks import shocked_mix
from simulator.world.world import World
from tests.engines.quick import quick_reference
from tests.engines.small import SMALL
from tests.scenario import texts

TWO = SMALL.replace(
    "[territories.north]", "[markets.big]\nsize_median = 90000\nsize_max = 900000\n[territories.north]"
).replace("markets = { mid = 1.0 }", "markets = { mid = 0.4, big = 0.6 }")
LINEAR = """
[programs.baseline.components.core]
kind = "revenue_share"
rate = 0.05
"""
HEAD = TWO.split("[programs.baseline")[0]


def world(shocks: str, replications: int = 8) -> World:
    scenario = parse(HEAD + shocks + LINEAR)
    return World(compile_setting(scenario), Streams(3), np.arange(replications))


def found(world: World, weeks: range) -> tuple[list[int], list[int], Array]:
    """Candidates and their markets and amounts, partners' and the vendor's, at usual sourcing."""
    markets: list[int] = []
    vendor: list[int] = []
    amounts = []
    for week in weeks:
        rows = world.sourced(week, np.ones(world.shape))
        deals = world.deals_of(rows)
        markets += world.deals["market"][deals].tolist()
        amounts.append(world.deals["amount"][deals])
        deals = world.deals_of(world.vendor(week))
        vendor += world.deals["market"][deals].tolist()
    return markets, vendor, np.concatenate(amounts)


def test_a_mix_by_hand() -> None:
    """Shares .4 and .6, demand halved and doubled: .2 + 1.2 = 1.4 times as many, of which .2/1.4 in the first."""
    volume, mix = shocked_mix(np.array([[[0.4, 1.0]]]), np.array([[0.5, 2.0]]))
    assert volume.tolist() == [[1.4]]
    assert mix[0, 0].tolist() == pytest.approx([0.2 / 1.4, 1.0])
    nothing, _ = shocked_mix(np.array([[[0.4, 1.0]]]), np.zeros((1, 2)))
    assert nothing.tolist() == [[0.0]]


def test_demand_falls_in_its_market_and_weeks_alone() -> None:
    weeks = range(5, 25)
    calm = found(world(""), weeks)
    shocked = world('[[shocks.demand]]\nfactor = 0.5\nmarkets = ["big"]\nfrom_week = 5\nuntil_week = 25\n')
    hit = found(shocked, weeks)
    for before, after in zip(calm[:2], hit[:2], strict=True):
        for market, factor in ((0, 1.0), (1, 0.5)):
            a, b = before.count(market), after.count(market)
            assert abs(b - factor * a) < 4 * np.sqrt(b + factor * factor * a)
    assert found(shocked, range(25, 30))[0] == found(world(""), range(25, 30))[0]


def test_without_demand_nothing_is_found() -> None:
    shocked = world("[[shocks.demand]]\nfactor = 0\nfrom_week = 10\nuntil_week = 12\n")
    assert found(shocked, range(10, 12))[:2] == ([], [])
    assert found(shocked, range(12, 14))[0]


def test_a_price_level_scales_the_same_deals_and_leaves_their_odds() -> None:
    calm, dear = world(""), world('[[shocks.price]]\nfactor = 1.5\nmarkets = ["big"]\nfrom_week = 0\n')
    weeks = range(6)
    markets, _, amounts = found(calm, weeks)
    same, _, raised = found(dear, weeks)
    assert markets == same
    factor = np.where(np.array(markets) == 1, 1.5, 1.0)
    assert np.array_equal(raised, np.rint(amounts * factor))
    assert np.array_equal(calm.deals["with_logit"], dear.deals["with_logit"])


LONER = HEAD.replace("[behavior]\n", "[behavior]\nrivalrous_share = 0\nregistration_hazard = 0\n").replace(
    "elasticity = 0.8\n", "elasticity = 0.5\nadjustment_weeks = 1\ninert_share = 0\n"
)


@pytest.fixture(scope="module")
def reference() -> Reference:
    with quick_reference():
        return fit_reference(parse(LONER + LINEAR))


def run(reference: Reference, shocks: str) -> VectorRun:
    stage = prepare(parse(LONER + shocks + LINEAR), reference, ("baseline",), 5, np.arange(4))
    return VectorRun(stage.world, stage.rollout("baseline"), stage.mode[True]).run(-26, 39).finish()


def test_activity_falls_with_the_worth_of_an_hour_elsewhere(reference: Reference) -> None:
    """q = (V / (w V0))^eps, and linear pay leaves V alone: all activity is w^-eps of what it would be."""
    calm = run(reference, "")
    hit = run(reference, "[[shocks.competitor]]\nfactor = 2\nfrom_week = -260\n")
    assert hit.effort_total / calm.effort_total == pytest.approx(np.full((4, 4), 2**-0.5), rel=1e-12)


def by_partner(simulated: VectorRun, who: int) -> list[tuple[float, ...]]:
    o = simulated.opps
    rows = np.flatnonzero((o["cell"] % simulated.shape[1] == who) & ~o["vendor"])
    return sorted(zip(*(o[n][rows].tolist() for n in ("start", "amount", "due")), strict=True))


def test_a_partner_that_leaves_finishes_its_deals_or_orphans_them_and_nobody_else_changes(reference: Reference) -> None:
    leave = '[[shocks.departure]]\npartner = "reseller-2"\nfrom_week = 10\nopen_deals = "{}"\n'
    stays, worked, orphaned = (run(reference, text) for text in ("", leave.format("worked"), leave.format("orphaned")))
    for other in (0, 2, 3, 4, 5):
        assert by_partner(stays, other) == by_partner(worked, other) == by_partner(orphaned, other)
    for gone in (worked, orphaned):
        assert max(start for start, *_ in by_partner(gone, 1)) < 10
    before = [deal for deal in by_partner(stays, 1) if deal[0] < 10]
    triples = list(zip(before, by_partner(worked, 1), by_partner(orphaned, 1), strict=True))
    assert all(a[:2] == b[:2] == c[:2] for a, b, c in triples)
    assert all(b[2] <= a[2] for a, b, _ in triples)  # nothing new to work on: what is open goes faster
    assert sum(c[2] > a[2] for a, _, c in triples) > 5
    assert all(c[2] == a[2] for a, _, c in triples if a[2] < 10)


def test_the_largest_partner_is_found_by_its_base_volume() -> None:
    w = world("[[shocks.departure]]\nrank = 1\nfrom_week = 0\n")
    gone = w.shocks.gone_in(0)
    assert gone is not None
    assert np.array_equal(np.argmax(w.rate, axis=1), np.argmax(gone, axis=1))
    assert gone.sum(axis=1).tolist() == [1] * 8
    assert w.shocks.gone_in(-1) is None


ALL = """
[[shocks.demand]]
factor = 0.6
markets = ["big"]
from_week = 3
until_week = 20
[[shocks.price]]
factor = 1.2
from_week = 5
[[shocks.competitor]]
factor = 1.4
partners = ["reseller"]
from_week = 0
until_week = 26
[[shocks.departure]]
rank = 1
from_week = 8
open_deals = "orphaned"
[[shocks.departure]]
partner = "reseller-3"
from_week = 20
"""


def test_the_engines_agree_under_shocks_and_a_planted_defect_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    uncertain = '[uncertainty."shocks.price[0].factor"]\ndistribution = "uniform"\nlow = 0.8\nhigh = 1.2\n'
    scenario = parse(TWO.replace("horizon_weeks = 39", "horizon_weeks = 26") + ALL + uncertain)
    with quick_reference():
        result = verify(scenario, programs=("full",), replications=1, seed=5)
        assert result.agrees, str(result)
        right = arrivals.registration_shares
        # Planted: in one engine a partner that left goes on registering the vendor's customers.
        monkeypatch.setattr(
            arrivals,
            "registration_shares",
            lambda s, source, *rest, **on: right(s, np.maximum(source, 1.0), *rest, **on),
        )
        assert not verify(scenario, programs=("full",), replications=1, seed=5).agrees


def test_a_shock_that_changes_nothing_changes_nothing(reference: Reference) -> None:
    idle = "[[shocks.demand]]\nfactor = 1\nfrom_week = 0\n[[shocks.price]]\nfactor = 1\nfrom_week = 0\n"
    plain, same = (settle(run(reference, text)) for text in ("", idle))
    for name, value in plain.totals.items():
        assert np.array_equal(value, same.totals[name]), name


@pytest.mark.parametrize(
    ("shock", "message"),
    [
        ("demand = [{ factor = 1, from_week = 9, until_week = 9 }]", "shocks.demand[0].until_week = 9: must be after"),
        ('demand = [{ factor = 1, from_week = 9, markets = ["midd"] }]', "did you mean 'mid'"),
        ('competitor = [{ factor = 1, from_week = 9, partners = ["mid"] }]', "names no partner segment"),
        ("departure = [{ from_week = 9 }]", "needs either partner or rank"),
        ('departure = [{ from_week = 9, partner = "reseller-7" }]', "names no partner"),
        ("departure = [{ from_week = 9, rank = 10 }]", "must be at most 9, the number of partners"),
    ],
)
def test_faults_of_shocks_are_named(shock: str, message: str) -> None:
    text = texts.SMALL.replace("[behavior]", f"[shocks]\n{shock}\n[behavior]")
    (problem,) = texts.problems_of(text)
    assert message in problem
