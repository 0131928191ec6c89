"""Series by week against the event engine's log, which is kept as things happen, and against the totals."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from simulator.engines.events.engine import EventRun
from simulator.engines.ledger import RunOutcome
from simulator.engines.totals.cash_flow import QUANTITIES, CashFlow, series
from simulator.engines.totals.settlement import settle
from simulator.engines.vector.engine import VectorRun
from simulator.runs.simulate import fit_reference, prepare
from simulator.scenario.load import parse
from tests.engines.quick import quick_reference
from tests.engines.small import BASELINE, CANDIDATE, HEAD

# The baseline's component has a name of its own, so that what it still pays after launch can be left out.
TEXT = (
    HEAD
    + BASELINE.replace("components.core", "components.base")
    + CANDIDATE
    + """
[programs.full.components.promised]
kind = "upfront_commitment"
amount = 1000.0
target = 90000.0
terms = { clawback_weeks = 26 }
"""
)
DISPUTED = TEXT.replace("misreport_cost = 1500", "misreport_cost = 50").replace(
    "[behavior]", "[disputes]\nclaimed_probability = 1.0\noverturned_share = 0.3\ndelay_weeks = 9.0\n[behavior]"
)
CENTS = 100.0


@cache
def simulated(text: str = TEXT) -> tuple[CashFlow, RunOutcome, list[tuple]]:  # type: ignore[type-arg]
    """Three replications of the candidate: series, outcome, and the event log of the last of them."""
    with quick_reference():
        scenario = parse(text)
        reference = fit_reference(scenario)
        stage = prepare(scenario, reference, ("full",), 5, np.arange(3))
        start = VectorRun(stage.world, stage.rollout("baseline"), stage.mode[True]).run(-26, 0).compact(0)
        run = start.branch(stage.rollout("full")).run(0, 39).finish()
        alone = prepare(scenario, reference, ("full",), 5, np.array([2]))
        log = EventRun(alone.world, alone.rollout("full"), alone.mode[True], log=True).run().log
    assert log is not None
    return series(run), settle(run), log


def logged(text: str, *events: str, apart: bool = False) -> np.ndarray:  # type: ignore[type-arg]
    """Sum of logged amounts by the end of each week from launch; apart: of what is paid in advance, not the rest."""
    found = np.zeros(40)
    for time, _, _, event, amount, component, *_ in simulated(text)[2]:
        if event in events and 0 < time <= 39 and component != "base" and (component == "promised") == apart:
            found[int(np.ceil(time)) :] += amount
    return found


@pytest.mark.parametrize("text", [TEXT, DISPUTED], ids=["plain", "disputed"])
def test_cash_and_liability_are_those_of_the_log_week_by_week(text: str) -> None:
    found = simulated(text)[0].weeks
    cash = logged(text, "paid", "clawed back", "penalty")
    assert cash[-1] > 0
    assert logged(text, "clawed back")[-1] < 0
    assert logged(text, "penalty")[-1] < 0
    # An advance is paid six weeks into its quarter, so all that is lost on it later is cash that comes back.
    ahead = logged(text, "paid", "clawed back", "forfeited", apart=True)
    assert logged(text, "forfeited", apart=True)[-1] < 0
    assert_allclose(found["cash"][2], cash + ahead, atol=0.5)
    owed = logged(text, "accrued", "forfeited") - logged(text, "paid")
    advanced = np.zeros(40)  # accrued at the start of week 0, 13 and 26, which the log notes at launch, too
    for time, _, _, event, amount, component, *_ in simulated(text)[2]:
        if event == "accrued" and component == "promised" and 0 <= time < 39:
            advanced[int(time) :] += amount
    assert_allclose(found["liability"][2], owed + advanced - logged(text, "paid", apart=True), atol=0.5)
    assert (found["liability"] >= -0.5).all()


def test_pipeline_and_bookings_are_those_of_the_log_week_by_week() -> None:
    found, outcome, log = simulated()
    gap = {}
    for name, event in (("pipeline", "qualified"), ("bookings", "signed")):
        mine = [(t, amount) for t, _, _, e, amount, *_ in log if e == event and 0 <= t < 39]
        expected = np.array([sum(amount for t, amount in mine if t <= week) for week in range(40)])
        assert expected[-1] > 0
        gap[name] = expected - found.weeks[name][2]
    assert_allclose(gap["pipeline"], 0.0, atol=0.5)
    # The log has amounts before what was conceded to sign early.
    assert gap["bookings"][-1] == outcome.totals["conceded"][2]
    assert (np.diff(gap["bookings"]) >= 0).all()


def test_the_last_week_is_the_total() -> None:
    found, outcome, _ = simulated()
    for name in ("pipeline", "bookings"):
        assert_allclose(found.weeks[name][:, -1], outcome.totals[name])
    assert_array_equal(found.paid.sum(axis=1), outcome.totals["paid"] - outcome.totals["penalty"])
    assert all(found.weeks[name].shape == (3, 40) for name in QUANTITIES)


def test_attainment_is_told_against_the_first_threshold() -> None:
    # 3 %, 6 % from 200,000 on: one threshold, attainment in its units; growth points start at 10 % over last year.
    found, outcome, _ = simulated()
    assert found.thresholds["core"] == (1.0,)
    core = outcome.ledger["component"] == 0
    mine = core & (outcome.ledger["end"] > 0) & (outcome.ledger["attained"] > 0)
    assert_allclose(
        np.sort(found.reached["core"]), np.sort(outcome.ledger["attained"][mine] / (200_000 * CENTS)), rtol=1e-12
    )
    assert set(found.reached) == {"core", "demos", "growth", "promised"}


def test_signatures_filed_are_counted_once() -> None:
    found, outcome, _ = simulated()
    filed = sum(1 for t, _, _, event, *_ in simulated()[2] if event == "signed" and 0 <= t < 39)
    moved = outcome.totals["pulled"][2] + outcome.totals["pushed"][2]
    assert abs(found.signed[2].sum() - outcome.totals["won_by_partners"][2]) <= moved
    assert outcome.totals["won_by_partners"][2] <= filed
