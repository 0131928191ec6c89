"""Figures: every kind draws, states its sample and unit, and is the same at every run."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure
from numpy.testing import assert_allclose

from simulator.core.errors import InputError
from simulator.metrics.measure import measure
from simulator.report.payout_curve import curve, curves, draw_curves, payout_curve, placed
from simulator.report.plots import save_figure
from simulator.studies.compare import Comparison
from simulator.world.setting import compile_setting
from tests import made_up


def study(**options: bool) -> Comparison:
    simulated = made_up.simulated(**options)
    return Comparison(simulated, measure(simulated))


def words(figure: Figure) -> list[str]:
    return [t.get_text() for t in figure.findobj(mpl.text.Text) if isinstance(t, mpl.text.Text)]


@pytest.mark.parametrize("kind", Comparison.plot_kinds)
@pytest.mark.parametrize("same", [False, True], ids=["lively", "nothing differs"])
def test_every_kind_states_its_sample_and_units(kind: str, same: bool) -> None:
    figure = Figure()
    ax = study(same=same).plot(kind, figure.subplots())
    figure.canvas.draw()
    assert any("40 replications, seed 1" in text for text in words(figure))
    assert "[" in ax.get_xlabel()
    assert ax.get_title(loc="left")


@pytest.mark.parametrize("kind", ["exceedance", "frontier", "gaming", "ladder"])
def test_legends_stand_beside_the_data(kind: str) -> None:
    figure = Figure()
    ax = study().plot(kind, figure.subplots())
    figure.canvas.draw()
    legend = ax.get_legend()
    assert legend is not None
    assert legend.get_window_extent().x0 >= ax.get_window_extent().x1


def test_frontier_draws_the_paired_differences() -> None:
    found = study()
    ax = found.plot("frontier", Figure().subplots())
    gap = found.difference("growth", "program_cost")
    (point,) = [line for line in ax.get_lines() if line.get_label() == "growth"]
    assert gap is not None
    assert gap.mean is not None
    assert_allclose(np.asarray(point.get_xdata(), dtype=float), [gap.mean / 1000], rtol=1e-12)


def test_the_exceedance_curve_counts_replications_with_more() -> None:
    found = study()
    ax = found.plot("exceedance", Figure().subplots())
    (curve_,) = [line for line in ax.get_lines() if line.get_label() == "growth"]
    cost = found.each("growth", "program_cost") / 1000
    for x, above in zip(np.asarray(curve_.get_xdata()), np.asarray(curve_.get_ydata()), strict=True):
        assert above == 100.0 * (cost > x).sum() / 40


def test_unknown_kind_has_a_suggestion() -> None:
    with pytest.raises(InputError, match="did you mean 'frontier'"):
        study().plot("frontir", Figure().subplots())


def test_files_are_the_same_at_every_run(tmp_path: Path) -> None:
    for name in ("a", "b"):
        figure = Figure()
        study().plot("cost", figure.subplots())
        save_figure(figure, tmp_path / f"{name}.svg")
        save_figure(figure, tmp_path / f"{name}.png")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert "<dc:date>" not in (tmp_path / "a.svg").read_text()


def test_settings_of_the_caller_stay(tmp_path: Path) -> None:
    before = dict(mpl.rcParams)
    run = study().save(tmp_path)
    assert dict(mpl.rcParams) == before
    assert {p.name for p in (run / "figures").glob("*.svg")} == {
        "cost.svg", "differences.svg", "exceedance.svg", "frontier.svg", "gaming.svg", "ladder.svg",
        "payout_baseline.svg", "payout_growth.svg",
    }  # fmt: skip


def test_payout_curve_follows_the_schedule() -> None:
    # 5 % to 100,000, 7.5 % to 300,000, 10 % beyond, capped at 80,000: reached at 900,000. In cents.
    scenario = made_up.scenario()
    setting = compile_setting(scenario)
    program = setting.program("baseline")
    at = np.array([50_000.0, 200_000.0, 400_000.0, 1_000_000.0]) * 100
    payout, slope = curve(program.components[0].schedule, at)
    assert_allclose(payout / 100, [2_500.0, 12_500.0, 30_000.0, 80_000.0], rtol=1e-12)
    assert_allclose(slope, [0.05, 0.075, 0.1, 0.0], atol=1e-15)


def test_rates_and_windows_stand_on_the_curve() -> None:
    """Thresholds at 100,000 and 300,000: attainment of 0.5, 1.5 and 4 times the first is 50, 150 and 400 thousand."""
    (drawn,) = (c for c in curves(made_up.scenario(), "baseline") if c.component == "core")
    reached = np.array([0.5, 0.5, 1.5, 4.0])
    assert_allclose(placed(drawn, reached) / 100, [50_000.0, 50_000.0, 150_000.0, 400_000.0])
    ax = draw_curves(Figure().subplots(), [("baseline", drawn, reached)], "USD")
    texts = [t.get_text() for t in ax.texts]
    assert [t for t in texts if t.endswith(" %")] == ["5 %", "7.5 %", "10 %", "0 %"]  # capped
    assert any("up to 50% of 4 windows a bar" in t for t in texts)
    (bars,) = ax.patches
    share, edges, _ = bars.get_data()  # type: ignore[attr-defined]
    highest = edges[int(np.argmax(share))]
    assert highest <= 50.0 < highest + edges[1]


def test_payout_curve_has_a_row_per_component() -> None:
    figure = payout_curve(made_up.scenario(), "growth")
    assert [ax.get_title(loc="left") for ax in figure.axes[::2]] == ["core", "points"]
    assert any("same window of last year" in text for text in words(figure))
    with pytest.raises(InputError, match="did you mean 'growth'"):
        payout_curve(made_up.scenario(), "grwth")
