"""The calibration report: its numbers by hand and by theory, and that everything asked for is on the page."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from simulator.calibration import Calibration, calibrate
from simulator.calibration.figures import DAYS, closing_days, incidence, wilson
from simulator.calibration.remarks import figure
from simulator.core.errors import SimulatorError
from tests.calibration.exports import PROFILE, Truth, synthetic, written

TRUTH = Truth(partners=30)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Calibration:
    rows = synthetic(TRUTH, seed=8)
    rows.loc[:2, "opened"] = "<b>soon</b>"
    return calibrate(*written(rows, tmp_path_factory.mktemp("report")))


def test_intervals_of_shares_are_wilsons() -> None:
    """0, 1 and 5 of 10: Newcombe (1998) and the formula by hand: (p + z2/2n +- z sqrt(pq/n + z2/4n2)) / (1 + z2/n)."""
    low, high = wilson(np.array([0.0, 1.0, 5.0]), np.array([10.0, 10.0, 10.0]))
    assert low == pytest.approx([0.0, 0.0179, 0.2366], abs=1e-4)
    assert high == pytest.approx([0.2775, 0.4042, 0.7634], abs=1e-4)


def test_incidence_by_hand() -> None:
    """Won at 1 (1/5); lost at 2 (4/5 of 1/4); open at 3; won at 4 (3/5 of 1/2); lost at 5 (3/10 of 1)."""
    times = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    won, lost = np.array([1, 0, 0, 1, 0], dtype=bool), np.array([0, 1, 0, 0, 1], dtype=bool)
    of_won, of_lost = incidence(times, won, lost, np.array([0.5, 1.0, 2.5, 4.0, 9.0]))
    assert of_won == pytest.approx([0.0, 0.2, 0.2, 0.5, 0.5])
    assert of_lost == pytest.approx([0.0, 0.0, 0.2, 0.2, 0.5])


def test_closing_days_are_measured_against_their_weekdays() -> None:
    """Two wins a working day, one loss; but on the last day of quarters four wins; nothing on weekends."""
    days = pd.bdate_range("2023-01-02", "2023-12-29")
    last = days.to_series().groupby(days.to_period("Q")).max()
    wins = days.repeat(np.where(days.isin(last), 4, 2))
    rows = pd.DataFrame({"closed": [*wins, *days], "outcome": ["won"] * len(wins) + ["lost"] * len(days)})
    shown = closing_days(rows)
    assert shown is not None
    assert len(shown.days) == 2 * DAYS
    # All four quarters of 2023 end on a Friday to Sunday; the last working day is 0, 1 or 2 days before the end.
    # Of 52 Fridays 4 have four wins, the others two: the weekday's mean is 112/52.
    crowded = shown.won[(shown.days >= 0) & (shown.days <= 2)]
    assert np.nanmax(crowded) == pytest.approx(4 / (112 / 52))
    assert shown.lost[np.isfinite(shown.lost)] == pytest.approx(1.0)
    quiet = shown.won[(shown.days > 2) & np.isfinite(shown.won)]
    assert quiet.min() == pytest.approx(2 / (112 / 52))
    assert quiet.max() == pytest.approx(1.0)


def test_seen_and_fitted_agree_where_the_model_is_true(found: Calibration) -> None:
    shown = found.shown
    assert shown.odds is not None
    assert shown.cycle is not None
    assert shown.cycle.fitted is not None
    inside = (shown.odds.low <= shown.odds.fitted) & (shown.odds.fitted <= shown.odds.high)
    # Of 10 intervals of 95 % fewer than 7 hold once in 10,000.
    assert inside.sum() >= 7
    for seen, fitted in zip((shown.cycle.won, shown.cycle.lost), shown.cycle.fitted, strict=True):
        assert np.abs(seen - fitted).max() < 0.04
    assert np.abs(np.subtract(*shown.sizes)).max() < 0.25
    outside = (shown.partners.fitted < shown.partners.low) | (shown.partners.fitted > shown.partners.high)
    assert outside.sum() > 0.2 * len(outside)  # partners differ in this export


def test_the_page_holds_what_was_asked_for(found: Calibration, tmp_path: Path) -> None:
    text = found.report(tmp_path / "r.html").read_text(encoding="utf-8")
    assert re.findall(r'<svg role="img" aria-labelledby="(\w+)-title', text) == [
        "odds", "partners", "sizes", "cycle", "closing",
    ]  # fmt: skip
    for path, estimate in found.estimates.items():
        assert f'<th scope="row">{path}</th>' in text
        if limits := estimate.interval():
            assert f"<td>{figure(limits[0])} to {figure(limits[1])}</td>" in text
    for remark in found.remarks:
        assert f"<td>{remark.count:,}</td>" in text
    assert "<td>created date unreadable</td><td>3</td>" in text
    for name in (*found.refused, *found.defaults):
        assert name in text
    assert "behavior.elasticity</th><td>triangular</td><td>low 0, mode 0.5, high 1.2</td>" in text
    assert "http" not in text.replace("http://www.w3.org", "")


def test_no_figure_where_the_export_does_not_tell(tmp_path: Path) -> None:
    rows = synthetic(TRUTH, seed=9)
    rows["value"] = rows["value"].where(rows["stage"] != "lost", 0.0)
    profile = PROFILE.replace(
        "closed_date_valid = true", 'closed_date_valid = false\nclosed_date_reason = "typed <late>"'
    )
    found = calibrate(*written(rows, tmp_path, profile=profile), report_path=tmp_path / "r.html")
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert re.findall(r'<svg role="img" aria-labelledby="(\w+)-title', text) == ["partners", "sizes"]
    assert "typed &lt;late&gt;" in text
    assert found.shown.cycle is None
    with pytest.raises(SimulatorError, match="no such folder"):
        found.report(tmp_path / "missing" / "r.html")
