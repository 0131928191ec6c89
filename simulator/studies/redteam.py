"""The red team: what one fully opportunistic partner could extract from a program, and what would stop it.

In each replication one partner per segment and quarter of its volume distribution is an agent whose own costs of gaming
are next to nothing; all others do not game. A strategy is a level per kind of gaming; within it the agent follows the
model's rules. The best one is found by a greedy search over levels, kind by kind, on shared worlds, and estimated again
on fresh ones, so that a lucky maximum does not count. Extraction is pay net of penalties beyond that of the same
partners without gaming. A countermeasure changes a term in a copy of a program by a strength from 0 (as it is) to 1.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any, ClassVar

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from scipy.special import ndtri

from simulator.behavior.gaming.kinds import kinds_on
from simulator.core.arrays import Array, Bools, Ints
from simulator.core.errors import InputError, Problem
from simulator.engines.ledger import RunOutcome
from simulator.engines.totals.settlement import settle
from simulator.engines.vector.engine import VectorRun
from simulator.reference.fit import Reference
from simulator.report.formats import NumberFormat, form_of
from simulator.report.plots import colour, mark_zero, rows_for, sample_note
from simulator.report.tables import Column, Table
from simulator.report.text import with_unit
from simulator.runs.designs import SOBOL, drawn_values, unit_points
from simulator.runs.simulate import SimulationResult, fit_reference, prepare
from simulator.scenario.behavior import Gaming
from simulator.scenario.load import examine
from simulator.scenario.schema import Scenario
from simulator.stats.estimate import Estimate
from simulator.studies.base import RunStudy
from simulator.studies.registry import Option, study
from simulator.studies.settings import Progress, RunSettings
from simulator.world.setting import WEEKS_PER_YEAR, Setting, compile_setting
from simulator.world.world import World

QUARTERS = 4
_EDGES = ndtri(np.arange(1, QUARTERS) / QUARTERS)
_NAMES = ("smallest quarter by volume", "second quarter", "third quarter", "largest quarter by volume")

LEVELS: dict[str, tuple[float, ...]] = {
    "timing": (0, 4, 12),
    "padding": (0.0, 0.5, 1.0),
    "credit_claiming": (0, 1),
    "splitting": (0, 4, 10),
    "discount_dumping": (0.0, 0.2, 0.4),
    "squatting": (0, 1),
}
"""Levels per kind, off to full: weeks a signature is moved; false claims per opportunity of its own; whether customers
of the vendor are claimed; claims a deal is filed as; largest concession; whether it
registers the customers of others."""


@dataclass(frozen=True)
class Strategy:
    """A level per kind of gaming, see `LEVELS`."""

    timing: float
    padding: float
    credit_claiming: float
    splitting: float
    discount_dumping: float
    squatting: float

    def kinds(self, gaming: Gaming) -> frozenset[str]:
        """The kinds that are played; discounts need price authority."""
        on = {kind: bool(getattr(self, kind)) for kind in LEVELS}
        return kinds_on(gaming.model_copy(update=on))

    def numbers(self) -> dict[str, Any]:
        """Gaming numbers of a scenario in which the agent's own costs are next to nothing."""
        return {
            "timing_cost": 0.0, "split_cost": 0.0, "discount_cost": 0.0,
            "max_shift_weeks": int(self.timing) or 1, "bundle_weeks": 12,
            "max_pieces": int(self.splitting) or 2, "max_discount": float(self.discount_dumping),
        }  # fmt: skip

    def words(self, gaming: Gaming) -> str:
        """What it does, as the end of a sentence."""
        phrases = {
            "timing": f"moves signatures by up to {self.timing:g} weeks",
            "padding": f"files up to {self.padding:g} false activity claims per opportunity of its own",
            "credit_claiming": "claims every customer of the vendor that it can",
            "splitting": f"files deals in up to {self.splitting:g} pieces, or bundled",
            "discount_dumping": f"concedes up to {self.discount_dumping:.0%} to win",
            "squatting": "registers every customer of others that it can",
        }
        done = [text for kind, text in phrases.items() if kind in self.kinds(gaming)]
        return ", ".join(done) if done else "plays no game"


FULL = Strategy(**{kind: levels[-1] for kind, levels in LEVELS.items()})


def quarter_name(quarter: int) -> str:
    return _NAMES[quarter]


def quarter_of(world: World) -> Ints:
    """Quarter of its segment's volume distribution that each partner is in, 0 the smallest; (R, P)."""
    return np.searchsorted(_EDGES, world.volume_z)


def agents_of(world: World) -> Bools:
    """One partner per segment and quarter in each replication, the first there is; (R, P)."""
    quarter, segment = quarter_of(world), world.setting.partners.segment
    out = np.zeros(world.shape, dtype=bool)
    for k in range(len(world.setting.partners.segments)):
        for q in range(QUARTERS):
            here = (segment == k)[None, :] & (quarter == q)
            first = here & (np.cumsum(here, axis=1) == 1)
            out |= first
    return out


CHANGED = "changed"
"""Name of the changed copy in a scenario."""
_MOST_PENALTY, _MOST_CLAWBACK, _WIDEST = 20.0, 104.0, 10.0
_QUARTERS = {"claim": 0.1, "quarter": 1.0, "half": 2.0, "year": 4.0}


@dataclass(frozen=True)
class ProgramTerm:
    """A term that may stop a game.

    name: in words; change: changes a program's tree by a strength, given what agents are paid per quarter without
    gaming, in money, and returns the new value; graded: whether strengths between 0 and 1 have a meaning.
    """

    name: str
    change: Callable[[dict[str, Any], float, float], float]
    graded: bool = True

    def applied(self, scenario: Scenario, program: str, strength: float, pay: Array) -> tuple[Scenario, float]:
        """The scenario with the changed copy, and the value. pay: of agents without gaming over the horizon, cents."""
        tree = scenario.tree()
        changed = copy.deepcopy(tree["programs"][program])
        quarters = max(scenario.time.horizon_weeks / 13, 1.0)
        value = self.change(changed, strength, float(np.mean(pay)) / 100 / quarters)
        tree["programs"][CHANGED] = changed
        found, findings = examine(tree)
        if found is None:
            raise InputError([Problem("programs", CHANGED, "", str(finding)) for finding in findings])
        return found, value


def _to(term: str, most: float) -> Callable[[dict[str, Any], float, float], float]:
    def change(program: dict[str, Any], strength: float, _pay: float) -> float:
        values: list[float] = []
        for c in program["components"].values():
            c["terms"][term] = max(c["terms"][term], c["terms"][term] + strength * (most - c["terms"][term]))
            values.append(c["terms"][term])
        return max(values, default=0.0)

    return change


def _cap(program: dict[str, Any], strength: float, pay: float) -> float:
    """A cap per window on every component, from ten times the pay without gaming of all of them down to it."""
    most = max(pay, 1.0) * _WIDEST ** (1.0 - strength)
    for c in program["components"].values():
        cap = most * _QUARTERS[c["window"]]
        c["terms"]["cap"] = cap if c["terms"]["cap"] is None else min(cap, c["terms"]["cap"])
    return float(most)


def _linear(program: dict[str, Any], _strength: float, _pay: float) -> float:
    """One quarterly share of net revenue from sourced deals in place of everything; 5 %."""
    program["components"] = {
        "linear": {"kind": "revenue_share", "rate": 0.05, "engagement": "sourced", "window": "quarter"}
    }
    program["tiers"] = None
    return 0.05


TERMS = (
    ProgramTerm("audit rate", _to("audit_rate", 1.0)),
    ProgramTerm("penalty multiple", _to("penalty_multiple", _MOST_PENALTY)),
    ProgramTerm("cap per quarter", _cap),
    ProgramTerm("clawback window in weeks", _to("clawback_weeks", _MOST_CLAWBACK)),
    ProgramTerm("linear share of net revenue from sourced deals", _linear, graded=False),
)


_HALVINGS = 4
_PERCENT = NumberFormat(100.0, 1, "%")


@dataclass(frozen=True)
class Attack:
    """What the best strategy extracts from one program, on fresh worlds; money per agent and year.

    of_pay: extraction over the agents' pay without gaming (None where nothing is paid); worst: the kind of partner that
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
class Countermeasure:
    """The least change of one term after which too little is left to extract, estimated on fresh worlds.

    enough: whether it did so on the fresh worlds too; if no value was enough in the search, figures are those of the
    strongest. pipeline, activity: change without gaming in percent, the price
    of the countermeasure.
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
class RedTeam(RunStudy):
    """Attacks on programs and what would stop them.

    simulated: the worlds of the search; share: of the agents' pay without gaming, below which extraction is to be
    brought.
    """

    kind = "redteam"
    subject = "what could be extracted"

    simulated: SimulationResult
    share: float
    attacks: tuple[Attack, ...]
    countermeasures: tuple[Countermeasure, ...]

    def table(self) -> pd.DataFrame:
        """A row per program, at full precision."""
        return pd.DataFrame([asdict(a) for a in self.attacks])

    def tables(self) -> list[Table]:
        """What is extracted from each program, and what would stop it."""
        money, attacks, measures = self.scenario.currency, self.attacks, self.countermeasures
        extracted = [
            Column("extracted", "Extracted", [_with_error(a.extracted, a.se) for a in attacks], money),
            Column("of_pay", "Of pay without gaming", [a.of_pay for a in attacks], "share", _PERCENT),
            Column("worst", "Most by", [a.worst for a in attacks]),
            Column("worst_extracted", "Most", [_with_error(a.worst_extracted, a.worst_se) for a in attacks], money),
            Column("strategy", "How", [a.strategy for a in attacks], shown=False),
        ]
        stopped = [
            Column("term", "Term", [m.term for m in measures]),
            Column("value", "Value", [f"{m.value:,.4g}" for m in measures]),
            Column("enough", "Is enough", ["yes" if m.enough else "no" for m in measures]),
            Column("of_pay", "Still extracted, of pay", [m.of_pay for m in measures], "share", _PERCENT),
            Column("pipeline", "Pipeline [%]", [_with_error(m.pipeline, m.pipeline_se) for m in measures]),
            Column("activity", "Activity [%]", [_with_error(m.activity, m.activity_se) for m in measures]),
        ]
        title = "What a fully opportunistic partner extracts per year beyond its pay without gaming"
        tables = [Table(title, [a.program for a in attacks], extracted, money, key="program")]
        if measures:
            title = "What would stop it, and what that changes without gaming"
            tables.append(Table(title, [m.program for m in measures], stopped, money, key="program"))
        return tables

    def headline(self) -> list[str]:
        """What was found, in sentences."""
        lines = []
        for a in self.attacks:
            lines.append(self._found(a))
            lines += [self._stopped(m) for m in self.countermeasures if m.program == a.program]
        return lines

    def _found(self, a: Attack) -> str:
        if abs(a.extracted) <= 2 * a.se or a.extracted <= 0:
            return f"{a.program}: no game was found that pays more than its error ({a.extracted:,.0f} +- {a.se:,.0f})."
        share = "" if a.of_pay is None else f", {a.of_pay:.0%} of its pay without gaming"
        return (
            f"{a.program}: a fully opportunistic partner extracts {a.extracted:,.0f} {self.scenario.currency} a year "
            f"beyond the same partner without gaming (standard error {a.se:,.0f}){share}; most from {a.worst}: "
            f"{a.worst_extracted:,.0f} ({a.worst_se:,.0f}). It {a.strategy}."
        )

    def _stopped(self, m: Countermeasure) -> str:
        left = "" if m.of_pay is None else f" ({m.of_pay:.1%} of pay without gaming is left to extract)"
        price = f"without gaming it changes pipeline by {m.pipeline:+.1f} % ({m.pipeline_se:.1f}), activity by "
        price += f"{m.activity:+.1f} %"
        if not m.enough:
            return f"{m.program}, {m.term}: not enough at {m.value:,.4g}{left}; {price}."
        return f"{m.program}, {m.term}: {m.value:,.4g} brings extraction below {self.share:.0%}{left}; {price}."

    def notes(self) -> list[str]:
        """How to read the errors."""
        return ["\u00b1: standard error. Extraction and prices are those of fresh worlds, not of the search."]

    def details(self) -> dict[str, Any]:
        """All figures at full precision."""
        return {
            "share": self.share,
            "attacks": [asdict(a) for a in self.attacks],
            "countermeasures": [asdict(m) for m in self.countermeasures],
        }

    def stored_tables(self) -> dict[str, pd.DataFrame]:
        """Attacks and countermeasures, a table each."""
        return {"attacks": self.table(), "countermeasures": pd.DataFrame([asdict(m) for m in self.countermeasures])}

    def manifest(self) -> dict[str, Any]:
        """The share that was asked for."""
        return {**super().manifest(), "share": self.share}

    def draw_extracted(self, ax: Axes) -> Axes:
        """What is extracted from each program, with two standard errors, and the first term that would stop it."""
        money = self.scenario.currency
        form = form_of([a.extracted for a in self.attacks], [a.se for a in self.attacks], money, money)
        rows = rows_for(ax, [a.program for a in self.attacks])
        for row, attack in zip(rows, self.attacks, strict=True):
            value, bar = attack.extracted * form.factor, 2 * attack.se * form.factor
            ax.errorbar(value, row, xerr=bar, fmt="o", color=colour(1), capsize=4)
            terms = [m.term for m in self.countermeasures if m.program == attack.program and m.enough]
            if terms:
                ax.annotate(f"stopped by {terms[0]}", (value, row), (0, 9), textcoords="offset points", fontsize=8,
                            ha="center")  # fmt: skip
        mark_zero(ax)
        ax.set_xlabel(with_unit("Extracted per partner and year", form.unit))
        ax.set_title("What a fully opportunistic partner extracts")
        sample_note(ax, f"{self.sample_text}; bars: two standard errors")
        return ax

    plot_kinds: ClassVar = {"extracted": draw_extracted}


def _with_error(value: float, se: float) -> Estimate:
    return Estimate(value, se, None, None, None)


@study(
    "redteam",
    "Search the programs of SCENARIO for what one fully opportunistic partner could extract.",
    examples=[
        "redteam scenarios/quickstart.toml",
        "redteam scenarios/quickstart.toml --programs accelerator --share 0.02",
    ],
)
def redteam(
    scenario: Scenario,
    *,
    programs: Sequence[str] | None = None,
    replications: Annotated[int, Option("Worlds of the search", "N")] = 40,
    seed: int | None = None,
    share: Annotated[float, Option("Share of pay without gaming below which extraction is to be brought")] = 0.05,
    progress: Progress | None = None,
) -> RedTeam:
    """Search each program for what one fully opportunistic partner could extract, and for terms that stop it.

    programs: names, all of the scenario if None; replications: worlds of the search, and as many fresh ones of the
    estimate; share: of pay without gaming, below which extraction is to be brought. Raises `InputError` for what
    cannot be run.
    """
    settings = RunSettings.of(scenario, programs=programs, replications=replications, seed=seed)
    names, start = settings.programs, settings.seed
    if not 0 < share < 1:
        raise InputError([Problem("options", "share", str(share), "must be above 0 and below 1")])
    reference = fit_reference(scenario)
    fields = [
        _AttackBench(scenario, reference, names, start, np.arange(first, first + replications))
        for first in (0, replications)
    ]
    attacks, countermeasures = [], []
    if progress:
        progress(0, len(names))
    for done, name in enumerate(names):
        attack, found = _attack(fields, name, share)
        attacks.append(attack)
        countermeasures += found
        if progress:
            progress(done + 1, len(names))
    searched = SimulationResult(scenario, names, start, replications, "vector", {})
    return RedTeam(searched, share, tuple(attacks), tuple(countermeasures))


@dataclass(frozen=True)
class _Result:
    """A program simulated with the agents gaming and not: pay (R, P) in cents, and the totals without gaming."""

    without_gaming: Array
    gamed: Array
    outcome: RunOutcome


class _AttackBench:
    """Worlds of one set of replications, simulated without gaming up to launch, with their agents."""

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
        self.launch = VectorRun(world, self.stage.rollout("baseline"), self.stage.mode[False]).run(-burn_in, 0)
        self.launch = self.launch.compact(0)
        self._known: dict[str, RunOutcome] = {}

    def with_term(self, program: str, term: ProgramTerm, strength: float, pay: Array) -> tuple[_AttackBench, float]:
        """The field with a changed copy of a program as candidate, and the value of the changed term."""
        changed, value = term.applied(self.scenario, program, strength, pay)
        other = copy.copy(self)
        other.scenario, other.reference = changed, self.reference.extended(changed)
        setting = compile_setting(changed, self.drawn)
        offer = other.reference.offer(CHANGED, setting, self.unit)
        other.stage = replace(self.stage, offers={**self.stage.offers, CHANGED: offer})
        other._known = {}
        return other, value

    def result(self, program: str, strategy: Strategy) -> _Result:
        if program not in self._known:
            self._known[program] = settle(self._simulated(program, None))
        without_gaming = self._known[program]
        gamed = settle(self._simulated(program, strategy))
        return _Result(self._pay(without_gaming), self._pay(gamed), without_gaming)

    def _simulated(self, program: str, strategy: Strategy | None) -> VectorRun:
        run = self.launch.branch(self.stage.rollout(program))
        if strategy is not None:
            world = copy.copy(run.world)
            world.setting = run.setting = self._setting(strategy)
            world.opportunist = self.agents
            world.misreport_cost = np.ones(world.shape)
            world.most_false = strategy.padding * world.rate
            run.world = world
            run.mode = replace(run.mode, gaming=strategy.kinds(self.scenario.gaming))
        return run.run(0, run.setting.horizon).finish()

    def _setting(self, strategy: Strategy) -> Setting:
        changed = {**self.scenario.gaming.model_dump(), **strategy.numbers()}
        scenario = self.scenario.model_copy(update={"gaming": Gaming(**changed)})
        drawn = {p: v for p, v in (self.drawn or {}).items() if not p.startswith("gaming.")}
        return compile_setting(scenario, drawn or None)

    def group(self, segment: int, quarter: int) -> np.ndarray:
        """Agents of a segment and quarter, (R, P)."""
        world = self.stage.world
        return np.asarray((world.setting.partners.segment == segment) & (quarter_of(world) == quarter))

    def _pay(self, outcome: RunOutcome) -> Array:
        """Pay net of penalties, (R, P) cents."""
        rows, (count, partners) = outcome.ledger, self.stage.world.shape
        cell = np.searchsorted(self.stage.world.ids, rows["replication"]) * partners + rows["partner"]
        total = np.bincount(cell, weights=rows["paid"] - rows["penalty"], minlength=count * partners)
        return np.asarray(total, dtype=float).reshape(count, partners)

    def extracted(self, result: _Result, who: np.ndarray | None = None) -> tuple[float, float, float | None]:
        """Extraction per agent and year in money, its standard error, and its share of pay without gaming."""
        agents = self.agents if who is None else self.agents & who
        gain, count = ((x * agents).sum(axis=1) for x in (result.gamed - result.without_gaming, np.ones(agents.shape)))
        years = self.stage.world.setting.horizon / WEEKS_PER_YEAR * 100
        mean = gain.sum() / max(count.sum(), 1.0)
        se = np.sqrt(np.sum((gain - mean * count) ** 2) * len(gain) / max(len(gain) - 1, 1)) / max(count.sum(), 1.0)
        pay = float((result.without_gaming * agents).sum())
        return float(mean / years), float(se / years), float(gain.sum() / pay) if pay > 0 else None


def _attack(fields: Sequence[_AttackBench], program: str, share: float) -> tuple[Attack, list[Countermeasure]]:
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
    pay = seen.without_gaming[search.agents]
    return attack, [_countermeasure(fields, program, term, best, share, pay) for term in TERMS]


def _searched(field: _AttackBench, program: str) -> Strategy:
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


def _left(field: _AttackBench, best: Strategy) -> tuple[float, _Result]:
    """Share of pay without gaming that the best strategy, or all kinds in full, still extracts after the change."""
    tried = [field.result(CHANGED, s) for s in dict.fromkeys((best, FULL))]
    found = [(field.extracted(r)[2] or 0.0, r) for r in tried]
    return max(found, key=lambda pair: pair[0])


def _countermeasure(
    fields: Sequence[_AttackBench], program: str, term: ProgramTerm, best: Strategy, share: float, pay: Array
) -> Countermeasure:
    search, fresh = fields

    def enough(strength: float) -> bool:
        return _left(search.with_term(program, term, strength, pay)[0], best)[0] <= share

    low, high = 0.0, 1.0
    works = enough(1.0)
    for _ in range(_HALVINGS if works and term.graded else 0):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if enough(middle) else (middle, high)
    field, value = fresh.with_term(program, term, high, pay)
    _, result = _left(field, best)
    extracted, se, of_pay = field.extracted(result)
    before = fresh.result(program, best).outcome
    changes = [_change(result.outcome, before, name) for name in ("pipeline", "activity.source")]
    kept = works and (of_pay or 0.0) <= share
    return Countermeasure(program, term.name, value, kept, of_pay, extracted, se, *changes[0], *changes[1])


def _change(after: RunOutcome, before: RunOutcome, name: str) -> tuple[float, float]:
    """Change of a total in percent, with its standard error by the delta method."""
    x, y = (np.asarray(o.totals[name], dtype=float) for o in (after, before))
    ratio = x.sum() / max(y.sum(), 1.0)
    spread = np.std(x - ratio * y, ddof=1) * np.sqrt(len(x)) / max(y.sum(), 1.0)
    return float(100 * (ratio - 1)), float(100 * spread)
