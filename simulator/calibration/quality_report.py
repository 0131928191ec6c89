"""The data-quality report: what became of the rows, what was estimated, what fits badly, what is unknown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from simulator.calibration.clean import Export
from simulator.calibration.deal_size import LIST_PRICE_SHARE
from simulator.calibration.figures import expected, wilson
from simulator.calibration.fit import Fit
from simulator.calibration.partner_effects import PartnerEffects
from simulator.calibration.payout_replay import PayoutCheck, payout_rows
from simulator.calibration.profile import Profile
from simulator.calibration.remarks import FittedNumber, Remark, figure
from simulator.calibration.sales_cycle import STAGES
from simulator.calibration.scenario_file import ScenarioDraft

_REST = (
    "How partners respond, what they may game and all numbers not listed are defaults of the schema, most of "
    "them judgement."
)
GROWTH = 1.25
"""A last year this many times as busy as the fit implies (or as much less) is worth a word."""


def diagnostics(fit: Fit, partners: PartnerEffects) -> dict[str, FittedNumber]:
    """Estimates that do not enter the scenario, but help to judge those that do."""
    sizes, volume = fit.sizes, fit.volume
    n = sum(estimate.n for estimate in sizes.median.values())
    found = {
        "share_won": fit.odds.win_rate,
        "win_rate_sd_between": fit.odds.rate_sd,
        "size_log_sd_total": FittedNumber(sizes.total_log_sd, None, n, "log units", "plain sd of log amounts"),
        "volume_log_sd_of_counts": FittedNumber(
            volume.log_sd_of_counts,
            None,
            volume.seen,
            "log units",
            "plain sd of log counts: with noise and exposure",
        ),
    }
    for market, funnel in fit.funnel.items():
        for use, values in (("weight", funnel.weights), ("duration", funnel.durations)):
            found |= {f"{market}_{use}_of_{stage}": e for stage, e in zip(STAGES, values, strict=True)}
    if fit.odds_without_extremes:
        count, odds = fit.odds_without_extremes
        note = f"without {count} partners that won or lost 95 % of 20 deals or more"
        found["win_logit_sd_between_without_extremes"] = FittedNumber(
            odds.between.value, odds.between.se, odds.between.n, "logits", note
        )
    pairs = partners.effects.correlations.items()
    return found | {f"correlation_{pair.replace(' and ', '_')}": estimate for pair, estimate in pairs}


def verdicts(fit: Fit, partners: PartnerEffects) -> dict[str, str]:
    """Judgements on the fits, in words."""
    found = {
        "sizes": str(fit.sizes.verdict),
        "partners": fit.odds.verdict(),
        "partners' volume, size and odds": f"correlations {partners.effects}; a scenario draws them apart",
    }
    if fit.odds.slope:
        found["large deals"] = _large_deals(fit)
    if fit.sizes.product_share is not None:
        share = f"products explain {fit.sizes.product_share:.1%} of the variance of log size"
        listed = fit.sizes.product_share > LIST_PRICE_SHARE
        found["products"] = share + (": sizes are list prices; consider products as segments" if listed else "")
    found["cycles"] = str(fit.cycle.verdict) if fit.cycle else f"refused: {fit.refused['cycle_weeks']}"
    for market, funnel in fit.funnel.items():
        weights, durations = (
            ", ".join(f"{e.value:.0%}" for e in values) for values in (funnel.weights, funnel.durations)
        )
        name = "stages" if len(fit.funnel) == 1 else f"stages of {market}"
        found[name] = f"{weights} of the odds and {durations} of the cycle fall on {', '.join(STAGES)}"
    if fit.pattern is not None:
        found["closing"] = str(fit.pattern)
    if fit.season is not None:
        shown = ", ".join(f"{e.value:.2f}" for e in fit.season.by_quarter)
        found["season"] = f"demand of calendar quarters over the mean: {shown} (F test, p = {fit.season.p_value:.3f})"
    if fit.contrast is not None:
        found["partner against direct"] = str(fit.contrast)
    if fit.response.elasticity is not None:
        found["response"] = f"elasticity {fit.response.elasticity}: {fit.response.reason}"
    return found


def _large_deals(fit: Fit) -> str:
    """Share won of the largest tenth of deals and of all value, and what the scenario's odds give for them."""
    rows = fit.odds_rows
    amount, won = rows["amount"].to_numpy(dtype=float), rows["outcome"].eq("won").to_numpy(dtype=float)
    given, top = expected(rows, fit), amount >= np.quantile(amount, 0.9)
    low, high = (float(x) for x in wilson(won[top].sum(), top.sum()))
    fits = "fit" if low <= given[top].mean() <= high else "misfit"
    return (
        f"{fits}: {won[top].mean():.1%} ({low:.1%} to {high:.1%}) of the largest tenth were won, "
        f"{given[top].mean():.1%} as modelled; of all value {won @ amount / amount.sum():.1%}, "
        f"{given @ amount / amount.sum():.1%} as modelled (one slope, size that says nothing of the partner)"
    )


def cautions(fit: Fit, partners: PartnerEffects) -> list[str]:
    """What to keep in mind when the scenario is used."""
    found = list(fit.cautions)
    for name, group in fit.groups.items():
        implied = group.partners * group.per_year.value
        if group.recent is not None and not 1 / GROWTH < group.recent / implied < GROWTH:
            of = "" if len(fit.groups) == 1 else f" of {name}"
            found.append(
                f"The last 52 weeks held {group.recent:,} opportunities{of}, the fitted mean implies "
                f"{implied:,.0f}: volume changed over the export. For its latest level set "
                f"opportunities_per_year to {figure(group.recent / group.partners)}."
            )
    drift = partners.slope_drift.level
    if abs(drift.mean) > 2 * np.sqrt(drift.variance):
        found.append(
            "The slope of odds in log size drifted: at the end of the export it is "
            f"{drift.mean / partners.slope_drift.spread:+.2f} off its mean. For its latest level add that to win_slope."
        )
    return found


def quality_text(
    export: Export, profile: Profile, fit: Fit, draft: ScenarioDraft, partners: PartnerEffects,
    paid: PayoutCheck | None, said: Mapping[str, str],
) -> str:  # fmt: skip
    """The report in Markdown. paid: past payouts against the baseline's; said: what is to be said of them."""
    parts = [
        f"# Data quality: {_cell(export.label)}",
        f"Profile {_cell(profile.name)}; {export.total:,} rows read, {len(export.rows):,} used.\n"
        f"sha256 `{export.sha256}`.",
        _rates(profile),
        "## Rows\n\nDropped rows are gone; of rows set aside one field is not used.",
        _remark_table((*export.remarks, *fit.remarks)),
        "## Estimates",
        _estimate_table(draft.estimates),
        "## Diagnostics\n\nNot in the scenario, but they help to judge what is.",
        _estimate_table(diagnostics(fit, partners)),
        "## Verdicts",
        _bullets(verdicts(fit, partners) | dict(said)),
        *_paid(paid),
        "## Refused",
        _bullets(fit.refused) or "Nothing.",
        "## Cautions",
        "\n".join(f"- {text}" for text in cautions(fit, partners)) or "None.",
        "## Not from the export",
        _bullets(draft.defaults),
        _REST,
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _rates(profile: Profile) -> str:
    if not profile.currency.rates:
        return ""
    rates = ", ".join(f"1 {name} = {rate} {profile.currency.scenario}" for name, rate in profile.currency.rates.items())
    return f"Conversion: {_cell(rates)}. Source: {_cell(profile.currency.rates_source)}."


def _paid(paid: PayoutCheck | None) -> Iterable[str]:
    """Tables of payouts, by period and by partner."""
    if paid is None:
        return
    yield "## Payouts: paid, and replayed by the baseline's rules"
    for name, table in paid.tables.items():
        head = [f"| {name} | paid | replayed | ratio |", "|---|---:|---:|---:|"]
        yield "\n".join([*head, *(f"| {' | '.join(map(_cell, row))} |" for row in payout_rows(table))])
    yield "\n".join(f"- {note}" for note in paid.notes)


def _remark_table(remarks: Iterable[Remark]) -> str:
    lines = [f"| {r.kind} | {_cell(r.reason)} | {r.count:,} | {_cell(r.detail)} |" for r in remarks]
    return "\n".join(["| what | reason | rows | detail |", "|---|---|---:|---|", *lines])


def _estimate_table(estimates: Mapping[str, FittedNumber]) -> str:
    lines = [
        f"| `{path}` | {figure(e.value)} | {'' if e.se is None else figure(e.se)} | {e.n:,} | {e.unit} "
        f"| {_cell(e.note)} |"
        for path, e in estimates.items()
    ]
    head = ["| number | estimate | standard error | n | unit | note |", "|---|---:|---:|---:|---|---|"]
    return "\n".join([*head, *lines])


def _bullets(entries: Mapping[str, str]) -> str:
    return "\n".join(f"- `{name}`: {_cell(text)}" for name, text in entries.items())


def _cell(text: str) -> str:
    """Text that cannot break out of a table cell or become markup."""
    flat = " ".join(text.split())
    for sign in ("\\", "|", "<", "`", "[", "*"):
        flat = flat.replace(sign, "\\" + sign)
    return flat
