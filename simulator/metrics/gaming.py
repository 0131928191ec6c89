"""How a program is gamed; all dates are true dates, also of deals filed earlier or later."""

from __future__ import annotations

from collections.abc import Callable

from simulator.metrics.base import Family, Ints, Mean, Metric, MetricInputs, Probability, Ratio, TailMean

_GAMED = 20
"""Gaming counts as material above one in so many of what is paid: 5 %."""


def _kind_member(name: str, total: Callable[[MetricInputs], Ints]) -> Metric:
    doc = "Gaming loss of runs in which this kind of gaming is the only one"
    if name == "interaction":
        doc = "Gaming loss less the sum of those of each kind alone"
    label = name.replace("_", " ")
    return Metric(f"gaming_loss.{name}", f"Gaming loss: {label}", "money", "lower", doc + ".", Mean(total), gaming=True)


def _component_member(name: str, total: Callable[[MetricInputs], Ints]) -> Metric:
    return Metric(
        f"gaming_cost.{name}", f"Gaming: extra cost of {name}", "money", "lower",
        "Cost of this component less that without gaming; they add up to the extra cost.",
        Mean(lambda x: total(x) - x.without_gaming[f"cost.{name}"]), gaming=True,
    )  # fmt: skip


METRICS: tuple[Metric | Family, ...] = (
    Metric(
        "gaming_loss", "Gaming loss", "money", "lower",
        "What gaming costs the vendor in the same worlds: extra program cost plus lost gross margin.",
        Mean(lambda x: x.gaming_loss), gaming=True,
    ),
    Metric(
        "gaming_cost", "Gaming: extra cost", "money", "lower",
        "Program cost less that without gaming; the first part of the gaming loss.",
        Mean(lambda x: x.own["cost"] - x.without_gaming["cost"]), gaming=True,
    ),
    Family("cost.", _component_member),
    Family("gaming_loss.", _kind_member),
    Metric(
        "gaming_margin", "Gaming: lost margin", "money", "lower",
        "Gross margin without gaming less the gross margin; the second part of the gaming loss.",
        Mean(lambda x: x.without_gaming["margin"] - x.own["margin"]), gaming=True,
    ),
    Metric(
        "gaming_share", "Gaming loss of payout", "share", "lower",
        "Gaming loss over payout.",
        Ratio(lambda x: x.gaming_loss, lambda x: x.own["paid"], "nothing is paid"), gaming=True,
    ),
    Metric(
        "p_gaming_above_5pct", "P(gaming loss > 5 % of payout)", "probability", "lower",
        "Probability that the gaming loss passes 5 % of the payout.",
        Probability(lambda x: x.gaming_loss * _GAMED > x.own["paid"]), gaming=True,
    ),
    Metric(
        "gaming_tail_mean", "Gaming loss, worst 5 %", "money", "lower",
        "Mean gaming loss of the worst 5 % of replications.",
        TailMean(lambda x: x.gaming_loss), gaming=True,
    ),
    Metric(
        "false_claims", "False claims", "count", "lower",
        "Claims of activities that did not happen.",
        Mean(lambda x: x.own["false_claims"]),
    ),
    Metric(
        "claimed_vendor", "Claimed customers", "count", "lower",
        "The vendor's own customers registered without joint work.",
        Mean(lambda x: x.own["claimed_vendor"]),
    ),
    Metric(
        "split", "Split claims", "count", "lower",
        "Claims of signed deals that were filed in pieces.",
        Mean(lambda x: x.own["split"]),
    ),
    Metric(
        "bundled", "Bundled claims", "count", "lower",
        "Claims in which two signed deals were filed as one.",
        Mean(lambda x: x.own["bundled"]),
    ),
    Metric(
        "pulled", "Signatures pulled", "count", "lower",
        "Deals signed before a window's end that would have been signed after it.",
        Mean(lambda x: x.own["pulled"]),
    ),
    Metric(
        "pushed", "Signatures pushed", "count", "lower",
        "Deals filed after a window's end that were signed before it.",
        Mean(lambda x: x.own["pushed"]),
    ),
)  # fmt: skip
