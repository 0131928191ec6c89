"""The plan of a pilot, as declared before it runs: who, how assigned, how long, what is measured, what decides.

    candidate = "accelerator"
    [design]
    quarters = 3

Everything else has a default; `plan_file` reads a plan and checks it against the scenario that it is for.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from pydantic import Field

from simulator.core.arrays import Array
from simulator.program.base import Listed, TableSpec, number
from simulator.world.setting import WEEKS_PER_QUARTER

Assignment = Literal["parallel", "stratified", "matched_pairs", "stepped_wedge", "switchback"]
Outcome = Literal[
    "qualified", "pipeline", "won", "bookings", "gross_margin", "payout", "margin", "fairness", "ease",
]  # fmt: skip
"""The names of `simulator.pilots.outcomes.OUTCOMES`."""
Rule = Literal["significant", "above_threshold", "expected_value"]
Boundary = Literal["none", "obrien_fleming", "pocock", "spending"]


class Eligible(TableSpec):
    """Who may take part; all partners unless told."""

    segments: Listed[str] = Field((), description="partner segments; empty: all")
    min_size: float | None = number(None, "least bookings in the year before launch", unit="money", ge=0)
    max_size: float | None = number(None, "most bookings in the year before launch", unit="money", gt=0)
    tenure_quarters: int = number(
        0, "least time from a partner's first opportunity to launch", unit="quarters", ge=0, le=20
    )


class PilotSchedule(TableSpec):
    """How long, how many, and who is on the candidate when."""

    assignment: Assignment = Field(
        "parallel",
        description="parallel: two groups at random; stratified: within segments and sizes; matched_pairs: one of each "
        "pair of like size; stepped_wedge: groups join one after another; switchback: groups go on and off",
    )
    unit: Literal["partner", "territory"] = Field(
        "partner", description="what is assigned as one; territories keep rivals for the same customers together"
    )
    partners: int | None = number(None, "partners that take part; none: all who are eligible", unit="partners", ge=4)
    treated_share: float = number(
        0.5, "share of units on the candidate, where groups stay as they are", unit="share", gt=0, lt=1
    )
    quarters: int = number(2, "length from launch", unit="quarters", ge=1, le=20)
    period_weeks: int = number(13, "weeks between two readings of the outcome", unit="weeks", ge=1, le=52)
    steps: int | None = number(
        None,
        "groups of a stepped wedge, or blocks of a switchback; none: as many as the periods allow",
        unit="steps",
        ge=1,
        le=100,
    )


class PilotMeasure(TableSpec):
    """What is read, and how an effect is estimated from it."""

    outcome: Outcome = Field("bookings", description="what is read, per partner and period")
    estimator: str = Field("cuped", description="name of an estimator")
    level: float = number(
        0.05, "chance of calling an effect where there is none, two-sided", unit="probability", gt=0, le=0.5
    )


class Decision(TableSpec):
    """What makes it a go."""

    rule: Rule = Field(
        "significant",
        description="significant: the estimate is positive and told apart from 0; above_threshold: the estimated lift "
        "is above `threshold`; expected_value: the candidate's net value, expected after the pilot, is positive",
    )
    threshold: float | None = number(
        None, "least lift that makes it a go, of the level without the candidate", unit="share", ge=-1, le=10
    )


class Interim(TableSpec):
    """Looks at the data before the end, and when they end the pilot."""

    looks: int = number(1, "looks in all, the last at the end, evenly spaced", unit="looks", ge=1, le=20)
    boundary: Boundary = Field(
        "obrien_fleming",
        description="how the level is kept over several looks; none: every look at the full level",
    )

    @property
    def uncalibrated(self) -> bool:
        """Whether there are several looks, each as if it were the only one."""
        return self.looks > 1 and self.boundary == "none"


class Guardrails(TableSpec):
    """What stops the pilot or the rollout for harm, checked at every period's end."""

    max_cost_overrun: float | None = number(
        None, "most by which the candidate may cost more per partner than the baseline", unit="share", gt=0, le=10
    )
    max_gaming_share: float | None = number(
        None, "most of the candidate's payout that may rest on gamed claims", unit="share", gt=0, le=1
    )
    min_lift: float | None = number(
        None, "least estimated lift so far, of the level without the candidate", unit="share", ge=-1, le=10
    )

    @property
    def any(self) -> bool:
        """Whether a limit is set."""
        return any(limit is not None for limit in (self.max_cost_overrun, self.max_gaming_share, self.min_lift))


class PilotCost(TableSpec):
    """What running the pilot costs, beyond what the candidate pays out."""

    fixed: float = number(0.0, "set-up, analysis and management", unit="money", ge=0)
    per_partner_quarter: float = number(
        0.0, "support and measurement of a partner that takes part", unit="money per partner and quarter", ge=0
    )


class Milestone(TableSpec):
    """From when on which share of partners is on the candidate."""

    quarter: int = number(..., "quarter after the decision", unit="quarters", ge=0, le=40)
    share: float = number(..., "share of all partners on the candidate from then on", unit="share", gt=0, le=1)


class RolloutPlan(TableSpec):
    """How a go is carried out, and how long what was decided holds."""

    quarters: int = number(
        8, "quarters from the pilot's launch that the decision counts for, the pilot's own included", unit="quarters",
        ge=1, le=40,
    )  # fmt: skip
    milestones: Listed[Milestone] = Field(
        (Milestone(quarter=0, share=1.0),), description="shares of partners, rising", min_length=1
    )


class Plan(TableSpec):
    """A pilot of one candidate program against the baseline."""

    candidate: str = Field(description="name of the program that is tried")
    beside: Listed[str] = Field(
        (),
        description="other programs that are tried at the same time, each in an arm of its own as large as the "
        "candidate's; what is concluded is of the candidate alone",
    )
    scenario: dict[str, Any] = Field(
        default_factory=dict,
        description="what the plan changes or adds in the scenario, by the same tables: the candidate itself, a longer "
        "horizon, what is not known of it",
    )
    label: str = Field("", description="name used in reports", max_length=80)
    eligible: Eligible = Field(default_factory=Eligible)
    design: PilotSchedule = Field(default_factory=PilotSchedule)
    measure: PilotMeasure = Field(default_factory=PilotMeasure)
    decision: Decision = Field(default_factory=Decision)
    interim: Interim = Field(default_factory=Interim)
    guardrails: Guardrails = Field(default_factory=Guardrails)
    cost: PilotCost = Field(default_factory=PilotCost)
    rollout: RolloutPlan = Field(default_factory=RolloutPlan)

    @property
    def weeks(self) -> int:
        """Weeks from launch to the end."""
        return self.design.quarters * WEEKS_PER_QUARTER

    @property
    def periods(self) -> int:
        """Readings of the outcome after launch."""
        return self.weeks // self.design.period_weeks

    @property
    def ends_early(self) -> bool:
        """Whether looks or limits may end the pilot before its time."""
        return self.interim.looks > 1 or self.guardrails.any

    def rolled_out(self, start: Array | float) -> Array:
        """Quarters of a full rollout that one started in quarter `start` comes to, by its milestones."""
        share = [max((m.share for m in self.rollout.milestones if m.quarter <= q), default=0.0)
                 for q in range(self.rollout.quarters)]  # fmt: skip
        done = np.concatenate([[0.0], np.cumsum(share)])
        return np.asarray(np.interp(self.rollout.quarters - np.asarray(start), np.arange(len(done)), done))

    @property
    def steps(self) -> int:
        """Groups of a stepped wedge, blocks of a switchback, 1 for the others."""
        most = {"stepped_wedge": self.periods - 1, "switchback": self.periods}.get(self.design.assignment, 1)
        return most if self.design.steps is None or most == 1 else self.design.steps
