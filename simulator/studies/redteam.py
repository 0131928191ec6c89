"""The red team: what one fully opportunistic partner could extract from a program, and what would stop it.

In each replication one partner per segment and quarter of its volume distribution is an agent whose own costs of gaming
are next to nothing; all others are honest. A strategy is a level per kind of gaming; within it the agent follows the
model's rules. The best one is found by a greedy search over levels, kind by kind, on shared worlds, and estimated again
on fresh ones, so that a lucky maximum does not count. Extraction is pay net of penalties beyond the honest twin's.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from simulator import results
from simulator.engines.ledger import Outcome
from simulator.engines.settle import settle
from simulator.engines.vector import VectorLife
from simulator.errors import InputError, Problem
from simulator.fit import Reference
from simulator.model.setting import WEEKS_PER_YEAR, Setting, compile_setting
from simulator.parameters import drawn_values, unit_points
from simulator.program.numbers import Array
from simulator.run import fit_reference, prepare
from simulator.scenario.conduct import Gaming
from simulator.scenario.schema import Scenario
from simulator.studies.agents import FULL, LEVELS, QUARTERS, Strategy, agents_of, quarter_name, quarter_of
from simulator.studies.asked import asked_programs, check_run
from simulator.studies.mending import MENDED, MENDS, Term
from simulator.studies.study import Study, timed
from simulator.vectors import SOBOL

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_HALVINGS = 4
DEFAULT_REPLICATIONS = 40


@dataclass(frozen=True)
class Attack:
    """What the best strategy extracts from one program, on fresh worlds; money per agent and year.

    of_pay: extraction over the agents' honest pay (None where nothing is paid); worst: the kind of partner that
    extracted most in the search, and what it extracts.
    """

    program: str
    strategy: str
    extracted: float
    se: float
    of_pay: float | None
    worst: str
    worst_extracted: float
    worst_se: float


@dataclass(frozen=True)
class Mend:
    """The least change of one term that brings extraction below the share asked for, on fresh worlds.

    enough: whether it did so on the fresh worlds too; if no value was enough in the search, figures are those of the
    strongest. pipeline, activity: change under honest
    partners in percent, the price of the mend.
    """

    program: str
    term: str
    value: float
    enough: bool
    of_pay: float | None
    extracted: float
    se: float
    pipeline: float
    pipeline_se: float
    activity: float
    activity_se: float


@dataclass(frozen=True)
class RedTeam(Study):
    """Attacks on programs and their mends. share: of honest pay, below which extraction is to be brought."""

    scenario: Scenario
    seed: int
    replications: int
    share: float
    attacks: tuple[Attack, ...]
    mends: tuple[Mend, ...]

    @property
    def title(self) -> str:
        return f"{self.scenario.name}: what could be extracted"

    def table(self) -> pd.DataFrame:
        """A row per program."""
        return pd.DataFrame([asdict(a) for a in self.attacks])

    def mends_table(self) -> pd.DataFrame:
        """A row per program and term."""
        return pd.DataFrame([asdict(m) for m in self.mends])

    def headline(self) -> list[str]:
        """What was found, in sentences."""
        lines = []
        for a in self.attacks:
            lines.append(self._found(a))
            lines += [self._mended(m) for m in self.mends if m.program == a.program]
        return lines

    def _found(self, a: Attack) -> str:
        if abs(a.extracted) <= 2 * a.se or a.extracted <= 0:
            return f"{a.program}: no game was found that pays more than its error ({a.extracted:,.0f} +- {a.se:,.0f})."
        share = "" if a.of_pay is None else f", {a.of_pay:.0%} of its honest pay"
        return (
            f"{a.program}: a fully opportunistic partner extracts {a.extracted:,.0f} {self.scenario.currency} a year "
            f"beyond its honest twin (standard error {a.se:,.0f}){share}; most from {a.worst}: "
            f"{a.worst_extracted:,.0f} ({a.worst_se:,.0f}). It {a.strategy}."
        )

    def _mended(self, m: Mend) -> str:
        left = "" if m.of_pay is None else f" ({m.of_pay:.1%} of honest pay is left to extract)"
        price = f"honest pipeline {m.pipeline:+.1f} % ({m.pipeline_se:.1f}), activity {m.activity:+.1f} %"
        if not m.enough:
            return f"  {m.term}: not enough at {m.value:,.4g}{left}; {price}."
        return f"  {m.term} of {m.value:,.4g} brings it below {self.share:.0%}{left}; {price}."

    @property
    def sample_text(self) -> str:
        return f"{self.replications:,} replications, seed {self.seed}"

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """What is extracted from each program, and what is left of it after each mend that is enough."""
        from simulator.report.redteam import draw

        return draw(self, ax)

    def to_dict(self) -> dict[str, Any]:
        return {
            "scenario": self.scenario.name,
            "seed": self.seed,
            "replications": self.replications,
            "share": self.share,
            "attacks": [asdict(a) for a in self.attacks],
            "mends": [asdict(m) for m in self.mends],
        }

    def save(self, out: str | os.PathLike[str] = "results", *, command: Sequence[str] = ()) -> Path:
        """Write a run directory below `out` and return it."""
        when = results.now()
        asked = {"seed": self.seed, "replications": self.replications, "share": self.share}
        manifest = results.manifest(self.scenario, when, command, study="redteam", **asked)
        files = {
            "redteam.json": results.json_file(self.to_dict()),
            "scenario.json": results.json_file(self.scenario.tree()),
            "attacks.parquet": results.table_file(self.table()),
            "mends.parquet": results.table_file(self.mends_table()),
        }
        return results.write_run(out, f"redteam_seed{self.seed}_{when:%Y%m%dT%H%M%SZ}", files, manifest)


@timed
def redteam(
    scenario: Scenario,
    *,
    programs: Sequence[str] | None = None,
    replications: int = DEFAULT_REPLICATIONS,
    seed: int | None = None,
    share: float = 0.05,
    progress: Callable[[int, int], None] | None = None,
) -> RedTeam:
    """Search each program for what one fully opportunistic partner could extract, and for terms that stop it.

    programs: names, all of the scenario if None; replications: worlds of the search, and as many fresh ones of the
    estimate; share: of honest pay, below which a mend is to bring extraction. Raises `InputError` for what cannot be
    run.
    """
    names = asked_programs(scenario, programs)
    start = scenario.run.seed if seed is None else seed
    check_run(replications=replications, seed=start)
    if not 0 < share < 1:
        raise InputError([Problem("options", "share", str(share), "must be above 0 and below 1")])
    reference = fit_reference(scenario)
    fields = [
        _Field(scenario, reference, names, start, np.arange(first, first + replications)) for first in (0, replications)
    ]
    attacks, mends = [], []
    if progress:
        progress(0, len(names))
    for done, name in enumerate(names):
        attack, found = _attack(fields, name, share)
        attacks.append(attack)
        mends += found
        if progress:
            progress(done + 1, len(names))
    return RedTeam(scenario, start, replications, share, tuple(attacks), tuple(mends))


@dataclass(frozen=True)
class _Result:
    """Lives of a program with the agents honest and gaming: pay (R, P) in cents, and the honest totals."""

    honest: Array
    gamed: Array
    outcome: Outcome


class _Field:
    """Worlds of one set of replications, lived honestly up to launch, with their agents."""

    def __init__(
        self, scenario: Scenario, reference: Reference, programs: Sequence[str], seed: int, ids: np.ndarray
    ) -> None:
        self.scenario, self.reference = scenario, reference
        self.stage = prepare(scenario, reference, programs, seed, ids)
        self.unit = unit_points(scenario, SOBOL, seed, ids)
        self.drawn = drawn_values(scenario, self.unit)
        world = self.stage.world
        self.agents = agents_of(world)
        burn_in = world.setting.burn_in
        self.launch = VectorLife(world, self.stage.rollout("baseline"), self.stage.conduct[False]).run(-burn_in, 0)
        self.launch = self.launch.compact(0)
        self._known: dict[str, Outcome] = {}

    def mended(self, program: str, term: Term, strength: float, pay: Array) -> tuple[_Field, float]:
        """The field with a mended copy of a program as candidate, and the value of the changed term."""
        changed, value = term.mend(self.scenario, program, strength, pay)
        other = copy.copy(self)
        other.scenario, other.reference = changed, self.reference.extended(changed)
        setting = compile_setting(changed, self.drawn)
        offer = other.reference.offer(MENDED, setting, self.unit)
        other.stage = replace(self.stage, offers={**self.stage.offers, MENDED: offer})
        other._known = {}
        return other, value

    def result(self, program: str, strategy: Strategy) -> _Result:
        if program not in self._known:
            self._known[program] = settle(self._live(program, None))
        honest = self._known[program]
        gamed = settle(self._live(program, strategy))
        return _Result(self._pay(honest), self._pay(gamed), honest)

    def _live(self, program: str, strategy: Strategy | None) -> VectorLife:
        life = self.launch.fork(self.stage.rollout(program))
        if strategy is not None:
            world = copy.copy(life.world)
            world.setting = life.setting = self._setting(strategy)
            world.opportunist = self.agents
            world.misreport_cost = np.ones(world.shape)
            world.most_false = strategy.padding * world.rate
            life.world = world
            life.conduct = replace(life.conduct, gaming=strategy.kinds(self.scenario.gaming))
        return life.run(0, life.setting.horizon).finish()

    def _setting(self, strategy: Strategy) -> Setting:
        told = {**self.scenario.gaming.model_dump(), **strategy.numbers()}
        scenario = self.scenario.model_copy(update={"gaming": Gaming(**told)})
        drawn = {p: v for p, v in (self.drawn or {}).items() if not p.startswith("gaming.")}
        return compile_setting(scenario, drawn or None)

    def group(self, segment: int, quarter: int) -> np.ndarray:
        """Agents of a segment and quarter, (R, P)."""
        world = self.stage.world
        return np.asarray((world.setting.partners.segment == segment) & (quarter_of(world) == quarter))

    def _pay(self, outcome: Outcome) -> Array:
        """Pay net of penalties, (R, P) cents."""
        rows, (count, partners) = outcome.ledger, self.stage.world.shape
        cell = np.searchsorted(self.stage.world.ids, rows["replication"]) * partners + rows["partner"]
        total = np.bincount(cell, weights=rows["paid"] - rows["penalty"], minlength=count * partners)
        return np.asarray(total, dtype=float).reshape(count, partners)

    def extracted(self, result: _Result, who: np.ndarray | None = None) -> tuple[float, float, float | None]:
        """Extraction per agent and year in money, its standard error, and its share of honest pay."""
        agents = self.agents if who is None else self.agents & who
        gain, count = ((x * agents).sum(axis=1) for x in (result.gamed - result.honest, np.ones(agents.shape)))
        years = self.stage.world.setting.horizon / WEEKS_PER_YEAR * 100
        mean = gain.sum() / max(count.sum(), 1.0)
        se = np.sqrt(np.sum((gain - mean * count) ** 2) * len(gain) / max(len(gain) - 1, 1)) / max(count.sum(), 1.0)
        pay = float((result.honest * agents).sum())
        return float(mean / years), float(se / years), float(gain.sum() / pay) if pay > 0 else None


def _attack(fields: Sequence[_Field], program: str, share: float) -> tuple[Attack, list[Mend]]:
    search, fresh = fields
    best = _searched(search, program)
    groups = {
        f"{segment}, {quarter_name(q)}": (search.group(k, q), fresh.group(k, q))
        for k, segment in enumerate(search.stage.world.setting.partners.segments)
        for q in range(QUARTERS)
    }
    seen = search.result(program, best)
    worst = max(groups, key=lambda g: search.extracted(seen, groups[g][0])[0])
    again = fresh.result(program, best)
    extracted, se, of_pay = fresh.extracted(again)
    most, most_se, _ = fresh.extracted(again, groups[worst][1])
    attack = Attack(program, best.words(search.scenario.gaming), extracted, se, of_pay, worst, most, most_se)
    if of_pay is None or of_pay <= share or extracted <= 2 * se:
        return attack, []
    pay = seen.honest[search.agents]
    return attack, [_mend(fields, program, term, best, share, pay) for term in MENDS]


def _searched(field: _Field, program: str) -> Strategy:
    """The best strategy by one round over the kinds, from all in full; of equals the tamest."""
    best = FULL
    score = field.extracted(field.result(program, best))[0]
    for kind, levels in LEVELS.items():
        for level in levels[:-1]:
            other = replace(best, **{kind: level})
            reached = field.extracted(field.result(program, other))[0]
            if reached > score or (reached == score and level == levels[0]):
                best, score = other, reached
    return best


def _left(field: _Field, best: Strategy) -> tuple[float, _Result]:
    """Share of honest pay that the best strategy, or all kinds in full, still extracts from the mended program."""
    tried = [field.result(MENDED, s) for s in dict.fromkeys((best, FULL))]
    found = [(field.extracted(r)[2] or 0.0, r) for r in tried]
    return max(found, key=lambda pair: pair[0])


def _mend(fields: Sequence[_Field], program: str, term: Term, best: Strategy, share: float, pay: Array) -> Mend:
    search, fresh = fields

    def enough(strength: float) -> bool:
        return _left(search.mended(program, term, strength, pay)[0], best)[0] <= share

    low, high = 0.0, 1.0
    works = enough(1.0)
    for _ in range(_HALVINGS if works and term.graded else 0):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if enough(middle) else (middle, high)
    field, value = fresh.mended(program, term, high, pay)
    _, result = _left(field, best)
    extracted, se, of_pay = field.extracted(result)
    before = fresh.result(program, best).outcome
    changes = [_change(result.outcome, before, name) for name in ("pipeline", "activity.source")]
    kept = works and (of_pay or 0.0) <= share
    return Mend(program, term.name, value, kept, of_pay, extracted, se, *changes[0], *changes[1])


def _change(after: Outcome, before: Outcome, name: str) -> tuple[float, float]:
    """Change of a total in percent, with its standard error by the delta method."""
    x, y = (np.asarray(o.totals[name], dtype=float) for o in (after, before))
    ratio = x.sum() / max(y.sum(), 1.0)
    spread = np.std(x - ratio * y, ddof=1) * np.sqrt(len(x)) / max(y.sum(), 1.0)
    return float(100 * (ratio - 1)), float(100 * spread)
