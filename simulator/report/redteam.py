"""The figure of the red team: what is extracted from each program, and what mends leave of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.axes import Axes

from simulator.report.numbers import form_of
from simulator.report.style import colour, mark_zero, new_axes, rows_for, sampled, styled
from simulator.report.wording import titled

if TYPE_CHECKING:
    from simulator.studies.redteam import RedTeam


def draw(study: RedTeam, ax: Axes | None = None) -> Axes:
    """A row per program, with two standard errors."""
    money = study.scenario.currency
    form = form_of([a.extracted for a in study.attacks], [a.se for a in study.attacks], money, money)
    with styled():
        ax = new_axes() if ax is None else ax
        rows = rows_for(ax, [a.program for a in study.attacks])
        for row, attack in zip(rows, study.attacks, strict=True):
            bar = 2 * attack.se * form.factor
            ax.errorbar(attack.extracted * form.factor, row, xerr=bar, fmt="o", color=colour(1), capsize=4)
            for mend in (m for m in study.mends if m.program == attack.program and m.enough):
                ax.annotate(f"stopped by {mend.term}", (attack.extracted * form.factor, row), (0, 9),
                            textcoords="offset points", fontsize=8, ha="center")  # fmt: skip
                break
        mark_zero(ax)
        ax.set_xlabel(titled("Extracted per partner and year", form.unit))
        ax.set_title("What a fully opportunistic partner extracts beyond its honest twin")
        sampled(ax, f"{study.sample_text}; bars: two standard errors")
    return ax
