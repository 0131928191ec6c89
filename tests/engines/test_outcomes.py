"""What becomes of customers: when, for whom, what is paid for it, and what post-sale work is worth through it."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.engines.ledger import RunOutcome
from simulator.runs.simulate import fit_reference
from simulator.scenario.load import parse
from simulator.studies.verify import verify
from simulator.world.after_sale import expansion_amount, outcome_times
from tests.engines.quick import quick_reference
from tests.engines.simulated import STILL, rows, simulated
from tests.scenario.texts import SMALL, problems_of

AFTER = (
    "[markets.mid.after_sale]\nlive_weeks = 4.0\nlive_log_sd = 0.3\nrenewal_weeks = 20.0\n"
    "expansions_per_year = 2.0\nexpansion_share = 0.5\nreferences_per_year = 1.0\n"
)
HEAD = STILL.replace("[territories.north]", AFTER + "[territories.north]")


def bonus(name: str, measure: str, more: str = "") -> str:
    paid = "share = 0.1" if measure == "expansion" else "amount = 100.0"
    return f'[programs.{name}.components.c]\nkind = "outcome_bonus"\nmeasure = "{measure}"\n{paid}\n{more}\n'


PROGRAMS = (
    bonus("live", "live") + bonus("soon", "live", "within_weeks = 4.0") + bonus("kept", "retained")
    + bonus("grown", "expansion") + bonus("told", "reference")
    + '[programs.signed.components.c]\nkind = "activity_credit"\nmeasure = "deals"\namount = 100.0\n'
)  # fmt: skip


def test_when_things_happen() -> None:
    """Signed in week 10, live 8 weeks later, expanding 12 and referring 30 weeks after that, renewal after 26.

    Four times the activity at elasticity .5 halves the waits: live at 14, expansion at 20, reference at 29. A customer
    lost at 36 is retained just before nothing more happens; one lost at 20 has only gone live.
    """
    waits = np.array([[8.0, 12.0, 30.0]] * 3)
    got = outcome_times(
        waits=waits, renewal=np.full(3, 26.0), signed=np.full(3, 10.0), ends=np.array([36.5, 36.5, 20.0]),
        active=np.array([1.0, 4.0, 1.0]), elasticity=np.full(3, 0.5),
    )  # fmt: skip
    inf = np.inf
    assert got.tolist() == [[18, 36, 30, inf], [14, 36, 20, 29], [18, inf, inf, inf]]


def test_money_of_an_expansion() -> None:
    assert expansion_amount(np.array([100_001.0, 1.0]), np.array([0.5, 0.2])).tolist() == [50_000, 1]


@pytest.fixture(scope="module")
def outcomes() -> dict[str, RunOutcome]:
    return simulated(PROGRAMS, head=HEAD)


def test_what_is_paid_counts_customers_and_money(outcomes: dict[str, RunOutcome]) -> None:
    """100.00 a customer, 10 % of the money of expansions."""
    for name in ("live", "soon", "kept", "told"):
        for attained, accrued in rows(outcomes[name], "attained", "accrued"):
            assert accrued == 100 * attained
    for attained, accrued in rows(outcomes["grown"], "attained", "accrued"):
        assert accrued == round(0.1 * attained)
    paid = {name: int(o.totals["accrued"].sum()) for name, o in outcomes.items()}
    assert 0 < paid["told"] < paid["live"]
    assert 0 < paid["soon"] < paid["live"]  # the median is at the limit of four weeks
    assert 0 < paid["kept"] < paid["live"]
    assert paid["grown"] > 0


def test_about_half_go_live_within_the_median(outcomes: dict[str, RunOutcome]) -> None:
    """Nobody responds, so the median holds, but for customers lost before (2 % a week)."""
    soon, live = (int(outcomes[n].totals["accrued"].sum()) // 10_000 for n in ("soon", "live"))
    assert abs(soon / live - 0.5) < 4 * np.sqrt(0.25 / live)


def test_the_world_does_not_change_by_looking_at_it(outcomes: dict[str, RunOutcome]) -> None:
    """What is followed after the sale moves no other draw."""
    plain = simulated("[programs.signed.components.c]\n" + PROGRAMS.split("[programs.signed.components.c]\n")[1])
    assert rows(plain["signed"], "partner", "end", "accrued") == rows(outcomes["signed"], "partner", "end", "accrued")


def test_both_engines_agree() -> None:
    head = HEAD.replace("elasticity = 0.0", "elasticity = 1.0").replace("opportunist_share = 0.0",
                                                                        "opportunist_share = 0.5")  # fmt: skip
    full = PROGRAMS + bonus("back", "live", "terms = { clawback_weeks = 30.0 }")
    with quick_reference():
        result = verify(parse(head + full), programs=("soon", "grown", "back", "kept", "told"), replications=1)
    assert result.agrees, str(result)


def test_post_sale_work_has_a_price_where_outcomes_are_paid() -> None:
    """Live by week 4 where the median is 4: P = Phi(e ln q / sd), e = .5, sd = .3. Between q = .9 and 1.1 it rises from
    Phi(-.1756) = .4303 to Phi(.1588) = .5631, so .664 a customer and unit; nobody is lost here. Of some 150 deals the
    share in between, .133, has a standard error of .028, so the slope one of .14."""
    lasting = HEAD.replace("churn_per_year = 1.0", "churn_per_year = 0.0")
    with quick_reference():
        reference = fit_reference(parse(lasting + PROGRAMS))
    (timely,), (grown,) = (reference._programs[n][0] for n in ("soon", "grown"))
    assert timely["success"][0, 0] / (100 * reference.basic["wins"][0, 0]) == pytest.approx(0.664, abs=4 * 0.14)
    assert grown["success"][0, 0] >= 0
    assert "success" not in reference._programs["signed"][0][0]


def test_what_an_outcome_bonus_needs() -> None:
    text = SMALL + bonus("x", "expansion").replace("share", "amount")
    found = [p.split("components.c.")[1] for p in problems_of(text) if "programs.x" in p]
    assert sorted(found) == [
        "amount = 0.1: does not go with the measure 'expansion'",
        "measure = 'expansion': pays nothing, as no market says what becomes of a customer "
        "(add a table [markets.NAME.after_sale])",
        "share: is required where the measure is 'expansion'",
    ]
