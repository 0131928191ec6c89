"""Second partners: their claims, splits and what follows from them, in both engines and by hand."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.core.errors import InputError
from simulator.engines.assignment import everyone
from simulator.engines.events import joint_deals as event_joint_deals
from simulator.engines.events.accounts import PartnerAccount
from simulator.engines.events.deals import Opportunity
from simulator.engines.vector import joint_deals as vector_joint_deals
from simulator.engines.vector.engine import VectorRun
from simulator.engines.vector.gaming import timing
from simulator.program.credit_splits import FIRST, SECOND
from simulator.runs.simulate import Replications, fit_reference, prepare, simulate
from simulator.scenario.load import parse
from simulator.scenario.paths import with_values
from simulator.scenario.schema import Scenario
from simulator.studies.verify import verify
from tests.engines.quick import quick_reference
from tests.engines.small import SMALL

HEAD = """
name = "joint"
[time]
horizon_weeks = 26
burn_in_weeks = 26
[markets.mid]
size_median = 30000
size_max = 2000000
cycle_weeks = 6
churn_per_year = 0.6
[territories.north]
vendor_opportunities_per_year = 30
markets = { mid = 1.0 }
[partners.reseller]
count = 4
territory = "north"
markets = { mid = 1.0 }
opportunities_per_year = 40
second_partner_share = 0.6
[gaming]
opportunist_share = 0.7
misreport_cost = 1500
timing_cost = 10
"""
PLAIN = """
[programs.baseline.components.core]
kind = "revenue_share"
rate = 0.05
"""
SHARED = """
[programs.shared]
deal_ceiling = 0.06
[programs.shared.components.core]
kind = "revenue_share"
rate = 0.04
tiers = [{ above = 150000, rate = 0.08 }]
split = { rule = "RULE" }
terms = { clawback_weeks = 26, holdback_share = 0.2 }
[programs.shared.components.deals]
kind = "revenue_share"
window = "claim"
rate = 0.05
split = { rule = "contribution" }
[programs.shared.components.demos]
kind = "activity_credit"
measure = "demo"
amount = 500
split = { rule = "fixed", second = 0.25 }
terms = { audit_rate = 0.2, audit_cost = 10 }
"""


def _changed(text: str, *pairs: tuple[str, str]) -> str:
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    return text


MOVING = _changed(
    SMALL,
    ("opportunities_per_year = 40\n[behavior]", "opportunities_per_year = 40\nsecond_partner_share = 0.6\n[behavior]"),
    ("cycle_weeks = 8", "cycle_weeks = 8\nsignature_weeks = 10"),
    (
        "points = [{ growth = 0.1, points = 0.02 }]",
        'points = [{ growth = 0.1, points = 0.02 }]\nsplit = { rule = "equal" }',
    ),
    ('tiering = "retroactive"\n', 'tiering = "retroactive"\nsplit = { rule = "equal" }\n'),
)
"""Signatures of joint deals are pulled as well as pushed here."""


pytestmark = pytest.mark.usefixtures("quick")


def _stage(text: str, program: str, replications: int = 2) -> Replications:
    scenario = parse(text)
    return prepare(scenario, fit_reference(scenario), (program,), 3, np.arange(replications))


def _lived(text: str, program: str) -> VectorRun:
    stage = _stage(text, program)
    setting = stage.world.setting
    offers = (stage.offers["baseline"], stage.offers[program])
    rollout = everyone(offers, 1, setting.partners.count, setting.horizon)
    return VectorRun(stage.world, rollout, stage.mode[True]).run(-setting.burn_in, setting.horizon).finish()


def test_the_engines_agree_on_shared_deals() -> None:
    text = HEAD + PLAIN + SHARED.replace("RULE", "shapley")
    result = verify(parse(text), programs=("shared",), replications=2, seed=3)
    assert result.agrees, str(result)


def test_the_two_claims_of_a_joint_deal_share_its_credit_to_the_cent() -> None:
    run = _lived(MOVING, "full")
    c, accounts, partners = run.claims, run.accounts[0], run.shape[1]
    for role in (FIRST, SECOND):
        assert {-1, 1} <= set(c["moved"][c["role"][:] == role].tolist())
        assert (c["role"][:] == role).sum() > 20
    for k, component in enumerate(accounts.offer.program.components):
        if component.registration:
            continue
        rows, credit, _ = accounts.credits(k, np.arange(c.rows), c)
        whole = component.credit(rep=c["cell"][rows] // partners, code=c["code"][rows], amount=c["amount"][rows])
        joint = c["role"][rows] != 0
        assert (credit[~joint] == whole[~joint]).all()
        mine, theirs = (np.flatnonzero(c["role"][rows] == role) for role in (FIRST, SECOND))
        order_a, order_b = (np.lexsort((c["time"][rows[x]], c["opp"][rows[x]])) for x in (mine, theirs))
        a, b = mine[order_a], theirs[order_b]
        assert (c["opp"][rows[a]] == c["opp"][rows[b]]).all()
        assert (c["cell"][rows[a]] != c["cell"][rows[b]]).all()
        assert (c["cell"][rows[a]] // partners == c["cell"][rows[b]] // partners).all()
        shared = component.split is not None
        assert (credit[a] + credit[b] == (whole[a] if shared else credit[a])).all()
        assert (credit[b] > 0).any() == shared


def test_the_ceiling_binds_a_joint_deal_as_a_whole() -> None:
    generous = SHARED.replace("RULE", "equal").replace("rate = 0.05\nsplit", "rate = 0.5\nsplit")
    run = _lived(HEAD + PLAIN + generous, "shared")
    c, accounts = run.claims, run.accounts[0]
    signed = np.flatnonzero((c["event"][:] == 3) & (c["role"][:] != 0) & accounts.member.reshape(-1)[c["cell"][:]])
    total = np.zeros(len(run.opps["amount"][:]))
    for rows, pay, _ in accounts.payouts(signed, c):
        np.add.at(total, c["opp"][rows], pay)
    amount = np.zeros(len(total))
    amount[c["opp"][signed]] = c["amount"][signed]
    most = 0.06 * amount
    assert (total <= most + 1e-6).all()
    assert (total[total > 0] > most[total > 0] - 3).all()


def test_a_split_lowers_what_an_own_opportunity_brings_and_not_what_is_forecast() -> None:
    plain = SHARED.replace('split = { rule = "RULE" }\n', "")
    texts = (plain, SHARED.replace("RULE", "equal"))
    offers = [_stage(HEAD + PLAIN + text, "shared", 1).offers["shared"] for text in texts]
    alone, shared = (offer.forecasts[0] for offer in offers)
    assert (alone.own == 1).all()
    # 60 % of deals are joint and shared in halves: 30 % of the credit goes to others, and as much comes from them.
    assert shared.own == pytest.approx(0.7, abs=0.06)
    assert shared.credit == pytest.approx(alone.credit, rel=0.2)


def test_with_no_split_nobody_is_second() -> None:
    stage = _stage(HEAD + PLAIN, "baseline")
    assert stage.world.joint is None


# -- planted defects, each in one engine only -------------------------------------------------------------------


def _caught() -> bool:
    return not verify(parse(MOVING), programs=("full",), replications=2, seed=3).agrees


def test_moved_joint_deals_agree() -> None:
    assert not _caught()


def test_a_pushed_claim_left_behind_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vector_joint_deals, "joined_to", lambda _, rows: rows[:0])
    assert _caught()


def test_a_pulled_claim_left_behind_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    right = timing.follow
    monkeypatch.setattr(timing, "follow", lambda run, week, pulled, pushed: right(run, week, pulled[:0], pushed))
    assert _caught()


def test_a_second_partner_forgotten_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    right = event_joint_deals.second_of
    monkeypatch.setattr(event_joint_deals, "second_of", lambda run, opp: None if opp.deal % 7 == 0 else right(run, opp))
    assert _caught()


SECONDS = """
[programs.full]
[programs.full.components.core]
kind = "revenue_share"
rate = 0.05
[programs.full.components.registered]
kind = "deal_registration"
uplift = 0.04
second_uplift = 0.01
registrations_per_quarter = CAP
protection_weeks = 30
"""


def registering(cap: int) -> Scenario:
    base = '[programs.baseline.components.core]\nkind = "revenue_share"\nrate = 0.05\n'
    return parse(HEAD + base + SECONDS.replace("CAP", str(cap)))


def test_a_second_registrant_is_paid_on_top() -> None:
    # The first partner's 4 % stays as it is; the second's 1 % comes on top where a deal is joint, so at most a quarter.
    alone = with_values(registering(999), {"programs.full.components.registered.second_uplift": 0.0})
    with quick_reference():
        both, first = (simulate(s, programs=("full",), replications=4, seed=5) for s in (registering(999), alone))
    paid, without = (s.totals["full", "static"]["cost.registered"].sum() for s in (both, first))
    assert 1.05 * without < paid < 1.25 * without


def test_both_engines_accept_the_same_second_registrants(monkeypatch: pytest.MonkeyPatch) -> None:
    with quick_reference():
        result = verify(registering(3), programs=("full",), replications=1, seed=5)
        assert result.agrees, str(result)
        right = PartnerAccount.register

        def uncounted(self: PartnerAccount, opp: Opportunity, *, second: bool = False) -> None:
            """Planted: in one engine a second registrant's filing does not use up its number."""
            before = list(self.registered)
            right(self, opp, second=second)
            if second:
                self.registered = before

        monkeypatch.setattr(PartnerAccount, "register", uncounted)
        assert not verify(registering(3), programs=("full",), replications=1, seed=5).agrees


def test_a_second_registrant_gets_no_more_than_the_first() -> None:
    with pytest.raises(InputError, match=r"second_uplift = 0\.05: must be at most the uplift, 0\.04"):
        with_values(registering(3), {"programs.full.components.registered.second_uplift": 0.05})
