"""The table of metrics in `docs/metrics.md`, from the metrics themselves."""

from __future__ import annotations

import numpy as np

from simulator.metrics.base import Family, Metric
from simulator.metrics.registry import METRICS

HEAD = """# Metrics

Generated from `simulator/stats/definitions` by `python -m tests.docs.metrics_table > docs/metrics.md`; a test checks
that it is current. Money is in the scenario's currency. *Better* says which direction is an improvement. In names
with `NAME` there is one metric per component, activity or tier.

| metric | label | unit | better | definition |
|---|---|---|---|---|
"""


def metrics_page() -> str:
    """The whole page."""
    return HEAD + "".join(_row(_shown(entry)) for entry in METRICS)


def _shown(entry: Metric | Family) -> Metric:
    return entry.member("NAME", lambda _: np.zeros(1, dtype=np.int64)) if isinstance(entry, Family) else entry


def _row(m: Metric) -> str:
    words = m.doc + (" Only where partners respond and game." if m.gaming else "")
    return f"| `{m.name}` | {m.label} | {m.unit} | {m.direction} | {words} |\n"


if __name__ == "__main__":
    print(metrics_page(), end="")
