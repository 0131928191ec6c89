"""The figures of a replayed replication: what was accrued so far, week by week, and the timeline of its deals."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes

from simulator.errors import fault
from simulator.report import timeline
from simulator.report.numbers import form_of
from simulator.report.style import colour, new_axes, sampled, styled
from simulator.report.wording import titled
from simulator.scenario.finding import suggestion

if TYPE_CHECKING:
    from simulator.studies.trace import Trace


def draw(study: Trace, kind: str = "accrued", ax: Axes | None = None, **options: Any) -> Axes:
    """Draw a figure of `kind` on `ax` or a new figure; raises `InputError` for an unknown kind."""
    if kind not in KINDS:
        raise fault("options", "kind", kind, f"must be one of {', '.join(KINDS)}", suggestion(kind, KINDS))
    return KINDS[kind](study, ax, **options)


def accrued(study: Trace, ax: Axes | None = None) -> Axes:
    """Accruals by component, summed over the weeks from launch on."""
    log = study.table()
    rows = log[(log["event"] == "accrued") & (log["time"] >= 0)]
    weeks = np.arange(study.scenario.time.horizon_weeks + 2)  # the last one holds to be seen
    names = list(dict.fromkeys(rows["component"]))
    sums = [
        np.array([of["amount"][of["time"] <= w].sum() for w in weeks])
        for of in (rows[rows["component"] == name] for name in names)
    ]
    money = study.scenario.currency
    form = form_of([float(sum(s[-1] for s in sums))], [], money, money)
    with styled():
        ax = new_axes() if ax is None else ax
        if sums:
            shades = [colour(k + 1) for k in range(len(names))]
            ax.stackplot(weeks, [s * form.factor for s in sums], labels=names, colors=shades, alpha=0.8, step="post")
            ax.legend(loc="upper left")
        ax.set_xlim(0, weeks[-1])
        ax.set_xlabel("Weeks since launch")
        ax.set_ylabel(titled("Accrued so far", form.unit))
        ax.set_title(f"What {study.program} came to")
        sampled(ax, study.sample_text)
    return ax


KINDS: dict[str, Callable[..., Axes]] = {"accrued": accrued, "timeline": timeline.draw}
"""Kinds of figures; `timeline` takes a `partner`, or several."""
