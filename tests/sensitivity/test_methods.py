"""Tornado, switching values and boxes: functions with a known answer, through the tool's own path."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.testing import assert_allclose

from simulator.cli.main import main
from simulator.core.errors import InputError
from simulator.stats.sensitivity import prim, switching
from simulator.stats.sensitivity.factors import factors_of
from simulator.studies.base import inputs_of
from simulator.studies.sensitivity.method import methods
from simulator.studies.sensitivity.study import sensitivity
from tests.sensitivity.analytic import PATHS, answer, scenario, text

THREE = scenario(3)
NAMES = tuple(path for path, _, _ in PATHS)


def test_tornado_bars_of_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """2 a - b^2 in millions: a from .1 to .9 gives -.8 and +.8; b gives .25 - .01 and .25 - .81; c nothing at all."""
    answer(monkeypatch, lambda u: 2 * u[:, 0] - u[:, 1] ** 2, shared=1.0)
    study = sensitivity(THREE, method="tornado", replications=5, seed=1)
    a, b, c = study.found["growth"]
    assert_allclose([a.low.value, a.high.value, b.low.value, b.high.value], [-8e5, 8e5, 2.4e5, -5.6e5], rtol=1e-6)
    assert c.swing.exactly_zero
    assert study.mattering("growth") == list(NAMES[:2])


def test_tornado_bars_have_paired_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Luck of .3 in each world and point: a difference has .3 sqrt(2 / R)."""
    answer(monkeypatch, lambda u: u[:, 0], luck=0.3)
    (a, *_) = sensitivity(THREE, method="tornado", replications=400, seed=1).found["growth"]
    assert a.swing.se == pytest.approx(0.3e6 * np.sqrt(2 / 400), rel=0.15)
    assert abs(a.swing.value - 0.8e6) < 4 * a.swing.se


def test_switching_value_of_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Growth is better above u = .6 of the elasticity, which is .2 + .6 x 1 = .8; the other input does not decide."""
    answer(monkeypatch, lambda u: u[:, 0] - 0.6, luck=0.2)
    study = sensitivity(THREE, method="switching", replications=800, seed=4)
    flips, other, _ = study.found["growth"]
    (crossing,) = flips.crossings
    assert flips.verdict == "flips"
    assert crossing.low is not None
    assert crossing.high is not None
    assert crossing.low < 0.8 < crossing.high
    assert crossing.at == pytest.approx(0.8, abs=0.05)
    assert other.verdict != "flips"
    assert "changes at behavior.elasticity = " in study.headline()[0]


def test_switching_limits_cover_the_root_and_no_flip_is_invented() -> None:
    chance, repeats, one = np.random.default_rng(2), 200, factors_of("a", {}, together=False)
    inside = 0
    for _ in range(repeats):
        x = chance.random((200, 1))
        (row,) = switching.switching(x, x[:, 0] - 0.6 + 0.3 * chance.standard_normal(200), one)
        inside += any((c.low or 0.0) <= 0.6 <= (c.high or 1.0) for c in row.crossings)
    assert inside / repeats == pytest.approx(0.95, abs=4 * np.sqrt(0.95 * 0.05 / repeats))
    x = chance.random((200, 1))
    (row,) = switching.switching(x, x[:, 0] + 0.5 + 0.1 * chance.standard_normal(200), one)
    assert row.verdict == "does not flip"
    (row,) = switching.switching(x, chance.standard_normal(200), one)
    assert row.verdict == "cannot be told"


def test_prim_finds_a_planted_box(monkeypatch: pytest.MonkeyPatch) -> None:
    """Growth loses where the elasticity is above .8 (u > .6) and the co-sell effect below .25 (u < .5): .2 of all."""
    answer(monkeypatch, lambda u: np.where((u[:, 0] > 0.6) & (u[:, 1] < 0.5), -1.0, 1.0))
    study = sensitivity(THREE, method="prim", replications=800, seed=6)
    (box,) = study.found["growth"]
    limits = {limit.factor: limit for limit in box.limits}
    assert set(limits) == set(NAMES[:2])
    assert limits[NAMES[0]].low == pytest.approx(0.8, abs=0.03)
    assert limits[NAMES[1]].high == pytest.approx(0.25, abs=0.02)
    assert (limits[NAMES[0]].high, limits[NAMES[1]].low) == (None, None)
    assert min(box.density.value, box.coverage.value) > 0.9
    assert box.share.value == pytest.approx(0.2, abs=0.03)


def test_prim_finds_nothing_in_noise() -> None:
    chance, found = np.random.default_rng(3), 0
    for _ in range(20):
        x = chance.random((300, 4))
        found += prim.prim(x, chance.random(300) < 0.3, factors_of("abcd", {}, together=False)).found
    assert found <= 3  # at 2.5 %, more than 3 of 20 have a chance of .0001


@pytest.mark.parametrize("method", methods())
def test_every_method_runs_from_the_command_line(method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the planted box: figures and sentences of the method on the screen, in JSON and in the run directory."""
    answer(monkeypatch, lambda u: np.where((u[:, 0] > 0.6) & (u[:, 1] < 0.5), -1.0, 1.0))
    (tmp_path / "three.toml").write_text(text(3), encoding="utf-8")
    size = ["--points", "64"] if method == "sobol" else ["--replications", "200"]
    places = ["--out", str(tmp_path / "runs"), "--json", str(tmp_path / "figures.json")]
    result = CliRunner().invoke(
        main, ["sensitivity", str(tmp_path / "three.toml"), "--method", method, "--programs", "growth", *size, *places]
    )
    assert result.exit_code == 0, result.output
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert figures["method"] == method
    assert {row["input"] for row in figures["rows"]} >= set(NAMES[:2])
    assert f"{NAMES[0]} [J]" in result.output
    (place,) = (tmp_path / "runs").iterdir()
    assert (place / "figures" / f"{method}_growth.svg").is_file()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "sobl"}, "did you mean 'sobol'"),
        ({"metric": "net_valu"}, "did you mean 'net_value'"),
        ({"inputs": ["behavior.elasticty"]}, "did you mean 'behavior.elasticity'"),
        ({"inputs": ["gaming.timing_cost"]}, "is not uncertain"),
        ({"inputs": []}, "names no input"),
        ({"programs": ["grwth"]}, "did you mean 'growth'"),
        ({"against": "growth", "programs": ["growth"]}, "is the program itself"),
        ({"method": "sobol", "points": 100}, "power of two"),
        ({"points": 8}, "has no design"),
        ({"method": "prim", "replications": 10}, "needs at least 200"),
        ({"method": "switching", "against": None}, "compares two programs"),
        ({"method": "prim", "groups": {"g": [NAMES[0]]}}, "looks at single inputs"),
        ({"method": "prim", "metric": "payout", "replications": 200}, "which way is better"),
        ({"groups": {"g": [NAMES[0], NAMES[0]]}}, "is there twice"),
        ({"groups": {"g": [NAMES[0]], "h": [NAMES[0]]}}, "is already in group g"),
        ({"groups": {NAMES[0]: [NAMES[1]]}}, "has the name of an input"),
    ],
)
def test_bad_options_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        sensitivity(THREE, **options)  # type: ignore[arg-type]


def test_scenario_without_ignorance_is_refused() -> None:
    with pytest.raises(InputError, match="has no uncertain numbers"):
        sensitivity(scenario(0))


def test_correlated_inputs_have_no_index_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    tied = scenario(3, f'\n[[correlation]]\na = "{NAMES[0]}"\nb = "{NAMES[1]}"\nrank = 0.8\n')
    answer(monkeypatch, lambda u: u[:, 0])
    with pytest.raises(InputError, match="correlated inputs one by one"):
        sensitivity(tied, method="sobol")
    group = {"pair": list(NAMES[:2])}
    rows = sensitivity(tied, method="sobol", points=512, replications=2, groups=group, seed=1).found["growth"]
    assert {r.factor: round(r.total.value, 2) for r in rows} == {"pair": 1.0, NAMES[2]: 0.0}
    # Var(E[a | b]) / Var(a) of two uniforms with rank correlation .8 is about .8^2.
    _, b, _ = sensitivity(tied, replications=2048, seed=1).found["growth"]
    assert b.first.value == pytest.approx(0.64, abs=0.03)


def test_grades_come_from_the_source_or_the_schema() -> None:
    assert {i.grade for i in inputs_of(THREE)} == {"J"}
    text = '\n[uncertainty."behavior.elasticity"]\ndistribution = "uniform"\nlow = 0.2\nhigh = 1.0\nsource = "{}"\n'
    assert [inputs_of(scenario(0, text.format(s)))[0].grade for s in ("A: a study", "Bold", "")] == ["A", "J", "J"]
