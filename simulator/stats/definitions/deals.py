"""How deals go, what partners do, and which tier they have."""

from __future__ import annotations

from collections.abc import Callable

from simulator.stats.metric import Family, Ints, Lives, Mean, Metric, Ratio

_MICRO = 1e-6


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
