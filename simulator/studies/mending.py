"""Terms that may stop a game: each changes a copy of a program by a strength from 0 (as it is) to 1."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from simulator.errors import InputError, Problem
from simulator.program.numbers import Array
from simulator.scenario.examine import examine
from simulator.scenario.schema import Scenario

MENDED = "mended"
"""Name of the changed copy in a scenario."""
_MOST_PENALTY, _MOST_CLAWBACK, _WIDEST = 20.0, 104.0, 10.0
_QUARTERS = {"claim": 0.1, "quarter": 1.0, "half": 2.0, "year": 4.0}


@dataclass(frozen=True)
class Term:
    """name: in words; change: changes a program's tree by a strength, given the agents' honest quarterly pay in money,
    and returns the new value; graded: whether strengths between 0 and 1 have a meaning."""

    name: str
    change: Callable[[dict[str, Any], float, float], float]
    graded: bool = True

    def mend(self, scenario: Scenario, program: str, strength: float, pay: Array) -> tuple[Scenario, float]:
        """The scenario with the changed copy, and the value. pay: the agents' honest pay over the horizon, cents."""
        tree = scenario.tree()
        changed = copy.deepcopy(tree["programs"][program])
        quarters = max(scenario.time.horizon_weeks / 13, 1.0)
        value = self.change(changed, strength, float(np.mean(pay)) / 100 / quarters)
        tree["programs"][MENDED] = changed
        found, findings = examine(tree)
        if found is None:
            raise InputError([Problem("programs", MENDED, "", str(finding)) for finding in findings])
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
    """A cap per window on every component, from ten times the honest pay of all of them down to it."""
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


MENDS = (
    Term("audit rate", _to("audit_rate", 1.0)),
    Term("penalty multiple", _to("penalty_multiple", _MOST_PENALTY)),
    Term("cap per quarter", _cap),
    Term("clawback window in weeks", _to("clawback_weeks", _MOST_CLAWBACK)),
    Term("linear share of net revenue from sourced deals", _linear, graded=False),
)
