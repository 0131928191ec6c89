"""The vector engine's timing game: which signatures opportunists move across the end of a window."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simulator.behavior.gaming import kinds
from simulator.behavior.gaming.timing import at_cells, early_concession, next_window, perceived, push_lost, push_risk
from simulator.behavior.perceived_value import PerceivedValue
from simulator.core.arrays import Array, Bools, Ints, take
from simulator.core.table import ColumnTable
from simulator.engines.records import CLAIM
from simulator.engines.vector.accounts import ProgramAccounts
from simulator.engines.vector.closing import measured
from simulator.engines.vector.deals import slot, truth
from simulator.engines.vector.disputes import disputed
from simulator.engines.vector.joint_deals import first_role, follow
from simulator.engines.vector.state import VectorState
from simulator.program.compiled import CompiledProgram, resolve_groups
from simulator.program.conditions import Quality
from simulator.program.credit_splits import SECOND
from simulator.program.measures import TALLIES, Event, attached_of
from simulator.world.setting import WEEKS_PER_QUARTER


def file_late_or_early(state: VectorState, week: int, switch: Bools) -> Ints:
    """Let opportunists choose, and move the claims; returns the claims that were pushed into the windows to come."""
    tau = state.setting.scenario.gaming.max_shift_weeks
    push = _pushable(state, week, tau)
    pull = _pullable(state, week, tau)
    cells = np.unique(np.concatenate((state.claims["cell"][push], state.opps["cell"][pull])))
    pulled: list[Ints] = [np.zeros(0, dtype=np.int64)]
    pushed: list[Ints] = [np.zeros(0, dtype=np.int64)]
    for b in list(state.accounts):
        b.pace = state.effort.pace()
        mine = cells[b.member.reshape(-1)[cells]]
        to = np.where(switch, state.rollout.at(week), -1).reshape(-1)[mine]
        for target in np.unique(to):
            early, late = _choose(state, b, week, tau, mine[to == target], push, pull, int(target))
            pulled.append(early)
            pushed.append(late)
    moved = np.concatenate(pushed)
    followed = follow(state, week, np.concatenate(pulled), moved)
    return np.sort(np.concatenate((moved[state.claims["event"][moved] >= 0], followed)))


def _pushable(state: VectorState, week: int, tau: int) -> Ints:
    c = state.claims
    rows = np.flatnonzero((c["week"] >= week - tau) & (c["week"] < week) & (c["event"] == Event.SIGNED))
    rows = rows[c["role"][rows] != SECOND]
    return np.asarray(rows[state.world.opportunist.reshape(-1)[c["cell"][rows]] & (c["moved"][rows] == 0)])


def _pullable(state: VectorState, week: int, tau: int) -> Ints:
    waiting = [rows for ahead in range(week, week + tau) for rows in state.calendar.get(slot(ahead, signing=True), [])]
    rows = np.concatenate(waiting) if waiting else np.zeros(0, dtype=np.int64)
    o = state.opps
    rows = rows[o["attached"][rows] & ~o["filed"][rows]]
    return np.sort(rows[state.world.opportunist.reshape(-1)[o["cell"][rows]]])


def _as_claims(state: VectorState, opp: Ints, week: int) -> tuple[ColumnTable, Array]:
    """The claims that opportunities would make if filed just before `week`, and what is conceded for it (cents)."""
    s, o = state.setting, state.opps
    rep = o["cell"][opp] // state.shape[1]
    weeks = o["due"][opp] - week
    conceded = early_concession(o["amount"][opp], weeks, take(s.gaming("concession_per_week"), rep))
    price = conceded if s.scenario.gaming.price_authority == "partner" else np.zeros(len(opp))
    claims = ColumnTable(CLAIM)
    claims.append(
        len(opp), event=int(Event.SIGNED), cell=o["cell"][opp], opp=opp, week=week - 1, time=float(week),
        start=o["start"][opp], amount=o["amount"][opp] - o["conceded"][opp] - price, code=o["code"][opp],
        moved=-1, conceded=o["conceded"][opp] + price, **truth(state, opp),
        deal=o["deal"][opp], role=first_role(o["other"][opp]), disputed=disputed(state, opp),
    )  # fmt: skip
    return claims, conceded


def _choose(
    state: VectorState, b: ProgramAccounts, week: int, tau: int, cells: Ints, push: Ints, pull: Ints, target: int
) -> tuple[Ints, Ints]:
    """One group of partners on the same books that from `week` on go on (target -1) or change to an offer.

    Returns the claims that were pulled and pushed.
    """
    c, s = state.claims, state.setting
    here = np.zeros(state.open.size, dtype=bool)
    here[cells] = True
    push, pull = push[here.take(c["cell"][push])], pull[here.take(state.opps["cell"][pull])]
    drawn, conceded = _as_claims(state, pull, week)
    late, early = week - c["week"][push], np.floor(state.opps["due"][pull]).astype(np.int64) - week + 1
    delay = week - c["time"][push]
    at_push, at_pull = np.searchsorted(cells, c["cell"][push]), np.searchsorted(cells, drawn["cell"])
    ladder = _Ladder(len(cells), tau, at_push, late, at_pull, early)

    gains, value = _payout_gains(state, b, week, cells, push, drawn, ladder, target)
    rep, who = np.divmod(cells, state.shape[1])
    margin = np.broadcast_to(s.partners.own_margin, state.shape)[rep, who]
    risk = push_risk(delay, take(s.gaming("push_loss_per_week"), rep[at_push]))
    own = take(s.gaming("timing_cost"), rep) * 100
    gains -= margin[:, None] * ladder.push(np.rint(c["amount"][push] * risk))
    if s.scenario.gaming.price_authority == "vendor":
        gains -= ladder.pull(conceded)
    gains -= own[:, None] * (ladder.push(np.ones(len(push))) + ladder.pull(np.ones(len(pull))))

    choice = kinds.best_option(gains, value)
    going = (late <= choice[at_push]) & (choice[at_push] <= tau)
    coming = early + tau <= choice[at_pull]
    early_claims = _pull(state, pull[coming], drawn, coming, conceded[coming])
    if going.any():
        _push(state, push[going], week, delay[going])
    return early_claims, push[going]


class _Ladder:
    """Lays per-deal values out as cumulative sums over options: none, push 1..tau, pull 1..tau weeks."""

    def __init__(self, cells: int, tau: int, at_push: Ints, late: Ints, at_pull: Ints, early: Ints) -> None:
        self.shape = (cells, 2 * tau + 1)
        self._tau = tau
        self._push_slot = at_push * tau + late - 1
        self._pull_slot = at_pull * tau + early - 1

    def _lay(self, slot: Ints, values: Array, offset: int) -> Array:
        cells, tau = self.shape[0], self._tau
        sums = np.bincount(slot, weights=values, minlength=cells * tau).reshape(cells, tau)
        out = np.zeros(self.shape)
        out[:, offset : offset + tau] = np.cumsum(sums, axis=1)
        return out

    def push(self, values: Array) -> Array:
        return self._lay(self._push_slot, values, 1)

    def pull(self, values: Array) -> Array:
        return self._lay(self._pull_slot, values, 1 + self._tau)


def _payout_gains(
    state: VectorState,
    b: ProgramAccounts,
    week: int,
    cells: Ints,
    push: Ints,
    drawn: ColumnTable,
    ladder: _Ladder,
    target: int,
) -> tuple[Array, Array]:
    """Gain in payout of each option, this window and the next together, and the payout at stake; (n, options), (n,)."""
    program = b.offer.program
    rep, who = np.divmod(cells, state.shape[1])
    ending = range(len(program.components)) if target >= 0 else b.ending(week)
    all_push, all_pull = push, np.arange(drawn.rows)
    now: list[Array] = [np.zeros(ladder.shape) for _ in program.components]
    later = list(now)
    for k in ending:
        c = program.components[k]
        if c.by_claim:
            continue
        moved = ladder.pull(_lined(b, k, all_pull, drawn)) - ladder.push(_lined(b, k, all_push, state.claims))
        multiple = np.broadcast_to(b.perception.multiple(k, b.status, b.rates), state.shape)[rep, who][:, None]
        attained = b.attained[k].reshape(-1)[cells][:, None]
        now[k] = multiple * at_cells(b.exact[k], rep, who).payout(attained + moved)
        if c.gate is not None:
            met = c.gate.passes(_quality(state, b.started[k], week, cells, push, drawn, ladder))
            now[k] = np.where(met, now[k], 0.0)
        now[k] = perceived(b.perception, k, now[k], rep, who)
        if target < 0:
            if c.eligibility is not None:
                moved = ladder.pull(_lined(b, k, all_pull, drawn, dated=False)) - ladder.push(
                    _lined(b, k, all_push, state.claims, dated=False)
                )
            later[k] = multiple * next_window(b.perception, k, b.smooth[k], b.pace, week, rep, who, -moved)
    if target >= 0:
        offer = state.rollout.offers[target]
        view = PerceivedValue(
            state.setting,
            offer.program,
            state.mode.expectations,
            offer.forecasts,
            offer.tier_forecasts,
            state.world.rate,
        )
        fresh = ProgramAccounts(state.setting, 0, offer, view, b.member, b.pace, state.shape, state.world)
        fresh.in_force = state.in_force.get(target)
        fresh.begin(week, state.claims, state.opps, [(b, b.member)])
        fresh.restart(week, all_windows=True)
        return _switch_gains(state, b, fresh, week, cells, push, drawn, ladder, now)
    total = _total(program, now, ladder.shape) + _total(program, later, ladder.shape)
    total += _tier_gain(state, b, week, cells, push, drawn, ladder)
    return total - total[:, :1], total[:, 0]


def _quality(
    state: VectorState, start: int, week: int, cells: Ints, push: Ints, drawn: ColumnTable, ladder: _Ladder
) -> Quality:
    """Quality of the deals of the window that ends at `week` under each option, (n, options)."""
    c, o, so_far = state.claims, state.opps, measured(state, start, week)
    gone, come = c["opp"][push], drawn["opp"]
    inside = (c["week"][push] >= start).astype(float)
    price = o["amount"][come] - drawn["amount"]

    def moved(total: Array, away: Array, here: Array) -> Array:
        return total.reshape(-1)[cells][:, None] + ladder.pull(here) - ladder.push(away)

    one = np.ones(len(come))
    return Quality(
        moved(so_far.amount, o["amount"][gone] * inside, o["amount"][come]),
        moved(so_far.conceded, o["conceded"][gone] * inside, price),
        moved(so_far.signed, np.ones(len(gone)), one),
        moved(so_far.kept, (o["ends"][gone] > week).astype(float), one),
        moved(
            so_far.attached,
            o["amount"][gone] * inside * attached_of(c["code"][push]),
            o["amount"][come] * attached_of(drawn["code"]),
        ),
        so_far.decided.reshape(-1)[cells][:, None],
        so_far.won.reshape(-1)[cells][:, None],
    )


def _total(program: CompiledProgram, payouts: Sequence[Array], shape: tuple[int, int]) -> Array:
    total = np.zeros(shape)
    for p in resolve_groups(program, payouts, by_claim=False):
        total = total + p
    return total


def _lined(b: ProgramAccounts, k: int, rows: Ints, claims: ColumnTable, *, dated: bool = True) -> Array:
    """Credit to component k per row of `rows`, 0 for claims it does not count."""
    mine, credit, void = b.credits(k, rows, claims, dated=dated)
    out = np.zeros(len(rows))
    out[np.searchsorted(rows, mine)] = np.where(void, 0.0, credit)
    return out


def _switch_gains(
    state: VectorState,
    b: ProgramAccounts,
    fresh: ProgramAccounts,
    week: int,
    cells: Ints,
    push: Ints,
    drawn: ColumnTable,
    ladder: _Ladder,
    now: list[Array],
) -> tuple[Array, Array]:
    """Gains across a change of program, where what is paid by claim differs too."""
    rep, who = np.divmod(cells, state.shape[1])
    pull = np.arange(drawn.rows)
    total = _total(b.offer.program, now, ladder.shape)
    later: list[Array] = [np.zeros(ladder.shape) for _ in fresh.offer.program.components]
    for k, c in enumerate(fresh.offer.program.components):
        if c.by_claim:
            continue
        moved = ladder.push(_lined(fresh, k, push, state.claims, dated=False)) - ladder.pull(
            _lined(fresh, k, pull, drawn, dated=False)
        )
        multiple = np.broadcast_to(fresh.perception.multiple(k, fresh.status, fresh.rates), state.shape)[rep, who][
            :, None
        ]
        later[k] = multiple * next_window(fresh.perception, k, fresh.smooth[k], fresh.pace, week, rep, who, moved)
    total = total + _total(fresh.offer.program, later, ladder.shape)
    for accounts, sign in ((b, 1.0), (fresh, -1.0)):
        for rows, claims, lay, way in (
            (push, state.claims, ladder.push, -1.0),
            (pull, drawn, ladder.pull, 1.0),
        ):
            for mine, pay, _ in accounts.payouts(rows, claims, dated=accounts is b):
                if len(mine):
                    total = total + sign * way * lay(pay)
    return total - total[:, :1], total[:, 0]


def _tier_gain(
    state: VectorState, b: ProgramAccounts, week: int, cells: Ints, push: Ints, drawn: ColumnTable, ladder: _Ladder
) -> Array:
    """What meeting or missing a tier's criteria at the review of `week` is worth under each option."""
    tiers = b.offer.program.tiers
    out = np.zeros(ladder.shape)
    quarter = week // WEEKS_PER_QUARTER
    if tiers is None or quarter % tiers.upgrade_every or week % WEEKS_PER_QUARTER:
        return out
    totals = {}
    for measure in tiers.measures:
        total = b.kept(measure, 1).reshape(-1)[cells][:, None] + np.zeros(ladder.shape)
        gone, come = (
            np.where(TALLIES[measure].counts(x["event"], x["code"]), TALLIES[measure].value(x["amount"]), 0.0)
            for x in ({n: state.claims[n][push] for n in ("event", "code", "amount")}, drawn)
        )
        totals[measure] = total + ladder.pull(come) - ladder.push(gone)
    rep = cells // state.shape[1]
    for level, criteria in enumerate(tiers.levels):
        benefit = b.benefits[level].reshape(-1)[cells]
        if quarter % tiers.downgrade_every:
            benefit = np.where(b.status.reshape(-1)[cells] > level, 0.0, benefit)
        met = np.ones(ladder.shape, dtype=bool)
        for c in criteria:
            points = np.zeros(ladder.shape)
            for name, weight in c.terms:
                points = points + take(weight, rep)[:, None] * totals[name]
            met &= points >= take(c.at_least, rep)[:, None]
        out = out + np.where(met, benefit[:, None], 0.0)
    return out


def _pull(state: VectorState, opp: Ints, drawn: ColumnTable, chosen: Bools, conceded: Array) -> Ints:
    """File deals before the window ends that would be signed after it; returns the claims."""
    if not len(opp):
        return opp
    rows = state.claims.append(
        len(opp), **{name: drawn[name][chosen] for name in ("event", "cell", "opp", "week", "time", "start", "amount",
                                                             "code", "false", "audit", "moved", "conceded",
                                                             "deal", "role", "disputed")}
    )  # fmt: skip
    for accounts in state.accounts:
        accounts.post(rows, state.claims)
    state.opps["filed"][opp] = True
    if state.setting.scenario.gaming.price_authority == "partner":
        state.opps["conceded"][opp] += conceded
    return rows


def _push(state: VectorState, rows: Ints, week: int, delay: Array) -> None:
    """Move claims into the window that starts at `week`; some of the deals are lost over it."""
    c = state.claims
    for accounts in state.accounts:
        accounts.post(rows, c, sign=-1.0)
    opp = c["opp"][rows]
    risk = take(state.setting.gaming("push_loss_per_week"), c["cell"][rows] // state.shape[1])
    lost = push_lost(state.world.deals["delay"][state.opps["deal"][opp]], delay, risk)
    state.opps["lost"][opp[lost]] = True
    state.opps["filed"][opp[~lost]] = True
    c["event"][rows[lost]] = -1
    c["week"][rows], c["time"][rows], c["moved"][rows] = week, float(week), 1
