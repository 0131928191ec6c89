"""The timeline shows the log: every signature of the partners shown, rows without overlaps, tiers as they stand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import matplotlib as mpl
import pytest
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure

import simulator as sim
from simulator.core.errors import InputError
from simulator.studies.trace import _Deal, _rows
from tests.engines.quick import quick_reference
from tests.explorer.worlds import small_world


@pytest.fixture(scope="module")
def replayed() -> Iterator[sim.Trace]:
    with quick_reference():
        yield sim.trace(small_world(), program="full", replication=0, seed=3)


def marked(study: sim.Trace, **options: object) -> tuple[Counter[str], list[str], list[str]]:
    """Marks by colour, names of the lanes, and all words."""
    ax = study.plot("timeline", Figure().subplots(), **options)
    marks: Counter[str] = Counter()
    for found in ax.collections:
        if isinstance(found, PathCollection):
            marks[str(found.get_facecolor())] += len(found.get_offsets())
    words = [t.get_text() for t in ax.findobj(mpl.text.Text) if isinstance(t, mpl.text.Text)]
    return marks, [t.get_text() for t in ax.get_yticklabels()], words


def test_every_signature_and_payment_of_a_lane_is_there(replayed: sim.Trace) -> None:
    log = replayed.table()
    name = replayed.partner_names[0]
    mine = log[(log["partner"] == name) & (log["time"] >= 0)]
    marks, lanes, words = marked(replayed, partner=name)
    assert lanes == [name]
    signed = (mine["event"] == "signed").sum()
    assert signed
    assert signed in marks.values()
    paid = mine[(mine["event"] == "paid") & (mine["time"] <= 26)].groupby("time")["amount"].sum()
    small = [f"{amount:.0f}" for amount in paid if amount < 1000]
    assert small
    assert set(small) <= set(words)
    assert any("1 of 6 partners" in w for w in words)


def test_who_is_shown(replayed: sim.Trace) -> None:
    _, lanes, _ = marked(replayed)
    assert sorted(lanes) == sorted(replayed.partner_names)
    pair = list(replayed.partner_names[:2])
    assert marked(replayed, partner=pair)[1] == list(reversed(pair))
    with pytest.raises(InputError, match="no such partner"):
        replayed.plot("timeline", partner="nobody")
    with pytest.raises(InputError, match="did you mean 'timeline'"):
        replayed.plot("timelin")


def test_rows_do_not_overlap_and_are_few() -> None:
    """Open 0-4, 1-2, 3-5, 4.5-6: two at most at once, so two rows."""
    deals = [_Deal(n, (start,), end) for n, (start, end) in enumerate([(0.0, 4.0), (1.0, 2.0), (3.0, 5.0), (4.5, 6.0)])]
    assert _rows(deals) == {0: 0, 1: 1, 2: 1, 3: 0}


def test_moves_between_tiers_are_logged(replayed: sim.Trace) -> None:
    """The last move of a partner leads to the tier that the totals count at the end."""
    moves = replayed.table()
    moves = moves[(moves["event"] == "tier")]
    assert len(moves)
    last = moves.groupby("partner")["reason"].last()
    counted = replayed.outcome.totals
    for tier in {reason.split(",")[0] for reason in last}:
        at_end = sum(reason.startswith(f"{tier},") for reason in last)
        assert counted[f"tier.{tier}"][0] >= at_end
    assert all(a.split(", was ")[0] != a.split(", was ")[1] for a in moves["reason"])
