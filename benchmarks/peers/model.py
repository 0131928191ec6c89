"""The cut-down model in words: what every peer simulates, read from the scenario that our tool runs.

Partner i has a base rate, lognormal with the stated mean. Its opportunities arrive as a Poisson process from `-burn_in`
weeks on. Each is won with a fixed probability; a won one is signed after a lognormal cycle and an exponential signature
lag, and is worth a lognormal amount up to a bound. What a partner signs in a quarter is paid at `pay`, and at
`pay_above` beyond `threshold`. A replication yields deals won, bookings and cost within the horizon.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from simulator.scenario.load import load
from simulator.scenario.schema import Scenario

SCENARIO = Path(__file__).parent / "cut_down.toml"
Figures = tuple[int, float, float]
"""Deals won, bookings and cost of a replication, money in units of the currency."""


@dataclass(frozen=True)
class Model:
    """Rates per week, times in weeks, money in units of the currency."""

    partners: int
    burn_in: int
    horizon: int
    rate: float
    rate_log_sd: float
    win: float
    cycle: float
    cycle_log_sd: float
    signature: float
    size: float
    size_log_sd: float
    size_max: float
    pay: float
    threshold: float
    pay_above: float

    def payout(self, revenue: float) -> float:
        """What a partner is paid for what it signed in a quarter, whole cents."""
        return round(self.pay * revenue + (self.pay_above - self.pay) * max(0.0, revenue - self.threshold), 2)


def model_of(scenario: Scenario, program: str) -> Model:
    """The cut-down model of a scenario under one of its programs."""
    market, partners = scenario.markets["only"], scenario.partners["all"]
    share = scenario.programs[program].components["share"].model_dump()
    tiers = share["tiers"] or ({"above": 0.0, "rate": share["rate"]},)
    return Model(
        partners.count, scenario.time.burn_in_weeks, scenario.time.horizon_weeks, partners.opportunities_per_year / 52,
        partners.volume_log_sd, market.win_probability, market.cycle_weeks, market.cycle_log_sd, market.signature_weeks,
        market.size_median, market.size_log_sd, market.size_max, share["rate"], tiers[0]["above"], tiers[0]["rate"],
    )  # fmt: skip


def cut_down() -> Scenario:
    """The scenario of the cut-down model."""
    return load(SCENARIO)
