"""Candidates as overlays: what merges, what is replaced, what is taken out, and where faults stand."""

import pytest

from simulator.core.errors import InputError
from simulator.program.components.activity_credit import ActivityCredit
from simulator.program.components.growth import Growth
from simulator.program.components.revenue_share import RevenueShare
from simulator.scenario.load import parse
from simulator.scenario.schema import Program
from tests.scenario.texts import SMALL, edited

OTHER = """
[programs.other]
extends = "growth"
admin_cost_per_year = 5000.0
"""


def program(name: str, text: str = SMALL) -> Program:
    return parse(text).programs[name]


def faults(text: str) -> list[tuple[str, int | None]]:
    with pytest.raises(InputError) as caught:
        parse(text)
    return [(p.path, p.line) for p in caught.value.problems]


def line_of(text: str, wanted: str) -> int:
    assert text.count(wanted) == 1
    return text[: text.index(wanted)].count("\n") + 1


def test_values_of_the_overlay_win_and_the_rest_is_inherited() -> None:
    base, growth = program("baseline").components["core"], program("growth").components["core"]
    assert isinstance(base, RevenueShare)
    assert isinstance(growth, RevenueShare)
    assert (base.rate, growth.rate) == (0.05, 0.04)
    assert growth.model_copy(update={"rate": 0.05}) == base


def test_components_are_added_and_taken_out() -> None:
    assert list(program("baseline").components) == ["core", "demos"]
    assert list(program("growth").components) == ["core", "points"]
    assert isinstance(program("growth").components["points"], Growth)
    assert program("growth").tiers == program("baseline").tiers


def test_chains_are_followed() -> None:
    other, growth = program("other", SMALL + OTHER), program("growth")
    assert other == growth.model_copy(update={"label": "", "admin_cost_per_year": 5000.0})


def test_the_order_in_the_file_does_not_matter() -> None:
    early = SMALL.replace("[programs.baseline]\n", OTHER + "[programs.baseline]\n")
    assert program("other", early) == program("other", SMALL + OTHER)


def test_a_label_is_not_inherited() -> None:
    assert program("baseline").label == "Status quo"
    assert program("growth", edited('label = "Growth points"\n', "")).label == ""


def test_lists_are_replaced_whole() -> None:
    text = edited("rate = 0.04", "rate = 0.04\ntiers = [{ above = 50_000.0, rate = 0.2 }]")
    core = program("growth", text).components["core"]
    assert isinstance(core, RevenueShare)
    assert [(t.above, t.rate) for t in core.tiers] == [(50_000.0, 0.2)]


def test_tables_merge_at_any_depth() -> None:
    text = edited("rate = 0.04", "rate = 0.04\nterms.audit_rate = 0.1")
    terms = program("growth", text).components["core"].terms
    assert (terms.audit_rate, terms.cap) == (0.1, 80_000.0)


def test_another_kind_replaces_the_component_whole() -> None:
    text = edited("rate = 0.04", 'kind = "activity_credit"\nmeasure = "deals"\namount = 10.0')
    core = program("growth", text).components["core"]
    assert core == ActivityCredit(kind="activity_credit", measure="deals", amount=10.0)


def test_the_same_kind_stated_again_still_merges() -> None:
    text = edited("rate = 0.04", 'kind = "revenue_share"\nrate = 0.04')
    assert program("growth", text) == program("growth")


def test_a_component_taken_out_can_be_written_anew() -> None:
    text = edited('remove = ["demos"]', 'remove = ["demos", "core"]')
    text = edited("rate = 0.04", 'kind = "revenue_share"\nrate = 0.04', text)
    core = program("growth", text).components["core"]
    assert core == RevenueShare(kind="revenue_share", rate=0.04)


def test_loading_leaves_extended_programs_as_they_are() -> None:
    alone = SMALL[: SMALL.index("[programs.growth]")]
    assert program("baseline") == program("baseline", alone)


def test_a_fault_in_the_overlay_is_on_its_own_line() -> None:
    text = edited("rate = 0.04", "rate = 4.0")
    assert faults(text) == [("programs.growth.components.core.rate", line_of(text, "rate = 4.0"))]


def test_a_field_that_only_the_replaced_component_had_is_missing_in_the_overlay() -> None:
    text = edited("rate = 0.04", 'kind = "accelerator"\nmultiples = [{ above = 1.0, multiple = 2.0 }]')
    where = line_of(text, "[programs.growth.components.core]")
    assert faults(text) == [("programs.growth.components.core.rate", where)]


def test_an_inherited_fault_is_reported_once_where_it_stands() -> None:
    text = edited("rate = 0.075", "rate = 7.5")
    assert faults(text) == [("programs.baseline.components.core.tiers[0].rate", line_of(text, "rate = 7.5"))]


def test_a_fault_in_a_table_that_a_chain_goes_on_writing_in_is_reported_once() -> None:
    text = edited("points = 0.02", "points = 2.0")
    text += '[programs.other]\nextends = "growth"\ncomponents.points.tiering = "marginal"\n'
    assert faults(text) == [("programs.growth.components.points.points[0].points", line_of(text, "points = 2.0"))]


def test_a_fault_between_the_overlay_and_what_it_inherits_is_the_overlays() -> None:
    text = edited("rate = 0.04", "rate = 0.04\nterms.floor = 90_000.0")
    assert faults(text) == [("programs.growth.components.core.terms.floor", line_of(text, "terms.floor"))]
    text = edited("rate = 0.04", "rate = 0.04\ntiers = [{ above = 1.0, rate = 2.0 }]")
    assert faults(text) == [("programs.growth.components.core.tiers[0].rate", line_of(text, "rate = 2.0"))]
    lower = "tiers.levels.gold.criteria = [{ measure = 'revenue', at_least = 5.0 }]"
    text = edited("[programs.growth]\n", f"[programs.growth]\n{lower}\n")
    path = "programs.growth.tiers.levels.gold.criteria[0].at_least"
    assert faults(text) == [(path, line_of(text, lower))]


def test_a_window_inherited_into_a_conflict_points_to_the_extended_table() -> None:
    text = edited("amount = 250.0", 'amount = 250.0\nwindow = "claim"\nexclusive_group = "best"')
    text = edited('remove = ["demos"]\n', "", text)
    text = edited('kind = "growth"', 'kind = "growth"\nexclusive_group = "best"', text)
    where = line_of(text, "[programs.growth.components.points]")
    assert faults(text) == [("programs.growth.components.points.window", where)]
    text = edited(
        "[programs.growth.components.core]\n",
        '[programs.growth.components.core]\nexclusive_group = "best"\n',
        text,
    )
    where_inherited = line_of(text, 'window = "claim"')
    where = line_of(text, "[programs.growth.components.points]")
    assert faults(text) == [("programs.growth.components.demos.window", where_inherited)]


def test_programs_that_rest_on_a_fault_are_not_reported_themselves() -> None:
    text = edited('extends = "baseline"', 'extends = "basline"') + OTHER
    assert faults(text) == [("programs.growth.extends", line_of(text, '"basline"'))]


def test_an_uncertain_path_into_a_program_at_fault_is_not_reported() -> None:
    text = edited('extends = "baseline"', 'extends = "basline"')
    text = edited('"behavior.elasticity"]', '"programs.growth.components.core.rate"]', text)
    assert faults(text) == [("programs.growth.extends", line_of(text, '"basline"'))]


@pytest.mark.parametrize("value", ["3", '"demos"', "{ demos = 1 }"])
def test_remove_takes_a_list(value: str) -> None:
    text = edited('remove = ["demos"]', f"remove = {value}")
    assert faults(text) == [("programs.growth.remove", line_of(text, "remove = "))]
