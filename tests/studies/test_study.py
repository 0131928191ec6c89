"""Every public study offers the same: table, headline, figure, JSON, report, rich display, and what it took."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.figure import Figure

import simulator as sim
from simulator.scenario.load import parse
from simulator.scenario.schema import Scenario
from simulator.studies.levers import parse_levers
from tests.calibration.exports import Truth, synthetic, written
from tests.cli.test_studies import LEVERS, TINY
from tests.engines.quick import quick_reference

TRIED = {"candidate": "more", "design": {"quarters": 1}, "measure": {"estimator": "difference"}}
STUDIES: dict[str, Callable[[Scenario, Path], sim.Study]] = {
    "Backtest": lambda _, place: sim.backtest(
        *written(synthetic(Truth(), seed=1), place)[:2], start="2023-07-01", quarters=1, draws=20, seed=1
    ),
    "FittedBehavior": lambda s, place: sim.behavior(
        s.with_({"time.horizon_weeks": s.time.horizon_weeks + 26}),
        *written(synthetic(Truth(), seed=1), place)[:2],
        replications=100,
        seed=1,
        weeks=26,
    ),
    "Calibration": lambda _, place: sim.calibrate(*written(synthetic(Truth(), seed=1), place)),
    "Comparison": lambda s, _: sim.compare(s, replications=8),
    "Forecast": lambda s, _: sim.forecast(s, replications=3),
    "Lint": lambda s, _: sim.lint(s),
    "Optimum": lambda s, _: sim.optimize(s, parse_levers(LEVERS, s), replications=4, evaluations=4),
    "Pilot": lambda s, _: sim.pilot(s, TRIED, replications=8),
    "ProgramDiff": lambda s, _: sim.diff(s, "baseline", "more"),
    "StagedRollout": lambda s, _: sim.rollout(
        s.with_({"time.horizon_weeks": 39}), {"candidate": "more"}, replications=4
    ),
    "RedTeam": lambda s, _: sim.redteam(s, replications=2),
    "Redesign": lambda s, _: sim.redesign(
        s.with_({"partners.reseller.count": 8}), TRIED, assignments=["parallel"], replications=8
    ),
    "Selection": lambda s, _: sim.select(s, replications=8),
    "Sensitivity": lambda s, _: sim.sensitivity(s, method="tornado", replications=6),
    "Trace": lambda s, _: sim.trace(s, program="more", replication=0),
    "ValueOfInformation": lambda s, _: sim.value_of_information(s, replications=50),
    "VarianceSplit": lambda s, _: sim.split(s, vectors=3, worlds=3),
    "Verification": lambda s, _: sim.verify(s, replications=1),
    "Winners": lambda s, _: sim.winners(s, replications=8),
}


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    with quick_reference(), pytest.MonkeyPatch.context() as patch:
        patch.setattr("simulator.runs.simulate._DESIGN_POINTS", 4)
        yield


def test_these_are_all_public_studies() -> None:
    public = {n for n in sim.__all__ if inspect.isclass(getattr(sim, n)) and issubclass(getattr(sim, n), sim.Study)}
    assert public - {"Study"} == set(STUDIES)


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_offers_what_all_do(name: str, tmp_path: Path) -> None:
    study = STUDIES[name](parse(TINY), tmp_path)
    assert type(study) is getattr(sim, name)
    assert isinstance(study.table(), pd.DataFrame)
    assert study.headline()
    assert all(isinstance(line, str) and line for line in study.headline())
    axes = Figure().subplots()
    assert study.plot(ax=axes) is axes
    assert axes.has_data() or name == "Lint"
    json.loads(study.to_json())
    shown = study._repr_html_()  # type: ignore[operator]
    assert study.cost_text.startswith("Took") == (name != "ProgramDiff")  # which takes no time worth saying
    assert study.cost_text in shown
    page = study.report(tmp_path / "page.html").read_text()
    assert page.startswith("<!DOCTYPE html>")
    assert "<svg" in page
    assert not re.findall(r'(?:src|href)="(?!#|data:)|<script|<link', page)  # it needs nothing else


def test_the_report_of_a_comparison_is_the_one_that_leadership_reads(tmp_path: Path) -> None:
    text = sim.compare(parse(TINY), replications=8).report(tmp_path / "page.html").read_text()
    assert "which incentive program" in text
    assert "not stored" in text
    assert "Choose more" in text or "Keep the baseline" in text


def test_a_report_needs_a_folder(tmp_path: Path) -> None:
    with pytest.raises(sim.SimulatorError, match="no such folder"):
        sim.diff(parse(TINY), "baseline", "more").report(tmp_path / "nowhere" / "page.html")


def test_difference_of_programs_in_words() -> None:
    """5 % to 8 % is 60 % more; a component that comes; one that goes."""
    scenario = parse(TINY).with_program("third", like="more", values={"components.core.terms.cap": 900.0})
    assert sim.diff(scenario, "baseline", "more").headline() == ["core.rate: from 0.05 to 0.08 (+60%)."]
    assert "core.terms.cap is 900; it was not set." in sim.diff(scenario, "more", "third").headline()
    assert sim.diff(scenario, "more", "more").headline() == ["Their rules are the same."]
    small = parse(TINY + '[programs.b.components.demos]\nkind = "activity_credit"\nmeasure = "demo"\namount = 5\n')
    said = sim.diff(small, "baseline", "b").headline()
    assert said == ["b has no core.", "b adds demos (activity_credit)."]


def test_a_program_is_made_from_another_one() -> None:
    scenario = parse(TINY)
    grown = scenario.with_program("cheap", like="more", values={"components.core.rate": 0.02})
    assert sim.value_at(grown, "programs.cheap.components.core.rate") == 0.02
    assert sim.value_at(grown, "programs.more.components.core.rate") == 0.08
    assert "cheap" not in scenario.programs
    assert grown.with_({"programs.cheap.components.core.rate": 0.03}) != grown
    for name, like, values, rule in (
        ("more", "baseline", {}, "is there already"),
        ("x", "mor", {}, "no such program"),
        ("x", "more", {"components.core.rate": 2.0}, "between 0 and 1"),
        ("x", "more", {"components.core.rat": 0.1}, "no path"),
    ):
        with pytest.raises(sim.InputError, match=rule):
            scenario.with_program(name, like=like, values=values)
