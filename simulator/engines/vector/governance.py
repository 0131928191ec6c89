"""The program office's quarterly review in the vector engine."""

from __future__ import annotations

import numpy as np

from simulator.core.arrays import partner_sum
from simulator.engines.vector.state import VectorState
from simulator.program.governance import ProgramAdjustments
from simulator.world.setting import WEEKS_PER_QUARTER


def review(state: VectorState, week: int) -> None:
    """Take note of the windows that were closed at `week`, and move what the rules of each program say."""
    for index, offer in enumerate(state.rollout.offers):
        rules, components = offer.program.review, offer.program.components
        if not rules or week <= 0:
            continue
        now = state.in_force.get(index) or ProgramAdjustments.at_launch(len(components), state.shape[0])
        accounts = [b for b in state.accounts if b.offer_index == index]
        for k in range(len(components)):
            accrued, attained, expected = np.zeros(state.shape), np.zeros(state.shape), np.zeros(state.shape)
            for b in accounts:
                for closing in (c for c in b.closings if c.component == k and c.end == week):
                    accrued, attained = accrued + closing.accrued, attained + closing.attained
                    usual = b.perception.usual(k, closing.start, week)
                    expected = np.where(closing.columns, usual, expected)
            paid, reached = accrued.sum(axis=1, keepdims=True), attained.sum(axis=1, keepdims=True)
            now = now.seeing(k, paid, reached, partner_sum(expected)[:, None])
        if week % WEEKS_PER_QUARTER == 0:
            now = now.reviewed(rules, offer.program.pools, week // WEEKS_PER_QUARTER)
        state.in_force = {**state.in_force, index: now}
        for b in accounts:
            b.in_force = now
