"""Stage weights and durations: by hand, back from the simulator's own stage history, and refused where none is kept."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchmarks.recovery import known
from simulator.calibration import Calibration, calibrate
from simulator.calibration.profile import HistoryColumns, load_profile
from simulator.calibration.sales_cycle import STAGES, Funnel, fit_funnel
from simulator.calibration.side_files import CompanionFiles
from simulator.calibration.simulated_export import crm_tables, simulated_exports, write_tables
from tests.calibration.test_round_trip import CHANGES

WEIGHTS, DURATIONS = (0.1, 0.2, 0.4, 0.3), (0.1, 0.3, 0.2, 0.4)
KNOWN = known(CHANGES).with_(
    {
        **{f"markets.market.stage_weights[{k}]": weight for k, weight in enumerate(WEIGHTS)},
        **{f"markets.market.stage_durations[{k}]": part for k, part in enumerate(DURATIONS)},
        "markets.market.cycle_weeks": 6,
        "partners.partners.count": 30,
    }
)
END = pd.Timestamp("2024-12-31")


def table(counts: list[int], wins: int) -> pd.DataFrame:
    """Deals of 100 days lost after 0, 1, 2, 3 stages passed, and won ones, that passed at 10, 40 and 60 days."""
    passed = np.repeat([0, 1, 2, 3, 4], [*counts, wins])
    created = pd.Series(pd.Timestamp("2023-01-02"), index=range(len(passed)))
    days = {"qualified": 10, "demo": 40, "pilot": 60}
    at = {name: (created + pd.Timedelta(days=day)).where(passed > k) for k, (name, day) in enumerate(days.items())}
    outcome = np.where(passed == 4, "won", "lost")
    return pd.DataFrame({"created": created, "closed": created + pd.Timedelta(days=100), "outcome": outcome, **at})


def test_by_hand() -> None:
    """Of 1,600 deals 800, 400, 200, 100 are left after each of the stages, then 100 are won: p = 1/16, each weight 1/4.
    Where p is 1/16 too but nobody is lost at the demo: 800, 800, 400, 100 left: weights 1/4, 0, 1/4, 1/2."""
    even = fit_funnel(table([800, 400, 200, 100], 100), np.full(1600, 1 / 16), end=END)
    assert isinstance(even, Funnel)
    assert [e.value for e in even.weights] == pytest.approx([0.25] * 4, abs=1e-3)
    assert [e.value for e in even.durations] == pytest.approx([0.1, 0.3, 0.2, 0.4])
    # The first stage alone: 1,600 trials of 2^(-4 w), error 1 / (4 ln 2 sqrt(1,600)); that of the others adds little.
    assert even.weights[0].se == pytest.approx(1 / (4 * np.log(2) * 40), rel=0.15)
    skipping = fit_funnel(table([800, 0, 400, 300], 100), np.full(1600, 1 / 16), end=END)
    assert isinstance(skipping, Funnel)
    assert [e.value for e in skipping.weights] == pytest.approx([0.25, 0, 0.25, 0.5], abs=1e-3)
    assert skipping.weights[1].se is None


def test_what_tells_nothing() -> None:
    p = np.full(1600, 1 / 16)
    assert str(fit_funnel(table([1500, 0, 0, 0], 100), p, end=END)).startswith("no lost deal passed a stage")
    few = table([800, 400, 200, 120], 80)
    assert str(fit_funnel(few, p, end=END)).startswith("80 won deals with the days of all stages and 1520 lost ones: ")
    jumps = table([800, 400, 100, 0], 300)
    jumps.loc[jumps.index[-180:], "demo"] = pd.NaT
    assert str(fit_funnel(jumps, p, end=END)) == "40% of the won deals went through all stages: stages are not kept"
    assert fit_funnel(table([1, 1, 1, 1], 1).assign(closed=pd.NaT), p[:5], end=END) == "without valid close dates"


@pytest.fixture(scope="module")
def fit(tmp_path_factory: pytest.TempPathFactory) -> Calibration:
    folder = tmp_path_factory.mktemp("stages")
    (export,) = simulated_exports(KNOWN, seed=2, gaming=False)
    paths = write_tables(crm_tables(export, load_profile("salesforce").profile), folder)
    return calibrate(paths[0], "salesforce", folder / "fitted.toml", companions=CompanionFiles(history=paths[3]))


def test_the_simulators_own_stages_come_back(fit: Calibration) -> None:
    """Weights and durations within four of their standard errors, and not what the schema's defaults are."""
    market = fit.scenario.markets["market"]
    for use, truth, written in (
        ("weight", WEIGHTS, market.stage_weights), ("duration", DURATIONS, market.stage_durations),
    ):  # fmt: skip
        for stage, true, value in zip(STAGES, truth, written, strict=True):
            found = fit.diagnostics[f"market_{use}_of_{stage}"]
            assert found.se is not None
            assert 0 < found.se < 0.03
            assert abs(found.value - true) < 4 * found.se, (use, stage)
            assert value == found.value
    assert sum(market.stage_weights) == pytest.approx(1)


def test_which_stage_is_which() -> None:
    profile = load_profile("salesforce").profile
    opens = profile.stages.open
    assert [profile.milestone_of(stage) for stage in opens] == [0, 1, 1, 2, 3, 3, 3, 3]
    assert profile.milestone_of("Closed Won") is None
    named = profile.model_copy(update={"history": HistoryColumns(milestones=(opens[2], opens[4], opens[6]))})
    assert [named.milestone_of(stage) for stage in opens] == [0, 0, 1, 1, 2, 2, 3, 3]
    short = profile.model_copy(update={"stages": profile.stages.model_copy(update={"open": opens[:4]})})
    assert short.milestone_of(opens[3]) is None
    with pytest.raises(ValueError, match="milestones must name three stages, or none"):
        HistoryColumns(milestones=("a", "b"))
