"""Trust of partners. The metric is there where a scenario has a trust table."""

from __future__ import annotations

from simulator.stats.metric import Family, Mean, Metric

METRICS: tuple[Metric | Family, ...] = (
    Family("trust", lambda _, total: Metric(
        "mean_trust", "Trust", "share", "higher",
        "Mean trust over partners and quarter ends since launch, 1 whole and 0 none.",
        Mean(lambda x: total(x) * 1e-6),
    )),
)  # fmt: skip
