"""Who takes part in a program. These metrics are there where a scenario lets partners go dormant or join."""

from __future__ import annotations

from simulator.stats.metric import Family, Mean, Metric, Ratio

METRICS: tuple[Metric | Family, ...] = (
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
