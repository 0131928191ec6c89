"""Who is on the candidate when: from a design to schedules, one assignment per replication.

Units, partners or territories, are put in order by stratum and, within a stratum, at random; of that order every
(1/share)-th unit from a random start is treated (systematic sampling). So each unit is treated with probability `share`
exactly, strata are balanced to a unit, and of each matched pair one is treated.

    parallel         one stratum
    stratified       by partner segment, and below or above the middle in size within it
    matched pairs    pairs of like size within a segment; what is left over takes no part
    stepped wedge    unit i of n in random order starts in period floor((g + 1) T / (G + 1)), g = floor(i G / n)
    switchback       blocks of floor(T / steps) periods or so; half of the units are on in even blocks, half in odd ones

Several programs at once are arms: the units that parallel or stratified groups would treat go on them in turn, from a
random one on. Who is on another program than the candidate takes part, and is not observed.

Draws are addressed by replication and partner or territory, so another partner changes none of them. A partner drops
out of the pilot at a constant hazard from launch on, whichever group it is in.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.core.arrays import Array, Bools, Ints
from simulator.pilots.plan import Eligible, PilotSchedule, Plan
from simulator.world.setting import WEEKS_PER_QUARTER
from simulator.world.world import World


@dataclass(frozen=True)
class PilotAssignment:
    """Assignments of R pilots of P partners over T periods.

    schedule: (R, P, horizon), 1 on the candidate, 0 on the baseline and more on other programs, week by week; after the
    pilot all are on the baseline. takes_part: (R, P). treated, observed: (R, P, T), see `simulator.pilots.panel.Panel`;
    who takes no part, or is on another program, is never observed. cluster, stratum: (R, P).
    """

    schedule: Ints
    takes_part: Bools
    treated: Bools
    observed: Bools
    cluster: Ints
    stratum: Ints


@dataclass(frozen=True)
class PartnerHistory:
    """What is known of partners at launch, (R, P). size: bookings in the last year, money; since: week of the first
    opportunity, infinite where there was none."""

    size: Array
    since: Array


def assign(world: World, plan: Plan, history: PartnerHistory) -> PilotAssignment:
    """Assign the partners of every replication by the plan."""
    design, p = plan.design, world.setting.partners
    eligible = _eligible(world, plan.eligible, history)
    if design.unit == "territory":
        unit, marks = np.broadcast_to(p.territory, world.shape), world.territory_marks("assignment")
    else:
        unit, marks = np.broadcast_to(np.arange(p.count), world.shape), world.marks("assignment")
    joins, on = np.zeros(world.shape, dtype=bool), np.zeros((*world.shape, plan.periods), dtype=np.int64)
    strata = np.zeros(world.shape, dtype=np.int64)
    for r in range(world.shape[0]):
        units = _chosen(unit[r], eligible[r], marks[:, r], design.partners)
        stratum = _strata(design, units, unit[r], eligible[r], p.segment, history.size[r])
        units, stratum = units[stratum >= 0], stratum[stratum >= 0]
        turn = _course(design, plan, stratum, marks[:3, r][:, units])
        place = np.full(marks.shape[2], -1)
        place[units] = np.arange(len(units))
        at = np.where(eligible[r], place[unit[r]], -1)
        joins[r] = at >= 0
        on[r][joins[r]] = turn[at[joins[r]]]
        strata[r][joins[r]] = stratum[at[joins[r]]]
    return _weekly(world, plan, joins, on, (unit, strata))


def _eligible(world: World, who: Eligible, history: PartnerHistory) -> Bools:
    p = world.setting.partners
    named = np.isin(p.segment, [k for k, s in enumerate(p.segments) if s in who.segments or not who.segments])
    least = -np.inf if who.min_size is None else who.min_size
    most = np.inf if who.max_size is None else who.max_size
    seen = history.since <= -who.tenure_quarters * WEEKS_PER_QUARTER
    fits = (history.size >= least) & (history.size <= most) & (seen | (who.tenure_quarters == 0))
    return np.asarray(fits & (named & ~p.forecast)[None, :])


def _chosen(unit: Ints, eligible: Bools, marks: Array, partners: int | None) -> Ints:
    """Units that take part, in random order, until there are as many partners as asked for."""
    size = np.bincount(unit[eligible], minlength=marks.shape[1])
    order = np.argsort(marks[0], kind="stable")
    order = order[size[order] > 0]
    if partners is None:
        return order
    before = np.cumsum(size[order]) - size[order]
    return np.asarray(order[before < partners])


def _strata(design: PilotSchedule, units: Ints, unit: Ints, eligible: Bools, segment: Ints, size: Array) -> Ints:
    """Stratum of each of the `units`, -1 for one that is left over."""
    count = np.maximum(np.bincount(unit[eligible], minlength=unit.max() + 1), 1)
    mean = (np.bincount(unit[eligible], weights=size[eligible], minlength=len(count)) / count)[units]
    kind = np.zeros(len(count), dtype=np.int64)
    kind[unit[eligible]] = segment[eligible] if design.unit == "partner" else 0
    kind = kind[units]
    out = np.zeros(len(units), dtype=np.int64)
    if design.assignment == "stratified":
        for k in np.unique(kind):
            mine = kind == k
            out[mine] = 2 * k + (mean[mine] > np.median(mean[mine]))
    elif design.assignment == "matched_pairs":
        order = np.lexsort((mean, kind))
        out[order] = np.arange(len(units)) // 2
        if len(units) % 2:
            out[order[-1]] = -1
    return out


def _course(design: PilotSchedule, plan: Plan, stratum: Ints, marks: Array) -> Ints | Bools:
    """Arm of each unit in each period, 0 on the baseline and 1 on the candidate, (n, T). marks: (3, n) of the units."""
    n, t = len(stratum), np.arange(plan.periods)
    order = np.lexsort((marks[1], stratum))
    place = np.empty(n, dtype=np.int64)
    place[order] = np.arange(n)
    if design.assignment == "stepped_wedge":
        group = place * plan.steps // max(n, 1)
        return np.asarray(t[None, :] >= ((group + 1) * plan.periods // (plan.steps + 1))[:, None])
    share = 0.5 if design.assignment in ("switchback", "matched_pairs") else design.treated_share
    arms = 1 + len(plan.other_arms)
    share = min(max(share * arms, 1.0 / max(n, 2)), 1.0 - 1.0 / max(n, 2))
    start = marks[2][order[0]] if n else 0.0
    treated = np.floor((place + 1) * share + start) > np.floor(place * share + start)
    if design.assignment == "switchback":
        block = t * plan.steps // plan.periods
        return np.asarray((block[None, :] % 2 == 0) == treated[:, None])
    arm = treated.astype(np.int64)
    if arms > 1 and n:
        first = int(marks[2][order[-1]] * arms)
        arm[order] = np.where(treated[order], 1 + (np.cumsum(treated[order]) - 1 + first) % arms, 0)
    return np.repeat(arm[:, None], plan.periods, axis=1)


def _weekly(world: World, plan: Plan, joins: Bools, on: Ints, groups: tuple[Ints, Ints]) -> PilotAssignment:
    """Lay the periods out over weeks, and let partners drop out."""
    with np.errstate(divide="ignore"):
        pace = -np.log1p(-world.setting.number("pilot", "drop_out")) / WEEKS_PER_QUARTER
        leaves = np.floor(-np.log(world.marks("drop out")[0]) / pace)[:, :, None]
    week = np.arange(min(plan.periods * plan.design.period_weeks, world.setting.horizon))
    schedule = np.zeros((*world.shape, world.setting.horizon), dtype=np.int64)
    schedule[..., week] = on[..., week // plan.design.period_weeks] * (week < leaves)
    ends = (np.arange(plan.periods) + 1) * plan.design.period_weeks
    observed: Bools = joins[:, :, None] & (on <= 1) & (ends <= leaves)
    return PilotAssignment(schedule, joins, on == 1, observed, *groups)
