"""Directions that field studies report, as small experiments in simulated worlds: signs, not sizes.

Each experiment lives one or two programs in the same worlds and compares what partners do. An `Evidence` says what was
published, what the simulation shows, and whether its direction is the published one by four standard errors.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from simulator.engines.totals.settlement import settle
from simulator.program.measures import Event
from simulator.world.setting import WEEKS_PER_QUARTER, WEEKS_PER_YEAR
from tests.experiments.bench import (  # fmt: skip
    ACCELERATOR,
    LINEAR,
    LUMPS,
    QUOTA,
    QUOTA_AND_CAP,
    Array,
    Evidence,
    bench,
    by_week,
    effect,
    line,
    moves_after,
    shares,
)


def quarter_end_crowding(replications: int) -> Evidence:
    """Convex pay and a hand on the price: closings crowd at the quarter's end, at deeper discounts."""
    b = bench(replications, LINEAR.format("baseline", 0.05), ACCELERATOR.format("accelerator", "quarter", 0.7))
    pay, twin = b.live("accelerator"), b.live("accelerator", gaming=False)
    flat, without_gaming = b.live("baseline"), b.live("baseline", gaming=False)
    last = WEEKS_PER_QUARTER - 1
    crowd = effect((shares(by_week(pay, 13)) - shares(by_week(twin, 13)))[:, last])
    held = effect((shares(by_week(pay, 13)) - shares(by_week(twin, 13)))[:, 0])
    plain = np.abs(by_week(flat, 13) - by_week(without_gaming, 13)).max()
    conceded = pay.opps["conceded"][np.maximum(pay.claims["opp"], 0)] * (pay.claims["moved"] == -1)
    given = by_week(pay, 13, conceded) / np.maximum(by_week(pay, 13, pay.claims["amount"]), 1.0)
    deeper = effect(given[:, last] - given[:, :last].mean(axis=1))
    weeks = np.arange(1.0, 14.0)
    return Evidence(
        "quarter_end",
        "Closings crowd at the quarter's end under an accelerator, not under linear pay",
        "Larkin 2014, Journal of Labor Economics",
        "under accelerators with power over price, closings crowd at the period's end with deeper discounts; a linear "
        "plan removes the pattern",
        f"filings in the last week rise by {crowd:.2f} of an even week's against the same year without gaming, "
        f"the discount there by {100 * deeper.mean:.2f} ± {100 * deeper.se:.2f} points; deals held back raise the "
        f"first week by {held:.2f}; linear pay moves {plain:.0f} filings",
        crowd.sign == 1 and deeper.sign == 1 and plain == 0,
        "week of the quarter",
        "filings, multiple of an even week",
        {
            "accelerator": line(weeks, shares(by_week(pay, 13))),
            "accelerator, nobody games": line(weeks, shares(by_week(twin, 13))),
            "linear": line(weeks, shares(by_week(flat, 13))),
        },
    )


def year_end_peak(replications: int) -> Evidence:
    """A quota for the fiscal year: sales peak at its end and dip after it."""
    b = bench(
        2 * replications,
        LINEAR.format("baseline", 0.05),
        ACCELERATOR.format("accelerator", "year", 0.5),
        time__horizon_weeks=104,
    )
    around = np.arange(39, 65)
    pay, twin = (shares(by_week(b.live("accelerator", gaming=g), 104)) for g in (True, False))
    gap = pay - twin
    before, after = effect(gap[:, 51]), effect(gap[:, 52:56].mean(axis=1))
    return Evidence(
        "year_end",
        "Sales peak at the fiscal year's end and dip after it",
        "Oyer 1998, Quarterly Journal of Economics",
        "firms' sales are higher at the fiscal year's end and lower just after it",
        f"against the same year without gaming, filings in the last week of the year change by {before:.2f} of an even "
        f"week's, in the first four of the next by {after:.2f}. So it is where most pass the quota (here half of the "
        "expected result): with a quota that most miss, deals are held back and the peak comes after the year's end",
        before.sign == 1 and after.sign == -1,
        "week from launch (the year ends before week 52)",
        "filings, multiple of an even week",
        {
            "yearly accelerator": line(around.astype(float), pay[:, around]),
            "nobody games": line(around.astype(float), twin[:, around]),
        },
    )


def without_cap_and_quota(replications: int) -> Evidence:
    """The same money without quota and cap brings more revenue."""
    b = bench(
        replications,
        QUOTA_AND_CAP.format("baseline"),
        LINEAR.format("same_rate", 0.05),
        LINEAR.format("same_cost", 0.0136),
    )
    old = settle(b.live("baseline")).totals
    change = {}
    for name in ("same_rate", "same_cost"):
        new = settle(b.live(name)).totals
        change[name] = np.stack([100 * (new[n] - old[n]) / old[n].mean() for n in ("bookings", "cost")], axis=1)
    more, spend = (effect(change["same_rate"][:, k]) for k in range(2))
    level, same = (effect(change["same_cost"][:, k]) for k in range(2))
    return Evidence(
        "no_cap",
        "Taking quota and cap away raises revenue",
        "Misra and Nair 2011, Quantitative Marketing and Economics",
        "removing the cap and the quotas raised revenue by about 9 % at one firm",
        f"with the rate kept, bookings rise by {more:.1f} % and cost by {spend:.0f} %; with the rate cut so that cost "
        f"changes by {same:.1f} %, bookings change by {level:.1f} %. The revenue is bought: at "
        "about the same cost there is none",
        more.sign == 1,
        "bookings, cost",
        "change, %",
        {name.replace("_", " "): line(np.arange(2.0), values) for name, values in change.items()},
        bars=True,
    )


def lumps_raise_effort(replications: int) -> Evidence:
    """Lump-sum bonuses: what effort brings beside what timing games take, by the share of opportunists."""
    some = (0.0, 0.03, 0.15, 0.35)
    brought, taken = [], []
    for share in some:
        b = bench(
            replications, LINEAR.format("baseline", 0.05), LUMPS.format("lumps", 0.05), gaming__opportunist_share=share
        )
        base, without_gaming, pay = (
            settle(b.live(p, gaming=g)).totals for p, g in (("baseline", False), ("lumps", False), ("lumps", True))
        )
        brought.append((without_gaming["margin"] - base["margin"]) / 1e5)
        taken.append((pay["cost"] - without_gaming["cost"] + without_gaming["margin"] - pay["margin"]) / 1e5)
    few_gain, few_loss = effect(brought[1]), effect(taken[1])
    return Evidence(
        "lumps",
        "Lump-sum bonuses mainly raise effort",
        "Steenburgh 2008, Quantitative Marketing and Economics",
        "lump-sum bonuses primarily motivate people to work harder, not to play timing games",
        f"with 3 % opportunists effort brings {few_gain:.0f} k USD of margin and games take {few_loss:.1f} k; without "
        f"opportunists games take exactly {np.abs(taken[0]).max():.0f}; with 35 % they take {effect(taken[3]):.0f} k",
        few_gain.sign == 1 and few_loss.mean < 0.25 * few_gain.mean and not taken[0].any(),
        "share of opportunists, %",
        "k USD a year",
        {
            "margin brought by effort": line(100 * np.array(some), np.stack(brought, axis=1)),
            "lost to timing games": line(100 * np.array(some), np.stack(taken, axis=1)),
        },
    )


def bonus_or_commission(replications: int) -> Evidence:
    """Bonuses bring timing games; commissions, where hours are short, neglect of what they do not pay."""
    b = bench(
        replications, LUMPS.format("baseline", 0.01), LINEAR.format("commission", 0.065), behavior__hours_capacity=1.05
    )
    runs = [b.live("baseline"), b.live("commission")]
    old, new = (settle(run).totals for run in runs)
    # Signatures moved across the launch itself are left out.
    moved = [effect(100 * moves_after(run, WEEKS_PER_QUARTER) / by_week(run, 52).sum(axis=1)) for run in runs]
    tasks = ("source", "cosell", "enable", "success")
    change = np.stack([(new[f"activity.{a}"] - old[f"activity.{a}"]) / 1e4 for a in tasks], axis=1)
    unpaid = effect(change[:, 3])
    return Evidence(
        "bonus_commission",
        "Bonuses bring timing games, commissions neglect of unpaid tasks",
        "Kishore, Rao, Narasimhan and John 2013, Journal of Marketing Research",
        "a quota bonus brings more timing games than a commission, a commission more neglect of tasks it does not pay",
        f"moved signatures per 100 deals: {moved[0]:.1f} under the bonus, {moved[1]:.1f} under the commission; "
        f"post-sale work, which neither pays, changes by {unpaid:.1f} % from bonus to commission where hours are short",
        moved[0].sign == 1 and moved[1].mean == 0 and unpaid.sign == -1,
        "source, cosell, enable, success",
        "activity, commission less bonus, %",
        {"change of activity": line(np.arange(4.0), change)},
        bars=True,
    )


def rushed_quality(replications: int) -> Evidence:
    """Rushed signatures that do not last: what a window's end costs when quality is at stake."""
    b = bench(
        replications,
        LINEAR.format("baseline", 0.05),
        ACCELERATOR.format("accelerator", "quarter", 0.7),
        gaming__rushed_churn=3.0,
        gaming__opportunist_share=1.0,
    )
    o = b.live("accelerator").opps
    won = (o["stage"] == 5) & ~o["lost"] & (o["due"] >= 0) & o["attached"]
    kept = o["ends"] - o["due"] >= WEEKS_PER_YEAR
    rep = o["cell"] // b.stage.world.shape[1]
    rates = [
        np.bincount(rep[won & pick & kept], minlength=replications)
        / np.maximum(np.bincount(rep[won & pick], minlength=replications), 1)
        for pick in (o["conceded"] > 0, o["conceded"] == 0)
    ]
    gap = effect(100 * (rates[0] - rates[1]))
    return Evidence(
        "rushed",
        "Signatures rushed to a deadline last less",
        "Tzioumis and Gee 2013, Journal of Financial Economics",
        "output rushed to meet a monthly quota is of lower quality",
        f"with a threefold rate of loss for pulled deals (an input, not a result), their share kept for a year is "
        f"{gap:.1f} points from that of others",
        gap.sign == -1,
        "pulled, others",
        "kept a year, share",
        {"share kept": line(np.arange(2.0), np.stack(rates, axis=1))},
        bars=True,
    )


def quota_frequency(replications: int) -> Evidence:
    """Who is behind gives a yearly quota up, not a quarterly one; who is ahead needs pay above quota."""
    b = bench(
        replications,
        LINEAR.format("baseline", 0.05),
        QUOTA.format("yearly", "year", 3.0),
        QUOTA.format("quarterly", "quarter", 3.0),
        QUOTA.format("no_over", "year", 0.0),
        gaming__opportunist_share=0.0,
    )
    yearly = b.live("yearly")
    half = b.stage.world.setting.horizon // 2
    c, size = yearly.claims, yearly.shape[0] * yearly.shape[1]
    early = (c["event"] == Event.SIGNED) & (c["week"] >= 0) & (c["week"] < half)
    sold = np.bincount(c["cell"][early], weights=c["amount"][early], minlength=size).reshape(yearly.shape)
    accounts = yearly.accounts[0]
    quota = np.broadcast_to(accounts.perception.reference(0, np.zeros((1, 1)), 0), yearly.shape)
    behind, ahead = sold < 0.25 * quota, sold > 0.75 * quota
    runs = {"yearly": yearly, "quarterly": b.live("quarterly"), "no_over": b.live("no_over")}
    level = {name: np.stack(run.sourcing) for name, run in runs.items()}

    def of(name: str, who: NDArray[np.bool_]) -> Array:
        """Mean activity by replication and week of the partners `who`, (R, weeks)."""
        return np.asarray((level[name] * who).sum(axis=2) / np.maximum(who.sum(axis=1), 1)).T

    late = slice(half + WEEKS_PER_QUARTER, None)
    paced = effect((of("quarterly", behind) - of("yearly", behind))[:, late].mean(axis=1))
    sustained = effect((of("yearly", ahead) - of("no_over", ahead))[:, late].mean(axis=1))
    weeks = np.arange(float(2 * half))
    return Evidence(
        "frequency",
        "Frequent quotas keep the weak going, over-achievement pay the best",
        "Chung, Steenburgh and Sudhir 2014, Marketing Science",
        "more frequent quotas help weak performers to pace themselves; over-achievement rates sustain the best",
        f"of partners below a quarter of the year's quota at mid-year, sourcing in the last quarter is higher by "
        f"{paced:.2f} under quarterly quotas; of those above three quarters, by {sustained:.2f} with pay above quota",
        paced.sign == 1 and sustained.sign == 1,
        "week",
        "sourcing, 1 is usual",
        {
            "behind, quarterly quota": line(weeks, of("quarterly", behind)),
            "behind, yearly quota": line(weeks, of("yearly", behind)),
            "ahead, paid above quota": line(weeks, of("yearly", ahead)),
            "ahead, not paid above": line(weeks, of("no_over", ahead)),
        },
    )


EXPERIMENTS: tuple[Callable[[int], Evidence], ...] = (
    quarter_end_crowding,
    year_end_peak,
    without_cap_and_quota,
    lumps_raise_effort,
    bonus_or_commission,
    rushed_quality,
    quota_frequency,
)
