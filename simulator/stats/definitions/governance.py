"""What a program's reviews came to. These metrics are there where a program has rules of review."""

from __future__ import annotations

from simulator.stats.metric import Family, Mean, Metric

_MICRO = 1e-6

METRICS: tuple[Metric | Family, ...] = (
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
