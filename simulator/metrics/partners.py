"""Partners' participation and trust, and what a program's reviews came to.

These metrics are there where a scenario lets partners go dormant or join, or has a trust table, and where a program has
rules of review.
"""

from __future__ import annotations

from simulator.metrics.base import Family, Mean, Metric, Ratio

_MICRO = 1e-6

REVIEW_METRICS: tuple[Metric | Family, ...] = (
    Family("review.rate", lambda _, total: Metric(
        "rates_in_force", "Rates in force at the end", "ratio", "neutral",
        "Mean over components of the factor by which reviews had moved their rates at the end of the horizon.",
        Mean(lambda x: total(x) * _MICRO),
    )),
    Family("review.target", lambda _, total: Metric(
        "targets_in_force", "Targets in force at the end", "ratio", "neutral",
        "Mean over components of the factor by which reviews had moved their targets at the end of the horizon.",
        Mean(lambda x: total(x) * _MICRO),
    )),
    Family("review.stopped", lambda _, total: Metric(
        "p_stopped", "P(stopped by review)", "probability", "lower",
        "Share of replications in which a review had stopped a component by the end of the horizon.",
        Mean(total),
    )),
)  # fmt: skip


PARTICIPATION_METRICS: tuple[Metric | Family, ...] = (
    Family("participation.active", lambda _, total: Metric(
        "participation", "Active partners", "share", "higher",
        "Partner-weeks in which a partner takes part, of all partner-weeks of partners.",
        Ratio(total, lambda x: x.own["partner_weeks"], "no partners"),
    )),
    Family("participation.joined", lambda _, total: Metric(
        "partners_joined", "Partners joined", "count", "higher",
        "Prospective partners that joined within the horizon.",
        Mean(total),
    )),
    Family("participation.left", lambda _, total: Metric(
        "partners_left", "Partners gone dormant", "count", "lower",
        "Times that an active partner went dormant.",
        Mean(total),
    )),
    Family("participation.returned", lambda _, total: Metric(
        "partners_returned", "Partners returned", "count", "higher",
        "Times that a dormant partner became active again.",
        Mean(total),
    )),
)  # fmt: skip


TRUST_METRICS: tuple[Metric | Family, ...] = (
    Family("trust", lambda _, total: Metric(
        "mean_trust", "Trust", "share", "higher",
        "Mean trust over partners and quarter ends since launch, 1 whole and 0 none.",
        Mean(lambda x: total(x) * 1e-6),
    )),
)  # fmt: skip
