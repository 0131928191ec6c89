"""Pilots lived beside the truth: what they read, by hand, and what holds for every design."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from simulator.engines.assignment import ProgramAssignment
from simulator.engines.records import DONE
from simulator.engines.totals.settlement import settle
from simulator.engines.vector.engine import VectorRun
from simulator.pilots.outcomes import OUTCOMES, Periods, sourced
from simulator.pilots.plan import Outcome, Plan
from simulator.pilots.simulate import SimulatedPilots, simulate_pilots
from simulator.reference.fit import Reference
from simulator.runs.simulate import Replications, fit_reference, prepare
from simulator.scenario.load import parse
from tests.engines.quick import quick_reference
from tests.engines.small import BASELINE, LONG_HEAD as HEAD, LONG_SMALL as SMALL
from tests.engines.test_joint import HEAD as JOINT, PLAIN, SHARED

PLAN = Plan.model_validate({"candidate": "full", "design": {"quarters": 2}})
SAME = SMALL + BASELINE.replace("programs.baseline", "programs.same")


@cache
def reference(text: str) -> Reference:
    with quick_reference(brief=False):
        return fit_reference(parse(text))


def stage(text: str, program: str = "full", replications: int = 3, fitted_on: str = "") -> Replications:
    return prepare(parse(text), reference(fitted_on or text), (program,), 5, np.arange(replications))


@pytest.fixture(scope="module")
def pilots() -> SimulatedPilots:
    return simulate_pilots(stage(SMALL), [PLAN])[0]


def test_a_plan_names_what_can_be_read() -> None:
    assert Outcome.__args__ == tuple(OUTCOMES)  # type: ignore[attr-defined]


@pytest.mark.parametrize(("assignment", "gaming"), [("parallel", False), ("switchback", True)])
def test_a_candidate_equal_to_the_baseline_does_exactly_nothing(assignment: str, gaming: bool) -> None:
    """From launch on, and across every later turn: windows are quarters, so turning breaks none. With games on, the
    pilot sees signatures on the dates on which they were filed, under both programs alike."""
    design = {"quarters": 2, "assignment": assignment}
    plan = Plan.model_validate({"candidate": "same", "design": design})
    talk = "\n[pilot]\ncontamination = 0.5\nresentment = 0.5\n"
    x = simulate_pilots(stage(SAME + talk, "same", 2, SAME), [plan], gaming=gaming)[0]
    for name, readings in x.by_outcome.items():
        if not gaming or name in ("qualified", "pipeline", "payout", "ease"):
            assert np.array_equal(readings.panel.outcome, readings.off), name
        assert np.array_equal(readings.on, readings.off), name
    assert all(np.array_equal(x.totals["on"][k], x.totals["off"][k]) for k in x.totals["off"])


def test_panels_add_up_to_what_the_life_is_settled_at() -> None:
    s = stage(SMALL)
    run = VectorRun(s.world, s.rollout("full"), s.mode[False]).run(-52, 39).finish()
    periods, totals = Periods(0, 13, 3), settle(run).totals
    per_partner = {n: OUTCOMES[n].read(run, periods, False).sum(axis=(1, 2)) for n in OUTCOMES}
    assert np.allclose(per_partner["won"], totals["won_by_partners"])
    assert np.allclose(per_partner["payout"] * 100, totals["accrued"] - totals["penalty"])
    assert np.allclose(per_partner["margin"], per_partner["gross_margin"] - per_partner["payout"])
    cells = np.ones((*run.shape, 3), dtype=bool)
    cells[:, 0] = False
    o, found = run.opps, sourced(run, OUTCOMES["won"], periods, cells)
    for r in range(3):
        mine = [k for k in range(o.rows) if o["cell"][k] // 6 == r and o["cell"][k] % 6 and not o["vendor"][k]]
        assert found[r] == sum(0 <= o["due"][k] < 39 and o["stage"][k] == DONE and not o["lost"][k] for k in mine)


def test_periods_by_hand() -> None:
    """Weeks -4 to 4 in two periods: values at -4, -0.5, 0 and 3.9 count as 1 + 2 and 4 + 8, those outside nowhere."""
    time = np.array([-4.0, -0.5, 0.0, 3.9, 4.0, -4.1])
    sums = Periods(-4, 4, 2).sums((1, 2), np.array([0, 0, 0, 0, 0, 1]), time, 2.0 ** np.arange(6))
    assert sums.tolist() == [[[3.0, 12.0], [0.0, 0.0]]]


def test_periods_before_launch_are_those_of_mature_weeks(pilots: SimulatedPilots) -> None:
    """52 weeks of burn-in less 39 in which the pipeline fills leave one quarter."""
    panel = pilots.by_outcome["bookings"].panel
    assert panel.before.shape == (3, 6, 1)
    assert panel.shape == (3, 6, 2)
    assert panel.before.any()


def test_an_attribution_by_source_credits_all_that_is_found(pilots: SimulatedPilots) -> None:
    on = pilots.by_outcome["pipeline"].panel.treated
    found = np.where(on, pilots.by_outcome["pipeline"].panel.outcome, 0.0).sum(axis=(1, 2)) / on.sum(axis=(1, 2))
    credited = pilots.contexts["pipeline"].sourced
    assert np.all((0.5 * found < credited) & (credited < found)), "all but what the vendor found"
    readings = pilots.by_outcome["pipeline"]
    assert credited.mean() > 5 * (readings.on - readings.off).mean()
    assert np.isnan(pilots.contexts["payout"].sourced).all()


def test_deals_of_two_partners_on_different_programs_are_counted() -> None:
    s = stage(JOINT + PLAIN + SHARED.replace("RULE", "equal"), "shared")
    plan = Plan.model_validate({"candidate": "shared", "design": {"quarters": 2}})
    x = simulate_pilots(s, [plan], outcomes=("qualified",), gaming=False)[0]
    found = x.contexts["qualified"]
    assert np.array_equal(found.deals, x.by_outcome["qualified"].panel.outcome.sum(axis=(1, 2)))
    # Of four partners two are on it: for each, 2 of the 3 others are not. 0.6 of the deals have a second partner.
    share = found.shared.sum() / found.deals.sum()
    assert abs(share - 0.6 * 2 / 3) < 4 * np.sqrt(0.4 * 0.6 / found.deals.sum())
    away = simulate_pilots(
        s, [Plan.model_validate({"candidate": "shared", "design": {"quarters": 2, "treated_share": 0.99}})]
    )[0]
    assert np.all(away.contexts["qualified"].shared < found.shared)


def test_surveys_are_as_reliable_as_they_say() -> None:
    """With nothing to complain of, answers are normal around 3.8 with spread 0.9, cut at 5, and the second answer of
    those who answered below 3.8 lies 0.7 as far below it as their first."""
    s = stage(SMALL.replace("count = 6", "count = 150"), replications=2, fitted_on=SMALL)
    run = VectorRun(s.world, s.rollout("baseline"), s.mode[False]).run(-52, -51)
    first, second = OUTCOMES["ease"].read(run, Periods(0, 13, 2), True).reshape(-1, 2).T
    error = 0.9 / np.sqrt(len(first) / 2)
    assert abs(np.median(first) - 3.8) < 4 * 1.25 * 0.9 / np.sqrt(len(first))
    assert first.max() == 5.0
    low = first < 3.8
    assert abs((3.8 - second[low]).mean() - 0.7 * (3.8 - first[low]).mean()) < 4 * error


def test_who_is_paid_less_than_peers_finds_it_unfair() -> None:
    """At 0.05 beside as many at 0.25 pay per booking is a third of the mean, once the year before launch is over: the
    answer falls by 2.8 * 2 / 3 where noise does not push it out of the scale; of the others it stays."""
    text = HEAD.replace("horizon_weeks = 39", "horizon_weeks = 65").replace("count = 6", "count = 40")
    text += "".join(
        f'[programs.{name}.components.core]\nkind = "revenue_share"\nrate = {rate}\n'
        for name, rate in (("baseline", 0.05), ("rich", 0.25))
    )
    s = stage(text, "rich", 1)
    schedule = np.zeros((1, 40, 65), dtype=np.int64)
    schedule[0, ::2] = 1
    start = VectorRun(s.world, s.rollout("baseline"), s.mode[False]).run(-52, 0)
    apart = start.branch(ProgramAssignment((s.offers["baseline"], s.offers["rich"]), schedule)).run(0, 65).finish()
    alike = start.branch(s.rollout("baseline")).run(0, 65).finish()
    then, now = (OUTCOMES["fairness"].read(run, Periods(52, 13, 1), True)[0, :, 0] for run in (alike, apart))
    inside = (then < 5) & (now > 1)
    booked = OUTCOMES["bookings"].read(apart, Periods(13, 52, 1), True)[0, :, 0]
    mean = (0.05 * booked[1::2].sum() + 0.25 * booked[::2].sum()) / booked.sum()
    control = inside & (np.arange(40) % 2 == 1) & (booked > 0)
    np.testing.assert_allclose((now - then)[control], -2.8 * (1 - 0.05 / mean), rtol=1e-3)
    np.testing.assert_allclose(now[::2], then[::2], atol=1e-3)  # to the cent of pay


def test_without_mature_weeks_there_is_nothing_before_launch() -> None:
    x = simulate_pilots(
        stage(SMALL.replace("burn_in_weeks = 52", "burn_in_weeks = 39"), replications=1, fitted_on=SMALL), [PLAN]
    )[0]
    assert all(readings.panel.before.shape == (1, 6, 0) for readings in x.by_outcome.values())
