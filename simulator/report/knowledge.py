"""The value of information in words, as text, as HTML and as a figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.axes import Axes

from simulator.report.numbers import Form, form_of
from simulator.report.page import Table, notebook
from simulator.report.sensitivity import figure_text, listed
from simulator.report.style import colour, interval, mark_zero, new_axes, rows_for, sampled, styled
from simulator.report.terminal import WIDTH, blocks, wrapped
from simulator.report.wording import titled
from simulator.stats.value import goals_text

if TYPE_CHECKING:
    from simulator.stats.sensitivity.knowledge import Worth
    from simulator.studies.knowledge import ValueOfInformation


def headline(study: ValueOfInformation) -> list[str]:
    """What to choose now, what knowing everything is worth, and what to measure first."""
    return [_choice(study), _perfect(study), *_first(study)]


def describe(study: ValueOfInformation, width: int = WIDTH) -> str:
    """Headline and table."""
    form = _form(study)
    rows = [(f"{w.factor} [{study.grade(w.factor)}]", [_worth(w, form), f"{_share(study, w)}"]) for w in study.worths]
    title = f"Worth of knowing before choosing [{form.unit}], 95 % CI; net value: {goals_text(study.scenario.goals)}"
    head = ["worth", "of perfect information"]
    return "\n\n".join(
        [wrapped(headline(study), width), f"{title}\n{blocks(head, rows, width)}", wrapped(_notes(study), width)]
    )


def html(study: ValueOfInformation) -> str:
    """Headline and table for a notebook."""
    form = _form(study)
    rows = [[f"{w.factor} [{study.grade(w.factor)}]", _worth(w, form)] for w in study.worths]
    table = Table("", ["Input", titled("Worth of knowing", form.unit)], rows)
    sample = f"value of information; {study.sample_text}"
    return notebook(study.scenario.name, sample, headline(study), [table], _notes(study))


def draw(study: ValueOfInformation, ax: Axes | None = None) -> Axes:
    """Worth of each factor with its 95 % interval."""
    form = _form(study)
    with styled():
        ax = new_axes(len(study.worths)) if ax is None else ax
        rows = rows_for(ax, [f"{w.factor} [{study.grade(w.factor)}]" for w in study.worths])
        for row, w in zip(rows, study.worths, strict=True):
            limits = [x * form.factor for x in (w.worth.value, w.worth.low, w.worth.high)]
            interval(ax, limits, row, colour(1), sure=w.worth.distinguishable)
        mark_zero(ax)
        ax.set_xlabel(titled("Worth of knowing before choosing", form.unit))
        ax.set_title("What to learn first")
        sampled(ax, f"{study.sample_text}; bars: 95 % CI; open: not distinguishable from 0")
    return ax


def _form(study: ValueOfInformation) -> Form:
    worths = [w.worth for w in study.worths]
    currency = study.scenario.currency
    return form_of([w.high for w in worths], [w.se for w in worths], currency, currency)


def _worth(w: Worth, form: Form) -> str:
    if w.worth.high <= 0:
        return "0"
    return figure_text(w.worth, form).replace("+", "")


def _share(study: ValueOfInformation, w: Worth) -> str:
    whole = study.perfect.worth
    return f"{100 * w.worth.value / whole.value:.0f} %" if whole.distinguishable and w.worth.distinguishable else ""


def _choice(study: ValueOfInformation) -> str:
    """The choice without learning, and what it is not surely better than."""
    close = [p for p, gap in study.gaps.items() if p != study.best and not gap.distinguishable]
    tie = f", not distinguishably better than {listed(close)}" if close else ""
    return f"Without learning anything, {study.best} has the highest mean net value{tie}."


def _perfect(study: ValueOfInformation) -> str:
    form, got = _form(study), study.perfect.worth
    if not got.distinguishable:
        limit = f" (at most {form.number(got.high)} {form.unit}, 95 %)" if got.high > 0 else ""
        return f"Knowing all inputs before choosing is worth nothing that can be told from 0{limit}."
    return (
        f"Knowing all inputs before choosing is worth {form.number(got.value)} {form.unit} "
        f"(95 % CI {form.number(got.low)} to {form.number(got.high)}) over the horizon."
    )


def _first(study: ValueOfInformation) -> list[str]:
    form = _form(study)
    others = [w for w in study.worths[1:] if w.worth.distinguishable]
    if not others:
        return ["No single input or group is worth learning by more than the error."]
    parts = [
        f"{w.factor} [{study.grade(w.factor)}], worth {form.number(w.worth.value)} {form.unit} "
        f"({form.number(w.worth.low)} to {form.number(w.worth.high)})"
        for w in others
    ]
    rest = [w.factor for w in study.worths[1:] if not w.worth.distinguishable]
    indistinct = f" Indistinguishable from 0: {listed(rest)}." if rest else ""
    return [f"To learn first: {'; then '.join(parts)}.{indistinct}"]


def _notes(study: ValueOfInformation) -> list[str]:
    found = [
        "Luck cannot be learned beforehand: means given the inputs come from a regression on "
        f"{study.sample_text}. n.d.: not distinguishable from 0.",
        "A worth is the most that learning the input exactly should cost, for one choice over the horizon.",
    ]
    if study.scenario.correlation:
        found.append("Inputs are correlated: learning one also tells of those that move along.")
    found.append("Grades in brackets: A study or official document, B trade survey, C marketing, J judgement.")
    return found
