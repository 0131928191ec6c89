"""Levers files: what they say, and one clear message per fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.core.errors import InputError
from simulator.scenario.load import load, parse
from simulator.scenario.schema import Scenario
from simulator.studies.levers import OutcomeLimit, load_levers, parse_levers
from simulator.studies.search import Lever
from tests.engines.small import SMALL

ROOT = Path(__file__).parents[2]
RATE = "programs.full.components.core.rate"
GOOD = f"""
[levers."{RATE}"]
low = 0.01
high = 0.06
[levers."programs.full.components.registered.registrations_per_quarter"]
low = 1
high = 6
[constraints]
gaming_share = {{ at_most = 0.02 }}
program_cost = {{ at_least = 1000 }}
"""


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return parse(SMALL)


def faults(text: str, scenario: Scenario) -> list[str]:
    with pytest.raises(InputError) as caught:
        parse_levers(text, scenario)
    return str(caught.value).splitlines()


def test_a_good_file(scenario: Scenario) -> None:
    got = parse_levers(GOOD, scenario)
    assert got.program == "full"
    assert got.levers == (
        Lever(RATE, 0.01, 0.06),
        Lever("programs.full.components.registered.registrations_per_quarter", 1.0, 6.0, 1.0),
    )
    assert got.limits == (OutcomeLimit("gaming_share", 0.02, 1), OutcomeLimit("program_cost", 1000.0, -1))
    assert [str(limit) for limit in got.limits] == ["gaming_share <= 0.02", "program_cost >= 1000"]


def test_the_shipped_file_fits_its_scenario() -> None:
    scenario = load(ROOT / "scenarios" / "quickstart.toml")
    got = load_levers(ROOT / "scenarios" / "quickstart_levers.toml", scenario)
    assert (got.program, len(got.levers), len(got.limits)) == ("accelerator", 2, 2)


def test_excess_is_above_zero_where_a_limit_is_broken() -> None:
    assert OutcomeLimit("x", 0.05, 1).excess(0.07) == pytest.approx(0.02)
    assert OutcomeLimit("x", 0.05, -1).excess(0.07) == pytest.approx(-0.02)
    assert OutcomeLimit("x", 0.05, 1).excess(None) == 0.0


def lever(path: str, body: str = "low = 0.01\nhigh = 0.06") -> str:
    return f'[levers."{path}"]\n{body}\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "levers: is required"),
        (lever(RATE, "low = 0.01"), "high: is required"),
        (lever(RATE, "low = 0.01\nhigh = 0.06\nhihg = 3"), "unknown key"),
        (lever(RATE, 'low = "a"\nhigh = 0.06'), "must be a number"),
        (
            lever(RATE, "low = 0.01\nhigh = 7.5"),
            "must be between 0 and 1, like the number itself (did you mean 0.075?)",
        ),
        (lever(RATE, "low = 0.06\nhigh = 0.01"), "must be above low, which is 0.06"),
        (lever(RATE, "low = 0.01\nhigh = 0.06\nstep = 0.2"), "step = 0.2: must be at most high - low, which is 0.05"),
        (lever("programs.full.components.core.rte"), f"is no path of the scenario (did you mean '{RATE}'?)"),
        (lever("programs.baseline.components.core.rate"), "the baseline is the status quo"),
        (lever("behavior.elasticity"), "must lead into a candidate program"),
        (lever("programs.full.components.core.kind"), "must be a number that has a value"),
        ("[levers.programs.full.components.core.rate]\nlow = 0\nhigh = 1\n", "the path must be in quotes"),
        (
            lever(RATE) + "[constraints]\ngaming_shar = { at_most = 1.0 }\n",
            "is no metric (did you mean 'gaming_share'?)",
        ),
        (lever(RATE) + "[constraints]\ngaming_share = {}\n", "must give one of at_most and at_least"),
        (lever(RATE) + "[constraints]\np_over_budget = { at_most = 0.05 }\n", "needs a budget in the scenario"),
        (lever(RATE) + "[constraint]\n", "unknown key"),
        ("levers = 3\n[", "not TOML"),
    ],
)
def test_faults(scenario: Scenario, text: str, message: str) -> None:
    (line,) = faults(text, scenario)
    assert message in line


def test_faults_are_told_together_with_their_lines(scenario: Scenario) -> None:
    text = lever(RATE, "low = 2.0\nhigh = 0.06") + lever("behavior.elasticity")
    lines = faults(text, scenario)
    assert lines[0].startswith(f"levers:2: levers.{chr(34)}{RATE}{chr(34)}.low = 2.0: must be between 0 and 1")
    assert any("behavior.elasticity" in line for line in lines)


def test_a_lever_cannot_be_uncertain_nor_its_program() -> None:
    uncertain = f'\n[uncertainty."{RATE}"]\ndistribution = "uniform"\nlow = 0.0\nhigh = 0.1\n'
    scenario = parse(SMALL + uncertain)
    assert "what is chosen is no uncertainty" in faults(lever(RATE), scenario)[0]
    other = lever("programs.full.components.registered.uplift")
    assert f"uncertain numbers, such as {RATE}" in faults(other, scenario)[0]


def test_levers_of_two_programs_are_refused(scenario: Scenario) -> None:
    other = parse(SMALL + '[programs.other]\nextends = "full"\n[programs.other.components.core]\nrate = 0.04\n')
    (line,) = faults(lever(RATE) + lever("programs.other.components.core.rate"), other)
    assert "must belong to the same program as the levers before, which is full" in line


def test_a_missing_file_is_named(tmp_path: Path, scenario: Scenario) -> None:
    with pytest.raises(InputError, match="does not exist"):
        load_levers(tmp_path / "levers.toml", scenario)
