"""Stops for harm: what a firm can see going wrong while a candidate runs, period by period.

cost overrun    mean payout of those on the candidate, over that of those who are not, so far, less 1; where all are
                on it, over what they were paid before launch
gaming share    of what those on the candidate were paid so far, what they would not have been paid had nobody gamed
                (as a perfect audit would find)
lift            the estimated effect so far, of the level without the candidate
"""

from __future__ import annotations

import numpy as np

from simulator.core.arrays import Array, Bools, Ints
from simulator.pilots.interim_analysis import Estimator
from simulator.pilots.panel import PilotPanel
from simulator.pilots.plan import Guardrails

REASONS = ("cost overrun", "gaming share", "lift")
"""What can stop a candidate, in the order in which it is told where several do in the same period."""


def cost_overrun(payout: PilotPanel) -> Array:
    """Cost overrun so far at the end of each period, (R, T); nan where nothing was paid to compare with."""
    on, off = payout.observed & payout.treated, payout.observed & ~payout.treated
    here, there = (_so_far(payout.outcome, cells) for cells in (on, off))
    seen: Bools = np.asarray(payout.observed.any(axis=2))
    empty = np.full(len(seen), np.nan)
    usual = _mean(payout.before.sum(axis=2), seen) / payout.before.shape[2] if payout.before.shape[2] else empty
    there = np.where(np.isnan(there), usual[:, None], there)
    return np.divide(here, there, out=np.full_like(here, np.nan), where=there > 0) - 1.0


def gaming_share(payout: PilotPanel, without_gaming: Array) -> Array:
    """Gaming share so far at the end of each period, (R, T); without_gaming: (R, P, T), the payout had nobody gamed."""
    on = payout.observed & payout.treated
    paid, fair = _so_far(payout.outcome, on), _so_far(without_gaming, on)
    return 1.0 - np.divide(fair, paid, out=np.full_like(paid, np.nan), where=paid > 0)


def lift_so_far(panel: PilotPanel, estimator: Estimator) -> Array:
    """Estimated lift at the end of each period, (R, T); nan where it cannot be told."""
    level = _so_far(panel.outcome, panel.observed & ~panel.treated)
    seen: Bools = np.asarray(panel.observed.any(axis=2))
    if panel.before.shape[2]:
        usual = _mean(panel.before.mean(axis=2), seen)
        level = np.where(np.isnan(level), usual[:, None], level)
    effect = np.stack([estimator(panel.until(t + 1)).effect for t in range(panel.shape[2])], axis=1)
    return np.divide(effect, level, out=np.full_like(effect, np.nan), where=level > 0)


def watched(
    guardrails: Guardrails, outcome: PilotPanel, payout: PilotPanel, without_gaming: Array | None, estimator: Estimator
) -> Array:
    """What the limits look at, (3, R, T) in the order of `REASONS`; nan where no limit asks for it.

    outcome: of the lift; without_gaming: (R, P, T), the payout had nobody gamed, None where it is not known.
    """
    found = np.full((3, payout.shape[0], payout.shape[2]), np.nan)
    if guardrails.max_cost_overrun is not None:
        found[0] = cost_overrun(payout)
    if guardrails.max_gaming_share is not None and without_gaming is not None:
        found[1] = gaming_share(payout, without_gaming)
    if guardrails.min_lift is not None:
        found[2] = lift_so_far(outcome, estimator)
    return found


def breaches(guardrails: Guardrails, seen: Array) -> Bools:
    """Which limit is passed at the end of which period, (3, R, T); seen: from `watched`, nan passes none."""
    limits = (guardrails.max_cost_overrun, guardrails.max_gaming_share, guardrails.min_lift)
    high, share, low = (np.nan if limit is None else limit for limit in limits)
    return np.stack([seen[0] > high, seen[1] > share, seen[2] < low])


def first_breach(passed: Bools) -> tuple[Ints, Ints]:
    """Period (from 0) at whose end each pilot stops, T where none does, and why, as a place in `REASONS`; (R,) each.

    passed: from `breaches`.
    """
    any_of: Bools = np.asarray(passed.any(axis=0))
    last = passed.shape[2]
    stop = np.where(any_of.any(axis=1), any_of.argmax(axis=1), last)
    why = passed[:, np.arange(len(stop)), np.minimum(stop, last - 1)].argmax(axis=0)
    return stop, why


def _so_far(value: Array, cells: Bools) -> Array:
    """Mean over cells (R, P, T) of all periods up to each, (R, T)."""
    total = np.where(cells, value, 0.0).sum(axis=1).cumsum(axis=1)
    count = cells.sum(axis=1).cumsum(axis=1)
    return np.asarray(np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0))


def _mean(value: Array, of: Bools) -> Array:
    """Mean over partners (R, P), (R,)."""
    count = of.sum(axis=1)
    total = np.where(of, value, 0.0).sum(axis=1)
    return np.asarray(np.divide(total, count, out=np.full(len(total), np.nan), where=count > 0))
