"""Co-marketing fund (MDF, co-op): a budget of the partner's for joint marketing, reimbursed on proof."""

from __future__ import annotations

from typing import Literal

from simulator.core.arrays import column
from simulator.program.base import ComponentSpec, component, number
from simulator.program.conditions import MarketingFund
from simulator.program.schedule import Schedule


@component
class CoMarketingFund(ComponentSpec):
    """Grants a share of closed revenue, a budget per window on proposal, or both. What is spent and proved is paid
    after the lag and raises the partner's sourcing (`behavior.fund_lift`); the rest is forfeited.

    The odds that a unit stays unspent rise with the lag and fall with the partner's volume. A partner values what
    accrues at the share that it spends times `worth`.
    """

    kind: Literal["co_marketing_fund"] = "co_marketing_fund"
    rate: float = number(
        0.0, "share of closed revenue that accrues to the fund", unit="share of revenue", ge=0, le=1,
        source="0.5 to 1.5 % of channel revenue; 1 to 5 % of sourced revenue", grade="C",
    )  # fmt: skip
    proposal: float = number(0.0, "budget that a partner asks for per window", unit="money", ge=0)
    approved: float = number(1.0, "share of it that the vendor grants", unit="share", ge=0, le=1)
    unspent: float = number(
        0.2, "share that a mean partner leaves unspent if reimbursed at once", unit="share", ge=0, lt=1,
        source="many vendors 1-10 %, some 25-50 % a quarter; above 25 %", grade="B",
    )  # fmt: skip
    lag_effect: float = number(
        0.0, "rise of the log-odds of leaving it per quarter of lag", unit="logit per quarter", ge=0, le=5,
        source="reimbursement takes 90 days and more, so that small partners opt out (B); how much is judgement",
    )  # fmt: skip
    size_effect: float = number(
        0.0, "fall of the log-odds of leaving it per log of volume over the mean", unit="logit per log unit", ge=0,
        le=5,
    )  # fmt: skip
    worth: float = number(0.5, "what a unit of reimbursed marketing is worth to the partner", unit="share", ge=0, le=1)

    def measured(self) -> str:
        return "revenue"

    def schedule(self) -> Schedule:
        return Schedule(column(self.rate))

    def spending(self) -> MarketingFund:
        return MarketingFund(
            grant=column(self.proposal * self.approved * 100),
            unspent=column(self.unspent),
            lag_effect=column(self.lag_effect),
            size_effect=column(self.size_effect),
            worth=column(self.worth),
        )
