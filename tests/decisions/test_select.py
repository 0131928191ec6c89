"""The selection and the winners on the linear world, where what each program costs and pays is known in closed form."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from matplotlib import pyplot

from simulator.core.errors import InputError
from simulator.runs.run_directory import verified
from simulator.runs.simulate import SimulationResult, simulate
from simulator.studies.base import Bench
from simulator.studies.select import Selection, select
from simulator.studies.winners import Winners, groups_of
from tests import made_up
from tests.decisions.worlds import linear_world


@pytest.fixture(scope="module")
def study(bench: Bench) -> Iterator[Selection]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("simulator.runs.simulate.fit_reference", lambda _: bench.reference)
        yield select(linear_world(), replications=40, seed=3)


def test_the_cheapest_is_best_where_nobody_responds(study: Selection) -> None:
    """Margins are equal, so the net values differ by cost: `flat` pays 8 % and loses 3 % of revenue in every world."""
    by_name = {choice.program: choice for choice in study.choices}
    assert study.best.program == "baseline"
    assert by_name["baseline"].regret.mean == 0.0
    cost = {p: study.simulated.totals[p, "strategic"]["cost"] / 100 for p in study.programs}
    # Programs that cost the same in a world (below the tiers' threshold, or nothing sold) share being best.
    tied = sum((cost[p] == cost["baseline"]).astype(int) for p in study.programs)
    assert by_name["baseline"].best.mean == pytest.approx(np.mean(1 / tied))
    assert by_name["flat"].regret.mean == pytest.approx((cost["flat"] - cost["baseline"]).mean())
    assert by_name["flat"].worst == pytest.approx((cost["flat"] - cost["baseline"]).max())


def test_a_selection_is_told_drawn_and_saved(study: Selection, tmp_path: Path) -> None:
    text = study.text()
    for row in ("Net value", "P(highest expectation)", "Regret, worst"):
        assert row in text
    assert list(study.table().index) == list(study.programs)
    assert json.loads(study.to_json())["programs"]["baseline"]["worst"] == 0.0
    for kind in study.plot_kinds:
        assert study.plot(kind).get_title(loc="left")
    pyplot.close("all")
    assert verified(study.save(tmp_path, plots=False))


# -- winners -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def won(bench: Bench) -> Winners:
    simulated = simulate(
        bench.scenario, programs=["baseline", "flat", "tiers"], replications=20, seed=3, reference=bench.reference,
        standings=True,
    )  # fmt: skip
    return Winners(simulated, tuple(groups_of(simulated)))


def test_with_a_higher_flat_rate_everybody_who_sells_wins_in_proportion(won: Winners) -> None:
    """8 % against 5 % of the same revenue: pay rises by 3/5 of what it was, to the cent per window."""
    for group in won.of("flat"):
        assert group.paid.mean is not None
        assert group.change.mean == pytest.approx(0.6 * group.paid.mean, rel=1e-3)
        assert group.lost.mean == 0.0
    whole = won.of("flat")[0]
    assert whole.size == "all"
    assert whole.partners == 4
    assert whole.change.distinguishable


def test_sizes_add_up_and_the_large_gain_more_by_tiers(won: Winners) -> None:
    whole, *sizes = won.of("tiers")
    assert sum(g.partners for g in sizes) == pytest.approx(whole.partners)
    total = sum((g.change.mean or 0.0) * g.partners for g in sizes)
    assert total == pytest.approx((whole.change.mean or 0.0) * whole.partners)
    assert (sizes[3].gained.mean or 0.0) > (sizes[0].gained.mean or 0.0)


def test_winners_are_told_drawn_and_saved(won: Winners, tmp_path: Path) -> None:
    text = won.text()
    assert "flat, reseller: pay per partner" in text
    assert "100 % less" not in text
    assert won.moves("flat").empty
    assert json.loads(won.to_json())["tables"][0]["rows"][0]["program"] == "flat"
    assert won.plot("change").get_title(loc="left")
    pyplot.close("all")
    with pytest.raises(InputError, match="has no tiers"):
        won.plot("moves", program="flat")
    assert verified(won.save(tmp_path, plots=False))


def tiered() -> Winners:
    """Two programs with tiers of made-up outcomes; of 3 partners 2 stay registered and 1 rises to gold."""
    simulated = made_up.simulated()
    own = simulated.totals["growth", "strategic"]
    made = {f"move.registered.{end}": own["partners"] * 0 + n for end, n in (("registered", 2), ("gold", 1))}
    totals = {**simulated.totals, ("growth", "strategic"): {**own, **made}}
    return Winners(SimulationResult(simulated.scenario, ("baseline", "growth"), 1, 40, "vector", totals), ())


def test_tier_moves_are_a_matrix() -> None:
    study = tiered()
    assert study.moves("growth").to_dict(orient="index") == {"registered": {"registered": 2.0, "gold": 1.0}}
    assert study.plot("moves", program="growth").get_xlabel() == "Tier at the end under growth"
    pyplot.close("all")
