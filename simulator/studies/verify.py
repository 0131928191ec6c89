"""Engine against engine: the same replications lived by both, every total and every line of the ledger compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from simulator.engines.ledger import LEDGER_COLUMNS, RunOutcome
from simulator.runs.simulate import event_outcomes, fit_reference, prepare, vector_outcomes
from simulator.scenario.schema import Scenario
from simulator.studies.base import Study, timed

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DRAWN = 12
"""Outcomes in the figure."""
_KEY = LEDGER_COLUMNS[:6]


@dataclass(frozen=True)
class Disagreement:
    """Largest difference of one outcome over the replications, and where it is."""

    program: str
    level: str
    outcome: str
    replication: int
    events: int
    vector: int


@dataclass(frozen=True)
class Verification(Study):
    """Result of a comparison. checked: numbers compared; ledger_lines: lines compared; worst: largest differences."""

    scenario: str
    replications: int
    seed: int
    programs: tuple[str, ...]
    checked: int
    ledger_lines: int
    largest: dict[str, int]
    worst: tuple[Disagreement, ...]

    @property
    def agrees(self) -> bool:
        """Whether every count and every cent is the same."""
        return not self.worst

    @property
    def title(self) -> str:
        return f"{self.scenario}: engine against engine"

    @property
    def sample_text(self) -> str:
        return (
            f"{self.replications:,} replications, seed {self.seed}; {self.checked:,} totals and "
            f"{self.ledger_lines:,} ledger lines"
        )

    def table(self) -> pd.DataFrame:
        """The largest absolute difference per outcome, money in cents."""
        return pd.DataFrame({"outcome": list(self.largest), "largest": list(self.largest.values())})

    def headline(self) -> list[str]:
        """Whether the engines agree, and where they do not."""
        if self.agrees:
            return ["The engines agree to the cent."]
        return ["The engines disagree.", *(f"{d.program}, {d.level}: {d.outcome}" for d in self.worst)]

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Outcomes with the largest differences."""
        from simulator.report.plots import colour, new_axes, rows_for, styled

        most = sorted(self.largest.items(), key=lambda item: -item[1])[:_DRAWN]
        with styled():
            ax = new_axes() if ax is None else ax
            ax.barh(rows_for(ax, [name for name, _ in most]), [x for _, x in most], color=colour(1))
            ax.set_xlabel("Largest difference [cents or counts]")
            ax.set_title(self.headline()[0])
        return ax

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "agrees": self.agrees}

    def __str__(self) -> str:
        """The comparison as text."""
        lines = [
            f"{self.scenario}: {self.replications} replications (seed {self.seed}) of {', '.join(self.programs)}",
            f"{self.checked:,} totals and {self.ledger_lines:,} ledger lines compared, events against vector",
            "",
            f"{'outcome':<28}{'largest difference':>20}",
        ]
        lines += [f"{name:<28}{value:>20,}" for name, value in self.largest.items()]
        for d in self.worst[:10]:
            lines.append(
                f"  {d.program}/{d.level} replication {d.replication}: {d.outcome} is {d.events:,} by events, "
                f"{d.vector:,} by vector"
            )
        lines.append("the engines agree to the cent" if self.agrees else "THE ENGINES DISAGREE")
        return "\n".join(lines)


@timed
def verify(
    scenario: Scenario,
    *,
    programs: Sequence[str] | None = None,
    replications: int = 4,
    seed: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Verification:
    """Live `replications` replications of every program and rung in both engines and compare all outcomes."""
    names = tuple(programs) if programs else tuple(scenario.programs)
    reference = fit_reference(scenario)
    largest: dict[str, int] = {}
    worst: list[Disagreement] = []
    checked = lines = 0
    together = dict(
        vector_outcomes(prepare(scenario, reference, names, seed, np.arange(replications)), names, standings=True)
    )
    if progress:
        progress(0, replications)
    for r in range(replications):
        single = prepare(scenario, reference, names, seed, np.array([r]))
        for (program, level), events in event_outcomes(single, names, standings=True):
            vector = _only(together[program, level], r)
            for outcome, a, b in _pairs(events, vector):
                checked += 1
                gap = abs(a - b)
                line = _line(outcome)
                largest[line] = max(largest.get(line, 0), gap)
                if gap:
                    worst.append(Disagreement(program, level, outcome, r, a, b))
            lines += max(len(events.ledger["partner"]), len(vector.ledger["partner"]))
        if progress:
            progress(r + 1, replications)
    worst.sort(key=lambda d: -abs(d.events - d.vector))
    return Verification(scenario.name, replications, seed, names, checked, lines, largest, tuple(worst))


def _line(outcome: str) -> str:
    """The line of the table for an outcome: those by group of partners share one."""
    parts = outcome.split(".")
    return {"standing": f"partners: {parts[-1]}", "move": "partners: tier moves"}.get(parts[0], outcome)


def _only(outcome: RunOutcome, replication: int) -> RunOutcome:
    """One replication of an outcome that starts at replication 0."""
    mine = outcome.ledger["replication"] == replication
    ledger = {name: column[mine] for name, column in outcome.ledger.items()}
    return RunOutcome(ledger, {name: v[replication : replication + 1] for name, v in outcome.totals.items()})


def _pairs(events: RunOutcome, vector: RunOutcome) -> list[tuple[str, int, int]]:
    """(outcome, by events, by vector); ledger columns as the sum of absolute differences over their lines."""
    names = sorted(set(events.totals) | set(vector.totals))
    pairs = [
        (
            n,
            int(events.totals[n][0]) if n in events.totals else -1,
            int(vector.totals[n][0]) if n in vector.totals else -1,
        )
        for n in names
    ]
    a, b = (
        {key[:6]: key[6:] for key in zip(*(o.ledger[c].tolist() for c in LEDGER_COLUMNS), strict=True)}
        for o in (events, vector)
    )
    pairs.append(("ledger: lines", len(a), len(b)))
    for k, column in enumerate(LEDGER_COLUMNS[len(_KEY) :]):
        gap = sum(abs(a.get(key, (0,) * 6)[k] - b.get(key, (0,) * 6)[k]) for key in a.keys() | b.keys())
        pairs.append((f"ledger: {column}", gap, 0))
    return pairs
