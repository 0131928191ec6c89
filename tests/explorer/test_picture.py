"""The picture is well-formed, says nothing beyond its error, treats names as text, and keeps its scales."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from simulator.report.payout_curve import curves
from simulator.scenario.load import parse
from simulator.studies.explore import AxisScales, Preview, PreviewPage, PreviewTotals, explorer, said
from tests.decisions.worlds import linear_world
from tests.engines.quick import quick_reference
from tests.engines.small import HEAD

RATE = "programs.flat.components.core.rate"


@pytest.fixture(scope="module")
def pictures() -> Iterator[list[Preview]]:
    with quick_reference():
        yield list(explorer(linear_world(), [RATE], replications=10).pictures({RATE: 0.1}))[1:]


def elements(html: str) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(html).iter())


def test_costs_are_said_as_the_error_allows(pictures: list[Preview]) -> None:
    assert "no clear difference" in said(pictures[0])  # two worlds
    assert re.search(r"costs [\d.,]+ k USD more \(95 % CI", said(pictures[-1]))  # twice the rate
    assert "creates exactly as with the baseline" in said(pictures[-1])  # nobody responds


def test_html_is_well_formed_and_says_what_it_rests_on(pictures: list[Preview]) -> None:
    view = PreviewPage(linear_world(), "flat")
    for picture in pictures:
        found = elements(view.html(picture))
        assert found[0].attrib["data-replications"] == str(picture.replications)
        svg = next(e for e in found if e.tag.endswith("svg"))
        assert "flat after" in svg.attrib["aria-label"]
        assert any(f"{picture.replications} replications" in (e.text or "") for e in found)


def test_before_partners_respond_only_cost_is_said_and_the_rest_is_pale(pictures: list[Preview]) -> None:
    view = PreviewPage(linear_world(), "flat")
    static = replace(pictures[-1], level="static")
    view.html(pictures[-1])
    html = view.html(static)
    assert said(static).startswith("If partners went on as they do, flat: costs ")
    assert "pipeline" not in said(static)
    assert 'data-level="static"' in html
    assert 'data-refined="false"' in html
    pale = [e for e in elements(html) if e.tag.endswith("}g") and e.attrib.get("opacity")]
    assert [any("Program cost" in (t.text or "") for t in e.iter()) for e in pale] == [False] * 3
    assert all(len(list(e.iter())) > 10 for e in pale)


def test_names_from_the_scenario_are_text(pictures: list[Preview]) -> None:
    first = pictures[0]
    evil = "<script>alert(1)</script>"
    scenario = linear_world().model_copy(update={"programs": {evil: linear_world().programs["flat"]}})
    renamed = Preview(scenario, evil, {}, first.own, first.baseline, first.wanted)
    view = PreviewPage(scenario, evil)
    view.__dict__["_before"] = curves(linear_world(), "flat", 81)
    html = PreviewPage._metrics(view, renamed)
    assert "<script>" not in "".join(html)
    assert "&lt;script&gt;" in "".join(html)


def test_payout_curve_follows_the_lever(pictures: list[Preview]) -> None:
    (before,), (now,) = curves(linear_world(), "flat", 11), curves(pictures[0].scenario, "flat", 11)
    np.testing.assert_allclose(before.payout, 0.08 * before.attained, atol=1.0)  # 8 % as the scenario has it
    np.testing.assert_allclose(now.payout, 0.10 * now.attained, atol=1.0)


def test_bars_stand_where_windows_end(pictures: list[Preview]) -> None:
    (curve,) = curves(linear_world(), "flat", 81)
    far = float(curve.attained[-1])
    reached = {"core": np.array([0.01, 0.01, 0.99]) * far}
    picture = replace(pictures[-1], own=replace(pictures[-1].own, reached=reached))
    path = next(
        e for e in elements(PreviewPage(linear_world(), "flat").html(picture)) if e.attrib.get("opacity") == "0.25"
    )
    tops = [float(y) for y in re.findall(r"V([\d.]+)", path.attrib["d"])]
    bottom = max(tops)
    heights = [bottom - y for y in tops[:40]]
    assert heights[0] == pytest.approx(2 * heights[39], abs=0.2)
    assert not any(heights[1:39])


def test_error_bar_of_a_hand_made_picture_is_where_it_should_be(pictures: list[Preview]) -> None:
    """Differences of 10, 20 and 30 thousand: mean 20, half-width 4.303 x 10 / sqrt 3 = 24.84."""
    other = {n: np.zeros(3, dtype=np.int64) for n in pictures[0].baseline.strategic}
    own = other | {"cost": np.array([1_000_000, 2_000_000, 3_000_000])}
    picture = Preview(linear_world(), "flat", {}, PreviewTotals(own, other), PreviewTotals(other, other), 3)
    assert "+20.0 [-4.8, +44.8] k USD" in PreviewPage(linear_world(), "flat").html(picture)
    gap = picture.difference("flat", "program_cost")
    assert gap.low == pytest.approx(20_000 - 24_841, abs=1)


def test_scales_stay_while_figures_fit() -> None:
    scales = AxisScales()
    first = scales.fit("cost", 0.0, 100.0)
    assert scales.fit("cost", 10.0, 110.0) == first
    assert scales.fit("cost", 0.0, 500.0) != first
    wide = scales.ranges["cost"]
    assert scales.fit("cost", 0.0, 20.0) != wide  # too small to be seen
    low, high = scales.fit("none", 0.0, 0.0)
    assert low < 0 < high


def test_a_program_of_many_components_names_those_not_drawn() -> None:
    parts = "".join(
        f"[programs.many.components.c{k}]\nkind = 'activity_credit'\nmeasure = 'demo'\namount = {k + 1}\n"
        for k in range(5)
    )
    text = "\n".join(["[programs.baseline.components.core]", "kind = 'revenue_share'", "rate = 0.05", parts])
    scenario = parse(HEAD + text)
    with quick_reference():
        path = "programs.many.components.c4.amount"
        picture = list(explorer(scenario, [path], replications=2).pictures({path: 9.0}))[-1]
    html = PreviewPage(scenario, "many").html(picture)
    assert "Not drawn: c2, c3" in html
    assert "What c4 pays" in html
