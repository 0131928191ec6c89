"""A cohort of the program office: the partners that started on one program in one week, as prices need them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from simulator.behavior.perceived_value import PerceivedValue
from simulator.core.arrays import Array, Bools, Ints
from simulator.engines.assignment import ProgramWithForecasts
from simulator.engines.events.accounts import Claim, PartnerAccount
from simulator.program.schedule import Schedule
from simulator.program.support import Prize
from simulator.world.setting import WEEKS_PER_QUARTER

if TYPE_CHECKING:
    from simulator.engines.events.engine import EventRun


class ProgramCohort:
    """Accounts by partner, and the schedules, prices and tier benefits of their running windows, arrays (1, P)."""

    def __init__(self, run: EventRun, index: int, offer: ProgramWithForecasts, pace: Array, slot: str) -> None:
        self._run, self.index, self.pace = run, index, pace
        self.world = run.world
        self.perception = PerceivedValue(
            run.setting,
            offer.program,
            run.mode.expectations,
            offer.forecasts,
            offer.tier_forecasts,
            run.world.rate,
        )
        components = offer.program.components
        self.shape = run.shape
        self.clawed = [forecast.clawed for forecast in offer.forecasts]
        self.accounts: dict[int, PartnerAccount] = {}
        self.listening: dict[int, PartnerAccount] = {}
        self.smooth: list[Schedule] = [c.schedule for c in components]
        self.opening: list[Array] = [np.zeros((1, 1)) for _ in components]
        self.benefits: list[Array] = []
        self.prices: tuple[Array, ...] = ()
        self.attained: list[Array] = []
        self.scores: list[Array] = []
        self.status: Ints = np.zeros(run.shape, dtype=np.int64)
        self.trust: Array | None = None
        self._in_force = run.in_force[slot]
        self._pays = slot == "paid" or run.paid is None
        self.rates: list[Array] | None = [np.ones((1, 1)) for _ in components] if offer.program.review else None
        self._take_rates(range(len(components)))

    def join(
        self, week: int, who: int, past: list[Claim], before: PartnerAccount | None, *, listens: bool = False
    ) -> PartnerAccount:
        """Open a partner's account, or what one that listens keeps track of the program with."""
        account = PartnerAccount(who, self.index, self)
        account.begin(week, past, before)
        account.reset(week, first=True)
        account.first_status = account.status
        (self.listening if listens else self.accounts)[who] = account
        return account

    def leave(self, who: int, index: int) -> None:
        """Let a partner go, which is on program `index` from here on."""
        self.accounts.pop(who, None)
        if index == self.index:
            self.listening.pop(who, None)

    def followed(self) -> list[PartnerAccount]:
        """The accounts of the partners on the program, and of those that listen."""
        return [*self.accounts.values(), *self.listening.values()]

    def begin(self, week: int) -> None:
        """Open all windows."""
        self._open(range(len(self.smooth)), week)
        self.gather()
        self._value_tiers(week, first=True)

    def turn(self, week: int) -> None:
        """Reset and reopen the windows that end at `week`."""
        starting: list[int] = []
        self._take_rates([k for k in range(len(self.smooth)) if any(a.ends(k, week) for a in self.accounts.values())])
        for account in self.followed():
            before = account.status
            starting = account.reset(week, first=False)
            if account.status != before and account.who in self.accounts:
                self._note_tier(account.who, before, account.status)
        self._open(starting, week)
        self._value_tiers(week, first=False)

    def _note_tier(self, who: int, before: int, now: int) -> None:
        tiers = self.perception.program.tiers
        if tiers is not None and self._pays:
            words = f"{tiers.names[now]}, was {tiers.names[before]}"
            self._run.note("tier", self._run.partners[who], None, 0.0, reason=words)

    def _take_rates(self, starting: Sequence[int]) -> None:
        """Let the windows that start have the rates in force."""
        now = self._in_force.get(self.index)
        if self.rates is not None and now is not None:
            for k in starting:
                self.rates[k] = now.rates[k]

    def _value_tiers(self, week: int, *, first: bool) -> None:
        if first or week % WEEKS_PER_QUARTER == 0:
            self.benefits = self.perception.tier_benefits(self.smooth, self.pace, week, self.rates)

    def _open(self, starting: list[int] | range, week: int) -> None:
        now = self._in_force.get(self.index)
        for k in starting:
            last = np.zeros(self._run.shape)
            for account in self.followed():
                if k in account.year_ago:
                    last[0, account.who] = account.year_ago[k][0]
            targets = None if now is None else now.targets
            exact, self.smooth[k], self.opening[k] = self.perception.open_window(k, last, self.pace, week, targets)
            for account in self.followed():
                account.exact[k] = exact

    def claims_of(self, who: int) -> list[Claim]:
        """All claims of a partner so far."""
        return self._run.partners[who].claims

    def verdicts_of(self, who: int, start: int, end: int) -> list[bool]:
        """Of a partner's deals decided from `start` to before `end`, whether each was won."""
        return [
            not opp.lost for opp in self._run.opportunities
            if opp.partner is not None and opp.partner.who == who and opp.decided is not None
            and start <= opp.decided < end
        ]  # fmt: skip

    @property
    def rivals(self) -> Bools:
        """The partners that compete for prizes."""
        return self.members()

    def award(self) -> list[tuple[Prize, int]]:
        """The winners of the quarter that ends, (prize, partner); results start anew."""
        won = []
        for k, prize in enumerate(self.perception.program.prizes):
            entered = sorted((-a.scores[k], who) for who, a in self.accounts.items() if a.scores[k] > 0)
            won += [(prize, who) for _, who in entered[: prize.winners]]
        for account in self.followed():
            account.scores = [0.0] * len(account.scores)
        return won

    def members(self) -> Bools:
        """Which partners have an account here, (1, P)."""
        return self._places(self.accounts)

    def listeners(self) -> Bools:
        """Which partners listen, (1, P)."""
        return self._places(self.listening)

    def _places(self, who: Iterable[int]) -> Bools:
        out = np.zeros(self._run.shape, dtype=bool)
        out[0, list(who)] = True
        return out

    def gather(self) -> None:
        """Lay the accounts' attainment and status out as arrays."""
        self.attained = [np.zeros(self._run.shape) for _ in self.smooth]
        self.status = np.zeros(self._run.shape, dtype=np.int64)
        self.scores = [np.zeros(self._run.shape) for _ in self.perception.program.prizes]
        for account in self.followed():
            who = account.who
            self.status[0, who] = account.status
            for k, value in enumerate(account.scores):
                self.scores[k][0, who] = value
            for k, value in enumerate(account.attained):
                self.attained[k][0, who] = value

    def kept(self, measure: str, quarters: int) -> Array:
        """Trailing total that still counts `quarters` quarter-ends from now."""
        out = np.zeros(self._run.shape)
        for account in self.followed():
            sums = account.quarters[measure]
            out[0, account.who] = sums[-1] + sum(sums[:-1][-(4 - quarters) :] if quarters < 4 else [])
        return out
