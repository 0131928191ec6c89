"""Figures and sentences of a forecast, from made-up series."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure
from numpy.testing import assert_allclose

from simulator.core.errors import InputError
from simulator.engines.totals.cash_flow import CashFlow
from simulator.runs.simulate import SimulationResult
from simulator.studies.forecast import Forecast
from tests import made_up

WEEKS = np.arange(27.0)


def runs(gain: float, *, gamed: bool) -> CashFlow:
    """Four replications of 26 weeks: 1,000 a week come in, 100 accrue each quarter, paid 6 weeks later."""
    level = np.array([0.5, 1.0, 1.0, 1.5])[:, None] * 100 * gain
    owed = np.isin(WEEKS, [*range(13, 19), 26]) * 100.0
    cash = 100.0 * (WEEKS >= 19)
    weeks = {"pipeline": 3000 * WEEKS, "bookings": 1000 * WEEKS, "liability": owed, "cash": cash}
    signed = np.tile(np.array([2] + [1] * 12 if gamed else [1] * 13), (4, 2))
    # Margin 1, 3 and 6; pay in equal parts, so that the smallest is paid a third for a tenth.
    paid, margin = np.full((4, 3), 100.0), np.tile([100.0, 300.0, 600.0], (4, 1))
    reached = {"core": np.array([0.5, 0.98, 1.02, 3.0])}
    return CashFlow({n: x * level for n, x in weeks.items()}, signed, paid, margin, reached, {"core": (1.0, 1.5)})


def study() -> Forecast:
    simulated = SimulationResult(made_up.scenario(), made_up.PROGRAMS, 1, 4, "vector", {})
    found = {
        (program, level): runs(gain, gamed=level == "strategic")
        for program, gain in (("baseline", 1.0), ("growth", 2.0))
        for level in ("responsive", "strategic")
    }
    return Forecast(simulated, found)


@pytest.mark.parametrize("kind", Forecast.plot_kinds)
def test_every_kind_states_sample_and_units_and_keeps_its_legend_off_the_data(kind: str) -> None:
    figure = Figure()
    ax = study().plot(kind, figure.subplots())
    figure.canvas.draw()
    said = [t.get_text() for t in figure.findobj(mpl.text.Text) if isinstance(t, mpl.text.Text)]
    assert any("4 replications, seed 1" in text for text in said)
    assert "[" in ax.get_ylabel()
    assert ax.get_title(loc="left")
    legend = ax.get_legend()
    assert legend is not None
    assert legend.get_window_extent().x0 >= ax.get_window_extent().x1


def test_the_fan_holds_the_median_of_each_week() -> None:
    ax = study().plot("fan", Figure().subplots(), quantity="cash")
    (drawn,) = [line for line in ax.get_lines() if line.get_label() == "growth"]
    assert_allclose(np.asarray(drawn.get_ydata()), 200.0 * (np.arange(28) >= 19))


def test_pay_is_held_against_margin_from_the_smallest_up() -> None:
    share, pay = study().pay_curve("growth")
    # A tenth of the margin has a third of the pay, four tenths have two thirds.
    assert_allclose(np.interp([0.1, 0.4, 1.0], share, pay[1]), [1 / 3, 2 / 3, 1.0])


def test_signatures_are_averaged_over_quarters() -> None:
    assert_allclose(study().filed("growth")[0], [2.0] + [1.0] * 12)
    assert_allclose(study().filed("growth", "responsive")[0], 1.0)


def test_what_is_said() -> None:
    first, _ = study().headline()
    assert first.startswith("baseline: most is owed in week 13, 100 ")
    assert "by week 26 100" in first
    assert "week 26" in study().text()


def test_unknown_names_are_refused() -> None:
    with pytest.raises(InputError, match="did you mean 'fan'"):
        study().plot("fann", Figure().subplots())
    with pytest.raises(InputError, match="did you mean 'cash'"):
        study().plot("fan", Figure().subplots(), quantity="cahs")
    with pytest.raises(InputError, match="was not simulated"):
        study().plot("quarter_end", Figure().subplots(), program="grwth")
    with pytest.raises(InputError, match="must be one of core"):
        study().plot("thresholds", Figure().subplots(), component="cor")
