"""What a leader needs of a comparison: what to choose, how sure that is, what it rests on, and how it can be gamed.

Programs are judged by net value, the money that the scenario's goals make of an outcome, against the baseline in the
same worlds. Intervals hold for all candidates at once, so a recommendation is not the luckiest of many.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import ndtri

from simulator.run import Simulated
from simulator.stats.estimate import Difference, difference, joint_differences, mean_of
from simulator.stats.interval import CONFIDENCE
from simulator.stats.measure import BASELINE, STRATEGIC, shown_programs
from simulator.stats.selection import Choice, choices
from simulator.studies.compare import Comparison
from simulator.studies.lint import Lint, lint
from simulator.studies.sensitivity import Sensitivity, sensitivity_of
from simulator.studies.variants import value_in

Verdict = Literal["choose", "one of", "no difference", "keep", "nothing to choose"]
_FEWEST = 50
"""Replications below which nothing is said of inputs."""
_POWER = 0.8
_READ = (
    ("qualified", "qualified opportunities", "leading"),
    ("pipeline", "pipeline created", "leading"),
    ("bookings", "bookings", "lagging"),
)


@dataclass(frozen=True)
class Reading:
    """How large a pilot as long as the horizon must be to see the simulated effect in one outcome.

    kind: leading or lagging; effect: mean difference per partner, in cents or hundredths of none; per_arm: partners in
    each of two arms, None where the effect is not distinguishable from 0.
    """

    outcome: str
    kind: str
    per_arm: int | None


@dataclass(frozen=True)
class Leadership:
    """A comparison, read for a decision.

    verdict: choose: one program is distinguishably better than the baseline and all others; one of: several are better
    than the baseline and not told apart; no difference: none is told apart from the baseline; keep: all are worse.
    named: the programs that the verdict is about; gains: net value over the baseline's, by candidate, with joint
    limits; choices: per program; influences, switches: which uncertain numbers the gain of the first named rests on,
    and where it changes sign, None without uncertain numbers; lint: weaknesses of the payout rules.
    """

    study: Comparison
    verdict: Verdict
    named: tuple[str, ...]
    gains: dict[str, Difference]
    choices: tuple[Choice, ...]
    influences: Sensitivity | None
    switches: Sensitivity | None
    lint: Lint
    readings: tuple[Reading, ...]

    @property
    def best(self) -> str:
        """The candidate with the highest mean gain, the baseline where there is none."""
        return max(self.gains, key=lambda p: self.gains[p].mean or 0.0) if self.gains else BASELINE

    def choice(self, program: str) -> Choice:
        """Chance of being best and regret of one program."""
        return next(c for c in self.choices if c.program == program)


def leadership(study: Comparison) -> Leadership:
    """Read a comparison for a decision. Takes seconds; simulates no partner but the reference population, for lint."""
    simulated = study.simulated
    programs = shown_programs(simulated)
    values = np.column_stack([value_in(simulated, p) for p in programs])
    gains = _gains(programs, values)
    verdict, named = _verdict(programs, values, gains)
    best = max(gains, key=lambda p: gains[p].mean or 0.0) if gains else None
    told = best is not None and bool(study.scenario.uncertainty) and simulated.replications >= _FEWEST
    about = (best,) if told and best is not None else ()
    return Leadership(
        study, verdict, named, gains, choices(programs, values),
        sensitivity_of(simulated, "given", programs=about) if about else None,
        sensitivity_of(simulated, "switching", programs=about) if about else None,
        lint(study.scenario, programs=programs),
        () if best is None else tuple(_reading(simulated, best, *row) for row in _READ),
    )  # fmt: skip


def _gains(programs: tuple[str, ...], values: np.ndarray) -> dict[str, Difference]:
    found = {p: mean_of(values[:, k]) for k, p in enumerate(programs)}
    others = [p for p in programs if p != BASELINE]
    gaps = joint_differences([found[p] for p in others], found[BASELINE])
    return dict(zip(others, gaps, strict=True))


def _verdict(
    programs: tuple[str, ...], values: np.ndarray, gains: dict[str, Difference]
) -> tuple[Verdict, tuple[str, ...]]:
    if not gains:
        return "nothing to choose", (BASELINE,)
    better = [p for p, got in gains.items() if got.distinguishable and (got.mean or 0.0) > 0]
    if not better:
        worse = all(got.distinguishable and (got.mean or 0.0) < 0 for got in gains.values())
        return ("keep", (BASELINE,)) if worse else ("no difference", (BASELINE,))
    best = max(better, key=lambda p: gains[p].mean or 0.0)
    at = {p: mean_of(values[:, programs.index(p)]) for p in gains}
    rivals = [p for p in gains if p != best]
    gaps = dict(zip(rivals, joint_differences([at[p] for p in rivals], at[best]), strict=True)) if rivals else {}
    close = [p for p, gap in gaps.items() if not gap.distinguishable and p in better]
    return ("one of", (best, *close)) if close else ("choose", (best,))


def _reading(simulated: Simulated, program: str, total: str, outcome: str, kind: str) -> Reading:
    r"""Partners per arm, n = 2 (z_{.975} + z_{.8})^2 sd^2 / effect^2 of a two-sample comparison of means.

    The variance of one partner's result is that of the total over replications, per partner. It holds what all partners
    share, which cancels between arms, so n is on the large side; partners that differ make it larger.
    """
    own, base = (np.asarray(simulated.totals[p, STRATEGIC][total], dtype=float) for p in (program, BASELINE))
    gap = difference(mean_of(own), mean_of(base))
    if not gap.distinguishable or not gap.mean:
        return Reading(outcome, kind, None)
    partners = int(simulated.totals[BASELINE, STRATEGIC]["partners"][0])
    z = float(ndtri(0.5 + CONFIDENCE / 2) + ndtri(_POWER))
    per_arm = 2.0 * z * z * partners * float(np.var(base, ddof=1)) / gap.mean**2
    return Reading(outcome, kind, max(2, math.ceil(per_arm)))
