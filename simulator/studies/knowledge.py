"""What it is worth to learn before choosing a program: the value of information, from the runs of a comparison.

The choice is among the programs asked for, by expected net value under the scenario's goals. What is left after
learning an input is everything else: other inputs and luck are averaged over.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from simulator.errors import InputError, Problem
from simulator.run import Simulated
from simulator.scenario.finding import shown
from simulator.scenario.schema import Scenario
from simulator.stats.measure import BASELINE
from simulator.stats.sensitivity.factors import Factor, Figure, factors_of, mean_figure
from simulator.stats.sensitivity.knowledge import FEWEST, Worth, value_of_knowing
from simulator.stats.value import goals_text
from simulator.studies.asked import asked_programs, check_run
from simulator.studies.inputs import Groups, Input, check_inputs, grade_of, inputs_of
from simulator.studies.outcome import NET_VALUE, Outcome, outcome_of
from simulator.studies.responses import Simulation
from simulator.studies.study import RunStudy, records, timed

if TYPE_CHECKING:
    from matplotlib.axes import Axes

EVERYTHING = "all inputs"
"""The factor of perfect information."""


@dataclass(frozen=True)
class ValueOfInformation(RunStudy):
    """worths: per factor, the largest first, perfect information before all; gaps: mean net value less the best's."""

    kind = "value_of_information"
    subject = "what is worth knowing"

    outcome: Outcome
    inputs: tuple[Input, ...]
    factors: tuple[Factor, ...]
    worths: tuple[Worth, ...]
    best: str
    gaps: dict[str, Figure]
    simulated: Simulated

    @property
    def perfect(self) -> Worth:
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
        from simulator.report.knowledge import headline

        return headline(self)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Worth of each factor with its interval."""
        from simulator.report.knowledge import draw

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
        from simulator.report.knowledge import html

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
    response = Simulation(
        scenario, outcome_of(scenario, NET_VALUE, chosen, None), start, {"workers": workers}, progress
    )
    x, found = response.sampled(count)
    assert response.last is not None
    values = np.column_stack([found[program] for program in chosen])
    perfect, *others = value_of_knowing(x, values, factors, start)
    best = chosen[int(np.argmax(values.mean(axis=0)))]
    gaps = {program: mean_figure(found[program] - found[best]) for program in chosen}
    ranked = (perfect, *sorted(others, key=lambda w: w.worth.value, reverse=True))
    return ValueOfInformation(response.outcome, known, factors, ranked, best, gaps, response.last)
