"""The figure of a replayed replication: what was paid so far, week by week."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes

from simulator.report.numbers import form_of
from simulator.report.style import colour, new_axes, sampled, styled
from simulator.report.wording import titled

if TYPE_CHECKING:
    from simulator.studies.trace import Trace


def draw(study: Trace, ax: Axes | None = None) -> Axes:
    """Accruals by component, summed over the weeks from launch on."""
    log = study.table()
    accrued = log[(log["event"] == "accrued") & (log["time"] >= 0)]
    weeks = np.arange(study.scenario.time.horizon_weeks + 1)
    names = list(dict.fromkeys(accrued["component"]))
    sums = [
        np.array([of["amount"][of["time"] <= w].sum() for w in weeks])
        for of in (accrued[accrued["component"] == name] for name in names)
    ]
    money = study.scenario.currency
    form = form_of([float(sum(s[-1] for s in sums))], [], money, money)
    with styled():
        ax = new_axes() if ax is None else ax
        if sums:
            shades = [colour(k + 1) for k in range(len(names))]
            ax.stackplot(weeks, [s * form.factor for s in sums], labels=names, colors=shades, alpha=0.8)
            ax.legend(loc="upper left")
        ax.set_xlabel("Week from launch")
        ax.set_ylabel(titled("Accrued so far", form.unit))
        ax.set_title(f"What {study.program} came to")
        sampled(ax, study.sample_text)
    return ax
