"""How figures are written."""

from __future__ import annotations

import pytest

from simulator.report.formats import form_of
from simulator.report.text import text_table
from simulator.stats.estimate import Difference, Estimate


@pytest.mark.parametrize(
    ("mean", "se", "unit", "text", "label"),
    [
        (1_234_567.0, 12_345.0, "USD", "1,235 \u00b1 12", "k USD"),
        (123_456_789.0, 2_345_678.0, "USD", "123.5 \u00b1 2.3", "M USD"),
        (950.0, 12.3, "USD", "950 \u00b1 12", "USD"),
        (0.2243, 0.0048, "share", "22.43 \u00b1 0.48", "%"),
        (0.5, 0.05, "probability", "50.0 \u00b1 5.0", "%"),
        (-0.41, 0.37, "ratio", "-0.41 \u00b1 0.37", ""),
        (12.3, 0.0, "weeks", "12.3 \u00b1 0.0", "weeks"),
        (0.0, 0.0, "USD", "0", "USD"),
        (None, None, "USD", "\u2013", "USD"),
    ],
)
def test_two_digits_of_the_error(mean: float | None, se: float | None, unit: str, text: str, label: str) -> None:
    form = form_of([mean], [se], unit, "USD")
    assert form.estimate(Estimate(mean, se, None, None, None)) == text
    assert form.unit == label


def test_differences_show_sign_interval_and_doubt() -> None:
    form = form_of([100.0], [10.0], "USD", "USD")
    assert form.difference(Difference(100.0, 10.0, 80.0, 120.0)) == "+100 [+80, +120]"
    assert form.difference(Difference(10.0, 10.0, -10.0, 30.0)) == "no clear difference: +10 [-10, +30]"
    assert form.difference(Difference(0.0, 0.0, 0.0, 0.0)) == "0 exactly"
    assert form.difference(Difference(None, None, None, None, "why")) == "\u2013"


def test_no_sign_before_a_rounded_zero() -> None:
    assert form_of([100.0], [10.0], "USD", "USD").number(-0.2, sign=True) == "0"


def test_tables_break_into_blocks_at_the_width() -> None:
    text = text_table(["a", "b", "c"], [("row", ["1", "22", "333"])], width=12)
    assert text == "     a   b\nrow  1  22\n\n       c\nrow  333"
