"""Reviews of programs in both engines, what they leave alone, and what a ratchet does to effort."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from simulator.core.errors import InputError
from simulator.engines.events import governance
from simulator.runs.simulate import SimulationResult, simulate
from simulator.scenario.load import parse
from simulator.studies.verify import verify
from tests.engines.quick import quick_reference
from tests.engines.small import BASELINE, HEAD, SMALL

REVIEWED = SMALL.replace('measure = "demo"\n', 'measure = "demo"\npool = 4000\n').replace(
    "rate = 0.03\n", "rate = 0.03\npool = 9000\n"
).replace("horizon_weeks = 39", "horizon_weeks = 65").replace("count = 6", "count = 4")  # fmt: skip
RULES = """
[[programs.full.review]]
aim = 3000
gain = 0.8
low = 0.4
[[programs.full.review]]
signal = "attainment"
aim = 1.0
acts_on = "target"
components = ["core", "growth"]
every_quarters = 2
[[programs.full.review]]
aim = 2000
acts_on = "pool"
components = ["demos"]
funded_by = "core"
[[programs.full.review]]
aim = 60
acts_on = "stop"
components = ["registered"]
"""


def run(text: str, **how: Any) -> SimulationResult:
    with quick_reference():
        return simulate(parse(text), programs=("full",), seed=5, **{"replications": 4, **how})


def test_the_engines_agree_and_a_planted_defect_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = parse(REVIEWED + RULES)
    with quick_reference():
        result = verify(scenario, programs=("full",), replications=1, seed=5)
        assert result.agrees, str(result)
        right = governance.review
        # Planted: in one engine the review forgets a partner's window.
        monkeypatch.setattr(governance, "review", lambda run, *rest: right(run, *rest[:-1], rest[-1][1:]))
        assert not verify(scenario, programs=("full",), replications=1, seed=5).agrees


def test_reviews_move_what_their_rules_say() -> None:
    own = run(REVIEWED + RULES).totals["full", "strategic"]
    assert (own["review.rate"] < 1_000_000).any()
    assert (own["review.target"] != 1_000_000).all()
    assert own["review.stopped"].any()
    assert "review.rate" not in run(REVIEWED).totals["full", "strategic"]


def test_a_review_that_may_move_nothing_changes_nothing() -> None:
    fixed = "[[programs.full.review]]\naim = 3000\nlow = 1.0\nhigh = 1.0\n"
    plain, reviewed = run(REVIEWED), run(REVIEWED + fixed)
    for key, totals in plain.totals.items():
        for name, value in totals.items():
            assert np.array_equal(value, reviewed.totals[key][name]), (key, name)


RATCHET = """
[programs.full.components.core]
kind = "accelerator"
rate = 0.04
multiples = [{ above = 1.0, multiple = 3.0 }]
[[programs.full.review]]
signal = "attainment"
aim = 0.8
acts_on = "target"
gain = 2.0
high = 3.0
"""


def test_raised_targets_cost_effort() -> None:
    # The ratchet effect (Weitzman 1980): what is beaten is raised, and the steep rate moves out of reach. Partners
    # see the target in force, not that their own result raises it, so this is the price effect alone.
    text = (HEAD + BASELINE + RATCHET).replace("horizon_weeks = 39", "horizon_weeks = 104")
    without, ratcheted = (run(t, replications=16) for t in (text.split("[[programs.full.review")[0], text))
    change = [
        ratcheted.totals["full", "responsive"][name] - without.totals["full", "responsive"][name]
        for name in ("activity.source", "cost")
    ]
    for gap in change:
        assert gap.mean() < -4 * gap.std(ddof=1) / np.sqrt(len(gap))


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ('aim = 1\ncomponents = ["cor"]', "did you mean 'core'?"),
        ('aim = 1\nsignal = "attainment"\ncomponents = ["registered"]', "is paid by claim and has no window"),
        ('aim = 1\nacts_on = "pool"\ncomponents = ["growth"]', "moves the pool of 'growth', which has none"),
        ('aim = 1\nfunded_by = "core"', "goes with acts_on = 'pool' only"),
        ('aim = 1\nacts_on = "pool"\ncomponents = ["demos"]\nfunded_by = "growth"', "has no pool to give from"),
        ('aim = 1\nacts_on = "pool"\ncomponents = ["demos"]\nfunded_by = "demos"', "cannot fund itself"),
        ('aim = 0', "must be above 0"),
    ],
)  # fmt: skip
def test_rules_that_cannot_work_are_said(rule: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(REVIEWED + "[[programs.full.review]]\n" + rule)
    assert words in str(caught.value)
