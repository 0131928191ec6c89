"""What the event engine's program office looks after besides payouts: reviews of programs, participation, support."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from simulator.behavior.enablement import SupportEffects, help_of, helped_logit
from simulator.behavior.participation import ParticipationValue
from simulator.core.arrays import Array, partner_sum
from simulator.program.compiled import CompiledProgram
from simulator.program.governance import ProgramAdjustments
from simulator.world.setting import WEEKS_PER_QUARTER

if TYPE_CHECKING:
    from simulator.engines.events.closing import PendingWindow
    from simulator.engines.events.deals import Opportunity, Partner
    from simulator.engines.events.engine import EventRun
    from simulator.engines.events.program_office import ProgramCohort


def review(
    run: EventRun, week: int, slot: str, cohorts: Sequence[ProgramCohort], closed: Sequence[PendingWindow]
) -> None:
    """Look at what every program's windows that closed now came to, and follow its rules."""
    held = run.in_force[slot]
    for index, program in {cohort.index: cohort.perception.program for cohort in cohorts}.items():
        if not program.review or week <= 0:
            continue
        now = held.get(index) or ProgramAdjustments.at_launch(len(program.components), 1)
        for k in range(len(program.components)):
            usual = np.zeros(run.shape)
            paid = attained = 0.0
            for d in (d for d in closed if d.account.offer == index and d.component == k):
                paid, attained = paid + d.accrued, attained + d.account.attained[k]
                expected = d.account.perception.usual(k, d.account.started[k], week)
                usual[0, d.account.who] = expected[0, d.account.who]
            now = now.seeing(k, np.array([[paid]]), np.array([[attained]]), partner_sum(usual)[:, None])
        held[index] = now
        if week % WEEKS_PER_QUARTER == 0:
            held[index] = now.reviewed(program.review, program.pools, week // WEEKS_PER_QUARTER)
            _note_moves(run, program, now, held[index])


def _note_moves(run: EventRun, program: CompiledProgram, before: ProgramAdjustments, now: ProgramAdjustments) -> None:
    """Log what a review changed."""
    for what, was, is_now in (
        ("rates", before.rates, now.rates), ("targets", before.targets, now.targets), ("pool", before.pools, now.pools),
    ):  # fmt: skip
        for component, old, new in zip(program.components, was, is_now, strict=True):
            if old[0, 0] != new[0, 0]:
                run.note("review", None, None, 0.0, component.name, reason=f"{what} times {new[0, 0]:.3f}")


def reconsider(run: EventRun, week: int) -> None:
    """Ask all partners at a quarter's end whether they take part."""
    members = run.effort.membership
    if members is None or week % WEEKS_PER_QUARTER != 0 or week == -run.setting.burn_in:
        return
    worth = ParticipationValue(np.zeros(run.shape), np.zeros(run.shape))
    for cohort in run.cohorts:
        cohort.pace, cohort.trust = run.effort.pace(), run.effort.trusted()
        cohort.gather()
        seen = cohort.perception.worth(week, cohort)
        for who in cohort.accounts:
            worth.certain[0, who], worth.income[0, who] = seen.certain[0, who], seen.income[0, who]
    before = members.active
    run.effort.review(week, worth, run.world.participation(week))
    for partner in run.partners:
        if before[0, partner.who] != members.active[0, partner.who]:
            change = "takes part" if members.active[0, partner.who] else "goes dormant"
            run.note(change, partner, None, 0.0)


def enablement(run: EventRun, week: int) -> SupportEffects | None:
    """What enablement does for partners, asked of their open complex deals."""
    offers, now = run.rollout.offers, run.rollout.at(week)
    if not any(offer.program.supports for offer in offers):
        return None
    count = np.zeros(run.shape)
    for p in run.partners:
        count[0, p.who] = sum(o.worked and o.decided is None and o.complexity == 1 for o in p.opportunities)
    given = [(offer.program.supports, now == index) for index, offer in enumerate(offers)]
    return help_of(given, run.effort.working(1), count)


def helped(run: EventRun, opp: Opportunity, partner: Partner, logit: Array) -> Array:
    """Log-odds of a deal with the help that its partner gets this week, shape (1,)."""
    if run.effort.help is None:
        return logit
    return helped_logit(
        logit, complexity=np.array([opp.complexity]), account=np.array([opp.account]),
        hard=run.effort.help.complex[:, partner.who], named=run.effort.help.named[:, partner.who],
    )  # fmt: skip
