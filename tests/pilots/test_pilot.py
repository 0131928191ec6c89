"""The planner from plan to brief, on small worlds, against what theory says of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

import simulator as sim
from simulator.cli.main import main
from simulator.pilots.panel import over_cells
from simulator.pilots.plan import parse_plan
from simulator.scenario.load import parse
from simulator.studies.pilot import study_of
from tests.engines.quick import quick_reference
from tests.pilots.simulated import runs

TERRITORIES = 6
HEAD = """
name = "regions"
[time]
horizon_weeks = 26
burn_in_weeks = 52
[markets.mid]
size_median = 30000
size_max = 200000
cycle_weeks = 6
[behavior]
elasticity = 1.0
rivalrous_share = {rho}
[gaming]
opportunist_share = {opportunists}
timing_cost = 50
[programs.baseline.components.core]
kind = "revenue_share"
rate = 0.05
[programs.more.components.core]
kind = "revenue_share"
rate = 0.15
"""
REGION = """
[territories.t{k}]
vendor_opportunities_per_year = 10
markets = {{ mid = 1.0 }}
[partners.p{k}]
count = 2
territory = "t{k}"
markets = {{ mid = 1.0 }}
opportunities_per_year = 60
volume_log_sd = 0.3
"""
Work = Callable[[int, int], object]
PLAN = {"candidate": "more", "design": {"quarters": 2}, "measure": {"outcome": "qualified", "estimator": "difference"}}


def world(rho: float = 0.0, opportunists: float = 0.0) -> sim.Scenario:
    """Six territories of two partners each, who may be rivals."""
    head = HEAD.format(rho=rho, opportunists=opportunists)
    return parse(head + "".join(REGION.format(k=k) for k in range(TERRITORIES)))


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    with quick_reference():
        yield


@pytest.fixture(scope="module")
def study() -> sim.Pilot:
    return sim.pilot(world(), PLAN, replications=10, seed=1)


def test_workers_and_chunks_change_nothing(study: sim.Pilot, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers hand chunks in as they are done, here the last first."""

    def late(work: Work, jobs: Sequence[tuple[int, int]], add: Callable[..., None], workers: int, _: object) -> None:
        assert workers == 3
        for first, count in reversed(jobs):
            add(first, count, work(first, count))

    monkeypatch.setattr("simulator.runs.simulate.share", late)
    assert sim.pilot(world(), PLAN, replications=10, seed=1, workers=3).to_json() == study.to_json()


def test_without_rivals_the_estimate_is_that_of_a_full_rollout(study: sim.Pilot) -> None:
    bias, lift = study.figures["bias"], study.figures["lift"]
    assert lift.mean is not None
    assert bias.mean is not None
    assert bias.se is not None
    assert lift.mean > 0.2
    assert abs(bias.mean) <= 4 * bias.se
    assert study.figures["contamination"].mean == 0.0


def test_where_partners_are_rivals_only_whole_territories_tell_the_truth() -> None:
    """With .8 of sourcing rivalrous what one partner gains its neighbour mostly loses: tried singly the lift looks
    larger than a rollout brings; territories have no rivals outside."""
    rivals = world(rho=0.8)
    territory = {**PLAN, "design": {"quarters": 2, "unit": "territory"}}
    singly, whole = (sim.pilot(rivals, plan, replications=8, seed=1).figures for plan in (PLAN, territory))
    assert singly["bias"].low is not None
    assert singly["lift"].mean is not None
    assert singly["bias"].low > 0.5 * singly["lift"].mean
    assert (singly["contamination"].high or 0.0) < 0
    assert abs(whole["bias"].mean or 0.0) <= 4 * (whole["bias"].se or 0.0)
    assert whole["contamination"].mean == 0.0
    assert whole["lift"].mean == pytest.approx(singly["lift"].mean)


def test_naive_readings_stand_beside_the_truth(study: sim.Pilot) -> None:
    """Attribution by source counts all that partners found as the effect: nearly the whole level on top."""
    got = study.figures["by_source"].mean
    assert got is not None
    assert got > 0.5


def test_before_after_overstates_by_what_timing_games_move_and_by_nothing_without() -> None:
    """Signatures are held back until the launch of a program that pays three times as much, and pulled into its last
    quarter. The same worlds without games are the control: nothing else changes at launch in them."""
    plan = {**PLAN, "measure": {"outcome": "bookings", "estimator": "difference"}}
    games, without_gaming = (
        sim.pilot(world(opportunists=share), plan, replications=16, seed=1) for share in (1.0, 0.0)
    )
    moved, more = games.figures["moved"], without_gaming.figures["pre_post"]
    assert moved.mean is not None
    assert moved.se is not None
    assert moved.mean > 4 * moved.se
    assert without_gaming.figures["moved"].mean == 0.0
    assert abs(more.mean or 0.0) <= 4 * (more.se or 0.0)
    over = []
    for c in (games.concluded, without_gaming.concluded):
        panel = c.readings.panel
        change = panel.outcome - panel.before.mean(axis=2)[..., None]
        over.append(over_cells(change, panel.treated) - c.readings.effect)
    gap = (over[0] - over[1]) / games.concluded.readings.level.mean()
    se = gap.std(ddof=1) / np.sqrt(len(gap))
    assert gap.mean() > 4 * se
    assert abs(gap.mean() - moved.mean) <= 4 * se
    text = " ".join(games.headline())
    assert "Comparing with before launch alone, the lift would look like" in text
    assert "Dates that were moved by the timing game add +" in text
    assert "no dates are moved" in " ".join(without_gaming.headline())


def test_no_effect_is_no_effect() -> None:
    same = world().with_program("same", like="baseline")
    found = sim.pilot(same, {**PLAN, "candidate": "same"}, replications=8, seed=1)
    assert found.figures["lift"].mean == 0.0
    assert found.worth.now.value == 0.0
    assert np.array_equal(found.concluded.readings.panel.outcome, found.concluded.readings.off)


def test_a_program_beside_the_candidate_takes_partners_and_no_part_in_the_comparison() -> None:
    """Without rivals what others are on changes nothing: the estimand and whoever is observed are as they would be."""
    others = world().with_program("same", like="baseline").with_program("much", like="more")
    thirds = {**PLAN, "design": {"quarters": 2, "treated_share": 0.3}}
    one, two = (
        sim.pilot(others, {**thirds, "other_arms": [name]}, replications=8, seed=1) for name in ("same", "much")
    )
    assert one.concluded.readings.panel.observed.sum(axis=1).max() < 12
    assert one.runs.partners == 12
    assert one.figures == two.figures
    assert not np.array_equal(one.runs.gained, two.runs.gained)
    bias = one.figures["bias"]
    assert abs(bias.mean or 0.0) <= 4 * (bias.se or 0.0)


def test_an_estimator_that_looks_back_needs_something_to_look_at() -> None:
    """39 weeks until the pipeline is mature and 13 of a quarter: 51 are one week short."""
    short = world().with_({"time.burn_in_weeks": 51})
    plan = {**PLAN, "measure": {"estimator": "cuped"}}
    with pytest.raises(
        sim.InputError, match=r"measure\.estimator = 'cuped': needs 1 period before launch, and there is"
    ):
        sim.pilot(short, plan, replications=8, seed=1)


def test_a_plan_may_bring_its_candidate_with_it() -> None:
    plan = {**PLAN, "candidate": "bold", "scenario": {
        "time": {"horizon_weeks": 39},
        "programs": {"bold": {"extends": "more", "components": {"core": {"rate": 0.25}}}},
    }}  # fmt: skip
    found = sim.pilot(world(), plan, replications=8, seed=1)
    assert found.scenario.time.horizon_weeks == 39
    assert found.scenario.programs["bold"].components["core"].rate == 0.25  # type: ignore[attr-defined]
    wrong = {**plan, "scenario": {"programs": {"bold": {"extends": "moore"}}}}
    with pytest.raises(sim.InputError, match=r"scenario.programs.bold.extends = 'moore'.*did you mean 'more'"):
        sim.pilot(world(), wrong, replications=2, seed=1)


def verdict(effect: float, **given: float) -> sim.Pilot:
    """A pilot of 20 partners with an effect that varies by .5 between worlds; a rollout is worth 100 x effect - 60."""
    text = 'candidate = "more"\n[design]\nquarters = 2\n[measure]\nestimator = "difference"\n'
    return study_of(world(), parse_plan(text, world()), runs(effect, spread=0.5, pilots=200, **given), 1)


def test_what_cannot_see_a_plausible_lift_is_not_to_be_run() -> None:
    found = verdict(0.6, cost=60.0)
    assert (found.blind, found.verdict) == (True, "do not run")
    assert found.headline()[0].startswith("Do not run this pilot: it would not see")


def test_what_is_surely_worth_it_is_rolled_out_at_once() -> None:
    found = verdict(3.0)
    assert (found.blind, found.verdict) == (False, "do not run")
    assert "rolling out at once is worth more" in found.headline()[0]


def test_a_pilot_that_sees_and_pays_is_to_be_run() -> None:
    found = verdict(1.6, cost=160.0)
    assert (found.verdict, found.blind) == ("run", False)
    assert found.worth.gain.low > 0
    assert "power and gains" in found.headline()[0]


def test_a_gain_within_its_error_is_called_so() -> None:
    for made, sure, open_words in (
        (verdict(1.6, cost=160.0), "gains", "may gain, which is within error"),
        (verdict(3.0), "is worth more", "may be worth more, which is within error"),
    ):
        gain = made.worth.gain
        doubtful = replace(made, worth=replace(made.worth, gain=replace(gain, low=-abs(gain.low), high=abs(gain.high))))
        assert sure in made.headline()[0]
        assert "within error" not in made.headline()[0]
        assert open_words in doubtful.headline()[0]


def test_an_estimator_that_does_not_keep_its_level_is_named_with_one_that_does() -> None:
    text = 'candidate = "more"\n[design]\nquarters = 2\n[measure]\nestimator = "difference"\n'
    made = runs(0.5, spread=0.1, pilots=200, partners=48, cluster=4, shared=1.0)
    found = study_of(world(), parse_plan(text, world()), made, 1)
    assert any("above its level of 5 %: use 'cluster', which keeps it" in line for line in found.warnings)
    assert any("takes what was assigned as one for assigned singly" in line for line in found.warnings)


def test_redesign_finds_the_cheapest_that_reaches_the_power() -> None:
    plan = {**PLAN, "cost": {"per_partner_quarter": 10.0}}
    found = sim.redesign(
        world().with_program("other", like="more"), plan, power=0.25, partners=[8, 12], assignments=["parallel"],
        outcomes=["qualified"], replications=8,
        seed=1,
    )  # fmt: skip
    table = found.table()
    by_design = table.set_index(["unit", "partners", "quarters", "estimator"])
    assert set(table["quarters"]) == {1, 2}
    groups = {(o.plan.design.treated_share, 2 + len(o.plan.other_arms), o.plan.measure.level) for o in found.options}
    assert groups == {(0.5, 2, 0.05), (0.25, 2, 0.05), (1 / 3, 3, 0.025)}
    assert set(table["partners"][table["treated_share"] < 0.5]) == {12.0}
    assert by_design.loc[("partner", 8.0, 2, "difference"), "cost"] == 160.0
    assert (table["gain"].diff().dropna() <= 0).all()
    reaching = table[(table["power"] >= 0.25) & table["holds_level"]]
    assert found.cheapest is not None
    assert found.cheapest.cost == reaching["cost"].min() < reaching["cost"].max()
    efforts = [o.effort for o in found.frontier]
    powers = [o.power.mean for o in found.frontier]
    assert efforts == sorted(efforts)
    assert powers == sorted(powers, key=lambda p: p or 0.0)
    alone = sim.pilot(world(), {**PLAN, "design": {"quarters": 2, "partners": 8}}, replications=8, seed=1)
    assert by_design.loc[("partner", 8.0, 2, "difference"), "power"] == alone.figures["power"].mean


def test_no_design_that_pays_or_sees_is_said_so() -> None:
    same = world().with_program("same", like="baseline")
    found = sim.redesign(same, {**PLAN, "candidate": "same"}, assignments=["parallel"], outcomes=["won"],
                         partners=[12], quarters=[1], replications=8, seed=1)  # fmt: skip
    assert found.cheapest is None
    assert found.headline()[0].startswith("Do not run this pilot: none of ")


def test_designs_stand_by_worth_beside_what_displacement_biases_and_none_that_does_not_pay_is_advised() -> None:
    """With .8 of sourcing rivalrous and eight territories, so that whole ones can be compared. A pilot that costs more
    than anything it may tell is not to be run, however it is designed."""
    rivals = parse(HEAD.format(rho=0.8, opportunists=0) + "".join(REGION.format(k=k) for k in range(8)))
    found = sim.redesign(
        rivals, {**PLAN, "cost": {"fixed": 1e9}}, partners=[16], quarters=[2], assignments=["parallel"], shares=[0.5],
        arms=[2], outcomes=["qualified"], estimators=["cluster"], replications=12, seed=1,
    )  # fmt: skip
    bias = {o.plan.design.unit: o.bias for o in found.options}
    assert (bias["partner"].mean or 0.0) > 4 * (bias["partner"].se or 0.0)
    assert abs(bias["territory"].mean or 0.0) <= 4 * (bias["territory"].se or 0.0)
    gains = [o.gain.value for o in found.options]
    assert gains == sorted(gains, reverse=True)
    assert {"gain", "bias", "bias_se"} <= set(found.table().columns)
    assert found.headline()[0].startswith("Do not run this pilot: none of 2 designs pays")


def test_too_few_partners_for_any_estimator_is_said_so() -> None:
    few = {**PLAN, "eligible": {"segments": ["p0", "p1"]}, "design": {"quarters": 1}}
    with pytest.raises(sim.InputError, match="must have more partners: no estimator on offer is to be trusted"):
        sim.redesign(world(), few, assignments=["parallel"], partners=[4], quarters=[1], replications=8, seed=1)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments], prog_name="incentive-sim")


def test_the_command_writes_figures_and_the_brief(tmp_path: Path) -> None:
    short = HEAD.format(rho=0, opportunists=0).replace("horizon_weeks = 26", "horizon_weeks = 13")
    (tmp_path / "world.toml").write_text(short + "".join(REGION.format(k=k) for k in range(TERRITORIES)))
    (tmp_path / "plan.toml").write_text(
        'candidate = "more"\nlabel = "<script>"\n[design]\nquarters = 1\n[measure]\noutcome = "qualified"\n'
    )
    brief = tmp_path / "brief.html"
    options = (tmp_path / "world.toml", "--plan", tmp_path / "plan.toml", "--replications", 20)
    result = run("pilot", *options, "--out", brief, "--json", tmp_path / "figures.json")
    assert result.exit_code == 0, result.output
    assert "What was checked, against the truth" in result.stdout
    assert json.loads((tmp_path / "figures.json").read_text())["plan"]["candidate"] == "more"
    result = run("pilot-design", *options, "--json", tmp_path / "designs.json")
    assert result.exit_code == 0, result.output
    assert "Designs by net value of piloting" in result.stdout
    assert json.loads((tmp_path / "designs.json").read_text())["options"]
    page = brief.read_text()
    assert "&lt;script&gt;" in page
    assert "<script" not in page
    for said in ("Who", "How long", "Measured", "Decides", "What it can detect", "What it cannot tell"):
        assert said in page


def test_a_bad_plan_is_refused_with_place_and_rule(tmp_path: Path) -> None:
    (tmp_path / "world.toml").write_text(HEAD.format(rho=0, opportunists=0)
                                         + REGION.format(k=0))  # fmt: skip
    (tmp_path / "plan.toml").write_text('candidate = "moore"\n[design]\nquarters = 0\n')
    result = run("pilot", tmp_path / "world.toml", "--plan", tmp_path / "plan.toml")
    assert result.exit_code == 2
    assert "plan.toml:1: candidate = 'moore'" in result.stderr
    assert "plan.toml:3: design.quarters = 0: must be between 1 and 20" in result.stderr


def test_looks_and_limits_end_pilots_and_change_what_they_decide_and_cost() -> None:
    plan = {
        **PLAN, "interim": {"looks": 2, "boundary": "pocock"}, "cost": {"fixed": 100.0, "per_partner_quarter": 10.0},
        "guardrails": {"max_cost_overrun": 0.01, "min_lift": -1.0},
    }  # fmt: skip
    found = sim.pilot(world(), plan, replications=10, seed=1)
    seen, worth = found.concluded.seen, found.worth
    assert seen.periods.tolist() == [1, 2]
    assert seen.stopped.any()  # three times the rate costs more
    assert not found.concluded.go[seen.stopped].any()
    assert worth.cost == pytest.approx(100 + 10 * 12 * seen.ends.mean())
    assert worth.cost < worth.most == 340.0
    assert worth.early is not None
    whole = sim.pilot(world(), {**plan, "interim": {}, "guardrails": {}}, replications=10, seed=1)
    assert whole.worth.early is None
    assert worth.early.value == pytest.approx(worth.gain.value - whole.worth.gain.value)
    text = " ".join(found.headline())
    for said in ("With 2 looks", "Its limits stop it in", "which is no go", "of 26 weeks on average and costs"):
        assert said in text
    assert found.to_dict()["looks"]["stopped_for_harm"] == seen.stopped.mean()


def test_a_limit_on_gaming_stops_pilots_of_those_who_game() -> None:
    """Where all are opportunists, signatures held back until launch are paid at three times the rate; where none is,
    the twin that does not game is paid the same to the cent."""
    plan = {**PLAN, "guardrails": {"max_gaming_share": 0.02}}
    games, without_gaming = (sim.pilot(world(opportunists=share), plan, replications=8, seed=1) for share in (1.0, 0.0))
    assert games.concluded.seen.stopped.mean() >= 0.5
    assert not without_gaming.concluded.seen.stopped.any()
    fair, paid = without_gaming.runs.without_gaming, without_gaming.runs.by_outcome["payout"].panel.outcome
    assert fair is not None
    assert np.array_equal(fair, paid)


def test_looks_without_a_boundary_are_warned_of() -> None:
    text = """
    candidate = "more"
    design = { quarters = 2, period_weeks = 2 }
    interim = { looks = 6, boundary = "none" }
    measure = { estimator = "difference" }
    """
    found = study_of(world(), parse_plan(text, world()), runs(0.5, spread=0.1, pilots=60, periods=13), 1)
    assert any("give its looks a boundary" in line for line in found.warnings)
