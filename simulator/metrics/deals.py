"""How deals go, what partners do, and which tier they have."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from simulator.metrics.base import Family, Ints, Mean, Metric, MetricInputs, Part, Ratio

_MICRO = 1e-6


def _tier_member(name: str, total: Callable[[MetricInputs], Ints]) -> Metric:
    return Metric(
        f"tier_share.{name}", f"Share in tier {name}", "share", "neutral",
        "Partners with this tier status at the end of the horizon, of all partners.",
        Ratio(total, lambda x: x.own["partners"], "no partners"),
    )  # fmt: skip


def _activity_member(name: str, total: Callable[[MetricInputs], Ints]) -> Metric:
    return Metric(
        f"activity.{name}", f"Activity: {name}", "ratio", "higher",
        "Mean activity of partners; 1 is what they do under the baseline.",
        Mean(lambda x: total(x) * _MICRO),
    )  # fmt: skip


def _velocity(x: MetricInputs, pipeline: Ints) -> Part:
    """Pipeline x win rate / cycle by replication, 0 where nothing was won."""
    won, lost = x.own["won_by_partners"], x.own["lost_by_partners"]
    weeks = np.maximum(x.own["cycle"] * _MICRO, 1e-9) / np.maximum(won, 1)
    return np.where(won > 0, pipeline * (won / np.maximum(won + lost, 1)) / weeks, 0.0)


METRICS: tuple[Metric | Family, ...] = (
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
    Family("joint.depth", lambda _, total: Metric(
        "engagement_depth", "Depth of joint work", "ratio", "higher",
        "Co-sell work per open deal, averaged over the weeks of open joint deals; 1 is usual under the baseline. A "
        "leading indicator.",
        Ratio(total, lambda x: x.own["joint.weeks"], "no joint deal was open"),
    )),
    Family("joint.pipeline", lambda _, total: Metric(
        "joint_pipeline", "Joint pipeline", "money", "higher",
        "Value of the opportunities with joint work that were qualified within the horizon. A leading indicator.",
        Mean(total),
    )),
    Family("joint.pipeline", lambda _, total: Metric(
        "joint_velocity", "Velocity of the joint pipeline", "money", "higher",
        "Joint pipeline times the win rate, over the mean weeks from opportunity to signature; money per week. "
        "A leading indicator.",
        Mean(lambda x: _velocity(x, total(x))),
    )),
    Family("helped.content", lambda _, total: Metric(
        "content_use", "Use of content", "share", "higher",
        "Mean share of co-sell work in which partners use the program's content; a leading indicator.",
        Mean(lambda x: total(x) * _MICRO),
    )),
    Family("helped.specialists", lambda _, total: Metric(
        "specialist_access", "Access to specialists", "share", "higher",
        "Mean share of their open complex deals for which partners get a specialist.",
        Mean(lambda x: total(x) * _MICRO),
    )),
    Family("tier.", _tier_member),
)  # fmt: skip
