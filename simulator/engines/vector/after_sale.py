"""What happens after the sale in the vector engine: claims that wait in a calendar of their own."""

from __future__ import annotations

import numpy as np

from simulator.core.arrays import Array, Ints, take
from simulator.engines.vector.state import VectorState, Waiting
from simulator.program.credit_splits import ALONE
from simulator.program.measures import Event
from simulator.world.after_sale import OUTCOMES, expansion_amount, outcome_times
from simulator.world.disputes import NONE

"""By week: (event, opportunities, times)."""


def expect(state: VectorState, opp: Ints, active: Array) -> None:
    """Note what will come of the opportunities `opp` that are signed now, with a partner's activity (n,)."""
    after, o, d = state.setting.markets.after_sale, state.opps, state.world.deals
    if after is None or not len(opp):
        return
    deal, rep = o["deal"][opp], o["cell"][opp] // state.shape[1]
    elasticity = take(state.setting.behavior("success_outcomes"), rep)
    times = outcome_times(
        waits=d["after"][deal], renewal=take(after.renewal, rep, d["market"][deal]), signed=o["due"][opp],
        ends=o["ends"][opp], active=active, elasticity=elasticity,
    )  # fmt: skip
    for j, event in enumerate(OUTCOMES):
        rows = np.flatnonzero(times[:, j] < state.setting.horizon)
        week = np.floor(times[rows, j]).astype(np.int64)
        for at in np.unique(week):
            now = rows[week == at]
            state.coming.setdefault(int(at), []).append((int(event), opp[now], times[now, j]))


def happen(state: VectorState, week: int) -> None:
    """File the claims of a week."""
    after, o, d = state.setting.markets.after_sale, state.opps, state.world.deals
    for event, opp, time in state.coming.pop(week, []) if after is not None else []:
        kept = ~o["lost"][opp]
        rows, when = opp[kept], time[kept]
        amount = o["amount"][rows]
        if event == Event.EXPANDED and after is not None:
            rep = o["cell"][rows] // state.shape[1]
            amount = expansion_amount(amount, take(after.expansion_share, rep, d["market"][o["deal"][rows]]))
        state.claims.append(
            len(rows), event=event, cell=o["cell"][rows], opp=rows, week=week, time=when, start=o["due"][rows],
            amount=amount, code=o["code"][rows], false=o["false"][rows], audit=d["audit"][o["deal"][rows]], moved=0,
            conceded=0.0, deal=o["deal"][rows], role=ALONE, disputed=NONE,
        )  # fmt: skip


def waiting(coming: Waiting) -> Ints:
    """All opportunities that something is still to come of."""
    rows = [opp for parts in coming.values() for _, opp, _ in parts]
    return np.concatenate(rows) if rows else np.zeros(0, dtype=np.int64)
