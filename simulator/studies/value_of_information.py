"""What it is worth to learn before choosing a program: the value of information, from the runs of a comparison.

The choice is among the programs asked for, by expected net value under the scenario's goals. What is left after
learning an input is everything else: other inputs and luck are averaged over.

The value of information in words, as text, as HTML and as a figure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from simulator.core.errors import InputError, Problem
from simulator.metrics.measure import BASELINE
from simulator.metrics.net_value import goals_text
from simulator.report.formats import NumberFormat, form_of
from simulator.report.html import HtmlTable, notebook
from simulator.report.plots import colour, interval, mark_zero, new_axes, rows_for, sample_note, styled
from simulator.report.text import WIDTH, listed, text_table, with_unit, wrap
from simulator.runs.simulate import SimulationResult
from simulator.scenario.schema import Scenario
from simulator.scenario.validation.finding import shown
from simulator.stats.sensitivity.factors import EstimateWithCI, Factor, factors_of, mean_figure
from simulator.stats.sensitivity.value_of_information import FEWEST, LearningValue, value_of_knowing
from simulator.studies.base import (
    Groups,
    Input,
    RunStudy,
    asked_programs,
    check_inputs,
    check_run,
    grade_of,
    inputs_of,
    records,
    timed,
)
from simulator.studies.sensitivity.method import estimate_text
from simulator.studies.sensitivity.outcome import NET_VALUE, ModelRuns, StudyOutcome, inputs_in, outcome_of

EVERYTHING = "all inputs"
"""The factor of perfect information."""


@dataclass(frozen=True)
class ValueOfInformation(RunStudy):
    """worths: per factor, the largest first, perfect information before all; gaps: mean net value less the best's."""

    kind = "value_of_information"
    subject = "what is worth knowing"

    outcome: StudyOutcome
    inputs: tuple[Input, ...]
    factors: tuple[Factor, ...]
    worths: tuple[LearningValue, ...]
    best: str
    gaps: dict[str, EstimateWithCI]
    simulated: SimulationResult

    @property
    def perfect(self) -> LearningValue:
        """Knowing all uncertain inputs."""
        return self.worths[0]

    def grade(self, factor: str) -> str:
        """Grade of evidence of a factor, the weakest of a group."""
        return grade_of(next(f for f in self.factors if f.name == factor), self.inputs)

    def table(self) -> pd.DataFrame:
        """A row per factor: grade, worth with standard error and 95 % limits, bias that was taken off."""
        rows = [
            {
                "input": w.factor,
                "grade": self.grade(w.factor),
                "worth": w.worth.value,
                "worth_se": w.worth.se,
                "worth_low": w.worth.low,
                "worth_high": w.worth.high,
                "bias": w.bias,
                "distinguishable": w.worth.distinguishable,
            }
            for w in self.worths
        ]
        table = pd.DataFrame(rows)
        table.attrs["unit"] = self.outcome.unit
        return table

    def headline(self) -> list[str]:
        """What to choose now, what knowing everything is worth, and what to measure first."""
        # MOVED

        return headline(self)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Worth of each factor with its interval."""
        # MOVED

        return draw(self, ax)

    def to_dict(self) -> dict[str, Any]:
        return {
            **self._told(),
            "goals": goals_text(self.scenario.goals),
            "unit": self.outcome.unit,
            "programs": list(self.outcome.programs),
            "best": self.best,
            "rows": records(self.table()),
        }

    def _html(self) -> str:
        # MOVED

        return html(self)


@timed
def value_of_information(
    scenario: Scenario,
    *,
    programs: Sequence[str] | None = None,
    inputs: Sequence[str] | None = None,
    groups: Groups | None = None,
    replications: int | None = None,
    seed: int | None = None,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> ValueOfInformation:
    """What learning uncertain inputs before choosing among programs is worth, and of perfect information.

    programs: what can be chosen, the baseline always, all of the scenario if None; inputs: paths to look at one by one,
    all if None; groups: name -> paths that would be learned together. Raises `InputError` with all faults.
    """
    known = inputs_of(scenario)
    chosen = tuple(dict.fromkeys((BASELINE, *asked_programs(scenario, programs))))
    count = scenario.run.replications if replications is None else replications
    start = scenario.run.seed if seed is None else seed
    problems = check_inputs(scenario, inputs, groups or {})
    if len(chosen) < 2:
        problems.append(Problem("options", "programs", BASELINE, "leaves nothing to choose", "name a candidate"))
    if count < FEWEST:
        problems.append(Problem("options", "replications", shown(count), f"must be at least {FEWEST}"))
    if problems:
        raise InputError(problems)
    check_run(replications=count, seed=start, workers=workers)
    names = list(scenario.uncertainty)
    everything = Factor(EVERYTHING, tuple(range(len(names))))
    factors = (everything, *factors_of(names, groups or {}, together=False, only=inputs))
    outcome = outcome_of(scenario, NET_VALUE, chosen, None)
    simulated = ModelRuns(scenario, outcome, start, workers, progress).sampled(count)
    x, found = inputs_in(simulated), outcome.values(simulated)
    values = np.column_stack([found[program] for program in chosen])
    perfect, *others = value_of_knowing(x, values, factors, start)
    best = chosen[int(np.argmax(values.mean(axis=0)))]
    gaps = {program: mean_figure(found[program] - found[best]) for program in chosen}
    ranked = (perfect, *sorted(others, key=lambda w: w.worth.value, reverse=True))
    return ValueOfInformation(outcome, known, factors, ranked, best, gaps, simulated)


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
        [wrap(headline(study), width), f"{title}\n{text_table(head, rows, width)}", wrap(_notes(study), width)]
    )


def html(study: ValueOfInformation) -> str:
    """Headline and table for a notebook."""
    form = _form(study)
    rows = [[f"{w.factor} [{study.grade(w.factor)}]", _worth(w, form)] for w in study.worths]
    table = HtmlTable("", ["Input", with_unit("Worth of knowing", form.unit)], rows)
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
        ax.set_xlabel(with_unit("Worth of knowing before choosing", form.unit))
        ax.set_title("What to learn first")
        sample_note(ax, f"{study.sample_text}; bars: 95 % CI; open: not distinguishable from 0")
    return ax


def _form(study: ValueOfInformation) -> NumberFormat:
    worths = [w.worth for w in study.worths]
    currency = study.scenario.currency
    return form_of([w.high for w in worths], [w.se for w in worths], currency, currency)


def _worth(w: LearningValue, form: NumberFormat) -> str:
    if w.worth.high <= 0:
        return "0"
    return estimate_text(w.worth, form).replace("+", "")


def _share(study: ValueOfInformation, w: LearningValue) -> str:
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
