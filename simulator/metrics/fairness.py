"""How fairly pay falls on partners."""

from __future__ import annotations

from simulator.metrics.base import Family, Mean, Metric, Ratio

_MICRO = 1e-6

METRICS: tuple[Metric | Family, ...] = (
    Metric(
        "gini_pay", "Gini of pay", "share", "neutral",
        "Gini coefficient of what partners are paid, over the partners of a replication.",
        Ratio(lambda x: x.own["fair.spread"], lambda x: x.own["fair.everyone"], "nothing is paid"),
    ),
    Metric(
        "pay_off_contribution", "Pay off contribution", "share", "lower",
        "Share of pay that would change hands were it pro rata to the gross margin of the deals that each partner "
        "worked on.",
        Ratio(lambda x: x.own["fair.moved"], lambda x: x.own["fair.matched"], "nothing is paid"),
    ),
    Metric(
        "pay_off_shapley", "Pay off Shapley value", "share", "lower",
        "The same with Shapley values: the margin of a joint deal is shared by the game of the odds that it is won.",
        Ratio(lambda x: x.own["fair.game_moved"], lambda x: x.own["fair.matched"], "nothing is paid"),
    ),
    Metric(
        "pay_for_luck", "Pay for chance and habit", "share", "lower",
        "Payout had partners gone on as under the baseline, of payout: what is paid for deals that came without being "
        "worked for.",
        Ratio(lambda x: x.static["paid"], lambda x: x.own["paid"], "nothing is paid"), gaming=True,
    ),
    Metric(
        "pay_for_effort", "Pay for effort", "share", "higher",
        "What payout rises by as partners respond, of payout. With pay for chance and the payout that gaming adds, "
        "this is the whole.",
        Ratio(lambda x: x.without_gaming["paid"] - x.static["paid"], lambda x: x.own["paid"], "nothing is paid"),
        gaming=True,
    ),
    Metric(
        "small_share_of_pay", "Small partners' share of pay", "share", "neutral",
        "Paid to partners below the median volume of their segment, of all paid.",
        Ratio(lambda x: x.own["fair.small_paid"], lambda x: x.own["paid"], "nothing is paid"),
    ),
    Metric(
        "small_share_of_bookings", "Small partners' share of bookings", "share", "neutral",
        "Bookings of deals that partners below the median volume of their segment worked on, of those of all partners.",
        Ratio(lambda x: x.own["fair.small_booked"], lambda x: x.own["fair.booked"], "no bookings"),
    ),
    Metric(
        "small_paid_anything", "Small partners paid anything", "share", "higher",
        "Partners below the median volume of their segment who are paid anything, of all such partners.",
        Ratio(lambda x: x.own["fair.small_reached"], lambda x: x.own["fair.small"], "no small partners"),
    ),
    Metric(
        "payment_wait", "Wait for payment", "weeks", "lower",
        "Mean time from the close of a window to payment, holdbacks included, by money.",
        Ratio(lambda x: x.own["fair.waiting"], lambda x: x.own["paid"], "nothing is paid"),
    ),
    Metric(
        "cash_gap_median", "Cash gap, median partner", "weeks", "lower",
        "Pay times its wait over bookings, in weeks of bookings, of the median partner with bookings.",
        Mean(lambda x: x.own["fair.gap_median"] * _MICRO),
    ),
    Metric(
        "cash_gap_p90", "Cash gap, P90", "weeks", "lower",
        "The same of the partner that nine in ten are below.",
        Mean(lambda x: x.own["fair.gap_p90"] * _MICRO),
    ),
    Metric(
        "dispute_rate", "Dispute rate", "share", "lower",
        "Disputes about the attribution of signed deals, of all deals signed by partners.",
        Ratio(lambda x: x.own["disputes"], lambda x: x.own["won_by_partners"], "no deals signed by partners"),
    ),
)  # fmt: skip
