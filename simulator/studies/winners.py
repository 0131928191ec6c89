"""Winners and losers: what each group of partners is paid against the baseline in the same world, and tier moves.

Partners are drawn anew in every replication, so those of one segment are alike before they are drawn: what a partner
can expect is what its segment, and its size within it, can expect. Sizes are quarters of the segment's volume
distribution, 1 the smallest. Pay is net of penalties.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from simulator.core.errors import fault
from simulator.engines.totals.winners import QUARTERS
from simulator.metrics.measure import BASELINE, STRATEGIC
from simulator.report.formats import NOT_DISTINGUISHABLE, form_of_differences
from simulator.report.plots import colour, interval, legend_beside, mark_zero, rows_for, sample_note
from simulator.report.tables import Column, Table
from simulator.report.text import with_unit
from simulator.runs.simulate import SimulationResult
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
from simulator.studies.base import RunStudy
from simulator.studies.registry import study
from simulator.studies.settings import Progress, RunSettings

ALL = "all"
_NOBODY = "no partner of this group was drawn"


@dataclass(frozen=True)
class PartnerGroup:
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

    @property
    def name(self) -> str:
        """`reseller, size 2`, or the segment as a whole."""
        return self.segment if self.size == ALL else f"{self.segment}, size {self.size}"


@dataclass(frozen=True)
class Winners(RunStudy):
    """Who gains and who loses by each candidate, where partners respond and game."""

    kind = "winners"
    subject = "who gains and who loses"
    figure_rows = 6

    simulated: SimulationResult
    groups: tuple[PartnerGroup, ...]

    @property
    def candidates(self) -> tuple[str, ...]:
        """Names of the candidates."""
        return tuple(p for p in self.simulated.programs if p != BASELINE)

    def of(self, program: str) -> list[PartnerGroup]:
        """The groups of a candidate, each segment as a whole first."""
        return [group for group in self.groups if group.program == program]

    def headline(self) -> list[str]:
        """A sentence per candidate and segment, no more than the error allows."""
        if not self.candidates:
            return ["Only the baseline was simulated; nobody can win or lose."]
        return [self._sentence(group) for group in self.groups if group.size == ALL]

    def tables(self) -> list[Table]:
        """Pay of the groups of each candidate, and its moves between tiers where there are tiers."""
        found = []
        for program in self.candidates:
            found.append(self._pay(program))
            found += self._moves(program)
        return found

    def notes(self) -> list[str]:
        """What sizes are."""
        return ["Sizes are quarters of a segment's volume, 1 the smallest; intervals are 95 % CI."]

    def table(self) -> pd.DataFrame:
        """A row per candidate, segment and size; money per partner over the horizon, errors as `NAME_se`."""
        frames = [self._pay(program).frame().drop(columns="baseline_paid_se") for program in self.candidates]
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()

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

    def moved(self, program: str) -> dict[tuple[str, str], Estimate]:
        """The numbers of `moves` with their errors, by (from, to)."""
        totals = self.simulated.totals[program, STRATEGIC]
        names = [name for name in totals if name.startswith("move.")]
        return {(n.split(".")[1], n.split(".")[2]): estimate(mean_of(totals[n].astype(float))) for n in names}

    def draw_change(self, ax: Axes) -> Axes:
        """Change of pay per partner by segment and size, for each candidate, with 95 % intervals."""
        names = [g.name for g in self.of(self.candidates[0])] if self.candidates else []
        form = form_of_differences([g.change for g in self.groups], self.scenario.currency, self.scenario.currency)
        rows, count = rows_for(ax, names), max(len(self.candidates), 1)
        for k, program in enumerate(self.candidates):
            shift = 0.5 * ((count - 1) / 2 - k) / count
            for row, group in zip(rows, self.of(program), strict=True):
                got = group.change
                if got.mean is None or got.low is None or got.high is None:
                    continue
                limits = [x * form.factor for x in (got.mean, got.low, got.high)]
                label = program if row == rows[0] else ""
                interval(ax, limits, row + shift, colour(k + 1), sure=got.distinguishable, label=label)
        mark_zero(ax)
        ax.set_xlabel(with_unit("Pay per partner, difference to the baseline", form.unit))
        ax.set_title("Who wins and who loses")
        if self.candidates:
            legend_beside(ax)
        sample_note(ax, f"{self.sample_text}; bars: 95 % CI; open: no clear difference")
        return ax

    def draw_moves(self, ax: Axes, program: str | None = None) -> Axes:
        """Where partners of each tier end up under a candidate, in percent of those that start there."""
        shown = next(iter(self._tiered()), None) if program is None else program
        table = self.moves(shown) if shown else None
        if table is None or table.empty:
            raise fault("options", "program", program, "has no tiers", "moves are between tiers")
        share = table.div(table.sum(axis=1).replace(0.0, 1.0), axis=0) * 100
        ax.imshow(share.to_numpy(), cmap="Blues", vmin=0.0, vmax=130.0, aspect="auto")
        for i, row in enumerate(share.to_numpy()):
            for j, x in enumerate(row):
                ax.text(j, i, f"{x:.0f} %", ha="center", va="center", fontsize=9)
        ax.grid(False)
        ax.set_xticks(range(len(table.columns)), list(table.columns))
        ax.set_yticks(range(len(table.index)), [f"{n} ({table.loc[n].sum():.1f} partners)" for n in table.index])
        ax.set_xlabel(f"Tier at the end under {shown}")
        ax.set_ylabel(f"Tier before ({self.starts()})")
        ax.set_title(f"Tier moves under {shown}")
        sample_note(ax, self.sample_text)
        return ax

    plot_kinds: ClassVar = {"change": draw_change, "moves": draw_moves}

    def stored_figures(self) -> Mapping[str, Callable[[Axes], object]]:
        """Changes of pay, and moves of each candidate with tiers."""
        moves = {f"moves_{p}": partial(self.draw_moves, program=p) for p in self._tiered()}
        return {"change": self.draw_change, **moves}

    def _tiered(self) -> list[str]:
        """Candidates between whose tiers partners move."""
        return [p for p in self.candidates if self.moved(p)]

    def _pay(self, program: str) -> Table:
        groups, currency = self.of(program), self.scenario.currency
        columns = [
            Column("program", "Program", [g.program for g in groups], shown=False),
            Column("segment", "Segment", [g.segment for g in groups], shown=False),
            Column("size", "Size", [g.size for g in groups], shown=False),
            Column("partners", "Partners", [g.partners for g in groups], shown=False),
            Column("baseline_paid", "baseline", [g.paid for g in groups], currency),
            Column("change", "change", [g.change for g in groups], currency),
            Column("distinguishable", "Clear difference", [g.change.distinguishable for g in groups], shown=False),
            Column("gained", "paid more", [g.gained for g in groups], "share"),
            Column("lost", "paid less", [g.lost for g in groups], "share"),
        ]
        title = f"{program}: pay per partner against the baseline, and who is paid more or less"
        return Table(title, [g.name for g in groups], columns, currency)

    def _moves(self, program: str) -> list[Table]:
        moved = self.moved(program)
        if not moved:
            return []
        starts, ends = (list(dict.fromkeys(pair[k] for pair in moved)) for k in (0, 1))
        columns = [Column(end, end, [moved.get((start, end)) for start in starts], "count") for end in ends]
        title = f"{program}: partners by tier before ({self.starts()}) and at the end"
        return [Table(title, [f"from {start}" for start in starts], columns, key="tier")]

    def _sentence(self, group: PartnerGroup) -> str:
        sizes = [g for g in self.of(group.program) if g.segment == group.segment and g.size != ALL]
        up = [g.size for g in sizes if g.change.distinguishable and (g.change.mean or 0.0) > 0]
        down = [g.size for g in sizes if g.change.distinguishable and (g.change.mean or 0.0) < 0]
        who = [f"{word}: sizes {', '.join(found)}" for word, found in (("gain", up), ("lose", down)) if found]
        form = form_of_differences([group.change], self.scenario.currency, self.scenario.currency)
        gained, lost = (100 * (got.mean or 0.0) for got in (group.gained, group.lost))
        pay = f"{form.difference(group.change).removeprefix(NOT_DISTINGUISHABLE).strip()} {form.unit}"
        if group.change.mean is not None and not group.change.distinguishable and group.change.se:
            pay = f"no clear difference, {pay}"
        return (
            f"{group.program}, {group.segment}: pay per partner {pay}; {gained:.0f} % of partners are paid more, "
            f"{lost:.0f} % less; {'; '.join(who) or 'no size clearly gains or loses'}."
        )


@study(
    "winners",
    "Show which partners gain and lose by each program of SCENARIO, and how tiers change.",
    examples=["winners scenarios/quickstart.toml --replications 200"],
)
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
    settings = RunSettings.of(
        scenario, programs=programs, replications=replications, seed=seed, workers=workers, progress=progress
    )
    simulated = settings.simulate(scenario, standings=True)
    return Winners(simulated, tuple(groups_of(simulated)))


def groups_of(simulated: SimulationResult) -> Iterator[PartnerGroup]:
    """The groups of every candidate, each segment as a whole first; `simulated` must have standings."""
    for program in simulated.programs:
        if program == BASELINE:
            continue
        for segment in simulated.scenario.partners:
            for size in (ALL, *(str(q + 1) for q in range(QUARTERS))):
                yield _group(simulated, program, segment, size)


def _group(simulated: SimulationResult, program: str, segment: str, size: str) -> PartnerGroup:
    def total(name: str, of: str = program) -> Array:
        sizes = [str(q + 1) for q in range(QUARTERS)] if size == ALL else [size]
        found = simulated.totals[of, STRATEGIC]
        return np.asarray(sum(found[f"standing.{segment}.{q}.{name}"] for q in sizes), dtype=float)

    count = total("partners")

    def per_partner(x: Array) -> Any:
        return ratio_of(x, count, missing=_NOBODY) if count.any() else undefined(_NOBODY)

    change, nothing = per_partner(total("change")), per_partner(0.0 * count)
    return PartnerGroup(
        program, segment, size, float(np.mean(count)),
        estimate(scaled(per_partner(total("paid", BASELINE)), 100.0)),
        difference(scaled(change, 100.0), scaled(nothing, 100.0)),
        estimate(per_partner(total("gained"))),
        estimate(per_partner(total("lost"))),
    )  # fmt: skip
