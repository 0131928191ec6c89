"""Participation by hand, at its stationary point, in its direction, and engine against engine."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from simulator.behavior.participation import certainty_equivalent, odds
from simulator.engines.events import governance
from simulator.engines.ledger import RunOutcome
from simulator.reference.fit import Reference
from simulator.runs.simulate import fit_reference, prepare, vector_outcomes
from simulator.scenario.load import parse
from simulator.studies.verify import verify
from tests.engines.quick import quick_reference
from tests.engines.small import SMALL
from tests.program.build import num, scalar
from tests.scenario import texts

ON = """
[participation]
active_share = 0.6
response = 4
review_share = 0.5
join_share = 0.1
ramp_weeks = 13
"""
HEAD = SMALL.split("[programs.baseline")[0].replace("count = 6", "count = 8\nprospects = 4")
PROGRAMS = """
[programs.baseline.components.core]
kind = "revenue_share"
rate = 0.05
[programs.rich.components.core]
kind = "revenue_share"
rate = 0.15
[programs.papers]
extends = "baseline"
paperwork_per_year = 400000
"""


def test_a_certainty_equivalent_by_hand() -> None:
    """Income 300 + 100; eps = .25 is gamma = .2, effort 80; premium .5 * .5 * 1600 / 400 = 1; paperwork 9: 310."""
    worth = certainty_equivalent(
        own=num(300.0), pay=num(100.0), variance=num(1600.0), paperwork=num(9.0), risk_aversion=num(0.5),
        elasticity=num(0.25),
    )  # fmt: skip
    assert scalar(worth.certain) == pytest.approx(310.0)
    assert scalar(worth.income) == 400.0


def test_odds_are_those_of_the_baseline_without_a_gain() -> None:
    assert scalar(odds(num(0.6), num(4.0), num(0.0))) == pytest.approx(0.6, rel=1e-15)
    # logit(.6) = ln 1.5; a gain of .25 adds 1: 1.5 e / (1 + 1.5 e) = .8030
    assert scalar(odds(num(0.6), num(4.0), num(0.25))) == pytest.approx(0.80304, abs=1e-5)


@pytest.fixture(scope="module")
def reference() -> Iterator[Reference]:
    with quick_reference():
        yield fit_reference(parse(HEAD + ON + PROGRAMS))


def simulated(reference: Reference, text: str, replications: int = 80) -> dict[str, RunOutcome]:
    stage = prepare(parse(text), reference, ("rich", "papers"), 5, np.arange(replications))
    outcomes = vector_outcomes(stage, ("rich", "papers"))
    return {program: outcome for (program, level), outcome in outcomes if level == "responsive"}


@pytest.fixture(scope="module")
def outcomes(reference: Reference) -> dict[str, RunOutcome]:
    return simulated(reference, HEAD + ON + PROGRAMS)


def share(outcome: RunOutcome) -> tuple[float, float]:
    """Mean share of active partners among those that are none of the prospects, and its standard error."""
    t = outcome.totals
    active = t["participation.active"] / t["partner_weeks"]
    return float(active.mean()), float(active.std(ddof=1) / np.sqrt(len(active)))


def test_the_baseline_keeps_its_share_active(reference: Reference) -> None:
    """With pay as it was nobody gains by the program, but for luck: the share stays what the scenario states.

    The response to luck is switched down, so that the bend of the odds does not move the mean.
    """
    still = ON.replace("response = 4", "response = 0.2")
    base = simulated(reference, HEAD.replace("prospects = 4", "prospects = 0") + still + PROGRAMS)["baseline"]
    mean, error = share(base)
    assert abs(mean - 0.6) < 4 * error
    assert error < 0.02


def test_who_pays_more_has_more_partners_and_paperwork_drives_them_away(outcomes: dict[str, RunOutcome]) -> None:
    active = {name: outcome.totals["participation.active"].astype(float) for name, outcome in outcomes.items()}
    for better, worse in (("rich", "baseline"), ("baseline", "none"), ("baseline", "papers")):
        gain = active[better] - active[worse]
        assert gain.mean() > 4 * gain.std(ddof=1) / np.sqrt(len(gain)), (better, worse)
    joined = {name: outcome.totals["participation.joined"].mean() for name, outcome in outcomes.items()}
    assert joined["rich"] > joined["baseline"] > joined["none"]


def test_joining_has_the_stated_share_under_the_baseline(reference: Reference) -> None:
    """Without a response a prospect joins with .1 at each of three quarter ends of 39 weeks: 4 (1 - .9^3) = 1.084."""
    quiet = simulated(reference, HEAD + ON.replace("response = 4", "response = 0").replace("0.5", "1") + PROGRAMS, 120)
    joined = quiet["baseline"].totals["participation.joined"]
    assert abs(joined.mean() - 1.084) < 4 * joined.std(ddof=1) / np.sqrt(len(joined))


def test_dormant_partners_bring_nothing(outcomes: dict[str, RunOutcome], reference: Reference) -> None:
    """Sourced deals fall with the share that is there; the vendor's own customers stay as many."""
    all_in = simulated(reference, HEAD.replace("prospects = 4", "prospects = 0") + PROGRAMS)
    some = outcomes["baseline"].totals
    ratio = some["sourced"].mean() / all_in["baseline"].totals["sourced"].mean()
    assert 0.5 < ratio < 0.75


def test_the_engines_agree_and_a_planted_defect_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    text = SMALL.replace("count = 6", "count = 5\nprospects = 3").replace("horizon_weeks = 39", "horizon_weeks = 26")
    scenario = parse(text + ON)
    with quick_reference():
        result = verify(scenario, programs=("full",), replications=2, seed=5)
        assert result.agrees, str(result)
        right = governance.reconsider
        # Planted: in one engine the review is asked a quarter late.
        monkeypatch.setattr(governance, "reconsider", lambda run, week: right(run, week - 13))
        assert not verify(scenario, programs=("full",), replications=2, seed=5).agrees


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("count = 6", "count = 6\nprospects = 2", "needs a participation table"),
        ("burn_in_weeks = 52", "burn_in_weeks = 13\n[participation]", "must be at least 26 with participation"),
    ],
)
def test_faults_are_named(old: str, new: str, message: str) -> None:
    (problem,) = texts.problems_of(texts.edited(old, new))
    assert message in problem
