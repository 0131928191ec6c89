"""What a program costs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from simulator.metrics.base import Family, Ints, Mean, Metric, MetricInputs, Probability


def _over_budget(x: MetricInputs) -> NDArray[np.bool_] | None:
    return None if x.budget is None else x.own["cost"] > x.budget


def _cost_member(name: str, total: Callable[[MetricInputs], Ints]) -> Metric:
    return Metric(
        f"program_cost.{name}", f"Cost of {name}", "money", "lower",
        "Paid by this component, less penalties, plus the cost of verifying its claims.",
        Mean(total),
    )  # fmt: skip


def _noncash_member(name: str, total: Callable[[MetricInputs], Ints]) -> Metric:
    return Metric(
        f"noncash_cost.{name}", f"Cost of {name}", "money", "lower",
        "What this support costs the vendor; a part of the program cost.",
        Mean(total),
    )  # fmt: skip


METRICS: tuple[Metric | Family, ...] = (
    Metric(
        "program_cost", "Program cost", "money", "lower",
        "Paid for what happened in the horizon, less penalties, plus verification and administration.",
        Mean(lambda x: x.own["cost"]),
    ),
    Family("cost.", _cost_member),
    Family("noncash.", _noncash_member),
    Metric(
        "payout", "Payout", "money", "neutral",
        "Accrued by partners less what was forfeited and clawed back.",
        Mean(lambda x: x.own["paid"]),
    ),
    Metric(
        "admin_cost", "Administration", "money", "lower",
        "Fixed cost of running the program.",
        Mean(lambda x: x.own["admin"]),
    ),
    Metric(
        "audit_cost", "Verification", "money", "lower",
        "The vendor's cost of verifying claims.",
        Mean(lambda x: x.own["audit"]),
    ),
    Metric(
        "penalties", "Penalties", "money", "neutral",
        "Penalties for detected false claims.",
        Mean(lambda x: x.own["penalty"]),
    ),
    Metric(
        "forfeited", "Forfeited", "money", "neutral",
        "Accrued but never paid, as the customer left before payment or release of a holdback.",
        Mean(lambda x: x.own["forfeited"]),
    ),
    Metric(
        "clawbacks", "Clawed back", "money", "neutral",
        "Paid and taken back, as the customer left within the clawback window.",
        Mean(lambda x: x.own["clawed_back"]),
    ),
    Metric(
        "incremental_cost", "Incremental cost", "money", "lower",
        "Program cost less that of the baseline in the same worlds.",
        Mean(lambda x: x.own["cost"] - x.baseline["cost"]),
    ),
    Metric(
        "p_over_budget", "P(over budget)", "probability", "lower",
        "Probability that the program cost passes the budget for the horizon.",
        Probability(_over_budget, "the scenario has no budget"),
    ),
)  # fmt: skip
