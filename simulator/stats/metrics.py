"""The metrics that reports show. A new metric is one more entry in a file of `simulator/stats/definitions/`.

In their definitions `x` is a `Lives`: `x.own` the totals of the program (named in `engines/settle.py`), `x.baseline`,
`x.none` and `x.honest` those of the same worlds under the status quo, under no program, and without gaming. All dates
are true dates, also of deals that were filed earlier or later.
"""

from __future__ import annotations

from simulator.stats.definitions import cost, deals, fairness, gaming, governance, participation, results, trust
from simulator.stats.metric import Family, Metric, Totals

METRICS: tuple[Metric | Family, ...] = (
    *cost.METRICS,
    *results.METRICS,
    *deals.METRICS,
    *participation.METRICS,
    *governance.METRICS,
    *trust.METRICS,
    *fairness.METRICS,
    *gaming.METRICS,
)


def metrics_of(totals: Totals) -> list[Metric]:
    """All metrics of a program with these totals, families written out, in the order of `METRICS`."""
    found: list[Metric] = []
    for entry in METRICS:
        found += entry.members(totals) if isinstance(entry, Family) else [entry]
    return found
