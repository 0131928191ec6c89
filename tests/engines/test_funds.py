"""Co-marketing funds: accrual, proof, what stays unspent, and what spending does for sourcing."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.behavior.effort import sourcing_lift
from simulator.engines.events import closing
from simulator.engines.vector.engine import VectorRun
from simulator.program.conditions import MarketingFund
from simulator.runs.simulate import fit_reference, prepare
from simulator.scenario.load import parse
from simulator.studies.verify import verify
from tests.engines.quick import quick_reference
from tests.engines.simulated import STILL, share, simulated
from tests.engines.small import BASELINE, HEAD
from tests.program.build import num, scalar


def fund(program: str, fields: str, name: str = "f") -> str:
    return f'[programs.{program}.components.{name}]\nkind = "co_marketing_fund"\n{fields}\n'


def spending(unspent: float, lag_effect: float = 0.0, size_effect: float = 0.0) -> MarketingFund:
    return MarketingFund(num(0.0), num(unspent), num(lag_effect), num(size_effect), num(0.5))


@pytest.mark.parametrize(
    ("lag", "volume", "spent"),
    [(0.0, 1.0, 0.8), (13.0, 1.0, 2 / 3), (0.0, 16.0, 0.941176), (26.0, 0.25, 0.333333)],
)
def test_what_is_spent_by_hand(lag: float, volume: float, spent: float) -> None:
    """Odds of leaving it are .2/.8 = 1/4, twice that per quarter of lag (b = ln 2), over the root of volume (c = 1/2).

    1/(1 + 1/4) = .8; 1/(1 + 1/2) = 2/3; 1/(1 + 1/16) = 16/17; two quarters at a fourth: 1/(1 + 1/4 * 4 * 2) = 1/3.
    """
    assert scalar(spending(0.2, np.log(2), 0.5).spent_share(num(lag), num(volume))) == pytest.approx(spent, rel=1e-5)


def test_the_lift_saturates() -> None:
    """1 + .2 (1 - 1/e) = 1.126424 at the scale, .2 at most, no stock no lift; slope a/s0 at 0."""
    assert scalar(sourcing_lift(num(3.0), num(0.2), num(3.0))) == pytest.approx(1.126424, rel=1e-6)
    assert scalar(sourcing_lift(num(1e9), num(0.2), num(3.0))) == pytest.approx(1.2)
    assert scalar(sourcing_lift(num(0.0), num(0.2), num(3.0))) == 1.0
    assert (scalar(sourcing_lift(num(3e-6), num(0.2), num(3.0))) - 1) / 3e-6 == pytest.approx(0.2 / 3, rel=1e-4)


def test_the_ledger_of_a_fund_closes() -> None:
    """2 % accrue and 1,000 * .6 are granted per quarter; a quarter of both stays unspent and is forfeited.

    What accrues beyond the grant is 2/5 of what a share of 5 % pays in the same world.
    """
    out = simulated(
        share("baseline")
        + fund(
            "fund", "rate = 0.02\nproposal = 1000\napproved = 0.6\nunspent = 0.25\nterms = { payout_lag_weeks = 13 }"
        )
    )
    a, b = out["fund"].ledger, out["baseline"].ledger
    assert (a["accrued"] == a["paid"] + a["forfeited"] + a["clawed_back"]).all()
    assert (a["paid"] == np.rint(0.75 * a["accrued"])).all()
    assert not a["clawed_back"].any()
    revenue = {tuple(k): v for *k, v in zip(b["replication"], b["partner"], b["end"], b["accrued"], strict=True)}
    lines = list(zip(a["replication"], a["partner"], a["end"], a["accrued"], strict=True))
    assert len(lines) == 2 * 4 * 3
    for *where, accrued in lines:
        assert abs(accrued - 60_000 - 0.4 * revenue.get(tuple(where), 0)) <= 1


def test_a_rebate_and_a_fund_share_what_accrues() -> None:
    """60 % of 5 % as money and 40 % of it as a fund accrue what 5 % accrue, to the cent of two roundings a line."""
    out = simulated(share("baseline") + share("both", rate=0.03) + fund("both", "rate = 0.02\nunspent = 0.0"))
    whole, parts = (out[p].ledger["accrued"].sum() for p in ("baseline", "both"))
    assert abs(whole - parts) <= 2 * len(out["both"].ledger["accrued"])


def test_a_fund_of_nothing_changes_nothing() -> None:
    head = STILL.replace("elasticity = 0.0", "elasticity = 0.8\nfund_lift = 0.5")
    out = simulated(share("baseline") + share("more") + fund("more", "rate = 0.0"), head)
    assert all((out["more"].totals[n] == v).all() for n, v in out["baseline"].totals.items() if n != "admin")


FUNDED = HEAD.replace("elasticity = 0.8", "elasticity = 0.0\nfund_lift = 0.5\nrivalrous_share = 0.0") + BASELINE


def sourced(text: str, program: str) -> tuple[np.ndarray, VectorRun]:
    """Sourcing over what it is under the baseline, by week after launch and partner, and the life."""
    scenario = parse(text)
    with quick_reference(brief=False):
        stage = prepare(scenario, fit_reference(scenario), ("baseline", program), 3, np.arange(3))
    run = VectorRun(stage.world, stage.rollout(program), stage.mode[False]).run(-26, 0)
    weeks = []
    for week in range(39):
        run.run(week, week + 1)
        weeks.append(run.effort.multiple)
    return np.array(weeks), run


def test_spending_raises_sourcing_from_the_next_week_on() -> None:
    """No response, so sourcing is 1 until the first quarter closes; then 1 + a (1 - exp(-s/s0)), s by hand.

    Spent .8 * 1,000 at week 13 for each; s0 is .02 of a year's usual revenue; the stock loses 1/13 of itself a week in
    the exponent. At week 26 the next 800 come on top.
    """
    text = FUNDED + fund("fund", "proposal = 1000")
    multiple, run = sourced(text, "fund")
    scale = 0.02 * run.effort._year
    assert (multiple[:13] == 1.0).all()
    for week in (13, 20, 26, 30):
        stock = 80_000 * np.exp(-(week - 13) / 13) + (80_000 * np.exp(-(week - 26) / 13) if week >= 26 else 0.0)
        np.testing.assert_allclose(multiple[week], 1 + 0.5 * (1 - np.exp(-stock / scale)), rtol=1e-9)


def test_a_funded_baseline_keeps_its_volumes() -> None:
    """The reference population has the fund too: mean sourcing stays near 1, and without it falls below."""
    text = FUNDED + fund("baseline", "rate = 0.03") + "[programs.plain.components.x]\n" + BASELINE.split("\n", 2)[2]
    usual, _ = sourced(text, "baseline")
    without, _ = sourced(text, "plain")
    assert usual.mean() == pytest.approx(1.0, abs=0.06)
    assert without[26:].mean() < 0.9 < usual[26:].mean()


def test_partners_feel_what_they_spend_at_its_worth() -> None:
    """Of 2 % that accrue, .8 is spent and half as good as money: .8 % of revenue."""
    text = FUNDED + fund("fund", "rate = 0.02") + share("cash", rate=0.008)
    scenario = parse(text)
    with quick_reference():
        stage = prepare(scenario, fit_reference(scenario), ("fund", "cash"), 3, np.arange(2))
    prices = []
    for program in ("fund", "cash"):
        run = VectorRun(stage.world, stage.rollout(program), stage.mode[False]).run(-26, 1)
        prices.append(run.accounts[-1].prices[-1])
    np.testing.assert_allclose(*np.broadcast_arrays(*prices), rtol=1e-12)


def test_the_engines_agree_on_funds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both kinds of grant with proration; and not where one engine's partners spend a cent more or never start."""
    fields = 'rate = 0.04\nproposal = 900\nsize_effect = 0.7\npool = 6000\nnot_partners = ["reseller-2"]'
    text = HEAD.replace("elasticity = 0.8", "elasticity = 0.8\nfund_lift = 0.4") + BASELINE
    scenario = parse(text + fund("baseline", "rate = 0.02") + fund("fund", fields))
    with quick_reference():
        without_gaming = verify(scenario, programs=("fund",), replications=1, seed=5)
        assert without_gaming.agrees, str(without_gaming)
        right = closing.spend_fund
        monkeypatch.setattr("simulator.engines.events.engine.spend_fund", lambda d: right(d) * 0.5)
        assert not verify(scenario, programs=("fund",), replications=1, seed=5).agrees
