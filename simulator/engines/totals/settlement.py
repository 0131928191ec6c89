"""Settlement: from the records of a run to its ledger and totals, counted once for both engines."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulator.behavior.enablement import support_cost
from simulator.core.arrays import Array, Bools, Ints, take
from simulator.core.table import ColumnTable
from simulator.engines.assignment import ProgramAssignment
from simulator.engines.ledger import RunOutcome, sorted_ledger
from simulator.engines.records import (
    BUNDLED,
    SIGNING,
    SPLIT,
    HasRecords,
    RunRecords,
    are_won,
    dispute_delay,
)
from simulator.engines.totals.fairness import fair_totals, shapley_margins
from simulator.program.credit_splits import SECOND
from simulator.program.measures import Event
from simulator.world.disputes import NONE
from simulator.world.setting import ACTIVITIES, WEEKS_PER_YEAR
from simulator.world.world import World

MICRO = 1e6
Totals = dict[str, NDArray[np.int64]]


def settle(run: HasRecords, won_without: Bools | None = None) -> RunOutcome:
    """Settle a finished run of either engine.

    won_without: per candidate of the world, whether it was won under no program on the same behavior level; payout on
    those is deadweight. None leaves deadweight at 0.
    """
    return count(run.records(), won_without)


def count(records: RunRecords, won_without: Bools | None = None) -> RunOutcome:
    """Ledger and totals of a run's records; `won_without` as in `settle`."""
    effort, rollout, horizon = records.effort, records.rollout, records.world.setting.horizon
    totals: Totals = {}
    _count_costs(records, totals)
    _count_deadweight(records, won_without, totals)
    _count_deals(records, totals)
    _count_claims(records, totals)
    for name, value in zip(("joint.depth", "joint.weeks"), effort.depth_total, strict=True):
        totals[name] = np.rint(value * MICRO).astype(np.int64)
    totals |= _support_use(records)
    for part in (effort.membership, effort.trust, records.adjustments):
        totals |= {} if part is None else part.totals()
    results = brought(records.world, records.deals)
    totals |= fair_totals(records.windows, records.world, rollout.offers, *results, _waited(records))
    totals["partners"] = np.full(records.world.shape[0], records.world.shape[1], dtype=np.int64)
    partner_weeks = records.world.shape[1] * horizon
    for name, sums in zip(ACTIVITIES, records.activity, strict=True):
        totals[f"activity.{name}"] = np.rint(sums / partner_weeks * MICRO).astype(np.int64)
    for tiers in records.tiers:
        for level, name in enumerate(tiers.names):
            held = ((tiers.now == level) & tiers.members).sum(axis=1).astype(np.int64)
            totals[f"tier.{name}"] = totals.get(f"tier.{name}", 0) + held
    return RunOutcome(sorted_ledger(records.windows), totals)


def _by_replication(world: World, cell: Ints, value: Array | None = None) -> NDArray[np.int64]:
    return _summed(world, cell // world.shape[1], value)


def _summed(world: World, rep: Ints, value: Array | Ints | None = None) -> NDArray[np.int64]:
    return np.rint(np.bincount(rep, weights=value, minlength=world.shape[0])).astype(np.int64)


def _count_costs(records: RunRecords, totals: Totals) -> None:
    world, windows, payouts = records.world, records.windows, records.payouts
    zero = np.zeros(world.shape[0], dtype=np.int64)
    position = np.searchsorted(world.ids, windows["replication"])
    for name in ("accrued", "forfeited", "clawed_back", "paid", "penalty"):
        totals[name] = _summed(world, position, windows[name])
    totals["audit"] = zero
    for index, offer in enumerate(records.rollout.offers):
        for k, component in enumerate(offer.program.components):
            mine = np.flatnonzero((windows["offer"] == index) & (windows["component"] == k))
            spent = _summed(world, position[mine], windows["paid"][mine] - windows["penalty"][mine])
            claims = payouts["claim"][(payouts["offer"] == index) & (payouts["component"] == k)]
            each = np.rint(component.terms.audit_rate * component.terms.audit_cost)[:, 0].astype(np.int64)
            audit = _by_replication(world, records.claims["cell"][claims]) * each if each.any() else zero
            totals["audit"] = totals["audit"] + audit
            totals[f"cost.{component.name}"] = totals.get(f"cost.{component.name}", zero) + spent + audit
    totals |= _disputes(records)
    totals["admin"] = _admin_cost(records) + totals["disputes.cost"]
    totals["cost"] = totals["paid"] - totals["penalty"] + totals["audit"] + totals["admin"]
    noncash = [(name, np.rint(cost).astype(np.int64)) for name, cost in _support_costs(records)]
    noncash += [(prize.name, zero) for offer in records.rollout.offers for prize in offer.program.prizes]
    noncash += [(prize.name, n * np.rint(prize.cost[:, 0]).astype(np.int64)) for prize, n in records.prizes]
    for name, cost in noncash:
        totals[f"noncash.{name}"] = totals.get(f"noncash.{name}", zero) + cost
        totals["cost"] = totals["cost"] + cost


def _weeks_in_use(rollout: ProgramAssignment, horizon: int, index: int) -> tuple[Array, Array]:
    """Weeks in which a program is in use, and its partner-weeks, (R or 1,)."""
    mine = rollout.schedule[..., :horizon] == index
    return mine.any(axis=1).sum(axis=1).astype(float), mine.sum(axis=(1, 2)).astype(float)


def _admin_cost(records: RunRecords) -> NDArray[np.int64]:
    """Fixed cost of every program in use, by the weeks it is."""
    total = np.zeros(records.world.shape[0])
    for index, offer in enumerate(records.rollout.offers):
        weeks, _ = _weeks_in_use(records.rollout, records.world.setting.horizon, index)
        total = total + np.rint(offer.program.admin_cost_per_year[:, 0] * weeks / WEEKS_PER_YEAR)
    return total.astype(np.int64)


def _support_costs(records: RunRecords) -> list[tuple[str, Array]]:
    """Cost of each support from launch to the horizon, cents, (R or 1,)."""
    found: dict[str, Array] = {}
    for index, offer in enumerate(records.rollout.offers):
        supports = offer.program.supports
        if supports is None:
            continue
        for name in supports.costs:
            weeks = (n[:, None] for n in _weeks_in_use(records.rollout, records.world.setting.horizon, index))
            found[name] = found.get(name, np.zeros(1)) + support_cost(supports, name, *weeks)
    return list(found.items())


def _support_use(records: RunRecords) -> Totals:
    """Mean use of content and access to specialists over partner-weeks, in millionths, where a program has them."""
    given = [offer.program.supports for offer in records.rollout.offers]
    partner_weeks = records.world.shape[1] * records.world.setting.horizon
    return {
        f"helped.{name}": np.rint(records.effort.help_total[k] / partner_weeks * MICRO).astype(np.int64)
        for k, name in enumerate(("content", "specialists"))
        if any(s is not None and name in s.costs for s in given)
    }


def _disputes(records: RunRecords) -> Totals:
    """Disputes about signatures within the horizon, and what settling them costs in cents."""
    world, c = records.world, records.claims
    zero = np.zeros(world.shape[0], dtype=np.int64)
    if world.disputes is None:
        return {"disputes": zero, "disputes.cost": zero}
    inside = (c["week"] >= 0) & (c["week"] < world.setting.horizon) & (c["role"] != SECOND)
    contested = (c["disputed"] != NONE) & (c["event"] == Event.SIGNED)
    found = _by_replication(world, c["cell"][contested & inside])
    each = np.rint(world.disputes.number("cost", np.arange(world.shape[0])) * 100).astype(np.int64)
    return {"disputes": found, "disputes.cost": found * each}


def _waited(records: RunRecords) -> Array:
    """Cent-weeks that the payouts of each partner wait for disputes, whole, (R, P)."""
    world, claims, payouts = records.world, records.claims, records.payouts
    if world.disputes is None:
        return np.zeros(world.shape)
    late = np.flatnonzero(~payouts["in_advance"])
    rows = payouts["claim"][late]
    weeks = np.rint(payouts["part"][late] * dispute_delay(world, claims, rows))
    sums = np.bincount(claims["cell"][rows], weights=weeks, minlength=world.shape[0] * world.shape[1])
    return np.asarray(sums, dtype=float).reshape(world.shape)


def _count_deadweight(records: RunRecords, won_without: Bools | None, totals: Totals) -> None:
    claims, payouts = records.claims, records.payouts
    totals["deadweight"] = np.zeros(records.world.shape[0], dtype=np.int64)
    if won_without is None:
        return
    deal = claims["deal"][payouts["claim"]]
    free = (deal >= 0) & (deal < len(won_without))
    free[free] = won_without[deal[free]]
    cell = claims["cell"][payouts["claim"][free]]
    totals["deadweight"] = _by_replication(records.world, cell, payouts["part"][free])


def margin_of(world: World, deals: ColumnTable, rows: Ints) -> tuple[Array, Array]:
    """Gross margin of deals in a customer's first year, whole cents, and the share of that year; (n,)."""
    market = world.deals["market"].take(deals["deal"].take(rows))
    share = take(world.setting.markets.gross_margin, deals["cell"].take(rows) // world.shape[1], market)
    used = np.minimum((deals["ends"].take(rows) - deals["due"].take(rows)) / WEEKS_PER_YEAR, 1.0)
    return np.rint((deals["amount"].take(rows) * share - deals["conceded"].take(rows)) * used), used


def brought(world: World, o: ColumnTable) -> tuple[Array, Array, Array]:
    """Bookings, gross margin and Shapley values of the won deals that each partner is on, cents, (R, P)."""
    size = world.shape[0] * world.shape[1]
    rows = np.flatnonzero(are_won(o, world.setting.horizon) & (o["due"] >= 0) & o["attached"])
    margin = margin_of(world, o, rows)[0]
    booked, earned = (
        np.bincount(o["cell"][rows], weights=v, minlength=size).astype(float).reshape(world.shape)
        for v in (o["amount"][rows] - o["conceded"][rows], margin)
    )
    return booked, earned, shapley_margins(world, o["deal"][rows], o["cell"][rows], o["other"][rows], margin)


def _count_deals(records: RunRecords, totals: Totals) -> None:
    """Pipeline, bookings and margin by true dates within the horizon."""
    world, o, h = records.world, records.deals, records.world.setting.horizon
    rep = o["cell"] // world.shape[1]

    def summed(rows: Ints, value: Array | None = None) -> NDArray[np.int64]:
        return _summed(world, rep.take(rows), value)

    def number(where: Bools) -> NDArray[np.int64]:
        return summed(np.flatnonzero(where))

    qualified = np.flatnonzero((o["qualified"] >= 0) & (o["qualified"] < h))
    totals["qualified"] = summed(qualified)
    totals["pipeline"] = summed(qualified, o["amount"].take(qualified))
    joint = qualified.take(np.flatnonzero(o["worked"].take(qualified)))
    totals["joint.pipeline"] = summed(joint, o["amount"].take(joint))
    rows = np.flatnonzero(are_won(o, h) & (o["due"] >= 0))
    net = o["amount"].take(rows) - o["conceded"].take(rows)
    margin, used = margin_of(world, o, rows)
    account = world.deals["account"].take(o["deal"].take(rows))
    totals["bookings"] = summed(rows, net)
    totals["bookings_new"] = summed(rows, np.where(account == 0, net, 0.0))
    totals["bookings_named"] = summed(rows, np.where(account == 2, net, 0.0))
    totals["conceded"] = summed(rows, o["conceded"].take(rows))
    totals["margin"] = summed(rows, margin)
    totals["won"] = summed(rows)
    totals["kept"] = summed(rows, (used >= 1.0).astype(float))
    mine = rows.take(np.flatnonzero(o["attached"].take(rows)))
    totals["won_by_partners"] = summed(mine)
    totals["lost_by_partners"] = number(o["attached"] & o["lost"] & (o["decided"] >= 0) & (o["decided"] < h))
    totals["cycle"] = summed(mine, np.rint((o["due"].take(mine) - o["start"].take(mine)) * MICRO))
    found = (o["start"] >= 0) & (o["start"] < h)
    totals["sourced"] = number(found & ~o["vendor"])
    totals["registered_vendor"] = number(found & o["vendor"] & o["worked"])
    totals["claimed_vendor"] = number(found & o["false"])
    totals["open"] = number(o["stage"][:] <= SIGNING)


def _count_claims(records: RunRecords, totals: Totals) -> None:
    c, h = records.claims, records.world.setting.horizon
    inside, own = (c["week"] >= 0) & (c["week"] < h), c["role"] != SECOND
    for name, where in {
        "certified": inside & (c["event"] == Event.CERTIFIED) & ~c["false"],
        "false_claims": inside & c["false"] & (c["opp"] < 0),
        "split": inside & (c["moved"] == SPLIT),
        "bundled": inside & (c["moved"] == BUNDLED),
        "pulled": own & (c["moved"] == -1) & (c["week"] >= -1),
        "pushed": own & (c["moved"] == 1) & (c["week"] >= 0),
    }.items():
        totals[name] = _by_replication(records.world, c["cell"][where])
