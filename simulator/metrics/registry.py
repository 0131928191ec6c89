"""The metrics that reports show. A new metric is one more entry in a file of `simulator/metrics/`.

In their definitions `x` is a `MetricInputs`: `x.own` the totals of the program (named in
`engines/totals/settlement.py`), `x.baseline`, `x.none` and `x.without_gaming` those of the same worlds under the status
quo, under no program, and without gaming. All dates are true dates, also of deals that were filed earlier or later.
"""

from __future__ import annotations

from simulator.metrics import cost, deals, fairness, gaming, partners, results
from simulator.metrics.base import Family, Metric, Totals

METRICS: tuple[Metric | Family, ...] = (
    *cost.METRICS,
    *results.METRICS,
    *deals.METRICS,
    *partners.PARTICIPATION_METRICS,
    *partners.REVIEW_METRICS,
    *partners.TRUST_METRICS,
    *fairness.METRICS,
    *gaming.METRICS,
)


def metrics_of(totals: Totals) -> list[Metric]:
    """All metrics of a program with these totals, families written out, in the order of `METRICS`."""
    found: list[Metric] = []
    for entry in METRICS:
        found += entry.members(totals) if isinstance(entry, Family) else [entry]
    return found
