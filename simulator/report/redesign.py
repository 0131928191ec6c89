"""Designs of a pilot in words, as text and as a figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.axes import Axes

from simulator.report.numbers import form_of
from simulator.report.pilot import PERCENT, estimate_text
from simulator.report.style import QUIET, colour, marker, new_axes, sampled, styled
from simulator.report.terminal import WIDTH, blocks, wrapped

if TYPE_CHECKING:
    from simulator.studies.redesign import Option, Redesign

_ROWS = 12


def headline(study: Redesign) -> list[str]:
    """Whether any pilot is worth running, the cheapest that has the power asked for, and the one worth most."""
    said, worthwhile, cheapest = [], study.worthwhile, study.cheapest
    if not worthwhile:
        said.append(f"Do not run this pilot: none of {len(study.options)} designs pays and can see a plausible lift.")
    if cheapest is None:
        most = max(study.options, key=lambda o: o.power.mean or 0.0)
        said.append(
            f"No design reaches {100 * study.asked:g} % power; the most is {estimate_text(most.power)}: {most.text}."
        )
    else:
        said.append(
            f"The cheapest design with {100 * study.asked:g} % power: {cheapest.text}; power "
            f"{estimate_text(cheapest.power)}, gain {_gain(study, cheapest)}."
        )
    if worthwhile:
        best = worthwhile[0]
        said.append(
            f"The design worth most: {best.text}; gain {_gain(study, best)}, power {estimate_text(best.power)}, bias "
            f"{PERCENT.number(best.bias.mean, sign=True)} points of lift."
        )
    return said


def describe(study: Redesign, width: int = WIDTH) -> str:
    """Headline and the designs worth most, with their bias beside."""
    rows = [(o.text, [_gain(study, o), _percent(o), estimate_text(o.bias)]) for o in study.options[:_ROWS]]
    left = len(study.options) - len(rows)
    more = f"\n{left} more in the table" if left > 0 else ""
    table = f"Designs by net value of piloting\n{blocks(['gain', 'power', 'bias'], rows, width)}{more}"
    return "\n\n".join([study.sample_text, wrapped(headline(study), width), table])


def draw(study: Redesign, ax: Axes | None = None) -> Axes:
    """Power against cost, or against time where nothing is said of cost, with the frontier."""
    priced = any(o.cost for o in study.options)
    money = study.scenario.currency
    form = form_of([o.cost for o in study.options], [], money, money)
    kinds = list(dict.fromkeys(o.plan.measure.outcome for o in study.options))

    def place(o: Option) -> float:
        return o.cost * form.factor if priced else float(o.plan.design.quarters)

    with styled():
        ax = new_axes() if ax is None else ax
        for k, kind in enumerate(kinds):
            own = [o for o in study.options if o.plan.measure.outcome == kind and o.holds]
            ax.plot([place(o) for o in own], [o.power.mean or 0.0 for o in own], marker(k + 1), color=colour(k + 1),
                    markersize=5, alpha=0.55, label=kind)  # fmt: skip
        best = study.frontier
        ax.step([place(o) for o in best], [o.power.mean or 0.0 for o in best], color=colour(0), where="post",
                label="frontier")  # fmt: skip
        ax.axhline(study.asked, color=QUIET, linewidth=1.0, linestyle="--")
        chosen = study.cheapest
        if chosen is not None:
            ax.plot([place(chosen)], [chosen.power.mean or 0.0], "o", markersize=13, markerfacecolor="none",
                    color=colour(0), label="cheapest that reaches it")  # fmt: skip
        ax.set_ylim(0.0, 1.03)
        ax.set_xlabel(f"cost of running the pilot [{form.unit}]" if priced else "quarters")
        ax.set_ylabel("power at the mean lift")
        ax.set_title("What a pilot costs and what it can see")
        ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), fontsize=8)
        sampled(ax, study.sample_text)
    return ax


def _percent(o: Option) -> str:
    return estimate_text(o.power) + ("" if o.holds else " (level not kept)")


def _gain(study: Redesign, o: Option) -> str:
    money = study.scenario.currency
    form = form_of([x.gain.value for x in study.options[:_ROWS]], [x.gain.se for x in study.options], money, money)
    return f"{form.number(o.gain.value)} \u00b1 {form.number(o.gain.se)} {form.unit}"
