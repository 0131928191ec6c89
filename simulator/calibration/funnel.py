"""What a stage history tells of the funnel: which share of the odds, and of the time, falls on each stage.

A deal with odds p passes stage s with probability p^(w_s), sum w_s = 1: it is won with p, and lost at s with
p^(w_1 + .. + w_(s-1)) - p^(w_1 + .. + w_s). The weights are fitted by maximum likelihood, p being each deal's own: of
its market, size and partner. Shares of time are ratios of sums over won deals, sum_i (time on s)_i / sum_i (cycle)_i.
Both use cohorts old enough that nearly all deals are decided, as of young ones only early losses and fast wins are
there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from simulator.calibration import sales_cycle
from simulator.calibration.likelihood import maximum
from simulator.calibration.remarks import FittedNumber
from simulator.core.arrays import Array, Ints

STAGES = ("qualification", "demo", "pilot", "decision")
MILESTONES = ("qualified", "demo", "pilot")
"""Columns with the day on which a deal passed a stage; the last is passed where it is won."""
LEAST = 100
"""Lost deals, and won ones with all days, that a fit needs."""
KEPT = 0.5
"""With under this share of the won deals in all stages, stages are not kept, but set when a deal is closed; judgement.
"""


@dataclass(frozen=True)
class Funnel:
    """By stage, (4,): share of the log of p (weights), and of the time to a win, signature included (durations)."""

    weights: tuple[FittedNumber, ...]
    durations: tuple[FittedNumber, ...]


def fit_funnel(rows: pd.DataFrame, p: Array, *, end: pd.Timestamp) -> Funnel | str:
    """Fit partner rows (columns `created`, `closed`, `outcome`, `MILESTONES`) with odds p (n,); or why it cannot be."""
    if rows["closed"].isna().all():
        return "without valid close dates"
    old = rows["created"] <= end - pd.Timedelta(weeks=sales_cycle.maturity(rows))
    ripe = (rows["outcome"].ne("open") & old).to_numpy() & np.isfinite(p)
    rows, p = rows[ripe], p[ripe]
    won = rows["outcome"].eq("won").to_numpy()
    days = rows[list(MILESTONES)]
    whole = won & days.notna().all(axis=1).to_numpy()
    if whole.sum() < LEAST or (~won).sum() < LEAST:
        least = f"at least {LEAST} of each are needed in cohorts of which nearly all is decided"
        return f"{int(whole.sum())} won deals with the days of all stages and {int((~won).sum())} lost ones: {least}"
    if whole.sum() < KEPT * won.sum():
        return f"{whole.sum() / won.sum():.0%} of the won deals went through all stages: stages are not kept"
    # A later stage that was entered means that the earlier ones were passed.
    passed = np.where(days.notna().to_numpy(), np.arange(1, 4), 0).max(axis=1)
    if not passed[~won].any():
        return "no lost deal passed a stage: at which one deals are lost is not kept"
    durations = _durations(rows[whole])
    if isinstance(durations, str):
        return durations
    return Funnel(_weights(np.where(won, 4, passed), p), durations)


def _weights(passed: Ints, p: Array) -> tuple[FittedNumber, ...]:
    """Weights by maximum likelihood; of a stage at which nobody fails it is 0. passed: (n,) stages passed, 0 to 4."""
    some = np.flatnonzero([(passed == s).any() for s in range(4)])
    log_p, counts = np.log(p), [int((passed >= s).sum()) for s in range(4)]

    def weights(at: Array) -> Array:
        free = np.exp(np.append(at, 0.0) - max(at.max(initial=0.0), 0.0))
        found = np.zeros(4)
        found[some] = free / free.sum()
        return found

    def log_likelihood(at: Array) -> float:
        w, total = weights(at), 0.0
        for s in some:
            total += w[s] * float(log_p[passed > s].sum())
            total += float(np.log(-np.expm1(w[s] * log_p[passed == s])).sum())
        return total

    best = maximum(log_likelihood, start=np.zeros(len(some) - 1))
    found = weights(best.at)
    step = 1e-5
    moves = [(weights(best.at + step * e) - weights(best.at - step * e)) / (2 * step) for e in np.eye(len(best.at))]
    change = np.array(moves).reshape(len(best.at), 4)
    variance = np.einsum("ks,kl,ls->s", change, best.covariance, change)
    note = "share of the log of the odds; the deals' own odds taken as known"
    return tuple(
        FittedNumber(
            float(found[s]), float(np.sqrt(variance[s])) if variance[s] > 0 else None, counts[s], "share", note
        )
        for s in range(4)
    )


def _durations(rows: pd.DataFrame) -> tuple[FittedNumber, ...] | str:
    """Shares of the cycle, with the error of a ratio."""
    days = rows[["created", *MILESTONES, "closed"]].to_numpy(dtype="datetime64[s]").astype(np.float64)
    spent = np.diff(days, axis=1)
    sound = (spent >= 0).all(axis=1) & (spent.sum(axis=1) > 0)
    if sound.sum() < LEAST:
        return f"{int(sound.sum())} won deals with stages in their order, at least {LEAST} are needed"
    spent = spent[sound]
    total = spent.sum(axis=1)
    share = spent.sum(axis=0) / total.sum()
    error = np.sqrt(((spent - total[:, None] * share) ** 2).sum(axis=0)) / total.sum()
    note = "share of the time to a win; the last with the signature"
    return tuple(FittedNumber(float(x), float(e), len(spent), "share", note) for x, e in zip(share, error, strict=True))
