"""Which program to choose: how often each is best, what choosing it loses, and for which weights a leader should.

All programs are simulated in the same worlds and compared in net value, the money that the scenario's goals make of an
outcome. On request candidates are first brought to equal expected cost, and a race finds the best with a stated
probability; it draws its parameters independently, as its guarantee asks for.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from simulator.errors import InputError, Problem
from simulator.run import Simulated, simulate
from simulator.scenario.finding import shown, suggestion
from simulator.scenario.schema import Scenario
from simulator.stats.acceptability import Acceptability, acceptability, even_weights
from simulator.stats.estimate import Array
from simulator.stats.measure import BASELINE, STRATEGIC, lives, shown_programs
from simulator.stats.race import Race, race
from simulator.stats.selection import Choice, choices
from simulator.studies.asked import asked_programs, check_run
from simulator.studies.equal_cost import Levelled, equal_cost, levers_of, with_levels
from simulator.studies.study import RunStudy, timed
from simulator.studies.variants import Bench, Progress, value_in
from simulator.vectors import Independent

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CRITERIA = ("lift", "cost", "gaming")
"""Pipeline lift, the higher the better; program cost and gaming loss, the lower the better."""
_HIGHER = (True, False, False)
ALPHA = 0.05
_FIRST_STAGE = 30


@dataclass(frozen=True)
class Selection(RunStudy):
    """What is known of choosing each program.

    choices, acceptable: per program, the baseline first; weights: as declared, None for all alike; levelled: candidates
    that were scaled to the baseline's expected cost; race: None if there was none.
    """

    kind = "selection"
    subject = "which program to choose"

    simulated: Simulated
    choices: tuple[Choice, ...]
    acceptable: tuple[Acceptability, ...]
    weights: Mapping[str, float] | None
    levelled: tuple[Levelled, ...] = ()
    race: Race | None = None

    @property
    def programs(self) -> tuple[str, ...]:
        """Names of the programs, the baseline first."""
        return tuple(choice.program for choice in self.choices)

    @property
    def best(self) -> Choice:
        """The program with the highest mean net value."""
        return max(self.choices, key=lambda choice: choice.value.mean or 0.0)

    def table(self) -> pd.DataFrame:
        """A row per program: net value, chance of being best, regret, acceptability; errors as `NAME_se`."""
        rows = {}
        for choice, accepted in zip(self.choices, self.acceptable, strict=True):
            row: dict[str, Any] = {
                "net_value": choice.value.mean, "net_value_se": choice.value.se,
                "p_best": choice.best.mean, "p_best_se": choice.best.se, "p_highest_mean": choice.highest,
                "regret": choice.regret.mean, "regret_se": choice.regret.se, "regret_p90": choice.regret.p90,
                "regret_worst": choice.worst,
                "acceptability": accepted.share.mean, "acceptability_se": accepted.share.se,
                "acceptability_on_means": accepted.on_means,
            }  # fmt: skip
            central = accepted.central or (None,) * len(CRITERIA)
            rows[choice.program] = row | {f"central_{c}": w for c, w in zip(CRITERIA, central, strict=True)}
        return pd.DataFrame.from_dict(rows, orient="index", dtype=float).rename_axis("program")

    def headline(self) -> list[str]:
        """Which program, how sure, and what choosing it may lose."""
        from simulator.report.selection import headline

        return headline(self)

    def plot(self, kind: str = "best", ax: Axes | None = None) -> Axes:
        """A figure of `kind` (see `report.selection.KINDS`)."""
        from simulator.report.selection import draw

        return draw(self, kind, ax)

    def to_dict(self) -> dict[str, Any]:
        return {
            "scenario": self.scenario.name,
            "seed": self.simulated.seed,
            "replications": self.simulated.replications,
            "weights": None if self.weights is None else dict(self.weights),
            "programs": {
                choice.program: {**asdict(choice), "acceptability": asdict(accepted)}
                for choice, accepted in zip(self.choices, self.acceptable, strict=True)
            },
            "equal_cost": [asdict(found) for found in self.levelled],
            "race": None if self.race is None else {**asdict(self.race), "programs": list(self.programs)},
        }

    def save(self, out: str | os.PathLike[str] = "results", *, command: Sequence[str] = (), plots: bool = True) -> Path:
        """Write a run directory below `out` and return it."""
        from simulator.report.selection import save

        return save(self, out, command=command, plots=plots)


@timed
def select(
    scenario: Scenario,
    *,
    programs: Sequence[str] | None = None,
    replications: int | None = None,
    seed: int | None = None,
    workers: int = 1,
    weights: Mapping[str, float] | None = None,
    equal_cost_by: Sequence[str] = (),
    delta: float | None = None,
    alpha: float = ALPHA,
    progress: Progress | None = None,
) -> Selection:
    """Compare programs in net value, and say which to choose.

    weights: what the step from the worst to the best program is worth on each of `CRITERIA`, all weights alike if None;
    equal_cost_by: paths of numbers that are scaled, together where they are of one candidate, until it costs what the
    baseline costs; delta: a difference in net value not worth telling apart, for a race, none if None; alpha:
    probability of a wrong selection in it. Raises `InputError` for what cannot be run.
    """
    names = asked_programs(scenario, programs)
    count = scenario.run.replications if replications is None else replications
    start = scenario.run.seed if seed is None else seed
    check_run(replications=count, seed=start, workers=workers)
    declared = _checked(weights, delta, alpha)
    bench = Bench(scenario, count, start, workers, progress)
    levers = levers_of(scenario, equal_cost_by)
    levelled = equal_cost(bench, levers) if levers else ()
    compared = with_levels(scenario, levelled) if levelled else scenario
    reference = bench.reference.extended(compared)
    simulated = simulate(
        compared, programs=names, replications=count, seed=start, workers=workers, progress=progress,
        reference=reference,
    )  # fmt: skip
    raced = None if delta is None else _raced(simulated, delta, alpha, workers)
    spread = even_weights(len(CRITERIA)) if declared is None else np.array([[declared[c] for c in CRITERIA]])
    values = np.stack([value_in(simulated, p) for p in shown_programs(simulated)], axis=1)
    return Selection(
        simulated,
        choices(shown_programs(simulated), values),
        acceptability(_criteria(simulated), _HIGHER, spread),
        declared,
        levelled,
        raced,
    )


def _raced(simulated: Simulated, delta: float, alpha: float, workers: int) -> Race:
    """Race the programs of a study, the baseline among them, on replications with independently drawn parameters."""
    programs = shown_programs(simulated)

    def sample(first: int, count: int, left: tuple[int, ...]) -> Array:
        names = [programs[k] for k in left]
        more = simulate(
            simulated.scenario, programs=[n for n in names if n != BASELINE], replications=count, seed=simulated.seed,
            first=first, workers=workers, vectors=Independent(), reference=simulated.reference,
        )  # fmt: skip
        return np.stack([value_in(more, n) for n in names], axis=1)

    return race(sample, len(programs), delta=delta, alpha=alpha, n0=_FIRST_STAGE)


def parse_weights(text: str) -> dict[str, float]:
    """`lift=0.5,cost=0.3,gaming=0.2` as numbers; raises `InputError` where it is none."""
    found: dict[str, float] = {}
    for part in text.split(","):
        name, _, value = part.partition("=")
        try:
            found[name.strip()] = float(value)
        except ValueError:
            raise InputError([Problem("options", "weights", shown(part), "must be NAME=NUMBER", _EXAMPLE)]) from None
    return found


_EXAMPLE = "such as lift=0.5,cost=0.3,gaming=0.2"


def _checked(weights: Mapping[str, float] | None, delta: float | None, alpha: float) -> dict[str, float] | None:
    problems = []
    if delta is not None and not delta > 0:
        problems.append(Problem("options", "delta", shown(delta), "must be above 0"))
    if not 0 < alpha < 0.5:
        problems.append(Problem("options", "alpha", shown(alpha), "must be above 0 and below 0.5"))
    for name, value in (weights or {}).items():
        if name not in CRITERIA:
            hint = suggestion(name, CRITERIA) or f"there are {', '.join(CRITERIA)}"
            problems.append(Problem("options", "weights", shown(name), "is no criterion", hint))
        elif not 0 <= value < float("inf"):
            problems.append(Problem("options", f"weights.{name}", shown(value), "must be at least 0"))
    total = sum((weights or {}).values())
    if weights is not None and not problems and total <= 0:
        problems.append(Problem("options", "weights", "", "must not all be 0", _EXAMPLE))
    if problems:
        raise InputError(problems)
    return None if weights is None else {c: weights.get(c, 0.0) / total for c in CRITERIA}


def _criteria(simulated: Simulated) -> Array:
    """Lift, cost and gaming loss per replication and program, (N, k, 3), in the currency."""
    views = [lives(simulated, p, STRATEGIC) for p in shown_programs(simulated)]
    found = [(x.own["pipeline"] - x.baseline["pipeline"], x.own["cost"], x.gaming_loss) for x in views]
    return np.array(found).transpose(2, 0, 1) / 100.0
