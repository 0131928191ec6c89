"""The cut-down model in Mesa 3: an agent per partner that steps week by week and keeps its own open deals."""

from __future__ import annotations

import math

import mesa

from benchmarks.peers.model import Figures, Model


class Partner(mesa.Agent):  # type: ignore[misc]
    """A partner with its rate and the signatures that are still to come, as (week, amount)."""

    def __init__(self, market: Market) -> None:
        super().__init__(market)
        sd = market.facts.rate_log_sd
        self.rate = market.facts.rate * math.exp(sd * self.random.gauss(0, 1) - sd * sd / 2)
        self.coming: list[tuple[float, float]] = []
        self.quarter = 0.0

    def step(self) -> None:
        m, now, chance = self.model.facts, self.model.week, self.random
        at = now + chance.expovariate(self.rate)
        while at < now + 1:
            if chance.random() < m.win:
                cycle = m.cycle * math.exp(m.cycle_log_sd * chance.gauss(0, 1))
                amount = round(min(m.size * math.exp(m.size_log_sd * chance.gauss(0, 1)), m.size_max), 2)
                self.coming.append((at + cycle + chance.expovariate(1 / m.signature), amount))
            at += chance.expovariate(self.rate)
        signed = [amount for when, amount in self.coming if when < now + 1]
        self.coming = [deal for deal in self.coming if deal[0] >= now + 1]
        if now >= 0:
            self.model.won += len(signed)
            self.quarter += sum(signed)

    def settle(self) -> None:
        self.model.bookings += self.quarter
        self.model.cost += self.model.facts.payout(self.quarter)
        self.quarter = 0.0


class Market(mesa.Model):  # type: ignore[misc]
    """All partners of one replication."""

    def __init__(self, facts: Model, seed: int) -> None:
        super().__init__(seed=seed)
        self.facts, self.week = facts, -facts.burn_in
        self.won, self.bookings, self.cost = 0, 0.0, 0.0
        Partner.create_agents(self, facts.partners)

    def step(self) -> None:
        self.agents.do("step")
        self.week += 1
        if self.week > 0 and self.week % 13 == 0:
            self.agents.do("settle")


def run(model: Model, replications: int, seed: int) -> list[Figures]:
    """Figures of independent replications."""
    out = []
    for r in range(replications):
        market = Market(model, seed * 1_000_003 + r)
        for _ in range(model.burn_in + model.horizon):
            market.step()
        out.append((market.won, market.bookings, market.cost))
    return out
