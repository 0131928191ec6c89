"""A selection in words, tables and figures, and as a run directory."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from matplotlib.axes import Axes

from simulator import results
from simulator.report.numbers import Form, form_of, form_of_estimates
from simulator.report.save_study import figure_files
from simulator.report.style import QUIET, colour, draw_kind, figure_of, legend_beside, rows_for, sampled
from simulator.report.terminal import WIDTH, Row, blocks, wrapped
from simulator.report.wording import titled
from simulator.stats.value import goals_text
from simulator.studies.select import Selection

_SURE = 0.95


def headline(study: Selection) -> list[str]:
    """Which program, how sure, and what choosing it may lose."""
    best, form = study.best, _money(study)
    sure = f"so with probability {best.highest:.2f} as far as the Monte Carlo error goes"
    verdict = "has the highest expected net value" if best.highest >= _SURE else "leads, but is not told apart"
    return [
        f"{best.program} {verdict} ({sure}).",
        f"It turns out best in {_share(best.best.mean)} of the worlds; choosing it loses "
        f"{form.number(best.regret.mean)} {form.unit} on average against knowing the world, "
        f"{form.number(best.worst)} {form.unit} at worst.",
    ]


def describe(study: Selection, width: int = WIDTH) -> str:
    """Headline and table for a terminal."""
    parts = [
        wrapped(headline(study), width),
        f"Net value: {goals_text(study.scenario.goals)}\n" + blocks(list(study.programs), _rows(study), width),
        study.sample_text,
    ]
    return "\n\n".join(parts)


def draw(study: Selection, kind: str = "best", ax: Axes | None = None) -> Axes:
    """Draw a figure of `kind` on `ax` or a new figure; raises `InputError` for an unknown kind."""
    return draw_kind(KINDS, study, kind, ax)


def best(study: Selection, ax: Axes) -> Axes:
    """How often each program is best, and how sure it is that its expectation is the highest."""
    for row, choice in zip(rows_for(ax, study.programs), study.choices, strict=True):
        share, se = choice.best.mean or 0.0, choice.best.se or 0.0
        first = choice is study.choices[0]
        ax.barh(row, 100 * share, 0.5, color=colour(1), alpha=0.45, label="best in so many worlds" if first else None)
        ax.errorbar(100 * share, row, xerr=100 * se, color=colour(1), capsize=3)
        label = "P(highest expectation)" if first else None
        ax.plot(100 * choice.highest, row, "D", color="black", markersize=6, label=label, clip_on=False, zorder=3)
    ax.set_xlim(0.0, 100.0)
    ax.set_xlabel("Probability [%]")
    ax.set_title("Which program is best")
    legend_beside(ax)
    sampled(ax, f"{study.sample_text}; bars: standard error")
    return ax


def regret(study: Selection, ax: Axes) -> Axes:
    """What choosing a program loses: mean, P90 and worst over replications."""
    form = _money(study)
    for row, choice in zip(rows_for(ax, study.programs), study.choices, strict=True):
        middle, high, worst = ((v or 0.0) * form.factor for v in (choice.regret.mean, choice.regret.p90, choice.worst))
        first = choice is study.choices[0]
        ax.plot([0.0, worst], [row, row], color="#C8C8C8", linewidth=2)
        ax.plot([0.0, high], [row, row], color=colour(1), linewidth=5, alpha=0.5, label="to P90" if first else None)
        ax.plot(middle, row, "o", color="black", markersize=7, label="mean" if first else None)
        ax.plot(worst, row, "|", color=QUIET, markersize=10, label="worst" if first else None)
    ax.set_xlim(left=0.0)
    ax.set_xlabel(titled("Net value lost against the best of each world", form.unit))
    ax.set_title("What choosing each program may lose")
    legend_beside(ax)
    sampled(ax, study.sample_text)
    return ax


KINDS: dict[str, Callable[[Selection, Axes], Axes]] = {"best": best, "regret": regret}
"""Kinds of figures."""


def save(study: Selection, out: str | os.PathLike[str], *, command: Sequence[str] = (), plots: bool = True) -> Path:
    """Write the run directory of a selection below `out`, and return it."""
    when = results.now()
    files: dict[str, results.Writer] = {
        "scenario.json": results.json_file(study.scenario.tree()),
        "selection.json": results.json_file(study.to_dict()),
        "selection.parquet": results.table_file(study.table().reset_index()),
        "replications.parquet": results.replications_file(study.simulated),
        "summary.json": results.json_file({"sample": study.sample_text, "headline": headline(study)}),
    }
    if plots:
        files |= figure_files({kind: partial(figure_of, partial(draw, study, kind)) for kind in KINDS})
    name = "select_" + results.run_name(study.simulated, when)
    return results.write_run(out, name, files, results.manifest_of(study.simulated, when=when, command=command))


def _money(study: Selection) -> Form:
    """The form for regrets."""
    found = [choice.regret for choice in study.choices]
    currency = study.scenario.currency
    return form_of([choice.worst for choice in study.choices], [got.se for got in found], currency, currency)


def _share(share: float | None) -> str:
    return f"{100 * (share or 0.0):.0f} %"


def _rows(study: Selection) -> list[Row]:
    currency, money = study.scenario.currency, _money(study)
    values = [choice.value for choice in study.choices]
    form = form_of_estimates(values, currency, currency)
    shares = [choice.best for choice in study.choices]
    of_best = form_of_estimates(shares, "share", currency)
    return [
        (titled("Net value", form.unit), [form.estimate(got) for got in values]),
        (titled("Best in worlds", "%"), [of_best.estimate(got) for got in shares]),
        ("P(highest expectation)", [f"{choice.highest:.3f}" for choice in study.choices]),
        (titled("Regret, mean", money.unit), [money.estimate(choice.regret) for choice in study.choices]),
        (titled("Regret, P90", money.unit), [money.number(choice.regret.p90) for choice in study.choices]),
        (titled("Regret, worst", money.unit), [money.number(choice.worst) for choice in study.choices]),
    ]
