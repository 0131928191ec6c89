"""Lint: planted faults are found by their rule, a clean program has none, and what it names is where partners bunch."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from simulator.core.errors import InputError
from simulator.engines.totals.settlement import settle
from simulator.engines.vector.engine import VectorRun
from simulator.reference.fit import Reference
from simulator.runs.simulate import fit_reference, prepare
from simulator.scenario.load import parse
from simulator.scenario.paths import with_values
from simulator.studies.lint import margin
from simulator.studies.lint.lint import Lint, findings, lint
from simulator.studies.lint.rule import (
    RULES,
    LintFinding,
    ProgramView,
    Typical,
    TypicalResult,
    lint_rule,
    program_view,
    typical_partners,
)
from tests.studies.faulty import FAULTS, HEAD, TEXT

ALSO = {
    "lump": {"shifting"},
    "retroactive": {"shifting"},
    "falling": {"shifting"},
    "generous": {"shifting"},
    "per_deal": {"misalignment"},
    "capped_deal": {"misalignment"},
    "unaudited": {"misalignment"},
}
"""What else holds of a faulty program: steps and rising rates invite moved deals, pay per deal forgets its size."""


@pytest.fixture(scope="module")
def reference() -> Reference:
    return fit_reference(parse(TEXT))


@pytest.fixture(scope="module")
def typical(reference: Reference) -> Typical:
    return typical_partners(reference.scenario, reference)


@pytest.fixture(scope="module")
def found(typical: Typical) -> Lint:
    names = tuple(typical.scenario.programs)
    return Lint(names, tuple(f for name in names for f in findings(typical, name)), "USD")


def other(reference: Reference, text: str, program: str) -> dict[str, LintFinding]:
    """Findings by rule in a program of a text that differs from the shared one in goals and candidates only."""
    scenario = parse(text)
    return {f.rule: f for f in findings(typical_partners(scenario, reference.extended(scenario)), program)}


def one(found: Lint, program: str, rule: str) -> LintFinding:
    (finding,) = [f for f in found.of(program) if f.rule == rule]
    return finding


@pytest.mark.parametrize("program", FAULTS)
def test_each_planted_fault_is_found_by_its_rule_in_its_place_and_nothing_else(found: Lint, program: str) -> None:
    rule = FAULTS[program][0]
    assert {f.rule for f in found.of(program)} == {rule} | ALSO.get(program, set())
    finding = one(found, program, rule)
    assert finding.place.startswith(f"programs.{program}")
    assert (finding.stake > 1) == (rule != "unreachable")
    assert finding.text
    assert finding.fix


def test_a_clean_linear_program_has_no_finding(found: Lint) -> None:
    assert found.of("baseline") == ()


def test_ranges_worked_by_hand(found: Lint) -> None:
    """The fall from 8 % to 4 % of everything at 150,000 is made good at 300,000. Deals of 40,000 / 4 to 40,000 are
    worth bundling over a floor of 40,000; deals above 2,000 / .05 = 40,000 worth splitting under a cap of 2,000."""
    fall = one(found, "falling", "cliff")
    assert (fall.low, fall.high) == pytest.approx((150_000, 300_000))
    assert one(found, "lump", "notch").high == pytest.approx(120_000)
    floor = one(found, "size_floor", "bundling")
    assert floor.low is not None
    assert floor.high is not None
    assert 10_000 <= floor.low < 12_000
    assert 35_000 < floor.high < 40_000
    cap = one(found, "capped_deal", "splitting")
    assert cap.low is not None
    assert cap.low > 40_000


def test_the_dominated_region_begins_where_a_partner_is_indifferent(found: Lint) -> None:
    """Own margin 15 % and e = .5: with n = z0 / .15^.5 the cost is n / 3 (z / n)^3. At the lower end z0 of the range
    staying is worth as much as 8,000 and 15 % of 120,000 less the cost of 120,000."""
    z0 = one(found, "lump", "notch").low
    assert z0 is not None
    n = z0 / 0.15**0.5
    worth = [0.15 * z - n / 3 * (z / n) ** 3 for z in (z0, 120_000)]
    assert worth[0] == pytest.approx(worth[1] + 8_000, rel=1e-3)


def test_stacked_pay_adds_up_by_hand(found: Lint, reference: Reference) -> None:
    """15 % + 12 % + 8 % = 35 % of a registered deal's revenue, above a margin of 30 %, each below it."""
    (finding,) = found.of("stacked")
    assert finding.rule == "stacking"
    assert "35.0%" in finding.text
    head = "[programs.stacked.components]"
    assert other(reference, TEXT.replace(head, f"[programs.stacked]\ndeal_ceiling=0.1\n{head}"), "stacked") == {}


def test_pay_on_named_accounts_alone_points_away_from_bookings(found: Lint, typical: Typical) -> None:
    """cos^2 is the share of named accounts, 60 % existing times 15 %: their deals are like all others. With named
    accounts as the only goal the same program is aligned and the clean one is not."""
    assert one(found, "elsewhere", "misalignment").low == pytest.approx(0.6 * 0.15, abs=1e-9)
    goals_alone = {"goals.margin": 0.0, "goals.named_accounts": 1.0}
    named = replace(typical, scenario=with_values(typical.scenario, goals_alone))
    assert findings(named, "elsewhere") == []
    (finding,) = findings(named, "baseline")
    assert finding.low == pytest.approx(0.09, abs=1e-9)


def test_the_angle_of_the_textbook_case() -> None:
    """f = (3, 4), g = (1, 0): cos^2 = 9 / 25 (Feltham and Xie 1994)."""
    assert margin.cos2(np.array([1.0, 0.0]), np.array([3.0, 4.0]), np.ones(2)) == pytest.approx(0.36)


@pytest.mark.parametrize(("detection", "fires"), [(0.30, True), (0.37, False)])
def test_enough_audit_deters(reference: Reference, detection: float, fires: bool) -> None:
    """Penalty of twice the claim: d above 1 / 3 deters (Becker 1968)."""
    terms = f"terms={{audit_rate={detection}, penalty_multiple=2.0}}"
    text = TEXT.replace('measure="demo", amount=200', f'measure="demo", amount=200, {terms}')
    assert ("deterrence" in other(reference, text, "unaudited")) == fires


def test_results_are_gammas() -> None:
    mean, sd, at = np.array([50.0]), np.array([30.0]), np.array([70.0])
    gamma = stats.gamma((50 / 30) ** 2, scale=30**2 / 50)
    got = TypicalResult(mean, sd)
    assert got.reaches(at)[0] == pytest.approx(gamma.sf(70), abs=1e-12)
    assert got.excess(at)[0] == pytest.approx(gamma.expect(lambda x: x - 70, lb=70), abs=1e-7)
    assert got.quantiles(4)[:, 0] == pytest.approx(gamma.ppf([0.125, 0.375, 0.625, 0.875]), rel=1e-9)


def test_a_rule_added_elsewhere_is_one_definition(reference: Reference, monkeypatch: pytest.MonkeyPatch) -> None:
    def crowded(view: ProgramView) -> Iterator[LintFinding]:
        """More than two components."""
        if len(view.paid) > 2:
            yield view.finding(view.place, 100.0, "many components", "fewer")

    monkeypatch.delitem(RULES, "crowded", raising=False)
    lint_rule("too many components")(crowded)
    assert "crowded" in other(reference, TEXT, "stacked")
    assert other(reference, TEXT, "baseline") == {}
    del RULES["crowded"]


def test_findings_as_table_and_json(found: Lint) -> None:
    assert len(found.table()) == len(found.findings)
    tree = json.loads(found.to_json())
    assert tree["currency"] == "USD"
    assert tree["programs"]["falling"][0]["low"] == pytest.approx(150_000)
    with pytest.raises(InputError, match="no such program"):
        lint(parse(TEXT), programs=("nowhere",))


def attained(reference: Reference, program: str, *, gaming: bool, reps: int = 16) -> np.ndarray:
    """Results of all full quarters after launch in cents, everyone an opportunist; (replications, partner-quarters)."""
    scenario = with_values(reference.scenario, {"gaming.opportunist_share": 1.0, "gaming.padding": False})
    stage = prepare(scenario, reference, (program,), 3, np.arange(reps))
    rows = settle(VectorRun(stage.world, stage.rollout(program), stage.mode[gaming]).run(-52, 52).finish()).ledger
    out = np.zeros((reps, stage.world.shape[1], 4))
    kept = (rows["component"] == 0) & (rows["start"] >= 0)
    out[rows["replication"][kept], rows["partner"][kept], rows["start"][kept] // 13] = rows["attained"][kept]
    return out.reshape(reps, -1)


def test_forecasts_that_lint_stands_on_meet_simulated_results(typical: Typical, reference: Reference) -> None:
    """Mean quarterly revenue, and the share of partner-quarters above a threshold, under the clean linear program."""
    view, simulated = program_view(typical, "baseline"), attained(reference, "baseline", gaming=False)
    partners = view.typical.weight.sum()
    assert simulated.mean() == pytest.approx(view.total(view.paid[0].result.mean) / partners, rel=0.05)
    for at in (50_000_00, 120_000_00, 300_000_00):
        share = view.total(view.paid[0].result.reaches(np.array(float(at)))) / partners
        assert (simulated >= at).mean() == pytest.approx(share, abs=0.05)


@pytest.mark.parametrize("program", ["lump", "retroactive", "falling"])
def test_partners_bunch_at_every_step_that_is_named(found: Lint, reference: Reference, program: str) -> None:
    """More windows end on the paying side of the step, and fewer on the other, than without gaming.

    Within a typical deal of the step; paired over replications, more than 4 standard errors.
    """
    twin, gamed = (attained(reference, program, gaming=on) for on in (False, True))
    steps = [f for f in found.of(program) if f.rule in ("notch", "cliff")]
    assert steps
    for step in steps:
        at = 100 * float((step.high if step.rule == "notch" else step.low) or 0.0)
        above = [((x >= at) & (x < at + 40_000_00)).sum(axis=1) for x in (gamed, twin)]
        below = [((x < at) & (x >= at - 40_000_00)).sum(axis=1) for x in (gamed, twin)]
        pays, shuns = (above, below) if step.rule == "notch" else (below, above)
        for gain in (pays[0] - pays[1], shuns[1] - shuns[0]):
            assert gain.mean() > 4 * gain.std(ddof=1) / np.sqrt(len(gain))


TIERED = """
[programs.tiered.tiers]
upgrade_every_quarters = 4
downgrade_every_quarters = 4
[programs.tiered.tiers.levels.gold]
criteria = [{ points = [{ measure = "revenue", weight = 0.01 }], at_least = 6000 }]
[programs.tiered.components.c0]
kind = "revenue_share"
rate = 0.03
payout_by_tier = { gold = 3.0 }
"""


def test_the_step_to_a_tier_is_a_cliff_and_partners_bunch_there(reference: Reference) -> None:
    """6,000 points are 600,000 of revenue. More years end within a typical deal above it than without gaming.

    A year's totals at its last review, paired over replications, more than 4 standard errors.
    """
    scenario = parse(HEAD + TIERED)
    extended = reference.extended(scenario)
    steps = [f for f in findings(typical_partners(scenario, extended), "tiered") if f.rule == "notch"]
    assert [(f.high, f.unit) for f in steps] == [(pytest.approx(6_000), "points")]
    twin, gamed = (
        attained(extended, "tiered", gaming=on, reps=64).reshape(64, -1, 4).sum(axis=2) for on in (False, True)
    )
    at = 600_000_00
    gain = [((x >= at) & (x < at + 40_000_00)).sum(axis=1) - ((x < at) & (x >= at - 40_000_00)).sum(axis=1)
            for x in (gamed, twin)]  # fmt: skip
    more = gain[0] - gain[1]
    assert more.mean() > 4 * more.std(ddof=1) / np.sqrt(len(more))
