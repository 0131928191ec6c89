"""Engine against engine on shipped and random scenarios, and proof that planted defects are caught."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from simulator.engines.events import engine as event_engine
from simulator.engines.events.accounts import PartnerAccount
from simulator.engines.events.deals import Opportunity
from simulator.engines.events.engine import EventRun
from simulator.engines.records import RunRecords
from simulator.engines.vector import engine as vector_engine
from simulator.engines.vector.accounts import ProgramAccounts
from simulator.scenario.load import load, parse
from simulator.studies.verify import Verification, verify
from tests.engines.quick import quick_reference
from tests.engines.random_scenarios import scenario_texts
from tests.engines.small import BASELINE, HEAD, LONG_SMALL, SMALL, smaller

SCENARIOS = Path(__file__).parents[2] / "scenarios"
MANUFACTURER = ("growth_points", "retroactive", "accelerator", "registration", "activities")


def test_every_shipped_program_is_verified_here() -> None:
    assert set(load(SCENARIOS / "b2b_manufacturer.toml").programs) == {"baseline", *MANUFACTURER}


def test_the_engines_agree_on_the_quickstart(quick: None) -> None:
    result = verify(smaller(load(SCENARIOS / "quickstart.toml")), replications=1, seed=3)
    assert result.agrees, str(result)
    assert set(result.programs) == {"baseline", "accelerator", "activity"}


def test_the_engines_agree_on_the_manufacturer(quick: None) -> None:
    scenario = smaller(load(SCENARIOS / "b2b_manufacturer.toml"))
    result = verify(scenario, programs=MANUFACTURER, replications=1, seed=12)
    assert result.agrees, str(result)
    assert result.ledger_lines > 100


@settings(max_examples=6, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(scenario_texts())
def test_the_engines_agree_on_random_scenarios(text: str) -> None:
    with quick_reference():
        result = verify(parse(text), replications=1, seed=3)
    assert result.agrees, f"{result}\n{text}"


# -- planted defects: each in one engine only, each must be caught ---------------------------------------------

EQUAL_DEALS = HEAD.replace("[territories.north]", "size_log_sd = 0.0\n[territories.north]").replace(
    "opportunities_per_year = 40\n[behavior]", "opportunities_per_year = 40\nsize_log_sd_between = 0.0\n[behavior]"
)
"""Deals of 30,000 each, so that thresholds at multiples of it are hit exactly."""
BONUS = '[programs.baseline.components.b]\nkind="bonus"\nlumps=[{at=60000,amount=3000}]\n'
Plant = Callable[[pytest.MonkeyPatch], None]


def _ending_late(patch: pytest.MonkeyPatch) -> None:
    right = ProgramAccounts.ending
    patch.setattr(ProgramAccounts, "ending", lambda self, week: right(self, week - 1))


def _year_ago_shifted(patch: pytest.MonkeyPatch) -> None:
    right = ProgramAccounts._by_window

    def late(self: ProgramAccounts, claims: Any, rows: Any, value: Any, week: int, length: int, count: int) -> Any:
        return right(self, claims, rows, value, week + 1, length, count)

    patch.setattr(ProgramAccounts, "_by_window", late)


def _signed_week_late(patch: pytest.MonkeyPatch) -> None:
    right = Opportunity._claim

    def late(self: Opportunity, run: Any, event: int) -> Any:
        claim = right(self, run, event)
        claim.week += event == 3
        return claim

    patch.setattr(Opportunity, "_claim", late)


def _edge_exclusive(patch: pytest.MonkeyPatch) -> None:
    """A lump that is paid above its threshold instead of from it on, in the vector engine."""
    right = ProgramAccounts.due

    def strict(self: ProgramAccounts, k: int) -> Any:
        mine = self.exact[k]
        if not mine.knots:
            return right(self, k)
        knots = tuple(replace(n, at=np.nextafter(n.at, np.inf)) for n in mine.knots)
        self.exact = [*self.exact]
        self.exact[k] = replace(mine, knots=knots)
        result = right(self, k)
        self.exact[k] = mine
        return result

    patch.setattr(ProgramAccounts, "due", strict)


def _reviewed_a_quarter_late(patch: pytest.MonkeyPatch) -> None:
    right = PartnerAccount._review
    patch.setattr(PartnerAccount, "_review", lambda self, week, first: right(self, week - 13, first))


def _registered_generously(patch: pytest.MonkeyPatch) -> None:
    def all_accepted(self: PartnerAccount, opp: Opportunity) -> None:
        for k, c in enumerate(self.components):
            if c.registration and self._plain_credit(k, opp.amount, opp.code) > 0:
                self.accepted.add((k, opp.number))

    patch.setattr(PartnerAccount, "register", all_accepted)


def _compared(text: str, program: str) -> Verification:
    return verify(parse(text), programs=(program,), replications=2, seed=5)


_without_gaming = cache(_compared)
"""Without a defect: once for a text."""


@pytest.mark.parametrize(
    ("plant", "text", "program"),
    [
        (_ending_late, HEAD + BASELINE, "baseline"),
        (_year_ago_shifted, LONG_SMALL, "full"),
        (_signed_week_late, HEAD + BASELINE, "baseline"),
        (_edge_exclusive, EQUAL_DEALS + BONUS, "baseline"),
        (_reviewed_a_quarter_late, SMALL.replace("[programs.full.components.core]", "upgrade_every_quarters = 2\n"
         "[programs.full.components.core]"), "full"),
        (_registered_generously, SMALL, "full"),
    ],
)  # fmt: skip
def test_a_planted_defect_is_caught(
    quick: None, monkeypatch: pytest.MonkeyPatch, plant: Plant, text: str, program: str
) -> None:
    without_gaming = _without_gaming(text, program)
    assert without_gaming.agrees, str(without_gaming)
    plant(monkeypatch)
    caught = _compared(text, program)
    assert not caught.agrees
    assert "THE ENGINES DISAGREE" in str(caught)


def test_a_defect_that_sums_hide_is_caught(quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two payouts of one partner in one window change places: every total and every ledger line stays as it is."""
    right = EventRun.records

    def exchanged(run: EventRun) -> RunRecords:
        records = right(run)
        part, claim = (records.payouts[name] for name in ("part", "claim"))
        for a, b in pairwise(np.flatnonzero(records.payouts["offer"] >= 0)):
            same = all(records.payouts[n][a] == records.payouts[n][b] for n in ("offer", "component"))
            if same and records.claims["cell"][claim[a]] == records.claims["cell"][claim[b]] and part[a] != part[b]:
                part[[a, b]] = part[[b, a]]
                return records
        return records

    monkeypatch.setattr(EventRun, "records", exchanged)
    caught = _compared(HEAD + BASELINE, "baseline")
    assert {d.outcome for d in caught.worst} == {"payouts: rows that differ"}


def test_the_engines_are_two_programs() -> None:
    """Neither engine's own modules are read by the other, or agreement would prove nothing."""
    mine = {
        "simulator.engines.vector.accounts",
        "simulator.engines.vector.gaming.timing",
        "simulator.engines.vector.payments",
    }
    theirs = {
        "simulator.engines.events.accounts",
        "simulator.engines.events.deals",
        "simulator.engines.events.payments",
        "simulator.engines.events.gaming.timing",
    }
    used = [{getattr(v, "__module__", "") for v in vars(m).values()} for m in (event_engine, vector_engine)]
    assert not used[0] & mine
    assert not used[1] & theirs
