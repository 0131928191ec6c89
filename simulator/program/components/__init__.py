"""The incentive components. Importing this package registers every kind; one definition per file."""

from simulator.program.components.accelerator import Accelerator
from simulator.program.components.activity_credit import ActivityCredit
from simulator.program.components.bonus import Bonus
from simulator.program.components.co_marketing_fund import CoMarketingFund
from simulator.program.components.deal_registration import DealRegistration
from simulator.program.components.growth import Growth
from simulator.program.components.outcome_bonus import OutcomeBonus
from simulator.program.components.revenue_share import RevenueShare
from simulator.program.components.upfront_commitment import UpfrontCommitment

__all__ = [
    "Accelerator",
    "ActivityCredit",
    "Bonus",
    "CoMarketingFund",
    "DealRegistration",
    "Growth",
    "OutcomeBonus",
    "RevenueShare",
    "UpfrontCommitment",
]
