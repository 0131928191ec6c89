"""Who wins and loses: sums over groups are the totals, the baseline neither wins nor loses, and a case by hand."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import simulator.studies.verify as verify_module
from simulator.engines.events.engine import EventRun
from simulator.engines.ledger import LEDGER_COLUMNS, RunOutcome
from simulator.engines.records import RunRecords, TierRecords
from simulator.engines.totals.winners import PartnerResults
from simulator.reference.fit import Reference
from simulator.runs.simulate import Replications, Totals, fit_reference, prepare, vector_outcomes
from simulator.scenario.load import parse
from simulator.studies.verify import verify
from tests.engines.small import SMALL

IDS = np.arange(6)


@pytest.fixture(scope="module")
def reference() -> Reference:
    return fit_reference(parse(SMALL))


@pytest.fixture(scope="module")
def stage(reference: Reference) -> Replications:
    return prepare(parse(SMALL), reference, ("full",), 3, IDS)


@pytest.fixture(scope="module")
def totals(stage: Replications) -> Totals:
    return {key: outcome.totals for key, outcome in vector_outcomes(stage, ("full",), standings=True)}


def summed(totals: Totals, key: tuple[str, str], end: str) -> Any:
    return sum(v for name, v in totals[key].items() if name.startswith("standing.") and name.endswith(f".{end}"))


@pytest.mark.parametrize("level", ["static", "responsive", "strategic"])
def test_groups_add_up_to_the_totals(totals: Totals, level: str) -> None:
    own, baseline = totals["full", level], totals["baseline", level]
    net = own["paid"] - own["penalty"]
    assert (summed(totals, ("full", level), "paid") == net).all()
    assert (summed(totals, ("full", level), "change") == net - (baseline["paid"] - baseline["penalty"])).all()
    assert (summed(totals, ("full", level), "partners") == 6).all()
    moved = [v for name, v in own.items() if name.startswith("move.")]
    assert (np.sum(moved, axis=0) == 6).all()
    for tier in ("registered", "silver"):
        ends = np.sum([v for name, v in own.items() if name.startswith("move.") and name.endswith(tier)], axis=0)
        assert (ends == own[f"tier.{tier}"]).all()


def test_the_baseline_neither_wins_nor_loses(totals: Totals) -> None:
    for end in ("change", "gained", "lost"):
        assert (summed(totals, ("baseline", "strategic"), end) == 0).all()


def test_nothing_is_added_when_off(stage: Replications, totals: Totals) -> None:
    for key, outcome in vector_outcomes(stage, ("full",)):
        plain = {name: v for name, v in totals[key].items() if not name.startswith(("standing.", "move."))}
        assert plain.keys() == outcome.totals.keys()
        assert all((outcome.totals[name] == v).all() for name, v in plain.items())


def _outcome(paid: list[int], penalty: list[int]) -> RunOutcome:
    """Replication 7, three partners, one line each."""
    columns = {name: np.zeros(3, dtype=np.int64) for name in LEDGER_COLUMNS}
    columns |= {"replication": np.full(3, 7), "partner": np.arange(3), "paid": np.array(paid)}
    return RunOutcome({**columns, "penalty": np.array(penalty)}, {})


def test_hand_worked_winners_and_moves() -> None:
    """Partners a-1 (small), a-2 (large), b-1 (second quarter) are paid 100, 500, 0 and then 90 - 10, 700, 0.

    a-1 loses 20, a-2 gains 200, b-1 stays. Tiers under the baseline low, low, high; under the candidate low, top, low.
    """
    partners = SimpleNamespace(segments=("a", "b"), segment=np.array([0, 0, 1]))
    world: Any = SimpleNamespace(
        ids=np.array([7]),
        shape=(1, 3),
        volume_z=np.array([[-1.0, 1.0, -0.1]]),
        setting=SimpleNamespace(partners=partners),
    )
    who = PartnerResults(world, on=True)
    everyone = np.ones((1, 3), dtype=bool)
    tiers = TierRecords(("low", "high"), everyone, np.array([[0, 0, 0]]), np.array([[0, 0, 1]]))
    who.add("baseline", "strategic", _outcome([100, 500, 0], [0, 0, 0]), [tiers])
    own = TierRecords(("low", "top"), everyone, np.array([[1, 1, 1]]), np.array([[0, 1, 0]]))
    got = who.add("new", "strategic", _outcome([90, 700, 0], [10, 0, 0]), [own]).totals
    changed = {name: int(v[0]) for name, v in got.items() if v[0]}
    assert changed == {
        "standing.a.1.partners": 1, "standing.a.1.paid": 80, "standing.a.1.change": -20, "standing.a.1.lost": 1,
        "standing.a.4.partners": 1, "standing.a.4.paid": 700, "standing.a.4.change": 200, "standing.a.4.gained": 1,
        "standing.b.2.partners": 1, "move.low.low": 1, "move.low.top": 1, "move.high.low": 1,
    }  # fmt: skip


def test_without_tiers_under_the_baseline_moves_start_at_launch(totals: Totals) -> None:
    names = {name for name in totals["full", "strategic"] if name.startswith("move.")}
    assert names == {f"move.{a}.{b}" for a in ("registered", "silver") for b in ("registered", "silver")}
    assert not [name for name in totals["baseline", "strategic"] if name.startswith("move.")]


def test_verify_compares_standings_and_sees_a_planted_defect(
    monkeypatch: pytest.MonkeyPatch, reference: Reference
) -> None:
    """The event engine's tiers at the end are swapped: every move is wrong, and no number of partners by tier."""
    monkeypatch.setattr(verify_module, "fit_reference", lambda _: reference)
    right = EventRun.records
    monkeypatch.setattr(EventRun, "records", lambda run: _swapped(right(run)))
    wrong = verify(parse(SMALL), replications=1, programs=["full"])
    assert wrong.largest["partners: change"] == 0
    assert {d.outcome.split(".")[0] for d in wrong.worst} == {"move"}


def _swapped(records: RunRecords) -> RunRecords:
    return replace(records, tiers=tuple(replace(t, now=1 - t.now) for t in records.tiers))
