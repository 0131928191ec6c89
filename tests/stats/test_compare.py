"""The comparison: its tables, JSON, replays and words."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from simulator.core.errors import InputError
from simulator.metrics.measure import measure
from simulator.runs.simulate import RESPONSE_LEVELS, SimulationResult
from simulator.studies.compare import HEADLINE, Comparison, compare
from tests import made_up


def comparison(**options: Any) -> Comparison:
    simulated = made_up.simulated(**options)
    return Comparison(simulated, measure(simulated))


def test_table_has_a_row_per_program_and_an_error_per_figure() -> None:
    table = comparison().table()
    assert list(table.index) == ["baseline", "growth"]
    assert list(table.columns)[:4] == [
        "program_cost",
        "program_cost_se",
        "pipeline_created",
        "pipeline_created_se",
    ]
    assert set(HEADLINE) <= set(table.columns)
    assert table.attrs["units"]["program_cost"] == "USD"
    assert (table["program_cost_se"] > 0).all()


def test_table_without_a_budget_leaves_it_out() -> None:
    assert "p_over_budget" not in comparison(budget=False).table().columns


def test_baseline_comes_first_whatever_was_asked_for() -> None:
    simulated = replace(made_up.simulated(), programs=("growth",))
    study = Comparison(simulated, measure(simulated))
    assert (study.programs, study.candidates) == (("baseline", "growth"), ("growth",))


def test_json_has_the_stated_form() -> None:
    study = comparison()
    got = json.loads(study.to_json())
    assert list(got) == [
        "scenario", "study", "seed", "replications", "headline", "baseline", "programs", "differences", "ladder",
        "tables",
    ]  # fmt: skip
    assert (got["scenario"], got["seed"], got["replications"], got["baseline"]) == (
        "small",
        1,
        40,
        "baseline",
    )
    assert set(got["programs"]["growth"]["program_cost"]) == {
        "mean", "se", "p10", "p50", "p90", "unit", "low", "high",
        "p10_low", "p10_high", "p50_low", "p50_high", "p90_low", "p90_high",
    }  # fmt: skip
    assert set(got["differences"]["growth"]["program_cost"]) == {
        "mean", "se", "low", "high", "unit", "joint_low", "joint_high"
    }  # fmt: skip
    assert list(got["ladder"]["growth"]) == list(RESPONSE_LEVELS)
    assert got["ladder"]["growth"]["strategic"] == got["programs"]["growth"]
    assert got["programs"]["growth"]["tier_share.gold"]["unit"] == "share"


def test_json_gives_a_reason_for_what_is_undefined() -> None:
    figure = comparison(same=True).to_dict()["programs"]["growth"]["roi"]
    assert figure["mean"] is None
    assert figure["reason"] == "costs no more than what it is measured against"


def test_baseline_against_itself_is_exactly_nothing() -> None:
    gaps = comparison().differences("strategic").query("program == 'baseline'")
    assert (gaps[["mean", "se", "low", "high"]].fillna(0.0) == 0.0).all(axis=None)
    assert not gaps["distinguishable"].any()


def test_ladder_shows_the_rungs_side_by_side() -> None:
    study = comparison()
    ladder = study.ladder().set_index(["program", "metric"])
    row = ladder.loc[("growth", "program_cost")]
    for level in RESPONSE_LEVELS:
        got = study.estimate("growth", "program_cost", level)
        assert got is not None
        assert (row[level], row[f"{level}_se"]) == (got.mean, got.se)
    assert np.isnan(ladder.loc[("growth", "gaming_loss"), "static"])


def test_replays_name_the_replications_at_the_quantiles_of_cost() -> None:
    study = comparison()
    cost = study.simulated.totals["growth", "strategic"]["cost"]
    found = {r.at: r for r in study.replays if r.program == "growth"}
    order = np.argsort(cost, kind="stable")
    assert [found[at].replication for at in ("P10", "P50", "P90", "worst")] == list(order[[3, 19, 35, 39]])
    assert found["P10"].cost == study.estimate("growth", "program_cost").p10  # type: ignore[union-attr]
    assert found["worst"].command("a.toml") == (
        f"incentive-sim trace a.toml --program growth --replication {order[39]} --seed 1"
    )


def test_words_never_claim_more_than_the_error_allows() -> None:
    (line,) = comparison(same=True).headline()
    assert "costs exactly as with the baseline" in line
    assert "no gaming loss" in line
    (line,) = comparison(count=40).headline()
    assert "USD more (95 % CI" in line


def test_a_gap_within_the_error_is_not_called_a_difference() -> None:
    simulated = made_up.simulated(same=True)
    noise = np.where(np.arange(40) % 2 == 0, 100_000, -99_000)
    own = simulated.totals["growth", "strategic"]
    totals = {**simulated.totals, ("growth", "strategic"): {**own, "cost": own["cost"] + noise}}
    (line,) = Comparison(replace(simulated, totals=totals), measure(replace(simulated, totals=totals))).headline()
    assert "no clear difference in program cost" in line


def test_gaming_that_costs_its_players_is_no_loss_in_words() -> None:
    simulated = made_up.simulated()
    own = simulated.totals["growth", "strategic"]
    cheaper = {**own, "cost": simulated.totals["growth", "responsive"]["cost"] - 50_000 - np.arange(40) * 100}
    changed = replace(simulated, totals={**simulated.totals, ("growth", "strategic"): cheaper})
    (line,) = Comparison(changed, measure(changed)).headline()
    assert "gaming loses nothing" in line
    assert "-" not in line.split("gaming loses nothing")[1]


def test_html_escapes_names() -> None:
    simulated = made_up.simulated()
    named = simulated.scenario.model_copy(update={"name": "<b>"})
    html = Comparison(replace(simulated, scenario=named), measure(simulated))._repr_html_()
    assert "&lt;b&gt;" in html
    assert "40 replications, seed 1" in html
    assert "<b>" not in html


def test_compare_uses_the_settings_of_the_scenario(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def fake(scenario: Any, **settings: Any) -> SimulationResult:
        asked.update(settings)
        return made_up.simulated()

    monkeypatch.setattr("simulator.studies.settings.simulate", fake)
    compare(made_up.scenario())
    assert (asked["replications"], asked["seed"], asked["programs"]) == (500, 1, ("baseline", "growth"))
    compare(made_up.scenario(), seed=0, programs=["growth"], workers=2, chunk=5)
    assert (asked["seed"], asked["programs"], asked["workers"], asked["chunk"]) == (0, ("growth",), 2, 5)


def test_unknown_programs_are_listed_with_suggestions() -> None:
    with pytest.raises(InputError) as caught:
        compare(made_up.scenario(), programs=["grwoth", "other"])
    lines = str(caught.value).splitlines()
    assert lines[0] == "options: programs = 'grwoth': no such program in the scenario (did you mean 'growth'?)"
    assert lines[1].startswith("options: programs = 'other': no such program in the scenario (there are baseline,")


def test_impossible_settings_are_listed_together() -> None:
    with pytest.raises(InputError) as caught:
        compare(made_up.scenario(), replications=1, seed=-1, engine="vectr", workers=0, chunk=0)
    assert str(caught.value).splitlines() == [
        "options: replications = 1: must be at least 2",
        "options: seed = -1: must be at least 0",
        "options: workers = 0: must be at least 1",
        "options: chunk = 0: must be at least 1",
        "options: engine = 'vectr': must be one of vector, events (did you mean 'vector'?)",
    ]
