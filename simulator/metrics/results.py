"""What a program brings."""

from __future__ import annotations

from simulator.metrics.base import Family, Ints, Mean, Metric, MetricInputs, Ratio


def _incremental_cost(x: MetricInputs) -> Ints:
    return x.own["cost"] - x.reference["cost"]


def _return(x: MetricInputs) -> Ints:
    return x.own["margin"] - x.reference["margin"] - _incremental_cost(x)


METRICS: tuple[Metric | Family, ...] = (
    Metric(
        "pipeline_created", "Pipeline created", "money", "higher",
        "Value at creation of opportunities qualified within the horizon, from partners and the vendor.",
        Mean(lambda x: x.own["pipeline"]),
    ),
    Metric(
        "pipeline_lift", "Pipeline lift", "money", "higher",
        "Pipeline created less that of the baseline in the same worlds.",
        Mean(lambda x: x.own["pipeline"] - x.baseline["pipeline"]),
    ),
    Metric(
        "pipeline_lift_pct", "Pipeline lift", "%", "higher",
        "Pipeline lift in percent of the baseline's pipeline.",
        Ratio(
            lambda x: 100 * (x.own["pipeline"] - x.baseline["pipeline"]), lambda x: x.baseline["pipeline"],
            "the baseline creates no pipeline",
        ),
    ),
    Metric(
        "opportunities", "Qualified opportunities", "count", "higher",
        "Opportunities qualified within the horizon.",
        Mean(lambda x: x.own["qualified"]),
    ),
    Metric(
        "bookings", "Bookings", "money", "higher",
        "Signed value, net of price concessions.",
        Mean(lambda x: x.own["bookings"]),
    ),
    Metric(
        "bookings_new", "Bookings, new customers", "money", "higher",
        "Signed value with new customers, net of price concessions.",
        Mean(lambda x: x.own["bookings_new"]),
    ),
    Metric(
        "bookings_named", "Bookings, named accounts", "money", "higher",
        "Signed value in named accounts, net of price concessions.",
        Mean(lambda x: x.own["bookings_named"]),
    ),
    Metric(
        "discount_conceded", "Price conceded", "money", "lower",
        "Price concessions given for earlier signatures, or to win a deal that pays.",
        Mean(lambda x: x.own["conceded"]),
    ),
    Metric(
        "gross_margin", "Gross margin", "money", "higher",
        "Gross margin on signed deals before incentives, net of concessions, in a customer's first year.",
        Mean(lambda x: x.own["margin"]),
    ),
    Metric(
        "margin_after_cost", "Margin after cost", "money", "higher",
        "Gross margin less program cost.",
        Mean(lambda x: x.own["margin"] - x.own["cost"]),
    ),
    Metric(
        "incremental_margin", "Incremental margin", "money", "higher",
        "Gross margin less that of the baseline in the same worlds.",
        Mean(lambda x: x.own["margin"] - x.baseline["margin"]),
    ),
    Metric(
        "roi", "Return on incentive spend", "ratio", "higher",
        "(Incremental margin - incremental cost) / incremental cost against the baseline; the baseline's own "
        "is against no program.",
        Ratio(_return, _incremental_cost, "costs no more than what it is measured against", signed=True),
    ),
    Metric(
        "cost_share_of_bookings", "Cost of bookings", "share", "lower",
        "Program cost over bookings.",
        Ratio(lambda x: x.own["cost"], lambda x: x.own["bookings"], "no bookings"),
    ),
    Metric(
        "deadweight_share", "Paid on deals won anyway", "share", "lower",
        "Accrued on deals that are also won without any program in the same world and level, of all accrued.",
        Ratio(lambda x: x.own["deadweight"], lambda x: x.own["accrued"], "nothing is accrued"),
    ),
)  # fmt: skip
