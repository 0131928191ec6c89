"""A gradual rollout in words, as text and as a figure. What is within the Monte Carlo error is called so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.axes import Axes

from simulator.pilots.guardrails import REASONS
from simulator.report.numbers import UNDEFINED, Form, form_of
from simulator.report.style import colour, new_axes, sampled, styled
from simulator.report.terminal import WIDTH, blocks, wrapped
from simulator.stats.estimate import Estimate

if TYPE_CHECKING:
    from simulator.studies.rollout import StagedRollout

_PERCENT = Form(100.0, 1, "%")


def headline(study: StagedRollout) -> list[str]:
    """How often it stops, whether rightly, and what the limits are worth."""
    odds, worth = study.odds, study.worth
    form = _form(study)
    if not study.plan.guardrails.any:
        return [f"No limit is set: nothing stops the rollout. It is worth {_money(study, 'by milestones')}."]
    said = [
        f"The rollout stops rightly in {_text(odds['stopped rightly'])} of worlds and wrongly in "
        f"{_text(odds['stopped wrongly'])}; it goes on though it loses money in {_text(odds['went on wrongly'])}."
    ]
    gain = worth["the limits"]
    verdict = "gain" if gain.low > 0 else "lose" if gain.high < 0 else "gain or lose, not told apart from 0,"
    said.append(
        f"The limits {verdict} {form.number(abs(gain.value))} {form.unit} on average (95 % CI "
        f"{form.number(gain.low)} to {form.number(gain.high)}): the rollout is worth {_money(study, 'by milestones')} "
        f"without them and {_money(study, 'with limits')} with them."
    )
    return said


def describe(study: StagedRollout, width: int = WIDTH) -> str:
    """Headline, odds, net values, and quarter by quarter."""
    form = _form(study)
    odds = [(name, [_text(p), _limits(p)]) for name, p in study.odds.items()]
    worth = [
        (name, [f"{form.number(f.value)} \u00b1 {form.number(f.se)}", f"{form.number(f.low)} to {form.number(f.high)}"])
        for name, f in study.worth.items()
    ]
    quarters = study.quarters()
    rows = [
        (str(int(row["quarter"])), [_share(float(row[name])) for name in quarters.columns[1:]])
        for _, row in quarters.iterrows()
    ]
    head, error = ["on it", "stopped", *REASONS], ["mean \u00b1 SE", "95 % CI"]
    return "\n\n".join([
        study.sample_text,
        wrapped(headline(study), width),
        f"How it goes\n{blocks(error, odds, width)}",
        f"Net value over the horizon, more than with nobody on it [{form.unit}]\n"
        f"{blocks(error, worth, width)}",
        f"By quarter; what limits look at: medians, as if never stopped\n{blocks(head, rows, width)}",
    ])  # fmt: skip


def draw(study: StagedRollout, ax: Axes | None = None) -> Axes:
    """Share on the candidate by the milestones, and share of worlds stopped, by quarter."""
    table = study.quarters()
    with styled():
        ax = new_axes() if ax is None else ax
        ends = table["quarter"] + 1
        on = 100 * table["on"]
        ax.step([0, *ends], [*on, on.iloc[-1]], where="post", color=colour(0), label="partners on it, if not stopped")
        ax.step(ends, 100 * table["stopped"], where="post", color=colour(1), label="worlds stopped")
        ax.set_xticks([0, *ends])
        ax.set_ylim(0.0, 103.0)
        ax.set_xlabel("quarters after launch")
        ax.set_ylabel("share [%]")
        ax.set_title(f"Rollout of {study.plan.candidate}")
        ax.legend(loc="upper left", fontsize=8)
        sampled(ax, study.sample_text)
    return ax


def _form(study: StagedRollout) -> Form:
    shown = list(study.worth.values())
    currency = study.scenario.currency
    return form_of([f.value for f in shown], [f.se for f in shown], currency, currency)


def _money(study: StagedRollout, name: str) -> str:
    form, f = _form(study), study.worth[name]
    return f"{form.number(f.value)} {form.unit} (95 % CI {form.number(f.low)} to {form.number(f.high)})"


def _text(p: Estimate) -> str:
    error = "" if p.se is None else f" \u00b1 {_PERCENT.number(p.se)}"
    return UNDEFINED if p.mean is None else f"{_PERCENT.number(p.mean)}{error} %"


def _limits(p: Estimate) -> str:
    return UNDEFINED if p.low is None or p.high is None else f"{_PERCENT.number(p.low)} to {_PERCENT.number(p.high)} %"


def _share(value: float) -> str:
    return "\u2013" if value != value else f"{100 * value:.1f} %"
