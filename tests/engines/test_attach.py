"""Deals with services attached, and gates on their share and on the share of deals that are won."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.engines.events.program_office import ProgramCohort
from simulator.engines.vector.engine import VectorRun
from simulator.program.measures import Event, attached_of
from simulator.runs.simulate import fit_reference, prepare
from simulator.scenario.load import parse
from simulator.studies.verify import verify
from tests.engines.quick import quick_reference
from tests.engines.simulated import STILL, rows, share, simulated
from tests.engines.small import HEAD

ATTACHED = STILL.replace("cycle_weeks = 6", "cycle_weeks = 6\nattach_share = 0.3")


def run(program: str) -> VectorRun:
    scenario = parse(ATTACHED + share("baseline") + program)
    with quick_reference():
        stage = prepare(scenario, fit_reference(scenario), ("p",), 3, np.arange(2))
    return VectorRun(stage.world, stage.rollout("p"), stage.mode[False]).run(-26, 39).finish()


def test_attached_deals_are_a_share_of_all_and_change_no_other_draw() -> None:
    """A stream of its own: the same deals and cents with and without it. 30 % within 4 standard errors."""
    with_, without = (simulated(share("baseline"), head) for head in (ATTACHED, STILL))
    columns = ("replication", "partner", "start", "accrued", "paid")
    assert rows(with_["baseline"], *columns) == rows(without["baseline"], *columns)
    found = attached_of(run(share("p")).world.deals["code"][:])
    assert abs(found.mean() - 0.3) < 4 * np.sqrt(0.3 * 0.7 / len(found))


def test_credit_of_attached_deals_by_hand() -> None:
    """Plain deals count a half: 4 % pay 4 % of attached and 2 % of plain money, summed from the claims."""
    lived_ = run(share("p", "credit_by_attach = { plain = 0.5 }", rate=0.04))
    c = lived_.claims
    for closing in lived_.closed[-1].closings if lived_.closed else lived_.accounts[-1].closings:
        if closing.start < 0:
            continue
        inside = (c["event"] == Event.SIGNED) & (c["week"] >= closing.start) & (c["week"] < closing.end)
        inside &= c["role"] != 2
        money = np.where(c["code"] % 2 == 1, c["amount"], np.rint(c["amount"] * 0.5))[inside]
        expected = np.bincount(c["cell"][inside], weights=money, minlength=lived_.shape[0] * lived_.shape[1])
        np.testing.assert_allclose(closing.accrued.reshape(-1), np.rint(0.04 * expected), atol=1)


@pytest.mark.parametrize("least", [0.2, 0.6])
def test_an_attach_gate_by_hand(least: float) -> None:
    """Quarters whose signed money is attached by less than the gate accrue nothing."""
    lived_ = run(share("p", f"gate = {{ min_attach = {least} }}"))
    c, met = lived_.claims, []
    for closing in lived_.accounts[-1].closings:
        inside = (c["event"] == Event.SIGNED) & (c["week"] >= closing.start) & (c["week"] < closing.end)
        inside &= (c["role"] != 2) & (closing.start >= 0)
        size = lived_.shape[0] * lived_.shape[1]
        all_, some = (
            np.bincount(c["cell"][pick], weights=c["amount"][pick], minlength=size)
            for pick in (inside, inside & (c["code"] % 2 == 1))
        )
        paid = closing.accrued.reshape(-1)[all_ > 0] > 0
        assert (paid == (some >= least * all_)[all_ > 0]).all()
        met += paid.tolist()
    assert 0 < sum(met) < len(met)


def test_the_engines_agree_on_attachments_and_both_gates(monkeypatch: pytest.MonkeyPatch) -> None:
    """And differ where one of them looks at the deals decided seven weeks before."""
    text = HEAD.replace("cycle_weeks = 8", "cycle_weeks = 8\nattach_share = 0.3") + share("baseline")
    text += share("p", "credit_by_attach = { plain = 0.5 }\ngate = { min_attach = 0.2, min_win_share = 0.35 }")
    text += '[programs.p.components.d]\nkind = "activity_credit"\nmeasure = "deals"\namount = 100\nwindow = "half"\n'
    text += "gate = { min_win_share = 0.35 }\n"
    scenario = parse(text)
    with quick_reference():
        without_gaming = verify(scenario, programs=("p",), replications=1, seed=5)
        assert without_gaming.agrees, str(without_gaming)
        right = ProgramCohort.verdicts_of
        monkeypatch.setattr(ProgramCohort, "verdicts_of", lambda self, who, a, b: right(self, who, a - 7, b - 7))
        assert not verify(scenario, programs=("p",), replications=1, seed=5).agrees
