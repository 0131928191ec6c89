"""The fields of a scenario that say whether partners take part in the program at all."""

from __future__ import annotations

from simulator.program.spec import Spec, number


class Participation(Spec):
    """Partners go dormant and return, and prospective ones join, as the program is worth it. Absent: all take part."""

    active_share: float = number(
        0.6, "share of partners that are active under the baseline", unit="share", gt=0, lt=1,
        source="over 60 % of partners without a deal in four quarters; 15-20 % active good, 30 % the best", grade="C",
    )  # fmt: skip
    response: float = number(
        3.0,
        "rise of the log-odds of being active when the program adds the partner's usual income once more",
        unit="logit per usual income",
        ge=0,
        le=50,
        source="no study of partner firms was found",
    )
    review_share: float = number(
        0.25, "share of partners that reconsider at a quarter's end", unit="share per quarter", ge=0, le=1
    )
    memory_quarters: float = number(
        2.0, "memory in which a partner smooths what the program is worth to it", unit="quarters", ge=1, le=40
    )
    risk_aversion: float = number(
        0.5, "relative risk aversion: a premium of half of it times variance over income", unit="multiple", ge=0, le=20
    )
    join_share: float = number(
        0.05, "share of prospective partners that join in a quarter under the baseline", unit="share per quarter",
        gt=0, lt=1,
    )  # fmt: skip
    ramp_weeks: float = number(
        26.0, "time in which a new partner reaches its full sourcing", unit="weeks", ge=1, le=260
    )
