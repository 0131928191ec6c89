"""What a run of the vector engine holds, as plain data that the subjects of the engine read and write."""

from __future__ import annotations

import numpy as np

from simulator.behavior.effort import EffortState
from simulator.behavior.gaming.false_claims import FalseClaimGains
from simulator.behavior.participation import participation_at_start
from simulator.behavior.word_of_mouth import partners_talk
from simulator.core.arrays import Array, Bools, Ints
from simulator.core.table import ColumnTable
from simulator.engines.assignment import BehaviorMode, ProgramAssignment
from simulator.engines.records import CLAIM, DEAL, DONE
from simulator.engines.vector.accounts import Budgets, ProgramAccounts
from simulator.program.governance import ProgramAdjustments
from simulator.program.measures import Event
from simulator.world.setting import ACTIVITIES
from simulator.world.world import World

Waiting = dict[int, list[tuple[int, Ints, Array]]]
"""Week -> outcomes after the sale that come then: event, deals, times."""


def claimed_stages(events: frozenset[Event] | None) -> Bools:
    """Whether claims are kept of each stage of a deal, by stage; signatures have their own."""
    return np.array([stage < 3 and (events is None or stage in events) for stage in range(DONE + 1)])


class VectorState:
    """All data of a run, (R, P) unless said otherwise.

    world, rollout, mode: what is simulated, under which programs and which behavior; effort: partners' activities;
    opps, claims: tables of deals and claims; calendar: week -> deals with a stage then; coming: what happens after
    the sale; accounts, closed: running accounts by program and week of joining, and those that nobody is on any
    more; funds: budgets; in_force: adjustments by program; effort_total: (4, R) sums of activity since launch;
    opened, decided, won: cells of what the running week brought. events: of the stages of deals, those that claims
    are kept of, being all that some program looks at; None for all.
    """

    def __init__(
        self, world: World, rollout: ProgramAssignment, mode: BehaviorMode, events: frozenset[Event] | None = None
    ) -> None:
        self.world, self.rollout, self.mode = world, rollout, mode
        self.setting = world.setting
        self.shape = world.shape
        self.effort = EffortState(
            self.setting, world.rate, world.inert, mode.expectations, world.shocks, mode.responding
        )
        self.effort.membership = participation_at_start(world)
        self.talking = partners_talk(self.setting)
        self.false_claim_gains = FalseClaimGains(self.shape)
        self.work, self.open = np.zeros(self.shape), np.zeros(self.shape)
        self.opps, self.claims = ColumnTable(DEAL), ColumnTable(CLAIM)
        self.calendar: dict[int, list[Ints]] = {}
        self.coming: Waiting = {}
        self.accounts: list[ProgramAccounts] = []
        self.closed: list[ProgramAccounts] = []
        self.funds = Budgets()
        self.in_force: dict[int, ProgramAdjustments] = {}
        self.effort_total = np.zeros((len(ACTIVITIES), self.shape[0]))
        self.opened: list[Ints] = []
        self.decided: list[Ints] = []
        self.won: list[Ints] = []
        self.claimed = claimed_stages(events)
