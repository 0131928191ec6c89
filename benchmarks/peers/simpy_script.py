"""The cut-down model in SimPy: a process per partner, one per opportunity, and one that pays at quarter ends."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from typing import Any

import simpy

from benchmarks.peers.model import Figures, Model


class Program:
    """What partners sign, and what they are paid for it."""

    def __init__(self, env: simpy.Environment, model: Model, chance: random.Random) -> None:
        self.env, self.model, self.chance = env, model, chance
        self.quarter = [0.0] * model.partners
        self.won, self.bookings, self.cost = 0, 0.0, 0.0
        for i in range(model.partners):
            env.process(self.partner(i))
        env.process(self.office())

    def partner(self, i: int) -> Iterator[Any]:
        sd = self.model.rate_log_sd
        rate = self.model.rate * math.exp(sd * self.chance.gauss(0, 1) - sd * sd / 2)
        while True:
            yield self.env.timeout(self.chance.expovariate(rate))
            self.env.process(self.opportunity(i))

    def opportunity(self, i: int) -> Iterator[Any]:
        m, chance = self.model, self.chance
        yield self.env.timeout(m.cycle * math.exp(m.cycle_log_sd * chance.gauss(0, 1)))
        if chance.random() >= m.win:
            return
        yield self.env.timeout(chance.expovariate(1 / m.signature))
        if self.env.now < 0:
            return
        amount = round(min(m.size * math.exp(m.size_log_sd * chance.gauss(0, 1)), m.size_max), 2)
        self.won += 1
        self.bookings += amount
        self.quarter[i] += amount

    def office(self) -> Iterator[Any]:
        yield self.env.timeout(self.model.burn_in)
        while True:
            yield self.env.timeout(13)
            self.cost += sum(self.model.payout(revenue) for revenue in self.quarter)
            self.quarter = [0.0] * self.model.partners


def run(model: Model, replications: int, seed: int) -> list[Figures]:
    """Figures of independent replications."""
    out = []
    for r in range(replications):
        env = simpy.Environment(initial_time=-model.burn_in)
        program = Program(env, model, random.Random(seed * 1_000_003 + r))
        env.run(until=model.horizon + 1e-9)
        out.append((program.won, program.bookings, program.cost))
    return out
