"""The event engine's outcome: ledger and totals of one replication, counted from its accounts and opportunities."""

from __future__ import annotations

import numpy as np

from simulator.core.arrays import Array, Bools
from simulator.engines.events.deals import Opportunity
from simulator.engines.events.disputes import dispute_totals, waited
from simulator.engines.events.engine import EventRun
from simulator.engines.events.joint_deals import second_of
from simulator.engines.ledger import LEDGER_COLUMNS, RunOutcome, sorted_ledger
from simulator.engines.totals.fairness import fair_totals, shapley_margins
from simulator.engines.totals.support_costs import help_totals, noncash
from simulator.engines.vector.records import BUNDLED, SPLIT
from simulator.program.credit_splits import SECOND
from simulator.program.measures import Event
from simulator.world.setting import ACTIVITIES, WEEKS_PER_YEAR


def tally(run: EventRun, won_without: Bools | None = None) -> RunOutcome:
    """Ledger and totals of a life that was run; see `simulator.engines.totals.settlement.settle` for `won_without`."""
    totals: dict[str, int] = {}
    rows = _ledger(run)
    _costs(run, rows, totals)
    _deadweight(run, won_without, totals)
    _deals(run, totals)
    _claims(run, totals)
    for name, value in zip(("joint.depth", "joint.weeks"), run.effort.depth_total[:, 0], strict=True):
        totals[name] = int(np.rint(value * 1e6))
    helped = help_totals(run.effort, run.paid or run.rollout, run.setting.horizon)
    totals |= {name: int(value[0]) for name, value in helped.items()}
    if run.effort.trust is not None:
        totals |= {name: int(value[0]) for name, value in run.effort.trust.totals().items()}
    paying = run.paid or run.rollout
    in_force = run.in_force["account" if run.paid is None else "paid"].get(len(paying.offers) - 1)
    if in_force is not None:
        totals |= {name: int(value[0]) for name, value in in_force.totals().items()}
    if run.effort.membership is not None:
        totals |= {name: int(value[0]) for name, value in run.effort.membership.totals().items()}
    table = np.array(rows, dtype=np.int64).reshape(-1, len(LEDGER_COLUMNS))
    ledger = sorted_ledger({name: table[:, k] for k, name in enumerate(LEDGER_COLUMNS)})
    counted = {name: np.array([value], dtype=np.int64) for name, value in totals.items()}
    offers = (run.paid or run.rollout).offers
    return RunOutcome(ledger, counted | fair_totals(ledger, run.world, offers, *_brought(run), waited(run)))


def _brought(run: EventRun) -> tuple[Array, Array, Array]:
    """Bookings, gross margin and Shapley values of the won deals that each partner is on, cents, (1, P)."""
    booked, margin, worth = np.zeros((3, 1, run.shape[1]))
    for o in run.opportunities:
        if o.won and 0 <= o.due < run.setting.horizon and o.partner is not None:
            booked[0, o.partner.who] += o.amount - o.conceded
            margin[0, o.partner.who] += _margin(run, o)
            worth += _worth(run, o)
    return booked, margin, worth


def _worth(run: EventRun, o: Opportunity) -> Array:
    assert o.partner is not None
    other, margin = second_of(run, o), np.array([float(_margin(run, o))])
    second = np.array([-1 if other is None else other.who])
    return shapley_margins(run.world, np.array([o.deal]), np.array([o.partner.who]), second, margin)


def _margin(run: EventRun, o: Opportunity) -> int:
    """Gross margin of a deal in a customer's first year, whole cents."""
    used = min((o.ends - o.due) / WEEKS_PER_YEAR, 1.0)
    return int(np.rint((o.amount * run.setting.markets.gross_margin[0, o.market] - o.conceded) * used))


def won_deals(run: EventRun) -> Bools:
    """Per deal of the world, whether it was won."""
    won = np.zeros(run.world.deals.rows, dtype=bool)
    for o in run.opportunities:
        won[o.deal] = o.won
    return won


def _ledger(run: EventRun) -> list[tuple[float, ...]]:
    rows: list[tuple[float, ...]] = []
    for who, closed in run.settled:
        if closed.accrued or closed.attained or closed.penalty:
            paid = closed.accrued - closed.forfeited - closed.clawed_back
            rows.append(
                (int(run.world.ids[0]), who, closed.offer, closed.component, closed.start, closed.end, closed.attained,
                 closed.accrued, closed.forfeited, closed.clawed_back, paid, closed.penalty)
            )  # fmt: skip
    return rows


def _costs(run: EventRun, rows: list[tuple[float, ...]], totals: dict[str, int]) -> None:
    rollout = run.paid or run.rollout
    for n in ("accrued", "forfeited", "clawed_back", "paid", "penalty", "audit", "admin"):
        totals[n] = 0
    for offer in rollout.offers:
        for component in offer.program.components:
            totals.setdefault(f"cost.{component.name}", 0)
    column = {name: k for k, name in enumerate(LEDGER_COLUMNS)}
    for row in rows:
        component = rollout.offers[int(row[2])].program.components[int(row[3])]
        for n in ("accrued", "forfeited", "clawed_back", "paid", "penalty"):
            totals[n] += int(row[column[n]])
        totals[f"cost.{component.name}"] += int(row[column["paid"]]) - int(row[column["penalty"]])
    _audits(run, totals)
    for index, offer in enumerate(rollout.offers):
        weeks = sum(int((rollout.at(w) == index).any()) for w in range(run.setting.horizon))
        totals["admin"] += int(np.rint(offer.program.admin_cost_per_year[0, 0] * weeks / WEEKS_PER_YEAR))
    totals |= dispute_totals(run)
    totals["admin"] += totals["disputes.cost"]
    totals["cost"] = totals["paid"] - totals["penalty"] + totals["audit"] + totals["admin"]
    for name, spent in noncash(rollout, run.setting.horizon).items():
        totals[f"noncash.{name}"] = int(np.rint(spent[0]))
        totals["cost"] += totals[f"noncash.{name}"]
    for offer in rollout.offers:
        for prize in offer.program.prizes:
            totals.setdefault(f"noncash.{prize.name}", 0)
    for prize in run.awarded:
        totals[f"noncash.{prize.name}"] += int(np.rint(prize.cost[0, 0]))
        totals["cost"] += int(np.rint(prize.cost[0, 0]))


def _audits(run: EventRun, totals: dict[str, int]) -> None:
    """Paid claims times the expected cost of verifying one, by component and window."""
    rollout = run.paid or run.rollout
    counts: dict[tuple[int, int, int, int], int] = {}
    for _, closed in run.settled:
        key = (closed.offer, closed.component, closed.start, closed.end)
        counts[key] = counts.get(key, 0) + len(closed.parts)
    for (offer, k, _, _), count in counts.items():
        component = rollout.offers[offer].program.components[k]
        cost = count * int(np.rint(component.terms.audit_rate[0, 0] * component.terms.audit_cost[0, 0]))
        totals["audit"] += cost
        totals[f"cost.{component.name}"] += cost


def _deadweight(run: EventRun, won_without: Bools | None, totals: dict[str, int]) -> None:
    total = 0.0
    for _, closed in run.settled if won_without is not None else []:
        for claim, part in closed.parts:
            if won_without is not None and claim.opp is not None and claim.opp.deal < len(won_without):
                total += part if won_without[claim.opp.deal] else 0.0
    totals["deadweight"] = int(total)


def _deals(run: EventRun, totals: dict[str, int]) -> None:
    h = run.setting.horizon
    for name in (
        "qualified", "pipeline", "joint.pipeline", "bookings", "bookings_new", "bookings_named", "conceded", "margin",
        "won", "kept", "won_by_partners", "lost_by_partners", "cycle", "sourced", "registered_vendor",
        "claimed_vendor", "open",
    ):  # fmt: skip
        totals[name] = 0
    for o in run.opportunities:
        if o.qualified is not None and 0 <= o.qualified < h:
            totals["qualified"] += 1
            totals["pipeline"] += int(o.amount)
            totals["joint.pipeline"] += int(o.amount) if o.worked else 0
        if o.won and 0 <= o.due < h:
            _won(run, o, totals)
        if o.partner is not None and o.lost and o.decided is not None and 0 <= o.decided < h:
            totals["lost_by_partners"] += 1
        if 0 <= o.start < h:
            totals["sourced"] += not o.vendor
            totals["registered_vendor"] += o.vendor and o.worked
            totals["claimed_vendor"] += o.false
        totals["open"] += not (o.won or o.lost)


def _won(run: EventRun, o: Opportunity, totals: dict[str, int]) -> None:
    net = int(o.amount - o.conceded)
    used = min((o.ends - o.due) / WEEKS_PER_YEAR, 1.0)
    totals["won"] += 1
    totals["bookings"] += net
    totals["bookings_new"] += net if o.account == 0 else 0
    totals["bookings_named"] += net if o.account == 2 else 0
    totals["conceded"] += int(o.conceded)
    totals["margin"] += _margin(run, o)
    totals["kept"] += used >= 1.0
    if o.partner is not None:
        totals["won_by_partners"] += 1
        totals["cycle"] += int(np.rint((o.due - o.start) * 1e6))


def _claims(run: EventRun, totals: dict[str, int]) -> None:
    h = run.setting.horizon
    for name in ("certified", "false_claims", "split", "bundled", "pulled", "pushed"):
        totals[name] = 0
    for partner in run.partners:
        for c in partner.claims:
            inside = 0 <= c.week < h
            totals["certified"] += inside and c.event == Event.CERTIFIED and not c.false
            totals["false_claims"] += inside and c.false and c.opp is None
            totals["split"] += inside and c.moved == SPLIT
            totals["bundled"] += inside and c.moved == BUNDLED
            totals["pulled"] += c.moved == -1 and c.week >= -1 and c.role != SECOND
            totals["pushed"] += c.moved == 1 and c.week >= 0 and c.role != SECOND
    partner_weeks = run.shape[1] * h
    for name, total in zip(ACTIVITIES, run.effort_total, strict=True):
        totals[f"activity.{name}"] = int(np.rint(total / partner_weeks * 1e6))
    for cohort in run.paid_cohorts if run.paid is not None else run.cohorts:
        tiers = cohort.perception.program.tiers
        for level, name in enumerate(tiers.names if tiers else ()):
            held = sum(a.status == level for a in cohort.accounts.values())
            totals[f"tier.{name}"] = totals.get(f"tier.{name}", 0) + held
    totals["partners"] = len(run.partners)
