"""Splitting and bundling in the event engine: how one opportunist files one signed deal."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from simulator.behavior.gaming import kinds
from simulator.behavior.gaming.deal_splitting import filing_cost, filing_gains, pieces
from simulator.engines.events.accounts import Claim, PartnerAccount
from simulator.engines.events.gaming.discount_dumping import worth
from simulator.engines.records import BUNDLED, SPLIT
from simulator.program.credit_splits import ALONE
from simulator.program.measures import Event
from simulator.world.setting import WEEKS_PER_QUARTER

if TYPE_CHECKING:
    from simulator.engines.events.deals import Partner
    from simulator.engines.events.engine import EventRun


def file(run: EventRun, partner: Partner, claim: Claim) -> None:
    """File a signed deal whole, in pieces, or as one with the partner's last."""
    first, partner.signed_week = claim.week != partner.signed_week, claim.week
    account = partner.account
    if account is None or not account.components:
        partner.claim(run, claim)
        return
    most = run.setting.scenario.gaming.max_pieces
    ways = [[claim], *(_pieces(claim, count) for count in range(2, most + 1))]
    seen = _seen(run, claim)
    found = max(seen, float(run.setting.gaming("split_detection")[0, 0]))
    values = [worth(account, claim, seen)]
    values += [worth(account, way[0], found) + (len(way) - 1) * worth(account, way[1], found) for way in ways[1:]]
    earlier = _earlier(run, partner, account, claim.week) if first else None
    values.append(-np.inf)
    if earlier is not None:
        joint = replace(
            claim, amount=claim.amount + earlier.amount, conceded=claim.conceded + earlier.conceded, moved=BUNDLED
        )
        ways.append([joint])
        its = _seen(run, earlier)
        values[-1] = worth(account, joint, max(found, its)) - worth(account, earlier, its)
    cost = filing_cost(run.setting.gaming("split_cost")[0])
    gains = filing_gains(np.array([values]), cost)
    choice = int(kinds.best_option(gains, np.array(values[:1]))[0])
    if choice == most and earlier is not None:
        for each in partner.all_accounts():
            each.post(earlier, sign=-1)
        earlier.event = -1
    for part in ways[choice]:
        partner.claim(run, part if choice == 0 else _marked(run, part))
    if choice:
        reason = "filed as one with the deal before" if choice == most else f"filed in {choice + 1} pieces"
        run.note("filed", partner, claim.opp, float(gains[0, choice]), reason=reason)


def _pieces(claim: Claim, count: int) -> list[Claim]:
    one, other = pieces(np.array([claim.amount, claim.conceded]), count)
    sizes = [one, *[other] * (count - 1)]
    return [replace(claim, amount=float(s[0]), conceded=float(s[1]), moved=SPLIT) for s in sizes]


def _seen(run: EventRun, claim: Claim) -> float:
    """Share of audits that see through a claim as it stands."""
    if claim.opp is not None and claim.opp.false:
        return 1.0
    return float(run.setting.gaming("discount_detection")[0, 0]) if claim.false else 0.0


def _earlier(run: EventRun, partner: Partner, account: PartnerAccount, week: int) -> Claim | None:
    """The partner's last claim of the weeks before that is still in the running windows."""
    since = max(week // WEEKS_PER_QUARTER * WEEKS_PER_QUARTER, week - run.setting.scenario.gaming.bundle_weeks)
    since = max(since, *account.started)
    past = [
        c
        for c in partner.claims
        if since <= c.week < week and c.event == Event.SIGNED and c.moved == 0 and c.role == ALONE
    ]
    return max((c for c in past if c.role == ALONE), key=lambda c: c.time, default=None)


def _marked(run: EventRun, claim: Claim) -> Claim:
    """The claim such that an audit may see through the way it is filed."""
    assert claim.opp is not None
    raw = np.array([run.deals.audit[claim.opp.deal]])
    mark = float(kinds.audit_mark(raw, run.setting.gaming("split_detection")[0])[0])
    return replace(claim, false=True, audit=min(claim.audit, mark) if claim.false else mark)
