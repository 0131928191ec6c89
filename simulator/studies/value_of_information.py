"""What it is worth to learn before choosing a program: the value of information, from the runs of a comparison.

The choice is among the programs asked for, by expected net value under the scenario's goals. What is left after
learning an input is everything else: other inputs and chance are averaged over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from simulator.core.errors import InputError, Problem
from simulator.metrics.measure import BASELINE
from simulator.metrics.net_value import goals_text
from simulator.report.formats import form_of
from simulator.report.plots import colour, interval, mark_zero, rows_for, sample_note
from simulator.report.tables import Column, Table
from simulator.report.text import listed, with_unit
from simulator.runs.simulate import SimulationResult
from simulator.scenario.schema import Scenario
from simulator.stats.sensitivity.factors import EstimateWithCI, Factor, factors_of, mean_figure
from simulator.stats.sensitivity.value_of_information import FEWEST, LearningValue, value_of_knowing
from simulator.studies.base import Input, RunStudy, check_inputs, grade_of, inputs_of
from simulator.studies.registry import study
from simulator.studies.sensitivity.method import UnsignedFormat, as_difference
from simulator.studies.sensitivity.outcome import NET_VALUE, ModelRuns, StudyOutcome, inputs_in, outcome_of
from simulator.studies.sensitivity.study import GRADES_NOTE, GroupsOption, InputsOption
from simulator.studies.settings import Progress, RunSettings

EVERYTHING = "all inputs"
"""The factor of perfect information."""


@dataclass(frozen=True)
class ValueOfInformation(RunStudy):
    """worths: per factor, perfect information first, then the largest; gaps: mean net value less the best's."""

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

    def tables(self) -> list[Table]:
        """A row per factor: grade, worth, and its part of the worth of perfect information."""
        worths, form = self.worths, self._money()
        columns = [
            Column("grade", "Grade", [self.grade(w.factor) for w in worths]),
            Column("worth", "Worth of knowing", [as_difference(w.worth) for w in worths], form.unit, form),
            Column("of_perfect", "Of perfect information", [self._part(w) for w in worths]),
            Column("bias", "Bias taken off", [w.bias for w in worths], form.unit, form, shown=False),
            Column("distinguishable", "Above 0", [w.worth.distinguishable for w in worths], shown=False),
        ]
        names = [w.factor for w in worths]
        return [Table("Worth of knowing before choosing", names, columns, self.scenario.currency, key="input")]

    def table(self) -> pd.DataFrame:
        """A row per factor: grade, worth with standard error and 95 % limits, bias that was taken off."""
        table = super().table().drop(columns="of_perfect")
        table.attrs["unit"] = self.outcome.unit
        return table

    def headline(self) -> list[str]:
        """What to choose now, what knowing everything is worth, and what to measure first."""
        return [self._choice(), self._perfect_information(), *self._to_learn_first()]

    def _choice(self) -> str:
        close = [p for p, gap in self.gaps.items() if p != self.best and not gap.distinguishable]
        tie = f", not distinguishably better than {listed(close)}" if close else ""
        return f"Without learning anything, {self.best} has the highest mean net value{tie}."

    def _perfect_information(self) -> str:
        form, got = self._money(), self.perfect.worth
        if not got.distinguishable:
            limit = f" (at most {form.number(got.high)} {form.unit}, 95 %)" if got.high > 0 else ""
            return f"Knowing all inputs before choosing is worth nothing that can be told from 0{limit}."
        return (
            f"Knowing all inputs before choosing is worth {form.number(got.value)} {form.unit} "
            f"(95 % CI {form.number(got.low)} to {form.number(got.high)}) over the horizon."
        )

    def _to_learn_first(self) -> list[str]:
        form, (_, *others) = self._money(), self.worths
        worth = [w for w in others if w.worth.distinguishable]
        if not worth:
            return ["No single input or group is worth learning by more than the error."]
        parts = [
            f"{w.factor} [{self.grade(w.factor)}], worth {form.number(w.worth.value)} {form.unit} "
            f"({form.number(w.worth.low)} to {form.number(w.worth.high)})"
            for w in worth
        ]
        rest = [w.factor for w in others if w not in worth]
        indistinct = f" Indistinguishable from 0: {listed(rest)}." if rest else ""
        return [f"To learn first: {'; then '.join(parts)}.{indistinct}"]

    def notes(self) -> list[str]:
        """What the figures rest on, and what a worth is."""
        found = [
            f"Net value: {goals_text(self.scenario.goals)}.",
            "Chance cannot be learned beforehand: means given the inputs come from a regression on the replications.",
            "A worth is the most that learning the input should cost, for one choice over the horizon, 95 % CI.",
        ]
        if self.scenario.correlation:
            found.append("Inputs are correlated: learning one also tells of those that move along.")
        return [*found, GRADES_NOTE]

    def details(self) -> dict[str, Any]:
        """What can be chosen, by which goals, and what is best."""
        return {
            "goals": goals_text(self.scenario.goals),
            "unit": self.outcome.unit,
            "programs": list(self.outcome.programs),
            "best": self.best,
        }

    def draw_worths(self, ax: Axes) -> Axes:
        """Worth of each factor with its 95 % interval."""
        form = self._money()
        rows = rows_for(ax, [f"{w.factor} [{self.grade(w.factor)}]" for w in self.worths])
        for row, w in zip(rows, self.worths, strict=True):
            limits = [x * form.factor for x in (w.worth.value, w.worth.low, w.worth.high)]
            interval(ax, limits, row, colour(1), sure=w.worth.distinguishable)
        mark_zero(ax)
        ax.set_xlabel(with_unit("Worth of knowing before choosing", form.unit))
        ax.set_title("What to learn first")
        sample_note(ax, f"{self.sample_text}; bars: 95 % CI; open: not distinguishable from 0")
        return ax

    def _money(self) -> UnsignedFormat:
        """How worths are written."""
        worths, currency = [w.worth for w in self.worths], self.scenario.currency
        form = form_of([w.high for w in worths], [w.se for w in worths], currency, currency)
        return UnsignedFormat(form.factor, form.decimals, form.unit)

    def _part(self, w: LearningValue) -> str:
        whole = self.perfect.worth
        known = whole.distinguishable and w.worth.distinguishable
        return f"{100 * w.worth.value / whole.value:.0f} %" if known else ""

    plot_kinds: ClassVar = {"worths": draw_worths}


@study(
    "value-of-information",
    "Say what learning uncertain inputs of SCENARIO before choosing a program is worth.",
    examples=["value-of-information scenarios/b2b_manufacturer.toml"],
)
def value_of_information(
    scenario: Scenario,
    *,
    programs: Sequence[str] | None = None,
    inputs: InputsOption = None,
    groups: GroupsOption = None,
    replications: int | None = None,
    seed: int | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> ValueOfInformation:
    """What learning uncertain inputs before choosing among programs is worth, and of perfect information.

    programs: what can be chosen, the baseline always, all of the scenario if None; inputs: paths to look at one by one,
    all if None; groups: name -> paths that would be learned together. Raises `InputError` with all faults.
    """
    known = inputs_of(scenario)
    settings = RunSettings.of(
        scenario, programs=programs, replications=replications, seed=seed, workers=workers, least=FEWEST
    )
    chosen = tuple(dict.fromkeys((BASELINE, *settings.programs)))
    problems = check_inputs(scenario, inputs, groups or {})
    if len(chosen) < 2:
        problems.append(Problem("options", "programs", BASELINE, "leaves nothing to choose", "name a candidate"))
    if problems:
        raise InputError(problems)
    names = list(scenario.uncertainty)
    everything = Factor(EVERYTHING, tuple(range(len(names))))
    factors = (everything, *factors_of(names, groups or {}, together=False, only=inputs))
    outcome = outcome_of(scenario, NET_VALUE, chosen, None)
    simulated = ModelRuns(scenario, outcome, settings.seed, workers, progress).sampled(settings.replications)
    x, found = inputs_in(simulated), outcome.values(simulated)
    values = np.column_stack([found[program] for program in chosen])
    perfect, *others = value_of_knowing(x, values, factors, settings.seed)
    best = chosen[int(np.argmax(values.mean(axis=0)))]
    gaps = {program: mean_figure(found[program] - found[best]) for program in chosen}
    ranked = (perfect, *sorted(others, key=lambda w: w.worth.value, reverse=True))
    return ValueOfInformation(outcome, known, factors, ranked, best, gaps, simulated)
