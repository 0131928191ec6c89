"""Trust, countersigns and the cost of waiting for money: rules by hand, both engines, and what they do to effort."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from simulator.behavior.trust import QuarterExperience, TrustState
from simulator.core.errors import InputError
from simulator.engines.events import trust as trustees
from simulator.runs.simulate import SimulationResult, simulate
from simulator.scenario.load import parse
from simulator.studies.verify import verify
from simulator.world.setting import compile_setting
from tests.engines.quick import quick_reference
from tests.engines.small import BASELINE, HEAD, SMALL

TRUST = "\n[trust]\nlate = 0.02\nout_of_line = 0.2\n"
RULE = '\n[[programs.full.review]]\nsignal = "attainment"\naim = 0.5\nacts_on = "target"\ncomponents = ["core"]\n'
EVERYTHING = SMALL.replace("count = 6", "count = 4\ncost_of_capital = 0.2").replace(
    "floor = 500 }", "floor = 500, payout_lag_weeks = 16, countersign_weeks = 3, countersign_refusal = 0.2 }"
) + TRUST + RULE  # fmt: skip
ZERO = np.zeros((1, 2))


def facts(**given: Any) -> QuarterExperience:
    names = ("paid", "late", "signed", "lost", "booked", "disputes", "raised")
    return QuarterExperience(
        **{name: np.array([given[name]], dtype=float) if name in given else ZERO for name in names}
    )


def reviewed(*quarters: QuarterExperience, numbers: str = "") -> TrustState:
    setting = compile_setting(parse(HEAD + "[trust]\n" + numbers + BASELINE), {})
    trust = TrustState(setting, (1, 2))
    for week, quarter in enumerate(quarters):
        trust.review(13 * week, quarter)
    return trust


def test_each_hurt_by_hand() -> None:
    # Partner 1: half of its payout 20 weeks late is 10 weeks at .01; 1 of 10 deals taken back at .3; 2 disputes at .03;
    # targets up by 20 % at .5. In all .1 + .03 + .06 + .1 = .29. Partner 2 has nothing.
    got = reviewed(facts(paid=[200, 0], late=[2000, 0], signed=[10, 0], lost=[1, 0], disputes=[2, 0], raised=[0.2, 0]))
    assert got.level[0] == pytest.approx([0.71, 1.0])
    # Paid 10 of 100 and 90 of 100 booked each: the first has a fifth of the usual pay per booking: .05 * .8.
    assert reviewed(facts(paid=[10, 90], booked=[100, 100])).level[0] == pytest.approx([0.96, 1.0])


def test_trust_recovers_and_stays_within_bounds() -> None:
    hurt, calm = facts(disputes=[10, 100]), facts()
    # .7 and 0; then a tenth of what is missing comes back.
    assert reviewed(hurt).level[0] == pytest.approx([0.7, 0.0])
    assert reviewed(hurt, calm).level[0] == pytest.approx([0.73, 0.1])
    assert reviewed(calm, calm).level[0].tolist() == [1.0, 1.0]


def test_what_the_baseline_does_to_trust_is_in_calibrated_volumes() -> None:
    setting = compile_setting(parse(HEAD + TRUST + BASELINE), {})
    trust = TrustState(setting, (1, 2))
    for week in (-26, -13, 0):
        assert trust.factor() is None
        trust.review(week, facts(disputes=[1, 0]))
    usual = 0.97 + 0.943 + 0.9187  # 1 - .03; .97 + .1 * .03 - .03; .943 + .1 * .057 - .03
    assert trust.factor()[0] == pytest.approx([0.9187 / (usual / 3), 1.0])  # type: ignore[index]


def test_trust_needs_a_quarter_of_the_baseline_first() -> None:
    with pytest.raises(InputError, match="burn_in_weeks = 0: must be at least 13 with trust"):
        parse((HEAD + TRUST + BASELINE).replace("burn_in_weeks = 26", "burn_in_weeks = 0"))


def run(text: str, **how: Any) -> SimulationResult:
    with quick_reference():
        return simulate(parse(text), programs=("full",), seed=5, **{"replications": 12, **how})


def test_the_engines_agree_and_a_planted_defect_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    with quick_reference():
        result = verify(parse(EVERYTHING), programs=("full",), replications=1, seed=5)
        assert result.agrees, str(result)
        right = trustees.disputes_of_quarter
        # Planted: in one engine each partner is told of a dispute more.
        monkeypatch.setattr(trustees, "disputes_of_quarter", lambda *at: right(*at) + 1)
        assert not verify(parse(EVERYTHING), programs=("full",), replications=1, seed=5).agrees


def gap(one: SimulationResult, other: SimulationResult, name: str) -> float:
    """How many standard errors a total of the second is above that of the first, in the same worlds."""
    x = other.totals["full", "responsive"][name] - one.totals["full", "responsive"][name]
    return float(x.mean() / (x.std(ddof=1) / np.sqrt(len(x))))


SIMPLE = HEAD + BASELINE + '[programs.full.components.core]\nkind = "revenue_share"\nrate = 0.12\nterms = { TERMS }\n'


def simple(terms: str, head: str = "") -> SimulationResult:
    return run(SIMPLE.replace("TERMS", terms).replace('territory = "north"', f'territory = "north"\n{head}') + TRUST)


def test_late_pay_costs_trust_and_effort() -> None:
    # Both programs are discounted alike where money costs nothing: what is left is trust.
    patient = (SIMPLE + TRUST).replace("[behavior]", "[behavior]\ndiscount_rate = 0.0")
    prompt, late = (run(patient.replace("TERMS", f"payout_lag_weeks = {lag}")) for lag in (6, 30))
    assert gap(prompt, late, "trust") < -4
    assert gap(prompt, late, "activity.source") < -4


def test_a_countersign_refuses_its_share_and_slows_effort() -> None:
    free, signed = simple("payout_lag_weeks = 6"), simple("payout_lag_weeks = 6, countersign_refusal = 0.5")
    assert gap(free, signed, "activity.source") < -4
    paid = [s.totals["full", "static"]["accrued"].sum() for s in (free, signed)]
    deals = free.totals["full", "static"]["won_by_partners"].sum()
    # Half of the deals, drawn with their sizes: the share paid is .5 within 4 (.5 / sqrt(deals)) times their spread.
    assert abs(paid[1] / paid[0] - 0.5) < 4 * 0.5 / np.sqrt(deals) * 2.5


def test_money_that_costs_more_makes_lag_weigh_more() -> None:
    cheap, dear = simple("payout_lag_weeks = 26"), simple("payout_lag_weeks = 26", "cost_of_capital = 0.5")
    assert gap(cheap, dear, "activity.source") < -4
    at_once = [simple("payout_lag_weeks = 0", head) for head in ("", "cost_of_capital = 0.5")]
    slow, quick = (b.totals["full", "responsive"]["activity.source"].mean() - a.totals["full", "responsive"][
        "activity.source"].mean() for a, b in ((cheap, dear), at_once))  # fmt: skip
    assert slow < quick
