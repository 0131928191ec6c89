"""The engines against each other and against the promises of the model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from simulator.core.errors import InputError, SimulatorError
from simulator.core.streams import Streams
from simulator.engines.totals.settlement import settle
from simulator.engines.vector.engine import VectorRun
from simulator.runs.simulate import RESPONSE_LEVELS, SimulationResult, fit_reference, prepare, simulate
from simulator.scenario.load import parse
from simulator.scenario.paths import with_values
from simulator.scenario.schema import Scenario
from simulator.studies.trace import trace
from simulator.studies.verify import verify
from simulator.world.setting import compile_setting
from simulator.world.world import World
from tests.engines.quick import quick_reference

SCENARIOS = Path(__file__).parent.parent / "scenarios"

RICH = """
name = "rich"
[time]
horizon_weeks = 39
burn_in_weeks = 65
[markets.mid]
size_median = 30000
size_max = 2000000
[markets.large]
size_median = 200000
size_log_sd = 0.8
size_max = 5000000
win_probability = 0.15
signature_weeks = 3.0
[territories.north]
vendor_opportunities_per_year = 60
markets = { mid = 1.0 }
[territories.south]
vendor_opportunities_per_year = 20
markets = { mid = 0.5, large = 0.5 }
[partners.reseller]
count = 7
territory = "north"
markets = { mid = 1.0 }
opportunities_per_year = 45
[partners.consultancy]
count = 4
territory = "south"
markets = { mid = 0.4, large = 0.6 }
opportunities_per_year = 25
[gaming]
opportunist_share = 0.6
misreport_cost = 1500
timing_cost = 50
[behavior]
elasticity = 0.8
[programs.baseline.components.core]
kind = "revenue_share"
rate = 0.05
tiers = [{ above = 150000, rate = 0.08 }]
terms = { clawback_weeks = 26, holdback_share = 0.2, cap = 40000 }
[programs.copy.components.core]
kind = "revenue_share"
rate = 0.05
tiers = [{ above = 150000, rate = 0.08 }]
terms = { clawback_weeks = 26, holdback_share = 0.2, cap = 40000 }
[programs.full]
deal_ceiling = 0.08
admin_cost_per_year = 10000
[programs.full.tiers]
levels.silver = { criteria = [{ measure = "revenue", at_least = 300000 }] }
levels.gold = { criteria = [{ measure = "revenue", at_least = 900000 }, { measure = "certification", at_least = 2 }] }
[programs.full.components.core]
kind = "revenue_share"
rate = 0.03
tiering = "retroactive"
tiers = [{ above = 200000, rate = 0.06 }]
payout_by_tier = { gold = 1.3, silver = 1.1 }
exclusive_group = "main"
terms = { clawback_weeks = 39, holdback_share = 0.25, floor = 500 }
[programs.full.components.alternative]
kind = "accelerator"
rate = 0.04
multiples = [{ above = 1.0, multiple = 2.0 }]
exclusive_group = "main"
[programs.full.components.registered]
kind = "deal_registration"
uplift = 0.05
min_amount = 20000
registrations_per_quarter = 3
protection_weeks = 20
[programs.full.components.by_size]
kind = "revenue_share"
window = "claim"
rate = 0.04
tiers = [{ above = 50000, rate = 0.01 }]
accounts = "new"
[programs.full.components.demos]
kind = "activity_credit"
measure = "demo"
amount = 400
limit = 4
terms = { audit_rate = 0.3, audit_cost = 20, penalty_multiple = 2.0 }
[programs.full.components.spiff]
kind = "activity_credit"
window = "claim"
measure = "pilot"
amount = 900
[programs.full.components.certificates]
kind = "activity_credit"
measure = "certification"
amount = 700
[programs.full.components.year]
kind = "bonus"
window = "year"
lumps = [{ at = 500000, amount = 15000 }, { at = 900000, amount = 20000 }]
[programs.full.components.growth]
kind = "growth"
window = "half"
points = [{ growth = 0.1, points = 0.01 }, { growth = 0.4, points = 0.03 }]
credit_by_engagement = { assisted = 0.5 }
credit_by_complexity = { complex = 1.5 }
"""


@pytest.fixture(autouse=True, scope="module")
def quick() -> Iterator[None]:
    with quick_reference():
        yield


@pytest.fixture(scope="module")
def rich() -> Scenario:
    return parse(RICH)


@pytest.fixture(scope="module")
def simulated(rich: Scenario) -> SimulationResult:
    return simulate(rich, programs=("copy", "full"), replications=6, seed=5)


def same(a: SimulationResult, b: SimulationResult, count: int) -> bool:
    """Whether the first `count` replications are the same in every total that both have."""
    return all(
        np.array_equal(a.totals[key][name][:count], b.totals[key][name][:count])
        for key in a.totals.keys() & b.totals.keys()
        for name in a.totals[key]
    )


def test_engines_agree_on_every_component_kind(rich: Scenario) -> None:
    result = verify(rich, programs=("full",), replications=2, seed=5)
    assert result.agrees, str(result)
    assert result.ledger_lines > 1000
    assert result.checked > 1000


def test_results_do_not_depend_on_chunks_or_workers(rich: Scenario, simulated: SimulationResult) -> None:
    for chunk, workers, count in ((1, 1, 2), (5, 1, 6), (3, 2, 6)):
        other = simulate(rich, programs=("copy", "full"), replications=count, seed=5, chunk=chunk, workers=workers)
        assert same(simulated, other, count), (chunk, workers)


def test_more_replications_and_fewer_programs_change_nothing_else(rich: Scenario, simulated: SimulationResult) -> None:
    assert same(simulated, simulate(rich, programs=("copy",), replications=8, seed=5), 6)
    other = simulate(rich, programs=("copy",), replications=6, seed=6)
    assert not np.array_equal(
        simulated.totals["baseline", "strategic"]["cost"], other.totals["baseline", "strategic"]["cost"]
    )


def test_a_program_against_itself_differs_by_exactly_nothing(simulated: SimulationResult) -> None:
    for level in RESPONSE_LEVELS:
        for name, value in simulated.totals["baseline", level].items():
            assert np.array_equal(value, simulated.totals["copy", level][name]), (level, name)


def test_components_that_pay_nothing_change_nothing(rich: Scenario) -> None:
    """The baseline with four more components at rate 0: every total but their own cost is the same, and that is 0."""
    idle = (
        '{ kind = "bonus", lumps = [{ at = 80000, amount = 0 }] }',
        '{ kind = "accelerator", rate = 0, multiples = [{ above = 1.0, multiple = 3.0 }] }',
        '{ kind = "activity_credit", measure = "demo", amount = 0 }',
        '{ kind = "deal_registration", uplift = 0 }',
    )
    core = RICH.split("[programs.copy.components.core]")[1].split("[programs.full]")[0]
    more = "".join(
        f"[programs.idle.components]\nidle{k} = {text}\n" if k == 0 else f"idle{k} = {text}\n"
        for k, text in enumerate(idle)
    )
    both = parse(f"{RICH}{more}[programs.idle.components.core]{core}")
    simulated = simulate(both, programs=("idle",), replications=3, seed=5)
    for level in RESPONSE_LEVELS:
        own, base = simulated.totals["idle", level], simulated.totals["baseline", level]
        for name, value in own.items():
            assert np.array_equal(value, base[name] if name in base else np.zeros(3)), (level, name)


def test_on_the_static_rung_programs_differ_in_payout_only(simulated: SimulationResult) -> None:
    base, full = simulated.totals["baseline", "static"], simulated.totals["full", "static"]
    payout = ("accrued", "forfeited", "clawed_back", "paid", "penalty", "audit", "admin", "cost", "deadweight")
    behaviour = [n for n in base if n not in payout and not n.startswith(("cost.", "tier.", "fair."))]
    assert len(behaviour) > 20
    for name in behaviour:
        assert np.array_equal(base[name], full[name]), name
    assert not np.array_equal(base["accrued"], full["accrued"])


@pytest.mark.parametrize(
    "change",
    [
        {"gaming.opportunist_share": 0.0},
        {"gaming.timing": False, "gaming.padding": False, "gaming.credit_claiming": False},
    ],
)
def test_without_opportunists_or_games_the_gaming_loss_is_exactly_nothing(
    rich: Scenario, change: dict[str, object]
) -> None:
    without_gaming = simulate(with_values(rich, change), programs=("full",), replications=4, seed=5)
    for program in ("baseline", "full"):
        for name, value in without_gaming.totals[program, "responsive"].items():
            assert np.array_equal(value, without_gaming.totals[program, "strategic"][name]), name


def test_with_opportunists_there_is_something_to_lose(simulated: SimulationResult) -> None:
    extra = simulated.totals["full", "strategic"]["cost"] - simulated.totals["full", "responsive"]["cost"]
    assert extra.mean() > 0
    assert simulated.totals["full", "strategic"]["false_claims"].sum() > 0
    assert simulated.totals["baseline", "strategic"]["pushed"].sum() > 0


def test_a_linear_plan_moves_no_signature(rich: Scenario) -> None:
    plain = parse(
        RICH.split("[programs.baseline")[0] + '[programs.baseline.components.core]\nkind="revenue_share"\nrate=0.05\n'
    )
    linear = simulate(with_values(plain, {"gaming.opportunist_share": 1.0}), programs=(), replications=8, seed=5)
    moved = linear.totals["baseline", "strategic"]
    assert moved["pulled"].sum() == 0
    assert moved["pushed"].sum() == 0
    convex = simulate(with_values(rich, {"gaming.opportunist_share": 1.0}), programs=(), replications=8, seed=5)
    assert convex.totals["baseline", "strategic"]["pushed"].sum() > 0


def test_the_ledger_closes_to_the_cent(rich: Scenario) -> None:
    stage = prepare(rich, fit_reference(rich), ("full",), 5, np.arange(6))
    run = VectorRun(stage.world, stage.rollout("full"), stage.mode[True]).run(-65, 39).finish()
    rows = settle(run).ledger
    assert np.array_equal(rows["accrued"], rows["paid"] + rows["forfeited"] + rows["clawed_back"])
    for name in ("accrued", "paid", "forfeited", "clawed_back", "penalty"):
        assert rows[name].min() >= 0, name
    assert rows["clawed_back"].sum() > 0
    assert rows["forfeited"].sum() > 0
    assert rows["penalty"].sum() > 0
    assert (
        rows["accrued"][rows["attained"] == 0].sum()
        == rows["accrued"][rows["component"] >= 2][rows["attained"][rows["component"] >= 2] == 0].sum()
    )
    base = VectorRun(stage.world, stage.rollout("baseline"), stage.mode[True]).run(-65, 39).finish()
    assert settle(base).ledger["accrued"].max() == 40000 * 100  # the cap binds, and somebody reaches it


def test_removing_a_cap_raises_effort_and_bookings(rich: Scenario) -> None:
    uncapped = RICH + (
        '[programs.uncapped.components.core]\nkind = "revenue_share"\nrate = 0.05\n'
        "tiers = [{ above = 150000, rate = 0.08 }]\n"
    )
    capped = uncapped.replace("cap = 40000", "cap = 8000")
    simulated = simulate(parse(capped), programs=("uncapped",), replications=60, seed=9)
    free, base = simulated.totals["uncapped", "responsive"], simulated.totals["baseline", "responsive"]
    for name in ("activity.source", "bookings"):
        gain = (free[name] - base[name]).astype(float)
        assert gain.mean() > 4 * gain.std(ddof=1) / np.sqrt(len(gain)), name


def test_more_audit_means_fewer_false_claims_and_enough_of_it_none(rich: Scenario) -> None:
    path = "programs.full.components.demos.terms"
    quiet = {"programs.full.components.spiff.amount": 0.0, "programs.full.components.certificates.amount": 0.0}
    counts = []
    for rate, penalty in ((0.0, 0.0), (0.3, 1.0), (0.6, 1.0)):
        scenario = with_values(rich, {f"{path}.audit_rate": rate, f"{path}.penalty_multiple": penalty, **quiet})
        simulated = simulate(scenario, programs=("full",), replications=4, seed=5)
        counts.append(int(simulated.totals["full", "strategic"]["false_claims"].sum()))
    assert counts[0] > counts[1] > counts[2] == 0  # .6 > m / (m + F) = .5


def test_a_replay_costs_what_the_study_says(rich: Scenario, simulated: SimulationResult, tmp_path: Path) -> None:
    replays = {level: trace(rich, program="full", replication=4, seed=5, level=level) for level in RESPONSE_LEVELS}
    for level, replay in replays.items():
        assert replay.outcome.totals["cost"][0] == simulated.totals["full", level]["cost"][4]
    strategic = replays["strategic"]
    prices = [row[7] for row in strategic.log if row[3] == "claim" and row[0] >= 0]
    assert prices
    assert all(p is not None and p > -1e-6 for p in prices)
    paid = sum(row[4] for row in strategic.log if row[3] in ("paid", "clawed back") and row[0] > 0)
    assert paid * 100 == pytest.approx(strategic.outcome.totals["paid"][0], abs=0.5)
    assert "ten costliest decisions" in strategic.text()
    assert "Statement of reseller-1" in strategic.statement(0).text()
    target = strategic.write(tmp_path / "log.csv")
    assert len(target.read_text().splitlines()) == len(strategic.log) + 1
    with pytest.raises(SimulatorError, match="exists"):
        strategic.write(target)


def test_no_program_costs_nothing(simulated: SimulationResult) -> None:
    for level in RESPONSE_LEVELS:
        assert simulated.totals["none", level]["cost"].sum() == 0
        assert simulated.totals["none", level]["bookings"].min() > 0


def test_adding_a_partner_elsewhere_changes_no_draw_of_the_others(rich: Scenario) -> None:
    more = with_values(rich, {"partners.reseller.count": 9})
    one, other = (World(compile_setting(s), Streams(5), np.arange(3)) for s in (rich, more))
    for name in ("rate", "size_effect", "win_effect", "opportunist", "misreport_cost"):
        before, after = getattr(one, name), getattr(other, name)
        assert np.array_equal(before[:, :7], after[:, :7]), name
        assert np.array_equal(before[:, 7:], after[:, 9:]), name
    assert np.array_equal(one.demand, other.demand)


@pytest.mark.parametrize("wrong", [{"program": "fulll"}, {"replication": -1}, {"level": "greedy"}])
def test_a_replay_of_what_is_not_there_is_refused(rich: Scenario, wrong: dict[str, object]) -> None:
    asked = {"program": "full", "replication": 0, "level": "strategic"} | wrong
    with pytest.raises(InputError, match="must be"):
        trace(rich, **asked)  # type: ignore[arg-type]
