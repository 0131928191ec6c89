"""The program office's quarterly review in the vector engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.model.setting import WEEKS_PER_QUARTER
from simulator.program.governance import InForce
from simulator.program.numbers import partner_sum

if TYPE_CHECKING:
    from simulator.engines.vector import VectorLife


def review(life: VectorLife, week: int) -> None:
    """Take note of the windows that were closed at `week`, and move what the rules of each program say."""
    for index, offer in enumerate(life.rollout.offers):
        rules, components = offer.program.review, offer.program.components
        if not rules or week <= 0:
            continue
        now = life.in_force.get(index) or InForce.at_launch(len(components), life.shape[0])
        books = [b for b in life.books if b.offer_index == index]
        for k in range(len(components)):
            accrued, attained, expected = np.zeros(life.shape), np.zeros(life.shape), np.zeros(life.shape)
            for b in books:
                for closing in (c for c in b.closings if c.component == k and c.end == week):
                    accrued, attained = accrued + closing.accrued, attained + closing.attained
                    usual = b.perception.usual(k, closing.start, week)
                    expected = np.where(closing.columns, usual, expected)
            paid, reached = accrued.sum(axis=1, keepdims=True), attained.sum(axis=1, keepdims=True)
            now = now.seeing(k, paid, reached, partner_sum(expected)[:, None])
        if week % WEEKS_PER_QUARTER == 0:
            now = now.reviewed(rules, components, week // WEEKS_PER_QUARTER)
        life.in_force = {**life.in_force, index: now}
        for b in books:
            b.in_force = now
