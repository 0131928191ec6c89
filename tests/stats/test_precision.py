"""Running to a precision: how many replications are taken, what is said of them, and what the intervals are worth."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

import simulator as sim
from simulator.core.errors import InputError
from simulator.metrics.controls import controls_of
from simulator.metrics.measure import measure
from simulator.runs.simulate import SimulationResult, simulate
from simulator.scenario.load import parse
from simulator.scenario.paths import with_values
from simulator.stats.estimate import estimate, mean_of
from simulator.stats.variance_reduction import Sampling
from simulator.studies.precision import Goal, PrecisionEffort, next_count, run_to
from tests import made_up
from tests.engines.small import CANDIDATE, SMALL
from tests.test_vectors import UNCERTAIN

TWO = SMALL.replace("opportunist_share = 0.6\n", "") + UNCERTAIN


def part(first: int, count: int, study: SimulationResult | None) -> SimulationResult:
    """Replications of a made-up study whose cost has coefficient of variation 1/2."""
    whole = made_up.simulated(first + count, seed=3)
    cut = {key: {name: x[first:] for name, x in totals.items()} for key, totals in whole.totals.items()}
    return replace(whole, totals=cut, first=first, replications=count)


def test_batches_go_on_to_the_half_width_asked_for() -> None:
    study, sampling, effort = run_to(0.04, 5_000, part)
    assert not effort.missed
    assert effort.replications == study.replications
    assert 256 < study.replications < 5_000
    cost = measure(study, sampling).estimates["growth", "strategic", "program_cost"]
    goal = next(g for g in effort.goals if (g.of, g.program) == ("mean", "growth"))
    assert cost.low is not None
    assert cost.high is not None
    assert cost.mean is not None
    assert goal.half_width == pytest.approx((cost.high - cost.low) / 2 / cost.mean, rel=1e-12)
    assert all(g.half_width <= 0.04 for g in effort.goals)
    assert effort.bottleneck.half_width == max(g.half_width for g in effort.goals)
    assert {(g.of, g.metric, g.program) for g in effort.goals} == {
        ("mean", "program_cost", "baseline"), ("mean", "program_cost", "growth"),
        ("difference", "program_cost", "growth"), ("difference", "pipeline_created", "growth"),
    }  # fmt: skip


def test_what_is_not_reached_is_said() -> None:
    _, _, effort = run_to(0.001, 400, part)
    assert effort.replications == 400
    assert len(effort.missed) == 4
    # A coefficient of variation of 1/2: about (1.96 x .5/.001)^2 = 960,400 replications.
    needed = effort.table().query("of == 'mean' and program == 'baseline'")["replications"].item()
    assert 700_000 < needed < 1_250_000
    assert sum(line.startswith("NOT REACHED within 400 replications") for line in effort.lines()) == 4


@pytest.mark.parametrize(
    ("count", "ratio", "expected"),
    [(256, 1.0, 256), (256, 0.3, 256), (200, 10.0, 832), (256, 1.2, 384), (256, 1.001, 320), (900, 9.0, 1000),
     (1000, 9.0, 1000), (256, math.inf, 1000)],
)  # fmt: skip
def test_batches_grow_by_what_is_missing(count: int, ratio: float, expected: int) -> None:
    # 256 x 1.2^2 x 1.03 = 379.7, in whole batches of 64.
    assert next_count(count, ratio, 1000) == expected


def test_intervals_after_stopping_hold_nearly_as_often_as_they_say() -> None:
    # 1,000 studies of gamma luck, stopped at 5 %; 4 binomial errors of 1,000 trials are .0276.
    luck, held = np.random.default_rng(9), 0
    for _ in range(1000):
        x, count = luck.gamma(4.0, size=2048), 256
        while True:
            got = estimate(mean_of(x[:count]))
            assert got.low is not None
            assert got.high is not None
            assert got.mean is not None
            further = next_count(count, (got.high - got.low) / 2 / got.mean / 0.05, 2048)
            if further == count:
                break
            count = further
        held += got.low <= 4.0 <= got.high
    assert abs(held / 1000 - 0.95) < 0.0276


def test_controls_have_mean_0_and_explain_cost(quick: None) -> None:
    scenario = parse(TWO)
    study = simulate(scenario, programs=(), replications=8, seed=5)
    many = replace(study, replications=20_000)
    controls = controls_of(many)
    assert controls.shape == (20_000, 10)
    error = controls.std(axis=0, ddof=1) / math.sqrt(len(controls))
    assert (np.abs(controls.mean(axis=0)) < 4 * np.maximum(error, 1e-12)).all()
    assert np.array_equal(controls_of(replace(study, replications=4, first=4)), controls[4:8])
    still = with_values(scenario, {"gaming.timing": False, "gaming.padding": False, "gaming.credit_claiming": False})
    assert (controls_of(replace(study, scenario=still))[:, 7] == 0).all()


def test_known_luck_narrows_the_interval_of_a_real_study(quick: None) -> None:
    study = simulate(parse(TWO), programs=(), replications=128, seed=5)
    plain, less = (measure(study, s).estimates for s in (Sampling(), Sampling(controls=controls_of(study))))
    key = ("baseline", "strategic", "pipeline_created")
    assert (less[key].se or 0) < 0.7 * (plain[key].se or 0)
    assert abs((less[key].mean or 0) - (plain[key].mean or 0)) < 4 * (plain[key].se or 0)


def test_a_precision_is_asked_for_in_public(quick: None) -> None:
    study = sim.compare(parse(TWO.replace(CANDIDATE, "")), precision=0.5, most=64, seed=5)
    assert study.effort is not None
    assert study.effort.replications == 64
    assert study.to_dict()["precision"]["reached"] == (not study.effort.missed)
    with pytest.raises(InputError) as caught:
        sim.compare(parse(TWO), precision=1.5, most=1, replications=5)
    assert [str(p).split(": ", 1)[1] for p in caught.value.problems] == [
        "precision = 1.5: must be between 0 and 1 (1 % is 0.01)",
        "replications = 5: says how many, and so does precision (give one of the two, and `most`)",
        "most = 1: must be at least 2",
    ]


def test_what_is_undefined_is_never_precise() -> None:
    effort = PrecisionEffort(0.01, 10, 10, 1.0, 1, (Goal("a", "program_cost", "mean", math.inf, math.inf),))
    assert len(effort.missed) == 1
    assert effort.lines()[-1].endswith("it would take undefined")
    assert effort.to_dict()["goals"][0]["half_width"] is None
