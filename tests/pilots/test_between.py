"""What happens between the groups of a pilot: leaks, resentment, displacement, dates that are moved at its launch."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from simulator.core.arrays import Array
from simulator.engines.assignment import ProgramAssignment
from simulator.engines.vector.engine import VectorRun
from simulator.pilots.panel import spill
from simulator.pilots.plan import Plan
from simulator.pilots.simulate import SimulatedPilots, simulate_pilots
from simulator.reference.fit import Reference
from simulator.runs.simulate import Replications, fit_reference, prepare
from simulator.scenario.load import parse
from simulator.scenario.schema import Scenario
from tests.engines.quick import quick_reference

TERRITORIES = 8
TEXT = """
name = "eight territories"
[time]
horizon_weeks = 26
burn_in_weeks = 39
[markets.mid]
size_median = 30000
size_max = 2000000
cycle_weeks = 6
[behavior]
elasticity = 1.0
adjustment_weeks = 1
rivalrous_share = RIVALROUS
[pilot]
contamination = LEAK
resentment = HURT
[gaming]
opportunist_share = 1.0
timing = true
timing_cost = 0
[programs.baseline.components.core]
kind = "revenue_share"
rate = 0.05
[programs.better.components.core]
kind = "revenue_share"
rate = 0.25
[programs.worse.components.core]
kind = "revenue_share"
rate = 0.01
""" + "".join(
    f"""
[territories.t{k}]
vendor_opportunities_per_year = 0
markets = {{ mid = 1.0 }}
[partners.p{k}]
count = 4
territory = "t{k}"
markets = {{ mid = 1.0 }}
opportunities_per_year = 30
volume_log_sd = 0.2
"""
    for k in range(TERRITORIES)
)
SHORT = {"quarters": 2}


def scenario(rivalrous: float = 0.0, leak: float = 0.0, hurt: float = 0.0) -> Scenario:
    """The scenario with what happens between groups."""
    return parse(TEXT.replace("RIVALROUS", str(rivalrous)).replace("LEAK", str(leak)).replace("HURT", str(hurt)))


@cache
def reference() -> Reference:
    """What partners take for granted; nothing between groups is part of it."""
    with quick_reference():
        return fit_reference(scenario())


def stage(replications: int, program: str = "better", **between: float) -> Replications:
    return prepare(scenario(**between), reference(), (program,), 3, np.arange(replications))


def pilots(s: Replications, program: str = "better", *, gaming: bool = False, **design: object) -> SimulatedPilots:
    plan = Plan.model_validate({"candidate": program, "design": {**SHORT, **design}})
    return simulate_pilots(s, [plan], outcomes=("qualified", "bookings"), gaming=gaming)[0]


def spilled(x: SimulatedPilots) -> Array:
    """What the pilot changes for the partners that are not on the candidate, per partner and period; (R,)."""
    panel = x.by_outcome["qualified"].panel
    change = np.where(panel.treated, 0.0, panel.outcome - x.by_outcome["qualified"].off)
    return np.asarray(change.sum(axis=(1, 2)) / (~panel.treated).sum(axis=(1, 2)))


def all_but_first(s: Replications, leave_out: bool) -> VectorRun:
    """Everybody on the candidate but, if so, the first partner of every territory; honest."""
    schedule = np.ones((1, s.world.shape[1], 26), dtype=np.int64)
    if leave_out:
        schedule[0, ::4] = 0
    run = VectorRun(s.world, s.rollout("baseline"), s.mode[False]).run(-39, 0)
    offers = (s.offers["baseline"], s.offers["better"])
    return run.branch(ProgramAssignment(offers, schedule)).run(0, 26).finish()


def test_with_a_full_leak_the_last_control_works_as_if_it_were_treated() -> None:
    s = stage(2, leak=1.0)
    everyone, others = all_but_first(s, False), all_but_first(s, True)
    for q, same in zip(others.effort.activity, everyone.effort.activity, strict=True):
        np.testing.assert_allclose(q, same, rtol=1e-9)
    assert np.array_equal(others.opps["deal"][:], everyone.opps["deal"][:])
    paid = [
        sum(c.accrued for b in (*x.closed, *x.accounts) for c in b.closings if c.end > 0) for x in (others, everyone)
    ]
    np.testing.assert_allclose(5 * paid[0][:, ::4], paid[1][:, ::4], atol=5)  # the same deals at 0.05, not 0.25
    assert np.array_equal(paid[0][:, 1::4], paid[1][:, 1::4])


def test_resentment_makes_controls_work_less_than_with_no_pilot() -> None:
    s = stage(2, hurt=1.0)
    x = pilots(s, treated_share=0.75)
    control = ~x.by_outcome["qualified"].panel.treated
    assert spilled(x).mean() < 0
    assert np.array_equal(
        np.where(control, 0, x.by_outcome["qualified"].panel.outcome)[~control], x.by_outcome["qualified"].on[~control]
    )
    away = pilots(s, unit="territory")
    assert not spilled(away).any(), "no others of one's own territory are on it"


@pytest.mark.parametrize("unit", ["partner", "territory"])
def test_displacement_deceives_where_partners_are_assigned_and_not_where_territories_are(unit: str) -> None:
    """With 0.8 of sourcing rivalrous. The contrast that the same assignment shows with nobody on the candidate is taken
    off: its mean is 0 under random assignment, and so is much of the noise."""
    s = stage(24, rivalrous=0.8)
    x = pilots(s, unit=unit)
    readings = x.by_outcome["qualified"]
    on, shown, effect = readings.panel.treated, readings.panel.outcome - readings.off, readings.on - readings.off
    contrast = np.array([d[t].mean() - d[~t].mean() for d, t in zip(shown, on, strict=True)])
    gap = contrast - effect.mean(axis=(1, 2))
    z = gap.mean() / (gap.std(ddof=1) / np.sqrt(len(gap)))
    assert effect.mean() > 0
    if unit == "partner":
        assert z > 8
        assert contrast.mean() > 2 * effect.mean()
        assert spilled(x).mean() < 0
    else:
        assert abs(z) < 4
        assert not spilled(x).any()


def test_what_controls_feel_is_told_by_channel() -> None:
    """Rivalry does what it does where nobody talks, resentment takes away and leaks give; together they are all."""
    everything, rivals, leaks = (
        pilots(stage(3, **between), treated_share=0.75)
        for between in ({"rivalrous": 0.5, "leak": 0.5, "hurt": 0.3}, {"rivalrous": 0.5}, {"leak": 0.5})
    )
    parts = everything.contexts["qualified"].spilled
    panel = everything.by_outcome["qualified"].panel
    assert np.array_equal(sum(parts.values()), spill(panel, panel.outcome - everything.by_outcome["qualified"].off))
    assert np.array_equal(parts["rivalry"], rivals.contexts["qualified"].spilled["rivalry"])
    assert parts["resentment"].sum() < 0 < parts["contamination"].sum()
    assert set(rivals.contexts["qualified"].spilled) == {"rivalry"}
    assert not leaks.contexts["qualified"].spilled["rivalry"].any()
    assert leaks.contexts["qualified"].spilled["contamination"].sum() > 0


@pytest.mark.parametrize(("program", "moved"), [("better", 1), ("worse", -1)])
def test_dates_are_moved_across_a_pilots_launch_by_those_it_pays(program: str, moved: int) -> None:
    """Held back until the launch of a candidate that pays more, pulled before that of one that pays less; filed dates
    then tell more of a change than there is. Who stays on the baseline has no reason to."""
    s = stage(4, program)
    start = VectorRun(s.world, s.rollout("baseline"), s.mode[True]).run(-39, 0)
    schedule = np.zeros((1, s.world.shape[1], 26), dtype=np.int64)
    schedule[0, ::2] = 1
    run = start.branch(ProgramAssignment((s.offers["baseline"], s.offers[program]), schedule)).run(0, 26).finish()
    c = run.claims
    at_launch = np.flatnonzero((c["moved"] == moved) & (c["week"] == (0 if moved > 0 else -1)))
    assert len(at_launch) > 10
    assert np.all(c["cell"][at_launch] % 2 == 0)
    x = pilots(s, program, gaming=True)
    panel = x.by_outcome["bookings"].panel
    first, treated = panel.outcome[..., 0] - x.by_outcome["bookings"].off[..., 0], panel.treated[..., 0]
    true = x.by_outcome["bookings"].on[..., 0] - x.by_outcome["bookings"].off[..., 0]
    excess = (first - true)[treated].mean()
    assert excess > 0 if moved > 0 else excess < 0
