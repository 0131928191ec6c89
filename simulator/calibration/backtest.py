"""Backtest: fit on the past as it was known, predict the quarters that followed, and score that against naive rules.

Where close dates are valid, deals count in the quarter in which they were decided, and what was decided later is open
to the fit. Where they are not, deals count in the quarter in which they were created, and the outcomes of the past are
those that became known later: a fit of that day would have known less.

CRPS = E|X - y| - E|X - X'| / 2 for a prediction X and what came true y (Gneiting and Raftery 2007, JASA 102): the
absolute error of a point, less what an honest spread is worth; in the unit of y, less is better. A naive rule has the
spread of its own past errors at the same distance, taken normal; with fewer than three of those it is a point.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import ndtri

from simulator.calibration import sales_cycle
from simulator.calibration.clean import Export, read_export
from simulator.calibration.crm_detection import source_of
from simulator.calibration.fit import fit_export, with_size_knee
from simulator.calibration.forecast import PredictiveDraws, draw_ahead
from simulator.calibration.partner_effects import fit_partner_effects
from simulator.calibration.payout_replay import DRAWS as PAID_DRAWS, ComponentPayout, PayoutReplay, priced
from simulator.calibration.side_files import NO_COMPANIONS, CompanionFiles
from simulator.core.arrays import Array, Bools
from simulator.core.errors import fault
from simulator.scenario.schema import Scenario
from simulator.studies.base import Study, asked_programs, timed

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DRAWS = 400
MIN_PAST = 4


@dataclass(frozen=True)
class Backtest(Study):
    """Predictions against what came true.

    dated: whether deals count by close date, else by creation; paid: what programs would have paid on the deals of the
    quarters after the first start, by the rules alone.
    """

    label: str
    starts: tuple[str, ...]
    quarters: int
    draws: int
    dated: bool
    currency: str
    predictions: tuple[ScoredPrediction, ...]
    cautions: tuple[str, ...]
    paid: tuple[ComponentPayout, ...] = ()

    @property
    def title(self) -> str:
        """What was held against what."""
        return f"{self.label}: fitted on the past, held against what followed"

    @property
    def sample_text(self) -> str:
        """What the figures rest on."""
        many = f"{len(self.starts)} starts, " if len(self.starts) > 1 else ""
        basis = "close date" if self.dated else "creation"
        return f"{many}{self.quarters} quarters ahead, {self.draws} draws, deals by {basis}"

    def table(self) -> pd.DataFrame:
        """A row per start, period and quantity."""
        rows = [
            {
                "start": p.start, "period": p.period, "quantity": p.quantity, "observed": p.observed,
                "median": p.median, "low": p.low, "high": p.high, "inside_80": p.inside[0], "inside_95": p.inside[1],
                "crps": p.crps, **{f"crps {rule}": score for rule, score in p.naive_crps.items()},
            }
            for p in self.predictions
        ]  # fmt: skip
        return pd.DataFrame(rows)

    def payouts(self) -> pd.DataFrame:
        """A row per program and component: what it would have paid, and all of it over the first program's."""
        frame = pd.DataFrame([asdict(p) for p in self.paid], columns=["program", "component", "payout"])
        whole = frame.groupby("program", sort=False)["payout"].transform("sum")
        first = float(whole.iloc[0]) if len(frame) else 0.0
        return frame.assign(program_total=whole, over_first=whole / first if first else np.nan)

    def scores(self) -> pd.DataFrame:
        """Per quantity, over single quarters: how many, coverage of 80 and 95 % intervals, CRPS over that of rules."""
        rows = []
        for name in QUANTITIES:
            mine = [p for p in self.predictions if p.quantity == name and p.period != "all"]
            if mine:
                score = sum(p.crps for p in mine)
                ratios = {f"over {rule}": score / sum(p.naive_crps[rule] for p in mine) for rule in RULES}
                inside = np.mean([p.inside for p in mine], axis=0)
                rows.append({"quantity": name, "quarters": len(mine), "inside_80": inside[0], "inside_95": inside[1],
                             **ratios})  # fmt: skip
        return pd.DataFrame(rows)

    def headline(self) -> list[str]:
        """Coverage and scores, a sentence per quantity, and what to be careful about."""
        found = []
        for _, row in self.scores().iterrows():
            beaten = [f"{row[f'over {rule}']:.2f} of {rule}" for rule in RULES]
            held = f"95 % intervals held {row['inside_95']:.0%} of {int(row['quarters'])} quarters"
            found.append(f"{QUANTITIES[row['quantity']]}: {held}; CRPS {', '.join(beaten)}")
        for program, part in self.payouts().groupby("program", sort=False):
            money = f"{part['payout'].sum():,.0f} {self.currency}"
            found.append(f"{program} would have paid {money} on the deals as they were, had nobody answered to it")
        return [*found, *self.cautions]

    def summary(self) -> str:
        """A screenful: what was predicted and observed, scores, cautions."""
        shown = self.table()[["start", "period", "quantity", "observed", "median", "low", "high"]]
        scores = self.scores().to_string(index=False, float_format="{:.2f}".format)
        parts = [shown.to_string(index=False, float_format=lambda x: f"{x:,.4g}"), scores]
        if self.paid:
            parts.append(self.payouts().to_string(index=False, float_format=lambda x: f"{x:,.4g}"))
        parts += self.cautions
        return f"{self.title}\n{self.sample_text}\n\n" + "\n\n".join(parts)

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Intervals of the first quantity's quarters with what was observed."""
        from simulator.report.plots import colour, new_axes, rows_for, sample_note, styled

        mine = [p for p in self.predictions if p.quantity == "created" and p.period != "all"]
        with styled():
            ax = new_axes() if ax is None else ax
            rows = rows_for(ax, [f"{p.period} (from {p.start})" for p in mine])
            ax.hlines(rows, [p.low for p in mine], [p.high for p in mine], color=colour(0), label="95 % interval")
            ax.plot([p.median for p in mine], rows, "o", color=colour(0), label="predicted")
            ax.plot([p.observed for p in mine], rows, "x", color=colour(1), label="observed")
            ax.set_xlabel("Opportunities created")
            ax.set_title("Predicted and observed")
            ax.legend()
            sample_note(ax, self.sample_text)
        return ax

    def to_dict(self) -> dict[str, Any]:
        """All figures as plain dicts."""
        return {
            "study": "backtest",
            "export": self.label,
            "starts": list(self.starts),
            "quarters": self.quarters,
            "draws": self.draws,
            "dated": self.dated,
            "currency": self.currency,
            "predictions": self.table().to_dict("records"),
            "scores": self.scores().to_dict("records"),
            "payouts": [asdict(p) for p in self.paid],
            "cautions": list(self.cautions),
        }


@timed
def backtest(
    export: Path,
    profile: Path | str | None,
    *,
    start: str,
    seed: int,
    quarters: int = 4,
    starts: int = 1,
    draws: int = DRAWS,
    companions: CompanionFiles = NO_COMPANIONS,
    scenario: Scenario | None = None,
    programs: Sequence[str] | None = None,
) -> Backtest:
    """Fit on what was known before `start` (YYYY-MM-DD, first day of a quarter) and predict the `quarters` from then.

    starts: how many starts, a quarter apart, the first at `start`; scenario: with the plan then in force as `baseline`,
    whose payout is predicted too, and candidates (`programs`, all if None), to be paid on the deals as they were.
    Raises `InputError` where the export cannot be used, `start` begins no quarter, or before it there is less than a
    year or after it not all quarters.
    """
    source = source_of(export, profile, companions.rates)
    read = read_export(export, source=source, companions=companions)
    first = _quarter(start)
    dated = sales_cycle.refusal(read.rows.assign(market="market"), source.profile) is None
    periods = [first + k for k in range(starts)]
    _require_span(read, periods, quarters, dated)
    names = () if scenario is None else tuple(dict.fromkeys(("baseline", *asked_programs(scenario, programs))))
    found: list[ScoredPrediction] = []
    paid: tuple[ComponentPayout, ...] = ()
    cautions = [] if dated else [_UNDATED]
    for period in periods:
        past = as_known(read, period.start_time, dated=dated)
        fit = with_size_knee(fit_export(past, source.profile, label=f"{export} before {period.start_time:%Y-%m-%d}"))
        partners = fit_partner_effects(fit.rows, fit, end=past.end)
        drawn = draw_ahead(fit, partners, end=past.end, quarters=quarters, draws=draws, seed=seed)
        rows, sized = read.rows[~read.rows["direct"]], not source.profile.amounts.lost_amount_is_zero
        found += score_predictions(rows, drawn, period, quarters, draws, dated=dated, lost_sized=sized)
        if scenario is None:
            continue
        payouts = PayoutReplay(scenario, fit, rows, dated=dated)
        _, observed = payouts.observed(partners, names if period == first else ("baseline",), period, quarters)
        sample = payouts.predicted(partners, drawn, period, quarters, min(draws, PAID_DRAWS))
        found += score_payout(observed["baseline"].total[0], sample, period)
        if period == first:
            paid, cautions = priced(observed, quarters), [*cautions, *payouts.cautions(names)]
    return Backtest(
        label=read.label,
        starts=tuple(f"{period.start_time:%Y-%m-%d}" for period in periods),
        quarters=quarters,
        draws=draws,
        dated=dated,
        currency=source.profile.currency.scenario,
        predictions=tuple(found),
        cautions=tuple(cautions),
        paid=paid,
    )


_UNDATED = (
    "Close dates are not usable: deals count by creation, and the past's outcomes are those known at the export, later "
    "than a fit of that day would have known them."
)


def as_known(export: Export, start: pd.Timestamp, *, dated: bool) -> Export:
    """The export as it stood on the eve of `start`: later deals are gone, what was decided later is open."""
    rows = export.rows[export.rows["created"] < start]
    if dated:
        later = ~(rows["closed"] < start)
        unknown = rows["outcome"].ne("open") & rows["closed"].isna()
        rows = rows[~unknown].assign(
            outcome=rows["outcome"].mask(later, "open"), closed=rows["closed"].mask(later)
        )  # fmt: skip
    return replace(export, rows=rows.reset_index(drop=True), end=start - pd.Timedelta(days=1))


def _quarter(start: str) -> pd.Period:
    try:
        day = pd.Timestamp(start)
    except ValueError:
        raise fault("options", "from", start, "is not a day, as 2017-01-01") from None
    if day != day.to_period("Q").start_time:
        raise fault("options", "from", start, "is not the first day of a calendar quarter")
    return day.to_period("Q")


def _require_span(export: Export, periods: Sequence[pd.Period], quarters: int, dated: bool) -> None:
    first = export.rows["created"].min().to_period("Q")
    last = export.end if dated else export.rows["created"].max()
    if (periods[0] - first).n < MIN_PAST:
        rule = f"leaves under {MIN_PAST} quarters of past; the export begins on {export.rows['created'].min():%Y-%m-%d}"
        raise fault("options", "from", f"{periods[0].start_time:%Y-%m-%d}", rule)
    end = (periods[-1] + quarters - 1).end_time.normalize()
    # A last quarter that ends on a quiet day or two is whole.
    if end > last + pd.Timedelta(days=7):
        rule = f"the quarters ahead end on {end:%Y-%m-%d}, but the export on {last:%Y-%m-%d}"
        raise fault("options", "quarters", quarters, rule, "start earlier or look fewer quarters ahead")


Rule = Callable[[Array, int], float]
_POINTS = ndtri((np.arange(200) + 0.5) / 200)
MIN_ERRORS = 3


def crps(sample: Array, truth: float) -> float:
    """Continuous ranked probability score of a sample (n,); the second term by its sorted form."""
    x = np.sort(sample)
    n = len(x)
    spread = float(np.sum((2 * np.arange(1, n + 1) - n - 1) * x)) / n**2
    return float(np.abs(x - truth).mean()) - spread


def last_year(past: Array, _ahead: int) -> float:
    """Mean of the last four quarters."""
    return float(past[-4:].mean())


def mean_of_quarters(past: Array, _ahead: int) -> float:
    """Mean of all quarters."""
    return float(past.mean())


def seasonal_naive(past: Array, ahead: int) -> float:
    """The same quarter of the last year that is known; the last quarter where the past is shorter."""
    back = 4 * -(-ahead // 4) - ahead + 1
    return float(past[-back] if back <= len(past) else past[-1])


RULES: Mapping[str, Rule] = {
    "last year": last_year,
    "mean of quarters": mean_of_quarters,
    "seasonal naive": seasonal_naive,
}


def naive(past: Array, ahead: int, rule: Rule) -> Array:
    """Prediction of a rule `ahead` quarters on, as a sample. past: (Q,) values of the quarters so far, oldest first."""
    known = past[np.isfinite(past)]
    point = rule(known, ahead)
    errors = np.array([known[t] - rule(known[: t - ahead + 1], ahead) for t in range(ahead + 3, len(known))])
    if len(errors) < MIN_ERRORS:
        return np.array([point])
    return np.asarray(point + float(np.sqrt((errors**2).mean())) * _POINTS)


QUANTITIES = {
    "created": "opportunities created",
    "value": "value of those",
    "won": "deals won",
    "bookings": "bookings",
    "share_won": "share won of decided deals",
    "payout": "payout of the baseline program",
}
LEVELS = (0.8, 0.95)


@dataclass(frozen=True)
class ScoredPrediction:
    """A quantity of a quarter, or of all quarters ahead together (`period` "all").

    quarters_ahead: 1 for the first; low, high: 95 % interval; inside: whether the 80 and the 95 % interval hold what
    was `observed`; crps, naive_crps: scores, the latter by rule.
    """

    start: str
    period: str
    quarters_ahead: int
    quantity: str
    observed: float
    median: float
    low: float
    high: float
    inside: tuple[bool, bool]
    crps: float
    naive_crps: Mapping[str, float]


def score_predictions(
    rows: pd.DataFrame,
    drawn: PredictiveDraws,
    period: pd.Period,
    quarters: int,
    draws: int,
    *,
    dated: bool,
    lost_sized: bool,
) -> list[ScoredPrediction]:
    """Every quantity of every quarter ahead, and of all together, against the partner rows of the whole export.

    lost_sized: whether lost deals carry an amount, without which the value of what was created is unknown.
    """
    first = rows["created"].min().to_period("Q")
    past = (period - first).n
    observed = _observed(rows, first, past + quarters, dated)
    samples = _sampled(drawn, quarters, draws, dated)
    found: list[ScoredPrediction] = []
    for name in ("created", "value", "won", "bookings", "share_won"):
        if name != "value" or lost_sized:
            truth = float(_values({k: v[past:].sum() for k, v in observed.items()}, name))
            whole = _values({k: v.sum(axis=1) for k, v in samples.items()}, name)
            found += _series(_values(observed, name), _values(samples, name), period, name, (truth, whole))
    return found


def score_payout(observed: Array, sample: Array, period: pd.Period) -> list[ScoredPrediction]:
    """The same of the payout. observed: (quarters so far + ahead,); sample: (draws, quarters ahead)."""
    whole = float(observed[-sample.shape[1] :].sum()), sample.sum(axis=1)
    return _series(observed, sample, period, "payout", whole)


def _series(
    observed: Array, sample: Array, period: pd.Period, name: str, whole: tuple[float, Array]
) -> list[ScoredPrediction]:
    """A quantity of each of the quarters ahead, and of the `whole` of them, observed and sampled."""
    quarters = sample.shape[1]
    past, found = observed[: len(observed) - quarters], []
    for q in range(quarters):
        rules = {rule: naive(past, q + 1, what) for rule, what in RULES.items()}
        found.append(_score(period, str(period + q), q + 1, name, float(observed[len(past) + q]), sample[:, q], rules))
    fold, known = np.mean if name == "share_won" else np.sum, past[np.isfinite(past)]
    points = {rule: np.array([fold([what(known, q + 1) for q in range(quarters)])]) for rule, what in RULES.items()}
    return [*found, _score(period, "all", quarters, name, *whole, points)]


def _score(
    start: pd.Period, period: str, ahead: int, name: str, truth: float, sample: Array, rules: Mapping[str, Array]
) -> ScoredPrediction:
    sample = sample[np.isfinite(sample)]
    inside = []
    for level in LEVELS:
        low, high = np.quantile(sample, [0.5 - level / 2, 0.5 + level / 2])
        inside.append(bool(low <= truth <= high))
    return ScoredPrediction(
        f"{start.start_time:%Y-%m-%d}", period, ahead, name, float(truth), float(np.median(sample)), float(low),
        float(high), (inside[0], inside[1]), crps(sample, truth), {rule: crps(x, truth) for rule, x in rules.items()},
    )  # fmt: skip


def _values(sums: Mapping[str, Any], name: str) -> Array:
    """A quantity from sums by quarter."""
    if name != "share_won":
        return np.asarray(sums[name])
    decided = sums["decided"]
    return np.asarray(np.where(decided > 0, sums["won"] / np.maximum(decided, 1), np.nan))


def _observed(rows: pd.DataFrame, first: pd.Period, quarters: int, dated: bool) -> dict[str, Array]:
    """Sums by quarter from `first` on, (quarters,)."""
    created = rows["created"].dt.to_period("Q").astype("int64") - first.ordinal
    counted = rows["closed"].dt.to_period("Q").astype("int64") - first.ordinal if dated else created
    known = rows["closed"].notna() if dated else rows["outcome"].ne("open")
    won = rows["outcome"].eq("won") & known

    def total(quarter: pd.Series, which: pd.Series | bool, weight: pd.Series | None = None) -> Array:
        pick = which & (quarter >= 0) & (quarter < quarters)
        weights = None if weight is None else weight[pick].fillna(0.0)
        return np.bincount(quarter[pick], weights=weights, minlength=quarters).astype(float)

    return {
        "created": total(created, rows["created"].notna()),
        "value": total(created, rows["created"].notna(), rows["amount"]),
        "won": total(counted, won),
        "decided": total(counted, known & rows["outcome"].ne("open")),
        "bookings": total(counted, won, rows["amount"]),
    }


def _sampled(drawn: PredictiveDraws, quarters: int, draws: int, dated: bool) -> dict[str, Array]:
    """Sums by draw and quarter ahead, (draws, quarters)."""
    counted = drawn.closed if dated else drawn.created

    def total(quarter: Array, which: Bools, weight: Array | None = None) -> Array:
        pick = which & (quarter >= 0) & (quarter < quarters)
        at = drawn.draw[pick] * quarters + np.floor(quarter[pick]).astype(np.int64)
        weights = None if weight is None else np.nan_to_num(weight[pick])
        return np.bincount(at, weights=weights, minlength=draws * quarters).astype(float).reshape(draws, quarters)

    every = np.ones(len(drawn.draw), dtype=bool)
    return {
        "created": total(drawn.created, every),
        "value": total(drawn.created, every, drawn.amount),
        "won": total(counted, drawn.won),
        "decided": total(counted, every),
        "bookings": total(counted, drawn.won, drawn.amount),
    }
