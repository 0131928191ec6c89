"""Values by path: what is read, what is set, and what is refused."""

import math
from functools import reduce
from operator import getitem

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from simulator.core.errors import InputError
from simulator.program.base import steps
from simulator.scenario.fields import Bounds
from simulator.scenario.load import parse
from simulator.scenario.paths import NumberPath, bounds_at, number_paths, value_at, with_values
from tests.scenario.texts import SMALL, edited

SCENARIO = parse(SMALL)
NUMBERS = {number.path: number for number in number_paths(SCENARIO)}
FREE = [n for n in NUMBERS.values() if n.path.startswith(("behavior.", "gaming.")) and n.uncertain]
"""Numbers that no check across fields restricts further."""


def refusal(values: dict[str, object]) -> list[str]:
    with pytest.raises(InputError) as caught:
        with_values(SCENARIO, values)
    return [str(p) for p in caught.value.problems]


def _within(number: NumberPath) -> st.SearchStrategy[float]:
    low, high = number.bounds.closed()
    return st.floats(low, high if math.isfinite(high) else 1e9)


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_what_is_set_is_read_back_and_nothing_else_moves(data: st.DataObject) -> None:
    chosen = data.draw(st.lists(st.sampled_from(FREE), min_size=1, max_size=4, unique_by=lambda n: n.path))
    values = {number.path: data.draw(_within(number)) for number in chosen}
    changed = with_values(SCENARIO, values)
    for path, number in NUMBERS.items():
        assert value_at(changed, path) == values.get(path, number.value)
    back = with_values(changed, {path: NUMBERS[path].value for path in values})
    assert back.model_copy(update={"uncertainty": {}}) == SCENARIO.model_copy(update={"uncertainty": {}})


def test_the_given_scenario_stays_as_it_is() -> None:
    before = SCENARIO.model_dump_json()
    with_values(SCENARIO, {"behavior.elasticity": 1.25, "programs.growth.components.core.tiers[1].rate": 0.5})
    assert SCENARIO.model_dump_json() == before


def test_a_value_in_one_program_leaves_the_extended_one_alone() -> None:
    path = "components.core.tiers[1].rate"
    changed = with_values(SCENARIO, {f"programs.baseline.{path}": 0.5})
    assert value_at(changed, f"programs.baseline.{path}") == 0.5
    assert value_at(changed, f"programs.growth.{path}") == 0.1


def test_switches_words_and_empty_values_can_be_set() -> None:
    core = "programs.baseline.components.core"
    changed = with_values(
        SCENARIO, {"gaming.padding": False, f"{core}.tiering": "retroactive", f"{core}.terms.cap": None}
    )
    assert changed.gaming.padding is False
    assert value_at(changed, f"{core}.tiering") == "retroactive"
    assert value_at(changed, f"{core}.terms.cap") is None


def test_numpy_numbers_are_taken_for_what_they_are() -> None:
    changed = with_values(SCENARIO, {"run.replications": np.int64(7), "behavior.elasticity": np.float64(0.25)})
    assert changed.run.replications == 7
    assert type(changed.run.replications) is int
    assert changed.behavior.elasticity == 0.25


def test_an_uncertain_number_becomes_fixed() -> None:
    assert set(SCENARIO.uncertainty) == {"behavior.elasticity"}
    assert not with_values(SCENARIO, {"behavior.elasticity": 1.0}).uncertainty
    assert set(with_values(SCENARIO, {"behavior.inert_share": 0.1}).uncertainty) == {"behavior.elasticity"}


def test_everything_wrong_is_said_at_once() -> None:
    assert refusal({"behavior.elastisity": 1.0, "markets.mid": 3, "gaming.opportunist_share": 15.0}) == [
        "values: behavior.elastisity = 1.0: is no path of the scenario (did you mean 'behavior.elasticity'?)",
        "values: markets.mid = 3: is a table or list (give the path of one value in it)",
        "values: gaming.opportunist_share = 15.0: must be between 0 and 1 (did you mean 0.15?)",
    ]


@pytest.mark.parametrize(
    "path",
    ["", "behavior", "markets.mid.size_median.x", "economy.season[4]", "economy.season.0", "budget.per_year",
     "behavior..elasticity", "programs.none.label", "programs.growth.components.demos.amount"],
)  # fmt: skip
def test_what_is_no_path_is_refused(path: str) -> None:
    (message,) = refusal({path: 1.0})
    assert message.startswith(f"values: {path} = 1.0: is ")
    with pytest.raises(InputError, match=r"is no path of the scenario|is a table or list"):
        value_at(SCENARIO, path)


def test_rules_across_fields_hold_for_new_values_too() -> None:
    assert refusal({"territories.north.markets.mid": 0.6}) == [
        "values: territories.north.markets: shares must sum to 1, not 0.9"
    ]
    both = {"territories.north.markets.mid": 0.6, "territories.north.markets.large": 0.4}
    assert with_values(SCENARIO, both).territories["north"].markets == {"mid": 0.6, "large": 0.4}


def test_every_number_is_documented() -> None:
    assert len(NUMBERS) > 150
    for number in NUMBERS.values():
        assert number.meaning, number.path
        assert number.unit, number.path
        assert number.source, number.path
        assert number.grade in "ABCJ", number.path
        assert number.bounds.hold(number.value), number.path
        assert reduce(getitem, steps(number.path), SCENARIO.tree()) == number.value


def test_a_number_has_the_words_and_bounds_of_the_schema() -> None:
    assert NUMBERS["programs.growth.components.core.rate"] == NumberPath(
        path="programs.growth.components.core.rate",
        value=0.04,
        meaning="share of revenue paid below the first tier",
        unit="share of revenue",
        bounds=Bounds(low=0, high=1),
        source="HubSpot pays 20 %, Microsoft's core incentive 3.75 %, Dell about 5 %",
        grade="A",
        uncertain=True,
    )
    assert NUMBERS["economy.season[2]"].unit == "multiple of mean"
    assert NUMBERS["economy.market_persistence"].bounds == Bounds(low=0, high=1, high_open=True)


def test_exactly_counts_goals_and_shares_of_a_whole_cannot_be_uncertain() -> None:
    """Every number is tried as an uncertain one; the list of those refused is written out by hand."""
    refused = {
        "time.horizon_weeks", "time.burn_in_weeks", "run.replications", "run.seed", "gaming.max_shift_weeks",
        "gaming.max_pieces", "gaming.bundle_weeks",
        "partners.reseller.count", "partners.integrator.count",
        "partners.reseller.prospects", "partners.integrator.prospects",
        "territories.north.markets.mid", "territories.north.markets.large", "partners.reseller.markets.mid",
        "partners.integrator.markets.mid", "partners.integrator.markets.large",
        *(f"goals.{name}" for name in type(SCENARIO.goals).model_fields),
        *(f"markets.{m}.stage_weights[{k}]" for m in ("mid", "large") for k in range(4)),
        *(f"markets.{m}.stage_durations[{k}]" for m in ("mid", "large") for k in range(4)),
        *(f"behavior.effort_shares[{k}]" for k in range(4)),
        *(f"programs.{p}.tiers.upgrade_every_quarters" for p in ("baseline", "growth")),
        *(f"programs.{p}.tiers.downgrade_every_quarters" for p in ("baseline", "growth")),
    }  # fmt: skip
    assert {n.path for n in NUMBERS.values() if not n.uncertain} == refused
    for number in NUMBERS.values():
        text = edited('"behavior.elasticity"]', f'"{number.path}"]')
        assert _is_refused(text, "cannot be uncertain") == (not number.uncertain), number.path


def _is_refused(text: str, rule: str) -> bool:
    try:
        parse(text)
    except InputError as error:
        return rule in str(error)
    return False


def test_draws_are_bounded_as_the_number_is() -> None:
    assert bounds_at(SCENARIO, "behavior.elasticity") == (0.0, 3.0)
    assert bounds_at(SCENARIO, "markets.mid.win_probability") == (1e-6, 1 - 1e-6)
    assert bounds_at(SCENARIO, "programs.baseline.components.demos.amount") == (0.0, math.inf)
