"""Named partners, active weeks and time limits: what counts, what it pays, and what partners foresee."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from simulator.behavior.lead_times import landing_price
from simulator.engines.ledger import RunOutcome
from simulator.program.conditions import Eligibility
from tests.engines.simulated import rows, share, simulated
from tests.program.build import num, only
from tests.scenario.texts import SMALL, problems_of

PROGRAMS = (
    share("all")
    + share("first", 'only_partners = ["reseller-1"]')
    + share("others", 'not_partners = ["reseller-1"]')
    + share("nobody", 'not_partners = ["reseller"]')
    + share("early", "until_week = 7")
    + share("late", "from_week = 7")
    + share("quick", "within_weeks = 8.0")
    + share("slow", "within_weeks = 500.0")
)


@pytest.fixture(scope="module")
def outcomes() -> dict[str, RunOutcome]:
    return simulated(PROGRAMS)


def test_a_named_partner_gets_what_it_would_get_anyway_and_nobody_else_anything(
    outcomes: dict[str, RunOutcome],
) -> None:
    columns = ("replication", "partner", "start", "attained", "accrued", "paid")
    everybody = rows(outcomes["all"], *columns)
    assert rows(outcomes["first"], *columns) == [r for r in everybody if r[1] == 0]
    assert rows(outcomes["others"], *columns) == [r for r in everybody if r[1] > 0]
    assert rows(outcomes["nobody"], *columns) == []
    assert {r[1] for r in everybody} == {0, 1, 2, 3}


def test_what_is_paid_before_and_after_a_week_adds_up(outcomes: dict[str, RunOutcome]) -> None:
    """Week 7 lies inside the first window; its claims are in one half or the other, as cents of 5 % round alike."""
    attained = {n: {r[:3]: r[3] for r in rows(outcomes[n], "replication", "partner", "start", "attained")}
                for n in ("all", "early", "late")}  # fmt: skip
    assert attained["early"]
    assert {k[2] for k in attained["early"]} == {0}
    for key, whole in attained["all"].items():
        assert attained["early"].get(key, 0) + attained["late"].get(key, 0) == whole


def test_late_claims_do_not_count(outcomes: dict[str, RunOutcome]) -> None:
    paid = {n: int(o.totals["paid"].sum()) for n, o in outcomes.items()}
    assert 0 < paid["quick"] < paid["all"] == paid["slow"]


REACH = Eligibility(partners=np.array([[1.0, 0.0]]), first=13.0, last=20.0, within=num(8.0))


def test_what_counts() -> None:
    """By partner; from week 13 on and not in week 20; 8 weeks after the start and not later."""
    at = {"who": [0, 1, 0, 0, 0, 0], "week": [13, 13, 12, 20, 19, 15], "waited": [1.0, 1.0, 1.0, 1.0, 8.0, 8.1]}
    got = REACH.counts(
        rep=np.zeros(6, dtype=np.int64), who=np.array(at["who"]), week=np.array(at["week"]),
        waited=np.array(at["waited"]),
    )  # fmt: skip
    assert got.tolist() == [True, False, False, False, True, False]


def test_active_weeks() -> None:
    """Of the quarter from 13 the seven weeks to 20; of four weeks from 18 two; none of the quarter before."""
    assert [REACH.active_weeks(13, 13), REACH.active_weeks(18, 4), REACH.active_weeks(0, 13)] == [7, 2, 0]


LANDS = np.array([[[0.0, 0.1, 0.3, 0.6, 0.8, 1.0]]])
"""Probability that what is set off now is claimed within 0 to 5 weeks."""


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        (-np.inf, np.inf, 0.3 * 10 + 0.7 * 4),  # always: .3 lands in the two weeks left, the rest later
        (-np.inf, 101.0, 0.1 * 10),  # ends in a week: .1 lands in time, nothing later
        (-np.inf, 104.0, 0.3 * 10 + (0.8 - 0.3) * 4),  # ends two weeks into the next window
        (101.0, np.inf, (0.3 - 0.1) * 10 + 0.7 * 4),  # starts in a week
        (103.0, 104.0, (0.8 - 0.6) * 4),  # one week of the next window
        (90.0, 100.0, 0.0),  # over
    ],
)
def test_partners_foresee_when_a_component_is_active(first: float, last: float, expected: float) -> None:
    """In week 100, two weeks before the window ends; a claim is worth 10 in this window and 4 in the next."""
    component = only('kind = "revenue_share"\nrate = 0.05')
    component = replace(component, eligibility=replace(REACH, first=first, last=last))
    assert landing_price(LANDS, component, 100, 2.0, num(10), num(4)) == pytest.approx(expected)


def test_names_must_be_of_partners_and_dates_in_order() -> None:
    """The small scenario has six resellers."""
    line = 'only_partners = ["reseller-7", "reselller"]\nfrom_week = 9\nuntil_week = 9\n'
    text = SMALL.replace("[programs.baseline.components.core]\n", "[programs.baseline.components.core]\n" + line, 1)
    found = [p.split("core.")[1] for p in problems_of(text) if "baseline.components.core" in p]
    assert found == [
        "only_partners[0] = 'reseller-7': names no partner: 'reseller' has partners 1 to 6",
        "only_partners[1] = 'reselller': names no partner: must be SEGMENT or SEGMENT-NUMBER "
        "(did you mean 'reseller'?)",
        "until_week = 9: must be above from_week, which is 9",
    ]
