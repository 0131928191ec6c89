"""Winners and losers: what each group of partners is paid against the baseline in the same world, and tier moves.

Partners are drawn anew in every replication, so those of one segment are alike before they are drawn: what a partner
can expect is what its segment, and its size within it, can expect. Sizes are quarters of the segment's volume
distribution, 1 the smallest. Pay is net of penalties.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from simulator.engines.standings import QUARTERS
from simulator.run import Simulated, simulate
from simulator.scenario.schema import Scenario
from simulator.stats.estimate import (
    Array,
    Difference,
    Estimate,
    difference,
    estimate,
    mean_of,
    ratio_of,
    scaled,
    undefined,
)
from simulator.stats.measure import BASELINE, STRATEGIC
from simulator.studies.asked import asked_programs, check_run
from simulator.studies.study import RunStudy, timed
from simulator.studies.variants import Progress

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ALL = "all"
_NOBODY = "no partner of this group was drawn"


@dataclass(frozen=True)
class Group:
    """Partners of a segment and size under a program; size: 1 (small) to 4, or `all`.

    partners: per replication; paid: per partner under the baseline; change: per partner, against the baseline; gained,
    lost: share of partners that are paid more, or less.
    """

    program: str
    segment: str
    size: str
    partners: float
    paid: Estimate
    change: Difference
    gained: Estimate
    lost: Estimate


@dataclass(frozen=True)
class Winners(RunStudy):
    """Who gains and who loses by each candidate, on the strategic rung."""

    kind = "winners"
    subject = "who gains and who loses"
    figure_rows = 6

    simulated: Simulated
    groups: tuple[Group, ...]

    @property
    def candidates(self) -> tuple[str, ...]:
        """Names of the candidates."""
        return tuple(p for p in self.simulated.programs if p != BASELINE)

    def of(self, program: str) -> list[Group]:
        """The groups of a candidate, each segment as a whole first."""
        return [group for group in self.groups if group.program == program]

    def table(self) -> pd.DataFrame:
        """A row per candidate, segment and size; money per partner over the horizon, errors as `NAME_se`."""
        rows = [
            {
                "program": g.program, "segment": g.segment, "size": g.size, "partners": g.partners,
                "baseline_paid": g.paid.mean, "change": g.change.mean, "change_se": g.change.se,
                "change_low": g.change.low, "change_high": g.change.high, "distinguishable": g.change.distinguishable,
                "gained": g.gained.mean, "gained_se": g.gained.se, "lost": g.lost.mean, "lost_se": g.lost.se,
            }
            for g in self.groups
        ]  # fmt: skip
        return pd.DataFrame(rows)

    def starts(self) -> str:
        """What tiers are moved from: `baseline, at the end` or `launch`."""
        return "baseline, at the end" if self.scenario.programs[BASELINE].tiers else "launch"

    def moves(self, program: str) -> pd.DataFrame:
        """Mean number of partners by tier before (rows) and at the end under a candidate (columns); empty without
        tiers. Before is under the baseline at the end, or at launch where the baseline has no tiers."""
        found: dict[str, dict[str, float | None]] = {}
        for (start, end), got in self.moved(program).items():
            found.setdefault(start, {})[end] = got.mean
        return pd.DataFrame.from_dict(found, orient="index").rename_axis(index="from", columns="to")

    def tiered(self) -> list[str]:
        """Candidates between whose tiers partners move."""
        return [p for p in self.candidates if not self.moves(p).empty]

    def moved(self, program: str) -> dict[tuple[str, str], Estimate]:
        """The numbers of `moves` with their errors, by (from, to)."""
        totals = self.simulated.totals[program, STRATEGIC]
        names = [name for name in totals if name.startswith("move.")]
        return {(n.split(".")[1], n.split(".")[2]): estimate(mean_of(totals[n].astype(float))) for n in names}

    def headline(self) -> list[str]:
        """Who gains and who loses, no more than the error allows."""
        from simulator.report.winners import headline

        return headline(self)

    def plot(self, kind: str = "change", ax: Axes | None = None, **options: Any) -> Axes:
        """A figure of `kind` (see `report.winners.KINDS`)."""
        from simulator.report.winners import draw

        return draw(self, kind, ax, **options)

    def to_dict(self) -> dict[str, Any]:
        records = self.table().astype(object)
        return {
            **self._told(),
            "groups": records.where(records.notna(), None).to_dict(orient="records"),
            "moves_from": self.starts(),
            "moves": {
                p: [{"from": a, "to": b, "partners": got.mean, "se": got.se} for (a, b), got in self.moved(p).items()]
                for p in self.candidates
            },
        }

    def _figures(self) -> Mapping[str, Callable[[Axes], Axes]]:
        moved = {f"moves_{p}": partial(self.plot, "moves", program=p) for p in self.tiered()}
        return {"change": partial(self.plot, "change"), **moved}


@timed
def winners(
    scenario: Scenario,
    *,
    programs: Sequence[str] | None = None,
    replications: int | None = None,
    seed: int | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> Winners:
    """Who gains and who loses by each candidate. Raises `InputError` for what cannot be run."""
    names = asked_programs(scenario, programs)
    count = scenario.run.replications if replications is None else replications
    start = scenario.run.seed if seed is None else seed
    check_run(replications=count, seed=start, workers=workers)
    simulated = simulate(
        scenario, programs=names, replications=count, seed=start, workers=workers, progress=progress, standings=True
    )
    return Winners(simulated, tuple(groups_of(simulated)))


def groups_of(simulated: Simulated) -> Iterator[Group]:
    """The groups of every candidate, each segment as a whole first; `simulated` must have standings."""
    for program in simulated.programs:
        if program == BASELINE:
            continue
        for segment in simulated.scenario.partners:
            for size in (ALL, *(str(q + 1) for q in range(QUARTERS))):
                yield _group(simulated, program, segment, size)


def _group(simulated: Simulated, program: str, segment: str, size: str) -> Group:
    def total(name: str, of: str = program) -> Array:
        sizes = [str(q + 1) for q in range(QUARTERS)] if size == ALL else [size]
        found = simulated.totals[of, STRATEGIC]
        return np.asarray(sum(found[f"standing.{segment}.{q}.{name}"] for q in sizes), dtype=float)

    count = total("partners")

    def per_partner(x: Array) -> Any:
        return ratio_of(x, count, missing=_NOBODY) if count.any() else undefined(_NOBODY)

    change, nothing = per_partner(total("change")), per_partner(0.0 * count)
    return Group(
        program, segment, size, float(np.mean(count)),
        estimate(scaled(per_partner(total("paid", BASELINE)), 100.0)),
        difference(scaled(change, 100.0), scaled(nothing, 100.0)),
        estimate(per_partner(total("gained"))),
        estimate(per_partner(total("lost"))),
    )  # fmt: skip
