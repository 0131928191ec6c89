"""The event engine's outcome: ledger and totals of one replication, counted from its accounts and opportunities."""

from __future__ import annotations

import numpy as np

from simulator.engines.agents import Opportunity
from simulator.engines.contesting import dispute_totals, waited
from simulator.engines.events import EventLife
from simulator.engines.fairness import fair_totals, shapley_margins
from simulator.engines.joining import second_of
from simulator.engines.ledger import LEDGER_COLUMNS, Outcome, sorted_ledger
from simulator.engines.noncash import help_totals, noncash
from simulator.engines.tables import BUNDLED, SPLIT
from simulator.model.setting import ACTIVITIES, WEEKS_PER_YEAR
from simulator.program.compiled import Bools
from simulator.program.measures import Event
from simulator.program.numbers import Array
from simulator.program.sharing import SECOND


def tally(life: EventLife, won_without: Bools | None = None) -> Outcome:
    """Ledger and totals of a life that was run; see `simulator.engines.settle.settle` for `won_without`."""
    totals: dict[str, int] = {}
    rows = _ledger(life)
    _costs(life, rows, totals)
    _deadweight(life, won_without, totals)
    _deals(life, totals)
    _claims(life, totals)
    for name, value in zip(("joint.depth", "joint.weeks"), life.planner.depth_total[:, 0], strict=True):
        totals[name] = int(np.rint(value * 1e6))
    helped = help_totals(life.planner, life.paid or life.rollout, life.setting.horizon)
    totals |= {name: int(value[0]) for name, value in helped.items()}
    if life.planner.trust is not None:
        totals |= {name: int(value[0]) for name, value in life.planner.trust.totals().items()}
    paying = life.paid or life.rollout
    in_force = life.in_force["account" if life.paid is None else "paid"].get(len(paying.offers) - 1)
    if in_force is not None:
        totals |= {name: int(value[0]) for name, value in in_force.totals().items()}
    if life.planner.membership is not None:
        totals |= {name: int(value[0]) for name, value in life.planner.membership.totals().items()}
    table = np.array(rows, dtype=np.int64).reshape(-1, len(LEDGER_COLUMNS))
    ledger = sorted_ledger({name: table[:, k] for k, name in enumerate(LEDGER_COLUMNS)})
    counted = {name: np.array([value], dtype=np.int64) for name, value in totals.items()}
    offers = (life.paid or life.rollout).offers
    return Outcome(ledger, counted | fair_totals(ledger, life.world, offers, *_brought(life), waited(life)))


def _brought(life: EventLife) -> tuple[Array, Array, Array]:
    """Bookings, gross margin and Shapley values of the won deals that each partner is on, cents, (1, P)."""
    booked, margin, worth = np.zeros((3, 1, life.shape[1]))
    for o in life.opportunities:
        if o.won and 0 <= o.due < life.setting.horizon and o.partner is not None:
            booked[0, o.partner.who] += o.amount - o.conceded
            margin[0, o.partner.who] += _margin(life, o)
            worth += _worth(life, o)
    return booked, margin, worth


def _worth(life: EventLife, o: Opportunity) -> Array:
    assert o.partner is not None
    other, margin = second_of(life, o), np.array([float(_margin(life, o))])
    second = np.array([-1 if other is None else other.who])
    return shapley_margins(life.world, np.array([o.deal]), np.array([o.partner.who]), second, margin)


def _margin(life: EventLife, o: Opportunity) -> int:
    """Gross margin of a deal in a customer's first year, whole cents."""
    used = min((o.ends - o.due) / WEEKS_PER_YEAR, 1.0)
    return int(np.rint((o.amount * life.setting.markets.gross_margin[0, o.market] - o.conceded) * used))


def won_deals(life: EventLife) -> Bools:
    """Per deal of the world, whether it was won."""
    won = np.zeros(life.world.deals.rows, dtype=bool)
    for o in life.opportunities:
        won[o.deal] = o.won
    return won


def _ledger(life: EventLife) -> list[tuple[float, ...]]:
    rows: list[tuple[float, ...]] = []
    for who, closed in life.settled:
        if closed.accrued or closed.attained or closed.penalty:
            paid = closed.accrued - closed.forfeited - closed.clawed_back
            rows.append(
                (int(life.world.ids[0]), who, closed.offer, closed.component, closed.start, closed.end, closed.attained,
                 closed.accrued, closed.forfeited, closed.clawed_back, paid, closed.penalty)
            )  # fmt: skip
    return rows


def _costs(life: EventLife, rows: list[tuple[float, ...]], totals: dict[str, int]) -> None:
    rollout = life.paid or life.rollout
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
    _audits(life, totals)
    for index, offer in enumerate(rollout.offers):
        weeks = sum(int((rollout.at(w) == index).any()) for w in range(life.setting.horizon))
        totals["admin"] += int(np.rint(offer.program.admin_cost_per_year[0, 0] * weeks / WEEKS_PER_YEAR))
    totals |= dispute_totals(life)
    totals["admin"] += totals["disputes.cost"]
    totals["cost"] = totals["paid"] - totals["penalty"] + totals["audit"] + totals["admin"]
    for name, spent in noncash(rollout, life.setting.horizon).items():
        totals[f"noncash.{name}"] = int(np.rint(spent[0]))
        totals["cost"] += totals[f"noncash.{name}"]
    for offer in rollout.offers:
        for prize in offer.program.prizes:
            totals.setdefault(f"noncash.{prize.name}", 0)
    for prize in life.awarded:
        totals[f"noncash.{prize.name}"] += int(np.rint(prize.cost[0, 0]))
        totals["cost"] += int(np.rint(prize.cost[0, 0]))


def _audits(life: EventLife, totals: dict[str, int]) -> None:
    """Paid claims times the expected cost of verifying one, by component and window."""
    rollout = life.paid or life.rollout
    counts: dict[tuple[int, int, int, int], int] = {}
    for _, closed in life.settled:
        key = (closed.offer, closed.component, closed.start, closed.end)
        counts[key] = counts.get(key, 0) + len(closed.parts)
    for (offer, k, _, _), count in counts.items():
        component = rollout.offers[offer].program.components[k]
        cost = count * int(np.rint(component.terms.audit_rate[0, 0] * component.terms.audit_cost[0, 0]))
        totals["audit"] += cost
        totals[f"cost.{component.name}"] += cost


def _deadweight(life: EventLife, won_without: Bools | None, totals: dict[str, int]) -> None:
    total = 0.0
    for _, closed in life.settled if won_without is not None else []:
        for claim, part in closed.parts:
            if won_without is not None and claim.opp is not None and claim.opp.deal < len(won_without):
                total += part if won_without[claim.opp.deal] else 0.0
    totals["deadweight"] = int(total)


def _deals(life: EventLife, totals: dict[str, int]) -> None:
    h = life.setting.horizon
    for name in (
        "qualified", "pipeline", "joint.pipeline", "bookings", "bookings_new", "bookings_named", "conceded", "margin",
        "won", "kept", "won_by_partners", "lost_by_partners", "cycle", "sourced", "registered_vendor",
        "claimed_vendor", "open",
    ):  # fmt: skip
        totals[name] = 0
    for o in life.opportunities:
        if o.qualified is not None and 0 <= o.qualified < h:
            totals["qualified"] += 1
            totals["pipeline"] += int(o.amount)
            totals["joint.pipeline"] += int(o.amount) if o.worked else 0
        if o.won and 0 <= o.due < h:
            _won(life, o, totals)
        if o.partner is not None and o.lost and o.decided is not None and 0 <= o.decided < h:
            totals["lost_by_partners"] += 1
        if 0 <= o.start < h:
            totals["sourced"] += not o.vendor
            totals["registered_vendor"] += o.vendor and o.worked
            totals["claimed_vendor"] += o.false
        totals["open"] += not (o.won or o.lost)


def _won(life: EventLife, o: Opportunity, totals: dict[str, int]) -> None:
    net = int(o.amount - o.conceded)
    used = min((o.ends - o.due) / WEEKS_PER_YEAR, 1.0)
    totals["won"] += 1
    totals["bookings"] += net
    totals["bookings_new"] += net if o.account == 0 else 0
    totals["bookings_named"] += net if o.account == 2 else 0
    totals["conceded"] += int(o.conceded)
    totals["margin"] += _margin(life, o)
    totals["kept"] += used >= 1.0
    if o.partner is not None:
        totals["won_by_partners"] += 1
        totals["cycle"] += int(np.rint((o.due - o.start) * 1e6))


def _claims(life: EventLife, totals: dict[str, int]) -> None:
    h = life.setting.horizon
    for name in ("certified", "false_claims", "split", "bundled", "pulled", "pushed"):
        totals[name] = 0
    for partner in life.partners:
        for c in partner.claims:
            inside = 0 <= c.week < h
            totals["certified"] += inside and c.event == Event.CERTIFIED and not c.false
            totals["false_claims"] += inside and c.false and c.opp is None
            totals["split"] += inside and c.moved == SPLIT
            totals["bundled"] += inside and c.moved == BUNDLED
            totals["pulled"] += c.moved == -1 and c.week >= -1 and c.role != SECOND
            totals["pushed"] += c.moved == 1 and c.week >= 0 and c.role != SECOND
    partner_weeks = life.shape[1] * h
    for name, total in zip(ACTIVITIES, life.effort, strict=True):
        totals[f"activity.{name}"] = int(np.rint(total / partner_weeks * 1e6))
    for desk in life.paid_desks if life.paid is not None else life.desks:
        tiers = desk.perception.program.tiers
        for level, name in enumerate(tiers.names if tiers else ()):
            held = sum(a.status == level for a in desk.accounts.values())
            totals[f"tier.{name}"] = totals.get(f"tier.{name}", 0) + held
    totals["partners"] = len(life.partners)
