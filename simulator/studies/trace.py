"""Replay: the event engine relives one replication, and its log is read to say why it cost what it did."""

from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from simulator.engines.accounts import Closed
from simulator.engines.events import LOG_COLUMNS, EventLife
from simulator.engines.ledger import Outcome
from simulator.engines.tally import tally, won_deals
from simulator.errors import SimulatorError, fault
from simulator.run import RUNGS, fit_reference, prepare
from simulator.scenario.schema import Scenario
from simulator.studies.study import Study, timed

if TYPE_CHECKING:
    from matplotlib.axes import Axes

GAMED = ("pulled", "pushed")
_OTHER = (("audit", "verification"), ("admin", "administration"), ("penalty", "penalties taken"))


@dataclass(frozen=True)
class Trace(Study):
    """One replayed replication.

    log: rows of `columns` in order of time, weeks and currency units; honest: outcome of the honest twin.
    """

    scenario: Scenario
    program: str
    replication: int
    seed: int
    rung: str
    columns: tuple[str, ...]
    log: tuple[tuple[Any, ...], ...]
    outcome: Outcome
    honest: Outcome
    settled: tuple[tuple[int, Closed], ...]
    partner_names: tuple[str, ...]
    components: tuple[tuple[str, ...], ...]

    @property
    def title(self) -> str:
        """What was relived."""
        return f"{self.scenario.name}: {self.program}, relived"

    @property
    def sample_text(self) -> str:
        """Which replication."""
        return f"replication {self.replication}, seed {self.seed}, {self.rung} rung"

    def table(self) -> pd.DataFrame:
        """The log: a row per event, in order of time; weeks and units of the currency."""
        return pd.DataFrame(self.log, columns=list(self.columns))

    def costs(self) -> pd.DataFrame:
        """What it cost: a row per component, and for verification, administration and penalties."""
        rows = [(name, self._total(f"cost.{name}")) for name in self._paying()]
        rows += [(label, self._total(name)) for name, label in _OTHER]
        return pd.DataFrame(rows, columns=["what", "cost"])

    def headline(self) -> list[str]:
        """What the year came to, and what gaming had to do with it."""
        money = self.scenario.currency
        first = (
            f"The program cost {self._total('cost'):,.0f} {money} for bookings of {self._total('bookings'):,.0f} and a "
            f"pipeline of {self._total('pipeline'):,.0f}."
        )
        extra = self._total("cost") - self._total("cost", honest=True)
        if self.rung != "strategic":
            return [first]
        more = "more" if extra >= 0 else "less"
        return [first, f"Against the same world without gaming it cost {abs(extra):,.0f} {money} {more}."]

    def plot(self, kind: str = "accrued", ax: Axes | None = None, **options: Any) -> Axes:
        """What was accrued so far by week, or the `timeline` of deals, of a `partner` if named."""
        from simulator.report.replay import draw

        return draw(self, kind, ax, **options)

    def to_dict(self) -> dict[str, Any]:
        """Totals, of the replication and its honest twin, and what each component cost; money in cents."""
        return {
            "scenario": self.scenario.name,
            "study": "trace",
            "program": self.program,
            "replication": self.replication,
            "seed": self.seed,
            "rung": self.rung,
            "totals": {name: int(x[0]) for name, x in self.outcome.totals.items()},
            "honest": {name: int(x[0]) for name, x in self.honest.totals.items()},
            "headline": self.headline(),
        }

    def _paying(self) -> list[str]:
        return sorted(name.removeprefix("cost.") for name in self.outcome.totals if name.startswith("cost."))

    def write(self, path: str | os.PathLike[str]) -> Path:
        """Write the log as CSV, whole or not at all; an existing file is not overwritten."""
        target = Path(path)
        if target.exists():
            raise SimulatorError(f"{target}: exists; choose another name or remove it")
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=".trace-")
        try:
            with os.fdopen(handle, "w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file)
                writer.writerow(self.columns)
                writer.writerows(self.log)
            os.replace(name, target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        return target

    def _rows(self, *events: str) -> list[dict[str, Any]]:
        rows = [dict(zip(self.columns, row, strict=True)) for row in self.log]
        return [r for r in rows if r["event"] in events]

    def _total(self, name: str, honest: bool = False) -> float:
        outcome = self.honest if honest else self.outcome
        return float(outcome.totals[name][0]) / 100 if name in outcome.totals else 0.0

    def digest(self) -> str:
        """Why this replication cost what it did: components, costliest decisions, gamed ones."""
        money = self.scenario.currency
        lines = [
            f"{self.scenario.name}: program {self.program}, replication {self.replication} (seed {self.seed}), "
            f"{self.rung} rung",
            f"program cost {self._total('cost'):,.0f} {money}; bookings {self._total('bookings'):,.0f}; "
            f"pipeline {self._total('pipeline'):,.0f}; {int(self.outcome.totals['won'][0]):,} deals won",
            "",
            "cost by component",
        ]
        lines += self._components()
        lines += ["", "the ten costliest decisions (windows by payout)"]
        lines += self._costliest()
        lines += ["", *self._gamed()]
        return "\n".join(lines)

    def _components(self) -> list[str]:
        total = self._total("cost") or 1.0
        out = []
        for name in self._paying():
            value = self._total(f"cost.{name}")
            if value:
                out.append(f"  {name:<24}{value:>16,.0f}{100 * value / total:>7.1f} %")
        for name, label in _OTHER:
            if self._total(name):
                out.append(f"  {label:<24}{self._total(name):>16,.0f}")
        return out or ["  nothing was paid"]

    def _costliest(self) -> list[str]:
        ranked = sorted(self.settled, key=lambda s: (-s[1].accrued, s[0], s[1].start))[:10]
        out = []
        for who, c in ranked:
            if c.accrued <= 0:
                break
            largest = max(c.parts, key=lambda p: p[1], default=None)
            deal = ""
            if largest is not None and largest[0].opp is not None:
                deal = f"; largest claim {largest[0].amount / 100:,.0f} in week {largest[0].time:.1f}"
            out.append(
                f"  {c.accrued / 100:>12,.0f}  {self.partner_names[who]}, {self.components[c.offer][c.component]}, "
                f"weeks {c.start} to {c.end}: attainment {c.attained / 100:,.0f} from {len(c.parts)} claims{deal}"
            )
        return out or ["  nothing was paid"]

    def _gamed(self) -> list[str]:
        extra = self._total("cost") - self._total("cost", honest=True)
        lost = self._total("margin", honest=True) - self._total("margin")
        rows = [r for r in self._rows(*GAMED) if r["time"] >= 0]
        false = [r for r in self._rows("claim") if r["reason"] == "false claim" and r["time"] >= 0]
        out = [
            f"against the honest twin in the same world: payout {extra:+,.0f}, margin {-lost:+,.0f}",
            f"gamed decisions from launch on: {sum(r['event'] == 'pulled' for r in rows)} signatures pulled, "
            f"{sum(r['event'] == 'pushed' for r in rows)} pushed, {len(false)} false claims",
        ]
        rows.sort(key=lambda r: (-abs(r["amount"]), r["time"]))
        for r in rows[:10]:
            out.append(
                f"  week {r['time']:>5.0f}  {r['partner']}: opportunity {r['opportunity']} {r['event']}, {r['reason']}"
            )
        return out

    def statement(self, partner: str | int) -> str:
        """A partner's auditable statement: terms, claims and credits, accruals, adjustments and payments."""
        name = self.partner_names[partner] if isinstance(partner, int) else partner
        if name not in self.partner_names:
            raise fault(
                "trace", "partner", partner, f"must be one of {self.partner_names[0]} to {self.partner_names[-1]}"
            )
        mine = [dict(zip(self.columns, row, strict=True)) for row in self.log if row[1] == name and row[0] >= 0]
        lines = [f"Statement of {name}, program {self.program}, replication {self.replication}", "", "Terms"]
        lines += self._terms()
        lines += [
            "",
            f"{'week':>7}  {'entry':<12}{'component':<16}{'opportunity':>11}{'amount':>14}{'attained':>14}  note",
        ]
        total = {"accrued": 0.0, "forfeited": 0.0, "clawed back": 0.0, "paid": 0.0, "penalty": 0.0}
        for r in mine:
            if r["event"] not in ("claim", "pulled", "pushed", *total):
                continue
            if r["event"] in total:
                total[r["event"]] += r["amount"]
            if not r["amount"]:
                continue
            attained = "" if r["attainment"] is None else f"{r['attainment']:,.0f}"
            number = "" if r["opportunity"] is None else str(r["opportunity"])
            entry = f"{r['time']:>7.1f}  {r['event']:<12}{r['component']:<16}{number:>11}"
            lines.append(f"{entry}{r['amount']:>14,.2f}{attained:>14}  {r['reason']}")
        net = total["paid"] + total["clawed back"]
        lines += [
            "",
            f"accrued {total['accrued']:,.2f} = net paid {net:,.2f} + clawed back {-total['clawed back']:,.2f} "
            f"+ forfeited {-total['forfeited']:,.2f}; penalties {-total['penalty']:,.2f}",
        ]
        return "\n".join(lines)

    def _terms(self) -> list[str]:
        out = []
        for name, c in self.scenario.programs[self.program].components.items():
            t = c.terms
            parts = [f"per {c.window}", f"paid {t.payout_lag_weeks:g} weeks after"]
            parts += (
                [f"holdback {100 * t.holdback_share:g} % for {t.holdback_weeks:g} weeks"] if t.holdback_share else []
            )
            parts += [f"clawback {t.clawback_weeks:g} weeks"] if t.clawback_weeks else []
            parts += [f"audit rate {100 * t.audit_rate:g} %, penalty x{t.penalty_multiple:g}"] if t.audit_rate else []
            parts += [f"cap {t.cap:,.0f}"] if t.cap else []
            out.append(f"  {name} ({c.kind}): {', '.join(parts)}")
        return out or ["  none"]


@timed
def trace(scenario: Scenario, *, program: str, replication: int, seed: int = 1, rung: str = "strategic") -> Trace:
    """Relive one replication of a program with a full log, beside its honest twin.

    Raises `InputError` for an unknown program or rung, or a negative replication.
    """
    if program not in scenario.programs:
        raise fault("trace", "program", program, f"must be one of {', '.join(scenario.programs)}")
    if rung not in RUNGS:
        raise fault("trace", "rung", rung, f"must be one of {', '.join(RUNGS)}")
    if replication < 0:
        raise fault("trace", "replication", replication, "must be 0 or more")
    stage = prepare(scenario, fit_reference(scenario), (program,), seed, np.array([replication]))
    rollout = stage.rollout(program)
    if rung == "static":
        life = EventLife(stage.world, stage.rollout("baseline"), stage.conduct[False], paid=rollout, log=True).run()
    else:
        life = EventLife(stage.world, rollout, stage.conduct[rung == "strategic"], log=True).run()
    twin = life
    if rung == "strategic":
        twin = EventLife(stage.world, rollout, stage.conduct[False]).run()
    return Trace(
        scenario=scenario,
        program=program,
        replication=replication,
        seed=seed,
        rung=rung,
        columns=LOG_COLUMNS,
        log=_in_units(life.log or []),
        outcome=tally(life, won_deals(life)),
        honest=tally(twin, won_deals(twin)),
        settled=tuple(life.settled),
        partner_names=stage.world.setting.partners.names,
        components=tuple(tuple(c.name for c in o.program.components) for o in rollout.offers),
    )


def _in_units(log: Sequence[tuple[Any, ...]]) -> tuple[tuple[Any, ...], ...]:
    """Log rows with amounts and attainment in units instead of hundredths, in order of time."""
    rows = [
        (t, who, opp, event, amount / 100, component, None if a is None else a / 100, price, reason)
        for t, who, opp, event, amount, component, a, price, reason in log
    ]
    return tuple(sorted(rows, key=lambda r: r[0]))
