"""The metrics that reports show, each defined once. A new metric is one more entry in `METRICS`.

`x` is a `Lives`: `x.own` the program's totals (named in `engines/settle.py`), `x.baseline`, `x.none` and
`x.honest` those of the same worlds under the status quo, under no program, and without gaming. All dates are
true dates, also of deals that were filed earlier or later.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from simulator.stats.metric import Family, Ints, Lives, Mean, Metric, Probability, Ratio, TailMean, Totals

_MICRO = 1e-6
_GAMED = 20
"""Gaming counts as material above one in so many of what is paid: 5 %."""


def _over_budget(x: Lives) -> NDArray[np.bool_] | None:
    return None if x.budget is None else x.own["cost"] > x.budget


def _incremental_cost(x: Lives) -> Ints:
    return x.own["cost"] - x.reference["cost"]


def _return(x: Lives) -> Ints:
    return x.own["margin"] - x.reference["margin"] - _incremental_cost(x)


def _cost_member(name: str, total: Callable[[Lives], Ints]) -> Metric:
    return Metric(
        f"program_cost.{name}", f"Cost of {name}", "money", "lower",
        "Paid by this component, less penalties, plus the cost of verifying its claims.",
        Mean(total),
    )  # fmt: skip


def _tier_member(name: str, total: Callable[[Lives], Ints]) -> Metric:
    return Metric(
        f"tier_share.{name}", f"Share in tier {name}", "share", "neutral",
        "Partners with this tier status at the end of the horizon, of all partners.",
        Ratio(total, lambda x: x.own["partners"], "no partners"),
    )  # fmt: skip


def _activity_member(name: str, total: Callable[[Lives], Ints]) -> Metric:
    return Metric(
        f"activity.{name}", f"Activity: {name}", "ratio", "higher",
        "Mean activity of partners; 1 is what they do under the baseline.",
        Mean(lambda x: total(x) * _MICRO),
    )  # fmt: skip


METRICS: tuple[Metric | Family, ...] = (
    # What it costs
    Metric(
        "program_cost", "Program cost", "money", "lower",
        "Paid for what happened in the horizon, less penalties, plus verification and administration.",
        Mean(lambda x: x.own["cost"]),
    ),
    Family("cost.", _cost_member),
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
    # What it brings
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
        "Price concessions given for earlier signatures.",
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
        "deadweight_share", "Deadweight", "share", "lower",
        "Accrued on deals that are also won without any program in the same world and rung, of all accrued.",
        Ratio(lambda x: x.own["deadweight"], lambda x: x.own["accrued"], "nothing is accrued"),
    ),
    # How deals go
    Metric(
        "win_rate", "Win rate", "share", "higher",
        "Won deals with a partner, of those decided within the horizon.",
        Ratio(
            lambda x: x.own["won_by_partners"],
            lambda x: x.own["won_by_partners"] + x.own["lost_by_partners"],
            "no deal with a partner was decided",
        ),
    ),
    Metric(
        "cycle_weeks", "Cycle", "weeks", "lower",
        "Mean time from opportunity to signature of won deals with a partner.",
        Ratio(
            lambda x: x.own["cycle"] * _MICRO, lambda x: x.own["won_by_partners"],
            "no deal with a partner was won",
        ),
    ),
    Metric(
        "deal_size", "Deal size", "money", "neutral",
        "Bookings per won deal.",
        Ratio(lambda x: x.own["bookings"], lambda x: x.own["won"], "no deal was won"),
    ),
    Metric(
        "deals_won", "Deals won", "count", "higher",
        "Deals signed within the horizon.",
        Mean(lambda x: x.own["won"]),
    ),
    Metric(
        "retention_share", "Retention", "share", "higher",
        "Customers of won deals who stay a year or longer.",
        Ratio(lambda x: x.own["kept"], lambda x: x.own["won"], "no deal was won"),
    ),
    Metric(
        "certifications", "Certifications", "count", "higher",
        "Certifications earned.",
        Mean(lambda x: x.own["certified"]),
    ),
    Family("activity.", _activity_member),
    Family("tier.", _tier_member),
    # How it is gamed
    Metric(
        "gaming_loss", "Gaming loss", "money", "lower",
        "What gaming costs the vendor in the same worlds: extra program cost plus lost gross margin.",
        Mean(lambda x: x.gaming_loss), gaming=True,
    ),
    Metric(
        "gaming_cost", "Gaming: extra cost", "money", "lower",
        "Program cost less that of the honest twin; the first part of the gaming loss.",
        Mean(lambda x: x.own["cost"] - x.honest["cost"]), gaming=True,
    ),
    Metric(
        "gaming_margin", "Gaming: lost margin", "money", "lower",
        "Gross margin of the honest twin less the gross margin; the second part of the gaming loss.",
        Mean(lambda x: x.honest["margin"] - x.own["margin"]), gaming=True,
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


def metrics_of(totals: Totals) -> list[Metric]:
    """All metrics of a program with these totals, families written out, in the order of `METRICS`."""
    found: list[Metric] = []
    for entry in METRICS:
        found += entry.members(totals) if isinstance(entry, Family) else [entry]
    return found
