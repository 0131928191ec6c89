"""The fields of a scenario that say what costs the trust of partners in a program, and how it comes back."""

from __future__ import annotations

from simulator.program.spec import Spec, number


class Trust(Spec):
    """Trust of partners, 1 whole and 0 none, multiplies what a program's payouts are worth to them. Absent: always 1.

    No study was found that measures it for partner firms; all numbers are judgement and should be varied.
    """

    norm_weeks: float = number(
        6.0, "weeks from a window's end to payment that partners take as usual", unit="weeks", ge=0, le=52,
        source="quarter end + 45 days",
    )  # fmt: skip
    late: float = number(0.01, "trust lost per quarter and week of payment beyond the norm", unit="trust", ge=0, le=1)
    clawback: float = number(
        0.3, "trust lost where all of a year's deals are taken back in a quarter", unit="trust", ge=0, le=1
    )
    out_of_line: float = number(
        0.05, "trust lost in a quarter where the pay of one's bookings is nothing and that of peers is usual",
        unit="trust", ge=0, le=1,
    )  # fmt: skip
    dispute: float = number(0.03, "trust lost per dispute", unit="trust", ge=0, le=1)
    raised_targets: float = number(
        0.5, "trust lost where a review doubles the targets", unit="trust per doubling", ge=0, le=5
    )
    recovery: float = number(0.1, "share of lost trust that comes back in a quarter", unit="share", ge=0, le=1)
