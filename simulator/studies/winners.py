"""Winners and losers: what each group of partners is paid against the baseline in the same world, and tier moves.

Partners are drawn anew in every replication, so those of one segment are alike before they are drawn: what a partner
can expect is what its segment, and its size within it, can expect. Sizes are quarters of the segment's volume
distribution, 1 the smallest. Pay is net of penalties.

Winners and losers in words, tables and figures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from simulator.core.errors import fault
from simulator.engines.totals.winners import QUARTERS
from simulator.metrics.measure import BASELINE, STRATEGIC
from simulator.report.formats import form_of_differences, form_of_estimates
from simulator.report.plots import colour, draw_kind, interval, legend_beside, mark_zero, rows_for, sample_note
from simulator.report.text import WIDTH, Row, text_table, with_unit, wrap
from simulator.runs.simulate import SimulationResult, simulate
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
from simulator.studies.base import Progress, RunStudy, asked_programs, check_run, timed

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


@dataclass(frozen=True)
class Winners(RunStudy):
    """Who gains and who loses by each candidate, on the strategic rung."""

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
        # MOVED

        return headline(self)

    def plot(self, kind: str = "change", ax: Axes | None = None, **options: Any) -> Axes:
        """A figure of `kind` (see `report.winners.KINDS`)."""
        # MOVED

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

    def stored_figures(self) -> Mapping[str, Callable[[Axes], Axes]]:
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


def headline(study: Winners) -> list[str]:
    """A sentence per candidate and segment."""
    if not study.candidates:
        return ["Only the baseline was simulated; nobody can win or lose."]
    return [_sentence(study, group) for group in study.groups if group.size == ALL]


def describe(study: Winners, width: int = WIDTH) -> str:
    """Headline and tables for a terminal."""
    parts = [wrap(headline(study), width)]
    for program in study.candidates:
        parts.append(f"{program}: pay per partner against the baseline (95 % CI), and who is paid more or less")
        parts[-1] += "\n" + _groups(study, study.of(program), width)
        parts.append(_moves(study, program, width))
    parts.append(f"{study.sample_text}; sizes are quarters of a segment's volume, 1 the smallest")
    return "\n\n".join(part for part in parts if part)


def draw(study: Winners, kind: str = "change", ax: Axes | None = None, **options: Any) -> Axes:
    """Draw a figure of `kind` on `ax` or a new figure; raises `InputError` for an unknown kind."""
    return draw_kind(KINDS, study, kind, ax, **options)


def change(study: Winners, ax: Axes) -> Axes:
    """Change of pay per partner by segment and size, for each candidate, with 95 % intervals."""
    names = [_name(g) for g in study.of(study.candidates[0])] if study.candidates else []
    form = form_of_differences([g.change for g in study.groups], study.scenario.currency, study.scenario.currency)
    rows, count = rows_for(ax, names), max(len(study.candidates), 1)
    for k, program in enumerate(study.candidates):
        shift = 0.5 * ((count - 1) / 2 - k) / count
        for row, group in zip(rows, study.of(program), strict=True):
            got = group.change
            if got.mean is None or got.low is None or got.high is None:
                continue
            limits = [x * form.factor for x in (got.mean, got.low, got.high)]
            label = program if row == rows[0] else ""
            interval(ax, limits, row + shift, colour(k + 1), sure=got.distinguishable, label=label)
    mark_zero(ax)
    ax.set_xlabel(with_unit("Pay per partner, difference to the baseline", form.unit))
    ax.set_title("Who wins and who loses")
    legend_beside(ax)
    sample_note(ax, f"{study.sample_text}; bars: 95 % CI; open: not distinguishable from 0")
    return ax


def moves(study: Winners, ax: Axes, program: str | None = None) -> Axes:
    """Where partners of each tier end up under a candidate, in percent of those that start there."""
    shown = next(iter(study.tiered()), None) if program is None else program
    table = study.moves(shown) if shown else None
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
    ax.set_ylabel(f"Tier before ({study.starts()})")
    ax.set_title(f"Tier moves under {shown}")
    sample_note(ax, study.sample_text)
    return ax


KINDS: dict[str, Callable[..., Axes]] = {"change": change, "moves": moves}
"""Kinds of figures; `moves` takes a `program` with tiers."""


def _name(group: PartnerGroup) -> str:
    return group.segment if group.size == ALL else f"{group.segment}, size {group.size}"


def _sentence(study: Winners, group: PartnerGroup) -> str:
    sizes = [g for g in study.of(group.program) if g.segment == group.segment and g.size != ALL]
    up = [g.size for g in sizes if g.change.distinguishable and (g.change.mean or 0.0) > 0]
    down = [g.size for g in sizes if g.change.distinguishable and (g.change.mean or 0.0) < 0]
    who = [f"{word}: sizes {', '.join(found)}" for word, found in (("gain", up), ("lose", down)) if found]
    form = form_of_differences([group.change], study.scenario.currency, study.scenario.currency)
    gained, lost = (100 * (got.mean or 0.0) for got in (group.gained, group.lost))
    said = form.difference(group.change).replace("n.d. ", "not distinguishable from 0, ")
    return (
        f"{group.program}, {group.segment}: pay per partner {said} {form.unit}; {gained:.0f} % of partners are paid "
        f"more, {lost:.0f} % less; {'; '.join(who) or 'no size gains or loses distinguishably'}."
    )


def _groups(study: Winners, groups: Sequence[PartnerGroup], width: int) -> str:
    currency = study.scenario.currency
    of_change = form_of_differences([g.change for g in groups], currency, currency)
    of_pay = form_of_estimates([g.paid for g in groups], currency, currency)
    of_shares = form_of_estimates([x for g in groups for x in (g.gained, g.lost)], "share", currency)
    head = [with_unit("baseline", of_pay.unit), with_unit("change", of_change.unit), "paid more [%]", "paid less [%]"]
    rows: list[Row] = [
        (
            _name(g),
            [of_pay.estimate(g.paid), of_change.difference(g.change), of_shares.estimate(g.gained),
             of_shares.estimate(g.lost)],
        )
        for g in groups
    ]  # fmt: skip
    return text_table(head, rows, width)


def _moves(study: Winners, program: str, width: int) -> str:
    table = study.moves(program)
    if table.empty:
        return ""
    found = study.moved(program)
    form = form_of_estimates(list(found.values()), "count", study.scenario.currency)
    rows: list[Row] = [
        (f"from {start}", [form.estimate(found.get((start, end))) for end in table.columns]) for start in table.index
    ]
    title = f"{program}: partners by tier before ({study.starts()}) and at the end"
    return f"{title}\n{text_table([str(c) for c in table.columns], rows, width)}"
