"""Deals of a history paid by a program's rules: by hand, and as the simulator's own static rung pays the same deals."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from simulator.calibration.backtest import backtest
from simulator.calibration.payout_replay import ProgramPayer, ReplayedDeals
from simulator.engines.records import DONE
from simulator.engines.totals.settlement import settle
from simulator.engines.vector.engine import VectorRun
from simulator.runs.simulate import fit_reference, prepare
from simulator.scenario.load import parse
from simulator.scenario.schema import Scenario
from tests.calibration.exports import Truth, synthetic, written

TEXT = """
name = "paid"
[time]
horizon_weeks = 26
burn_in_weeks = 60
[markets.market]
size_median = 20_000
size_max = 1_000_000
cycle_weeks = 5
complex_share = 0.0
new_account_share = 0.0
named_account_share = 0.0
[territories.all]
vendor_opportunities_per_year = 1
markets = { market = 1.0 }
[partners.partners]
count = 4
territory = "all"
markets = { market = 1.0 }
opportunities_per_year = 30
second_partner_share = 0.0
[programs.baseline.components.share]
kind = "revenue_share"
rate = 0.05
[programs.steps.components.bonus]
kind = "bonus"
lumps = [{ at = 100_000, amount = 5_000 }]
[programs.grow.components.growth]
kind = "growth"
points = [{ growth = 0.1, points = 0.01 }, { growth = 0.4, points = 0.03 }]
[programs.grow.components.activity]
kind = "activity_credit"
measure = "demo"
amount = 100
"""


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return parse(TEXT)


def deals(*rows: tuple[int, float, float, float, bool]) -> ReplayedDeals:
    """(partner, created, closed, amount, won) of one draw."""
    partner, created, closed, amount, won = (np.array(column) for column in zip(*rows, strict=True))
    zero = np.zeros(len(rows), dtype=np.int64)
    return ReplayedDeals(zero, partner, zero, created.astype(float), closed.astype(float), amount.astype(float), won)


def test_a_share_and_a_bonus_by_hand(scenario: Scenario) -> None:
    """Partner 0 signs 60,000 and 50,000 in the first quarter, so the bonus at 100,000; partner 1 signs 120,000, half in
    each; what was lost, or signed before the first day, pays nothing. Shares: 5 % of 110,000 + 60,000, then of 60,000.
    """
    history = deals(
        (0, -8, 2.5, 60_000, True), (0, 1, 12.9, 50_000, True), (0, 1, 12.0, 900_000, False),
        (1, 0, 3, 60_000, True), (1, 5, 13.0, 60_000, True), (1, -9, -0.5, 700_000, True),
    )  # fmt: skip
    paid = ProgramPayer(scenario).pay(
        history, ("baseline", "steps"), per_year=np.array([5.0, 5.0]), quarters=2, draws=1
    )  # fmt: skip
    assert paid["baseline"].parts["share"].tolist() == [[8_500, 3_000]]
    assert paid["steps"].parts["bonus"].tolist() == [[5_000, 0]]
    again = ProgramPayer(scenario).pay(
        history.repeated(2), ("baseline",), per_year=np.array([5.0, 5.0]), quarters=2, draws=2
    )
    assert again["baseline"].total.tolist() == [[8_500, 3_000]] * 2


def test_simulated_deals_are_paid_as_the_static_rung_pays_them(scenario: Scenario) -> None:
    """The same deals, by the same rules, to the cent: bonuses by window and growth over the year before."""
    names = ("baseline", "steps", "grow")
    stage = prepare(scenario, fit_reference(scenario), names, 3, np.arange(3))
    burn_in, horizon = stage.world.setting.burn_in, stage.world.setting.horizon
    start = VectorRun(stage.world, stage.rollout("baseline"), stage.mode[False]).run(-burn_in, 0)
    without_gaming = start.branch(stage.rollout("baseline"), to_reprice=True).run(0, horizon).finish()
    o = without_gaming.opps
    rows = np.flatnonzero(o["attached"] & (o["stage"] == DONE) & (o["due"] < horizon))
    draw, partner = np.divmod(o["cell"][rows].astype(np.int64), without_gaming.shape[1])
    simulated = ReplayedDeals(
        draw, partner, np.zeros(len(rows), dtype=np.int64), o["start"][rows], o["due"][rows],
        o["amount"][rows] / 100, ~o["lost"][rows],
    )  # fmt: skip
    found = ProgramPayer(scenario).pay(simulated, names, per_year=np.full(4, 30.0), quarters=2, draws=3)
    for name, component in (("baseline", "share"), ("steps", "bonus"), ("grow", "growth")):
        run = start.reprice(without_gaming, stage.rollout(name)) if name != "baseline" else without_gaming
        expected = settle(run).totals[f"cost.{component}"] / 100
        assert found[name].parts[component].sum(axis=1).tolist() == pytest.approx(expected.tolist(), abs=0.005)
        assert expected.sum() > 0
    # Without the year before, growth has nothing to grow from and pays otherwise: the check above would see it.
    late = simulated.closed >= 0
    fresh = replace(simulated, **{n: getattr(simulated, n)[late] for n in ReplayedDeals.__dataclass_fields__})
    forgetful = ProgramPayer(scenario).pay(fresh, ("grow",), per_year=np.full(4, 30.0), quarters=2, draws=3)
    assert forgetful["grow"].parts["growth"].sum() != pytest.approx(found["grow"].parts["growth"].sum(), rel=0.01)


def test_a_backtest_pays_what_was_observed_and_predicted(scenario: Scenario, tmp_path: Path) -> None:
    truth = Truth(partners=8, years=3.0, opportunities_per_year=25.0, cycle_weeks=10.0)
    rows = synthetic(truth, seed=4)
    export, profile, _ = written(rows, tmp_path)
    study = backtest(export, profile, start="2023-07-01", quarters=4, draws=20, seed=1, scenario=scenario)
    closed = rows[(rows["stage"] == "won") & (rows["decided"] >= "2023-07-01")]
    year = study.table().query("period == 'all' and quantity == 'payout'").iloc[0]
    assert year["observed"] == pytest.approx(0.05 * closed["value"].sum(), abs=1)
    assert year["low"] < year["observed"] < year["high"]
    paid = study.payouts().set_index(["program", "component"])["payout"]
    assert paid["baseline", "share"] == pytest.approx(year["observed"])
    assert paid["grow", "activity"] == 0
    assert "counted as 0: grow.activity." in " ".join(study.cautions)
    assert any(line.startswith("steps would have paid ") for line in study.headline())
