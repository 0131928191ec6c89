"""All fits of an export together: which rows each may use, what was refused and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from simulator.calibration import sales_cycle
from simulator.calibration.calendar_effects import (
    ClosingPattern,
    PastResponse,
    Season,
    closing_pattern,
    fit_response,
    fit_season,
)
from simulator.calibration.clean import Export
from simulator.calibration.deal_size import Sizes, fit_sizes
from simulator.calibration.profile import Profile
from simulator.calibration.remarks import FittedNumber, Remark, RemarkLog
from simulator.calibration.sales_cycle import MIN_OF_EACH, Cycle, Funnel
from simulator.calibration.segments import (
    FittedSegment,
    fit_segments,
    names,
    own_markets,
    own_spreads,
    shares,
    split_markets,
    with_own_odds,
    with_own_sizes,
)
from simulator.calibration.volume import YEAR_WEEKS, Volume, fit_volume
from simulator.calibration.win_odds import (
    DirectContrast,
    Odds,
    direct_contrast,
    direct_odds,
    fit_odds,
    thinned_rows,
    trials,
    with_knee,
)
from simulator.core.errors import fault

T = TypeVar("T")
MIN_OWNERS = 5
MIN_DECIDED = 50
MAX_SEGMENTS = 6
NO_AMOUNT_SHARE, WITH_AMOUNT_SHARE = 0.5, 0.1
"""Lost deals count as recorded without amount if more than the first share of them have none, but less than
the second share of won ones."""
ONE_SIDED, ONE_SIDED_DEALS = 0.95, 20
"""A partner that won (or lost) this share of at least so many deals may record only what it won (or lost)."""


@dataclass(frozen=True)
class Fit:
    """Everything that was fitted.

    odds_without_extremes: without the partners that won or lost nearly everything and how many those are, None where
    there are none; direct_win, direct_per_year: share won and number of the opportunities that the vendor works alone;
    mix: share of opportunities by market; contrast: partner against direct business; pattern: when deals close; season:
    of demand; response: to past changes of the program; rows: partner rows with their `market`; odds_rows, sized_rows:
    those that odds and sizes were fitted to; funnel: by market, empty without a stage history.
    """

    volume: Volume
    sizes: Sizes
    odds: Odds
    odds_without_extremes: tuple[int, Odds] | None
    cycle: Cycle | None
    mix: Mapping[str, float]
    groups: Mapping[str, FittedSegment]
    direct_win: FittedNumber | None
    direct_per_year: FittedNumber | None
    contrast: DirectContrast | None
    pattern: ClosingPattern | None
    season: Season | None
    response: PastResponse
    refused: Mapping[str, str]
    cautions: tuple[str, ...]
    remarks: tuple[Remark, ...]
    rows: pd.DataFrame = field(repr=False)
    odds_rows: pd.DataFrame = field(repr=False)
    sized_rows: pd.DataFrame = field(repr=False)
    funnel: Mapping[str, Funnel] = field(default_factory=dict)


class _Notes(RemarkLog):
    """Remarks, refusals by what was not fitted, and cautions, collected on the way."""

    def __init__(self) -> None:
        super().__init__()
        self.refused: dict[str, str] = {}
        self.cautions: list[str] = []

    def fitted_or_refused(self, name: str, found: T | str) -> T | None:
        """`found`, or None where it is the reason why it could not be fitted, which is noted."""
        if isinstance(found, str):
            self.refused[name] = found
            return None
        return found


def fit_export(export: Export, profile: Profile, *, label: str) -> Fit:
    """Fit volumes, sizes, odds and cycles. label: the export as the user named it, for messages."""
    notes = _Notes()
    rows = export.rows.assign(market=_markets(export.rows, profile, notes))
    minimum = profile.judgement.segment_min_rows
    rows["market"] = split_markets(rows, lambda level: _standing_alone(rows.loc[level.index], level, minimum))
    all_partner_rows, direct_rows = rows[~rows["direct"]], rows[rows["direct"]]
    partner_rows = _whole_cohorts(all_partner_rows, export, notes)
    thinned = thinned_rows(partner_rows)
    reason = "not used for odds, sizes and cycles: partners with many deals are thinned"
    notes.add("set aside", reason, len(partner_rows) - len(thinned))
    decided = thinned[thinned["outcome"].ne("open")]
    _require_enough(decided, label)
    refusal = sales_cycle.refusal(rows, profile)
    cycles = notes.fitted_or_refused("cycle_weeks", refusal or sales_cycle.fit_cycle(thinned, end=export.end))
    mature = _odds_rows(decided, cycles, export, profile, notes)
    with_size = _slope_possible(mature, profile, notes)
    # Of decided deals alone those that are decided fast, lost ones say, would count too much.
    sized = _sized_rows(thinned if with_size else decided, label)
    usable = mature[mature["amount"].notna()] if with_size else mature
    spread = own_spreads(usable)
    own = {name: own_markets(partner_rows, name) for name in spread}
    sizes_of = {"": fit_sizes(sized), **{name: fit_sizes(sized[sized["group"].eq(name)]) for name in spread}}
    sizes = with_own_sizes(sizes_of[""], [(own[name], sizes_of[name]) for name in spread])
    medians = {name: estimate.value for name, estimate in sizes.median.items()}
    parts = {"": usable, **{name: usable[usable["group"].eq(name)] for name in spread}}
    odds_of = {name: fit_odds(trials(part, medians=medians, with_size=with_size)) for name, part in parts.items()}
    odds = with_own_odds(odds_of[""], [(own[name], odds_of[name]) for name in spread])
    if partner_rows["owner"].is_unique:
        rule = "no owner has two opportunities: is this the partner's column?"
        raise fault(label, profile.columns.owner, None, rule)
    volume = fit_volume(partner_rows, min_activity_weeks=profile.judgement.min_activity_weeks)
    win, per_year = _direct(direct_rows, notes)
    both = rows[rows["outcome"].ne("open")]
    answer = fit_response(partner_rows, profile.changes, end=export.end)
    pattern = notes.fitted_or_refused("closing_pattern", refusal or closing_pattern(all_partner_rows, end=export.end))
    seasons = notes.fitted_or_refused("season", fit_season(partner_rows["created"], end=export.end))
    if answer.elasticity is None:
        notes.refused["elasticity"] = answer.reason
    _note_dates(rows, profile, notes)
    return Fit(
        volume=volume,
        sizes=sizes,
        odds=odds,
        odds_without_extremes=_without_extremes(usable, medians, with_size),
        cycle=cycles,
        mix=shares(partner_rows["market"]),
        groups=fit_segments(partner_rows, volume, sizes_of, odds_of, export.territories),
        direct_win=win,
        direct_per_year=per_year,
        contrast=direct_contrast(both["outcome"].eq("won"), both["direct"]) if win is not None else None,
        pattern=pattern,
        season=seasons,
        response=answer,
        refused=notes.refused,
        cautions=tuple(notes.cautions),
        remarks=tuple(notes.remarks),
        rows=partner_rows,
        odds_rows=usable,
        sized_rows=sized,
    )


def with_size_knee(fit: Fit) -> Fit:
    """The fit with the odds that predict best: with a knee in size where the deals ask for it.

    A scenario has one slope, so that its fit has none.
    """
    if not fit.odds.slope:
        return fit
    medians = {name: estimate.value for name, estimate in fit.sizes.median.items()}
    return replace(fit, odds=with_knee(trials(fit.odds_rows, medians=medians, with_size=True), fit.odds))


def _whole_cohorts(rows: pd.DataFrame, export: Export, notes: _Notes) -> pd.DataFrame:
    """Without the cohorts of which only slow deals are in an export that was cut by closing date."""
    if export.complete_from is None:
        return rows
    whole = rows["created"] >= export.complete_from
    day = f"{export.complete_from:%Y-%m-%d}"
    if rows[whole & rows["outcome"].ne("open")]["market"].value_counts().min() < MIN_DECIDED:
        notes.cautions.append(
            f"Deals created before {day} are there only if they took long; there are too few later ones to do without."
        )
        return rows
    reason = f"created before {day}, cohorts cut off by the closing date: not used for any fit"
    notes.add("set aside", reason, int((~whole).sum()), always=True)
    return rows[whole]


def _markets(rows: pd.DataFrame, profile: Profile, notes: _Notes) -> pd.Series:
    """A market name per row: one for all, or the large segments of the export and the rest as `other`."""
    one = pd.Series("market", index=rows.index)
    if profile.columns.segment is None:
        return one
    minimum = profile.judgement.segment_min_rows
    partner = rows[~rows["direct"]]
    alone = _standing_alone(partner, partner["segment"], minimum)
    large = [level for level in alone if level != ""][:MAX_SEGMENTS]
    rest = ~rows["segment"].isin(large)
    # What is left must be able to stand alone as well, else all segments are given up rather than rows.
    enough = not rest.any() or bool(_standing_alone(partner, rest[partner.index], minimum).count(True))
    if len(large) < 2 or not enough:
        wanted = f"{minimum} decided rows with an amount, {MIN_OF_EACH} of them won and {MIN_OF_EACH} lost"
        notes.refused["segments"] = f"there are not two segments and a rest with {wanted} each: one market"
        return one
    notes.add("noted", "small or missing segments put together as 'other'", int(rest.sum()))
    return rows["segment"].map(names(large)).mask(rest, "other")


def _standing_alone(rows: pd.DataFrame, level: pd.Series, minimum: int) -> list[Any]:
    """Levels that a market can be fitted to, largest first."""
    decided = rows["outcome"].ne("open")
    table = pd.DataFrame({
        "sized": (decided & rows["amount"].notna()).groupby(level).sum(),
        "won": rows["outcome"].eq("won").groupby(level).sum(),
        "lost": rows["outcome"].eq("lost").groupby(level).sum(),
    })  # fmt: skip
    table = table[(table["won"] >= MIN_OF_EACH) & (table["lost"] >= MIN_OF_EACH) & (table["sized"] >= minimum)]
    return list(table.sort_values("sized", ascending=False, kind="stable").index)


def _require_enough(decided: pd.DataFrame, label: str) -> None:
    won, owners = int(decided["outcome"].eq("won").sum()), int(decided["owner"].nunique())
    lost = len(decided) - won
    if len(decided) < MIN_DECIDED or not won or not lost:
        rule = f"a calibration needs {MIN_DECIDED} decided opportunities, some won and some lost"
        raise fault(label, "rows", None, f"{won} won and {lost} lost: {rule}")
    if owners < MIN_OWNERS:
        raise fault(label, "rows", None, f"{owners} owners: differences between partners need at least {MIN_OWNERS}")


def _sized_rows(rows: pd.DataFrame, label: str) -> pd.DataFrame:
    sized = rows[rows["amount"].notna()]
    if len(sized) < MIN_DECIDED or sized["amount"].nunique() < 3 or sized["owner"].nunique() < MIN_OWNERS:
        rule = f"sizes need {MIN_DECIDED} positive amounts, three different ones, of {MIN_OWNERS} owners"
        raise fault(label, "amount", None, f"{len(sized)} usable amounts: {rule}")
    return sized


def _odds_rows(
    decided: pd.DataFrame, cycles: Cycle | None, export: Export, profile: Profile, notes: _Notes
) -> pd.DataFrame:
    """Decided rows that tell the odds: all, with the offset of their age where cycles are known well enough, else the
    cohorts old enough that nearly all are decided, as young ones show fast deals only."""
    weeks = profile.judgement.maturity_weeks
    if weeks is None and cycles is not None and cycles.times:
        return _with_offset(decided, cycles, export, notes)
    if weeks is None and cycles is not None:
        weeks = sales_cycle.maturity(decided)
    has_open = export.rows["outcome"].eq("open").any()
    if not has_open:
        notes.cautions.append(
            "The export holds decided opportunities only: slow deals of the last cohorts are missing."
        )
    if weeks is None:
        notes.cautions.append(
            "Odds use all cohorts: without valid close dates the age at which they are decided is unknown."
        )
        return decided
    mature = decided[decided["created"] <= export.end - pd.Timedelta(weeks=weeks)]
    if not _rich(mature, markets=decided["market"].nunique()):
        notes.cautions.append(
            f"Odds use all cohorts: too few are older than the {weeks:.1f} weeks in which deals are decided."
        )
        return decided
    reason = f"decided, but created in the last {weeks:.1f} weeks: not used for odds and cycle"
    notes.add("set aside", reason, len(decided) - len(mature), always=True)
    _note_stale(export.rows, mature, weeks, export.end, notes)
    return mature


def _with_offset(decided: pd.DataFrame, cycles: Cycle, export: Export, notes: _Notes) -> pd.DataFrame:
    rows = decided.assign(offset=sales_cycle.offsets(decided, cycles, end=export.end))
    reason = f"decided, but of an age at which under {sales_cycle.YOUNG:.0%} of deals are: not used for odds"
    notes.add("set aside", reason, int(rows["offset"].isna().sum()))
    notes.cautions += [
        f"{name}: {share.value:.1%} of the deals seem never to be decided; if they are in truth lost, the share won is "
        f"{1 - share.value:.3f} times as high."
        for name, share in cycles.stale.items()
        if share.value > 0
    ]
    return rows[rows["offset"].notna()]


def _rich(decided: pd.DataFrame, *, markets: int) -> bool:
    """Whether odds can be fitted to these rows: enough of them, and won and lost ones in every market."""
    both = decided.groupby("market")["outcome"].nunique()
    enough = len(decided) >= MIN_DECIDED and decided["owner"].nunique() >= MIN_OWNERS
    return enough and len(both) == markets and bool((both == 2).all())


def _note_stale(rows: pd.DataFrame, mature: pd.DataFrame, weeks: float, end: pd.Timestamp, notes: _Notes) -> None:
    """Open deals in old cohorts: they are left out of the odds, which matters if they are in truth lost."""
    old = rows["outcome"].eq("open") & ~rows["direct"] & (rows["created"] <= end - pd.Timedelta(weeks=weeks))
    if old.any():
        count, won = int(old.sum()), int(mature["outcome"].eq("won").sum())
        notes.add("noted", "open opportunities older than that", count, "left out of the odds")
        notes.cautions.append(
            f"If the {count} stale open opportunities are in truth lost, the share won is "
            f"{won / (len(mature) + count):.3f}, not {won / len(mature):.3f}."
        )


def _slope_possible(decided: pd.DataFrame, profile: Profile, notes: _Notes) -> bool:
    """Whether odds can be related to size: lost deals must have sizes too."""
    reason = ""
    lost, won = decided[decided["outcome"].eq("lost")], decided[decided["outcome"].eq("won")]
    lost_without, won_without = float(lost["amount"].isna().mean()), float(won["amount"].isna().mean())
    if profile.amounts.lost_amount_is_zero:
        reason = "lost deals carry no amount, so won and lost sizes cannot be compared"
    elif lost_without > NO_AMOUNT_SHARE and won_without < WITH_AMOUNT_SHARE:
        reason = f"{lost_without:.0%} of lost deals carry no amount, so won and lost sizes cannot be compared"
    elif any(part["amount"].notna().groupby(part["market"]).sum().min() < MIN_OF_EACH for part in (won, lost)):
        reason = f"a market has fewer than {MIN_OF_EACH} won or lost deals with an amount"
    if reason:
        notes.refused["win_slope"] = reason
        if "lost deals" in reason and "market" not in reason:
            notes.cautions.append(
                "Sizes are those of won deals; if large deals are won less often, opportunities are larger."
            )
    return not reason


def _without_extremes(rows: pd.DataFrame, medians: dict[str, float], with_size: bool) -> tuple[int, Odds] | None:
    """The odds again without partners that won or lost nearly everything, and how many those are."""
    won = rows["outcome"].eq("won").groupby(rows["owner"]).agg(["mean", "size"])
    sided = (won["mean"] >= ONE_SIDED) | (won["mean"] <= 1 - ONE_SIDED)
    odd = won.index[sided & (won["size"] >= ONE_SIDED_DEALS)]
    rest = rows[~rows["owner"].isin(odd)]
    if not len(odd) or rest["owner"].nunique() < MIN_OWNERS or rest["outcome"].nunique() < 2:
        return None
    return len(odd), fit_odds(trials(rest, medians=medians, with_size=with_size))


def _direct(rows: pd.DataFrame, notes: _Notes) -> tuple[FittedNumber | None, FittedNumber | None]:
    """Share won and number per year of the vendor's own opportunities, where the export tells them apart."""
    decided = rows[rows["outcome"].ne("open")]
    if len(decided) < MIN_DECIDED:
        few = f"{len(decided)} decided direct deals, at least {MIN_DECIDED} are needed"
        notes.refused["direct_win_probability"] = few if len(rows) else "the export does not tell direct business apart"
        return None, None
    n, span = len(rows), (rows["created"].max() - rows["created"].min()) / pd.Timedelta(weeks=1)
    years = max(span, 1.0) / YEAR_WEEKS
    return direct_odds(decided), FittedNumber(
        n / years, float(np.sqrt(n) / years), n, "per year", "direct opportunities"
    )


def _note_dates(rows: pd.DataFrame, profile: Profile, notes: _Notes) -> None:
    closed = rows["closed"].dropna()
    if profile.columns.closed is None or closed.empty:
        return
    day, count = sales_cycle.busiest_day(closed)
    notes.add("noted", f"close dates on the busiest day, {day}", count, f"{count / len(closed):.1%}")
    share = sales_cycle.weekend_share(closed)
    weekend = round(share * len(closed))
    detail = f"{share:.1%}" + (": above 20 %, dates ignore the working week" if share > 0.2 else "")
    notes.add("noted", "close dates on a weekend", weekend, detail, always=True)
