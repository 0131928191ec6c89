"""Plan files: defaults, and one message per fault, all at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.core.errors import InputError
from simulator.pilots.plan import load_plan, parse_plan, plan_of, scenario_of
from simulator.scenario.load import load, parse
from simulator.scenario.schema import Scenario
from tests.scenario.texts import SMALL

SCENARIOS = Path(__file__).parents[2] / "scenarios"
SHORT = 'candidate = "growth"\n[design]\nquarters = 2\n'
WRONG = """\
candidate = "grwth"
[eligible]
segments = ["reseler"]
min_size = 500
max_size = 400
tenure_quarters = 5
[design]
assignment = "stepped_wedge"
unit = "territory"
quarters = 3
period_weeks = 26
partners = "8"
treated_share = 50
lenght = 3
[measure]
outcome = "booking"
level = 0.9
[decision]
threshold = 0.02
[interim]
looks = 4
[rollout]
milestones = [{ quarter = 1, share = 0.5 }, { quarter = 1, share = 0.4 }]
"""


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return parse(SMALL)


def faults(text: str, scenario: Scenario) -> list[str]:
    with pytest.raises(InputError) as caught:
        parse_plan(text, scenario)
    return str(caught.value).splitlines()


def test_three_lines_are_a_plan(scenario: Scenario) -> None:
    plan = parse_plan(SHORT, scenario)
    assert (plan.weeks, plan.periods, plan.steps) == (26, 2, 1)
    assert (plan.design.assignment, plan.design.partners, plan.measure.outcome) == ("parallel", None, "bookings")
    assert (plan.measure.level, plan.decision.rule, plan.interim.looks) == (0.05, "significant", 1)


def test_steps_are_as_many_as_the_periods_allow(scenario: Scenario) -> None:
    monthly = SHORT + 'period_weeks = 2\nassignment = "{}"\n'
    assert parse_plan(monthly.format("stepped_wedge"), scenario).steps == 12
    assert parse_plan(monthly.format("switchback"), scenario).steps == 13
    assert parse_plan(monthly.format("switchback") + "steps = 4\n", scenario).steps == 4


def test_all_faults_of_a_plan_are_told_at_once(scenario: Scenario) -> None:
    assert faults(WRONG, scenario) == [
        "plan:1: candidate = 'grwth': must be a candidate program of the scenario (did you mean 'growth'?)",
        "plan:3: eligible.segments[0] = 'reseler': names no partner segment (did you mean 'reseller'?)",
        "plan:5: eligible.max_size = 400.0: must be above min_size, which is 500",
        "plan:6: eligible.tenure_quarters = 5: must be at most 4, the quarters before launch that the scenario "
        "simulates (raise time.burn_in_weeks there)",
        "plan:12: design.partners = '8': must be a whole number (leave out the quotes)",
        "plan:13: design.treated_share = 50: must be above 0 and below 1 (did you mean 0.5?)",
        "plan:14: design.lenght = 3: unknown key (known keys: assignment, unit, partners, treated_share, quarters, "
        "period_weeks, steps)",
        "plan:16: measure.outcome = 'booking': must be 'qualified', 'pipeline', 'won', 'bookings', 'gross_margin', "
        "'payout', 'margin', 'fairness' or 'ease' (did you mean 'bookings'?)",
        "plan:17: measure.level = 0.9: must be above 0 and at most 0.5",
        "plan:19: decision.threshold = 0.02: is not used by the rule 'significant' (leave it out, or use "
        "'above_threshold')",
        "plan:23: rollout.milestones[1].quarter = 1: must be above that of the milestone before, which is 1",
        "plan:23: rollout.milestones[1].share = 0.4: must be above that of the milestone before, which is 0.5",
    ]


@pytest.mark.parametrize(
    ("design", "message"),
    [
        ("quarters = 3", "design.quarters = 3: must be at most 2, the scenario's horizon (raise time.horizon_weeks"),
        ("period_weeks = 4", "design.period_weeks = 4: must divide the 26 weeks of the pilot (13 and 1 always do)"),
        ("partners = 10", "design.partners = 10: must be at most 9, the partners in the segments"),
        ('unit = "territory"', "design.unit = 'territory': needs partners in at least 2 territories (use 'partner')"),
        ('assignment = "matched_pairs"\ntreated_share = 0.3', "treated_share = 0.3: must be 0.5 with matched pairs"),
        ('assignment = "stepped_wedge"\nquarters = 1', "needs at least 2 periods, and there is 1 (make quarters more"),
        ('assignment = "switchback"\nsteps = 3', "design.steps = 3: must be between 2 and 2, with these periods"),
        ("quarters = 2\n[interim]\nlooks = 3", "looks = 3: must be at most the number of periods, which is 2"),
        ("[rollout]\nquarters = 2", "rollout.quarters = 2: must be above the pilot's own quarters, which are 2 (what"),
        ('[measure]\nestimator = "cupped"', "measure.estimator = 'cupped': names no estimator (did you mean 'cuped'?)"),
        ('[decision]\nrule = "above_threshold"', "decision.threshold: is required with the rule 'above_threshold'"),
    ],
)
def test_what_does_not_fit_together(design: str, message: str, scenario: Scenario) -> None:
    (told,) = faults(f'candidate = "growth"\n[design]\n{design}\n', scenario)
    assert message in told


def test_arms_are_of_programs_there_are_and_leave_some_on_the_baseline(scenario: Scenario) -> None:
    head = 'candidate = "growth"\nother_arms = ["grwth", "growth"]\n[design]\nquarters = 2\n'
    assert faults(head, scenario) == [
        "plan:2: other_arms[0] = 'grwth': must be a candidate program of the scenario (did you mean 'growth'?)",
        "plan:2: other_arms[1] = 'growth': is there already (name each program once)",
        "plan:3: design.treated_share = 0.5: must be below 0.333, as each of 3 programs has as many and some units "
        "stay as they are (such as 0.25)",
    ]
    told = faults(head + 'assignment = "matched_pairs"\n', scenario)
    assert any("has no arms for other programs than the candidate" in line for line in told)


def test_a_plan_made_in_python_is_checked_like_a_file(scenario: Scenario) -> None:
    plan = plan_of({"candidate": "growth", "design": {"quarters": 2}}, scenario)
    assert plan == plan_of(plan, scenario) == parse_plan(SHORT, scenario)
    with pytest.raises(InputError, match=r"plan: candidate = 'grown': must be a candidate .* 'growth'"):
        plan_of({"candidate": "grown"}, scenario)


def test_milestones_add_up_to_quarters_of_a_full_rollout(scenario: Scenario) -> None:
    """Of 8 quarters 2 are the pilot's; of the 6 left, half the partners for 2 and all for 4 are 5 full quarters."""
    steps = "[rollout]\nmilestones = [{ quarter = 0, share = 0.5 }, { quarter = 2, share = 1.0 }]\n"
    plan = parse_plan(SHORT + steps, scenario)
    assert (plan.rolled_out(2), plan.rolled_out(0), parse_plan(SHORT, scenario).rolled_out(2)) == (5.0, 7.0, 6.0)


@pytest.mark.parametrize("path", sorted((SCENARIOS / "pilots").glob("*.toml")), ids=lambda p: p.stem)
def test_shipped_plans_fit_the_scenario_of_their_name(path: Path) -> None:
    scenario = load(SCENARIOS / path.name)
    plan = load_plan(path, scenario)
    assert plan.candidate in scenario_of(plan, scenario).programs


def test_a_file_that_is_not_there(scenario: Scenario) -> None:
    with pytest.raises(InputError, match=r"nowhere\.toml: file: does not exist"):
        load_plan("nowhere.toml", scenario)
