"""Metrics on tiny ledgers whose figures can be worked in the head, and rules that all of them meet."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray

from simulator.metrics.base import Direction, Metric, MetricInputs, Unit
from simulator.metrics.measure import measure, runs
from simulator.metrics.registry import metrics_of
from simulator.stats.estimate import IN_NOISE, Estimate, estimate
from tests import made_up

Totals = dict[str, NDArray[np.int64]]


def figures(own: Totals, **others: Totals | int | bool | None) -> dict[str, Estimate]:
    """All metrics of a program; what it is compared with is itself where nothing is given."""
    given: dict[str, Any] = {
        "baseline": own,
        "none": own,
        "without_gaming": own,
        "static": own,
        "budget": None,
        "is_baseline": False,
    }
    view = MetricInputs(own=own, **(given | others))
    return {metric.name: estimate(metric.of(view)) for metric in metrics_of(own)}


def test_cost_is_in_units_of_the_currency_and_split_by_component() -> None:
    got = figures(made_up.totals(2, cost=[1_000, 3_000], cost__core=[900, 2_900], admin=100, paid=[950, 2_950]))
    assert (got["program_cost"].mean, got["program_cost.core"].mean, got["admin_cost"].mean) == (
        20.0,
        19.0,
        1.0,
    )
    assert got["payout"].p90 == 29.5


def test_lift_is_against_the_baseline() -> None:
    own, base = made_up.totals(2, pipeline=[1_100, 1_300]), made_up.totals(2, pipeline=[1_000, 1_000])
    got = figures(own, baseline=base)
    assert (got["pipeline_lift"].mean, got["pipeline_lift_pct"].mean) == (2.0, 20.0)
    assert (got["pipeline_lift_pct"].p10, got["pipeline_lift_pct"].p90) == (10.0, 30.0)


def test_return_is_margin_gained_per_cost_added() -> None:
    # Margin +500 a replication, cost +200: (500 - 200) / 200.
    own = made_up.totals(3, margin=[1_500, 1_600, 1_700], cost=[300, 310, 320])
    base = made_up.totals(3, margin=[1_000, 1_100, 1_200], cost=[100, 110, 120])
    got = figures(own, baseline=base)
    assert (got["roi"].mean, got["incremental_margin"].mean, got["incremental_cost"].mean) == (1.5, 5.0, 2.0)
    assert got["margin_after_cost"].mean == 12.9


def test_pay_is_for_luck_effort_and_gaming() -> None:
    # 600 had nobody responded, 900 as they respond, 1,000 as some game it: .6, .3 and .1 of it.
    static, without_gaming, own = (made_up.totals(2, paid=paid) for paid in (600, 900, 1_000))
    got = figures(own, without_gaming=without_gaming, static=static)
    assert got["pay_for_luck"].mean == pytest.approx(0.6)
    assert got["pay_for_effort"].mean == pytest.approx(0.3)


def test_the_baseline_earns_its_return_against_no_program() -> None:
    own = made_up.totals(2, margin=[900, 1_100], cost=[200, 200])
    got = figures(own, none=made_up.totals(2, margin=[500, 500]), is_baseline=True)
    assert got["roi"].mean == 1.5
    assert got["incremental_margin"].mean == 0.0


@pytest.mark.parametrize(
    ("cost", "reason"),
    [([90, 91], "costs no more"), ([90, 100], IN_NOISE), ([100, 100], "costs no more"), ([90, 130], IN_NOISE)],
)
def test_return_needs_a_higher_cost(cost: list[int], reason: str) -> None:
    got = figures(made_up.totals(2, margin=50, cost=cost), baseline=made_up.totals(2, cost=100))
    assert got["roi"].mean is None
    assert got["roi"].reason.startswith(reason)


def test_gaming_loss_is_extra_cost_and_lost_margin() -> None:
    own = made_up.totals(2, cost=[150, 100], paid=[1_000, 3_000], margin=[900, 1_000])
    got = figures(own, without_gaming=made_up.totals(2, cost=[100, 100], margin=[1_000, 1_000]))
    assert (got["gaming_loss"].mean, got["gaming_cost"].mean, got["gaming_margin"].mean) == (0.75, 0.25, 0.5)
    assert got["gaming_share"].mean == 150 / 4_000
    assert got["p_gaming_above_5pct"].mean == 0.5


def test_gaming_passes_five_percent_only_above_it() -> None:
    own = made_up.totals(2, cost=[150, 151], paid=1_000)
    got = figures(own, without_gaming=made_up.totals(2, cost=100))
    assert got["p_gaming_above_5pct"].mean == 0.5


def test_rates_are_ratios_of_totals() -> None:
    own = made_up.totals(
        2, won_by_partners=[1, 3], lost_by_partners=[1, 7], cycle=[10_000_000, 50_000_000], won=[2, 3],
        kept=[2, 2],
        bookings=[1_000, 4_000], accrued=[100, 300], deadweight=[100, 100], cost=[100, 400], partners=10,
        tier__gold=[1, 3], activity__source=[900_000, 1_100_000],
    )  # fmt: skip
    got = figures(own)
    assert_allclose(
        [got[m].mean for m in ("win_rate", "cycle_weeks", "retention_share", "deal_size", "deadweight_share")],
        [4 / 12, 15.0, 4 / 5, 10.0, 0.5],
        rtol=1e-14,
    )
    assert_allclose(
        [got[m].mean for m in ("cost_share_of_bookings", "tier_share.gold", "activity.source")],
        [0.1, 0.2, 1.0],
        rtol=1e-14,
    )


def test_over_budget_is_beyond_it() -> None:
    assert figures(made_up.totals(4, cost=[99, 100, 101, 102]), budget=100)["p_over_budget"].mean == 0.5
    assert figures(made_up.totals(4))["p_over_budget"].reason == "the scenario has no budget"


def test_nothing_happened_is_undefined_or_zero_never_an_error() -> None:
    got = figures(made_up.totals(30, partners=1))
    assert {name for name, e in got.items() if e.mean is None} == {
        "p_over_budget", "pipeline_lift_pct", "roi", "cost_share_of_bookings", "deadweight_share", "win_rate",
        "cycle_weeks", "deal_size", "retention_share", "gaming_share", "gini_pay", "pay_off_contribution",
        "small_share_of_pay", "small_share_of_bookings", "small_paid_anything", "payment_wait",
        "dispute_rate", "pay_off_shapley", "pay_for_luck", "pay_for_effort",
    }  # fmt: skip
    assert all(e.reason for e in got.values() if e.mean is None)


@pytest.mark.parametrize("metric", metrics_of(made_up.totals(2)), ids=lambda m: m.name)
def test_every_metric_is_documented_and_shows_no_difference_between_equals(metric: Metric) -> None:
    assert metric.unit in get_args(Unit)
    assert metric.direction in get_args(Direction)
    assert metric.label
    assert metric.doc.endswith(".")
    gap = measure(made_up.simulated(same=True)).differences["growth", "strategic", metric.name]
    assert (gap.mean, gap.se, gap.low, gap.high) in ((0.0, 0.0, 0.0, 0.0), (None, None, None, None))


def test_names_are_unique() -> None:
    names = [metric.name for metric in metrics_of(made_up.totals(2))]
    assert len(names) == len(set(names))


def test_gaming_is_measured_on_the_strategic_rung_only() -> None:
    found = measure(made_up.simulated()).estimates
    assert ("growth", "strategic", "gaming_loss") in found
    assert ("growth", "static", "gaming_loss") not in found
    assert ("growth", "static", "program_cost") in found


def test_rungs_are_compared_with_the_baseline_of_the_same_rung() -> None:
    simulated = made_up.simulated()
    view = runs(simulated, "growth", "strategic")
    assert view.baseline is simulated.totals["baseline", "strategic"]
    assert view.none is simulated.totals["none", "strategic"]
    assert view.without_gaming is simulated.totals["growth", "responsive"]
    assert view.budget == 10_000_000  # 200,000 a year for half a year, in cents
