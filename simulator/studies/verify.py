"""Engine against engine: the same replications by both, every record, ledger line and total compared.

Deals, claims, payouts by claim and ledger lines are compared row by row, so that errors that cancel out in sums show.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from simulator.engines.ledger import RunOutcome
from simulator.engines.records import Rows, rows_of
from simulator.engines.totals.settlement import count
from simulator.engines.totals.winners import PartnerResults
from simulator.report.plots import colour, new_axes, rows_for, styled
from simulator.runs.simulate import Replications, Runs, event_runs, fit_reference, prepare, vector_runs
from simulator.scenario.schema import Scenario
from simulator.studies.base import Study, timed

_DRAWN = 12
"""Outcomes in the figure."""


@dataclass(frozen=True)
class Disagreement:
    """How far one outcome of one replication differs; of rows, how many only one engine has."""

    program: str
    level: str
    outcome: str
    replication: int
    events: int
    vector: int


@dataclass(frozen=True)
class Verification(Study):
    """Result of a comparison. checked: numbers compared; rows: records compared, ledger_lines: lines of the ledger;
    largest: outcome -> largest difference; worst: all differences, largest first."""

    scenario: str
    replications: int
    seed: int
    programs: tuple[str, ...]
    checked: int
    rows: int
    ledger_lines: int
    largest: dict[str, int]
    worst: tuple[Disagreement, ...]

    @property
    def agrees(self) -> bool:
        """Whether every record, every count and every cent is the same."""
        return not self.worst

    @property
    def title(self) -> str:
        return f"{self.scenario}: engine against engine"

    @property
    def sample_text(self) -> str:
        return (
            f"{self.replications:,} replications, seed {self.seed}; {self.checked:,} totals, {self.rows:,} records and "
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
            f"{self.checked:,} totals, {self.rows:,} records and {self.ledger_lines:,} ledger lines compared, events "
            "against vector",
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
    """Simulate `replications` replications of every program and behavior level in both engines and compare them."""
    names = tuple(programs) if programs else tuple(scenario.programs)
    reference, ids = fit_reference(scenario), np.arange(replications)
    largest: dict[str, int] = {}
    worst: list[Disagreement] = []
    checked = rows = lines = 0
    together = {
        key: (records, outcome)
        for key, records, outcome in _recorded(vector_runs, prepare(scenario, reference, names, seed, ids), names)
    }
    if progress:
        progress(0, replications)
    for r in range(replications):
        single = prepare(scenario, reference, names, seed, ids[r : r + 1])
        for key, (mine,), events in _recorded(event_runs, single, names):
            theirs, vector = together[key]
            for outcome, a, b, gap in (*_totals(events, vector, r), *_differing(mine, theirs[r])):
                checked += 1
                line = _line(outcome)
                largest[line] = max(largest.get(line, 0), gap)
                if gap:
                    worst.append(Disagreement(*key, outcome, r, a, b))
            rows += sum(len(table) for table in mine.values())
            lines += len(mine["ledger"])
        if progress:
            progress(r + 1, replications)
    worst.sort(key=lambda d: -abs(d.events - d.vector))
    return Verification(scenario.name, replications, seed, names, checked, rows, lines, largest, tuple(worst))


def _recorded(
    run: Callable[[Replications, Sequence[str]], Runs], stage: Replications, names: Sequence[str]
) -> Iterator[tuple[tuple[str, str], list[Rows], RunOutcome]]:
    """(program, behavior level), the rows of each replication, and the outcome, of all runs."""
    who = PartnerResults(stage.world, on=True)
    for key, records, won_without in run(stage, names):
        rows = [rows_of(records, place) for place in range(stage.world.shape[0])]
        yield key, rows, who.add(*key, count(records, won_without), records.tiers)


def _differing(events: Rows, vector: Rows) -> Iterator[tuple[str, int, int, int]]:
    """(kind of record, rows of events alone, rows of vector alone, both together)."""
    for name in events:
        a, b = (Counter(map(tuple, table[name].tolist())) for table in (events, vector))
        only = (a - b).total(), (b - a).total()
        yield f"{name}: rows that differ", *only, sum(only)


def _totals(events: RunOutcome, vector: RunOutcome, place: int) -> Iterator[tuple[str, int, int, int]]:
    """(total, by events, by vector, difference); -1 for one that an engine does not have."""
    for name in sorted(set(events.totals) | set(vector.totals)):
        a = int(events.totals[name][0]) if name in events.totals else -1
        b = int(vector.totals[name][place]) if name in vector.totals else -1
        yield name, a, b, abs(a - b)


def _line(outcome: str) -> str:
    """The line of the table for an outcome: those by group of partners share one."""
    parts = outcome.split(".")
    return {"standing": f"partners: {parts[-1]}", "move": "partners: tier moves"}.get(parts[0], outcome)
