"""A partner roster: who is a partner, in which partner segment and territory of the scenario.

A partner segment of a scenario works in one territory, so a segment of the roster that works in several becomes one for
each. Where the roster has no segments, tiers stand in for them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from simulator.calibrate.beside import require
from simulator.calibrate.checks import spellings
from simulator.calibrate.compact import days
from simulator.calibrate.files import Form, whole
from simulator.calibrate.groups import OTHER, PARTNERS, TERRITORY, names
from simulator.calibrate.log import Log
from simulator.calibrate.profile import Profile


@dataclass(frozen=True)
class Roster:
    """group: partner segment by partner; territories: territory by partner segment, both as the scenario calls them;
    start: first day in the program by partner, NaT where unknown."""

    group: pd.Series
    start: pd.Series
    territories: Mapping[str, str] = field(default_factory=lambda: {PARTNERS: TERRITORY})

    @property
    def partners(self) -> frozenset[str]:
        """Their names."""
        return frozenset(self.group.index)


def read_roster(path: Path | None, profile: Profile, log: Log) -> Roster | None:
    """The partners; of several rows of a partner the first counts."""
    if path is None:
        return None
    table, named = whole(path, Form(profile.dates.format)), profile.roster
    told = {"partner", *named.model_fields_set}
    require(table, path, {f"roster.{use}": getattr(named, use) for use in sorted(told)})
    table = table[table[named.partner].ne("")]
    again = table[named.partner].duplicated()
    log.add("noted", "partner on the roster more than once", int(again.sum()), "the first row counts")
    table = table[~again].set_index(named.partner)
    segment, territory = _texts(table, named.segment), _texts(table, named.territory)
    if segment.nunique() < 2:
        segment = _texts(table, named.tier)
    group, territories = _groups(_one_spelling("segment", segment, log), _one_spelling("territory", territory, log))
    written = _texts(table, named.start)
    start = days(written, profile.dates.format)
    log.add("noted", "start date on the roster unreadable", int((written.ne("") & start.isna()).sum()), "not used")
    return Roster(group, start, territories)


def _texts(table: pd.DataFrame, column: str) -> pd.Series:
    return table[column] if column in table else pd.Series("", index=table.index)


def _one_spelling(use: str, labels: pd.Series, log: Log) -> pd.Series:
    codes, words = pd.factorize(labels)
    chosen = spellings(f"{use} on the roster", [str(word) for word in words], pd.Series(codes), None, log)
    return pd.Series([chosen[code] for code in codes], index=labels.index, dtype="str")


def _groups(segment: pd.Series, territory: pd.Series) -> tuple[pd.Series, dict[str, str]]:
    """Partner segment by partner, and territory by partner segment."""
    homes = _named(territory, TERRITORY)
    group = _named(segment, PARTNERS)
    several = homes.groupby(group).nunique()
    apart = group.map(several).gt(1)
    both = group + " " + homes
    found = names(sorted(set(both[apart])), taken=set(group[~apart]))
    group = group.mask(apart, both.map(found))
    return group, {str(name): str(home) for name, home in homes.groupby(group).first().items()}


def _named(labels: pd.Series, one: str) -> pd.Series:
    """Names of labels, `OTHER` for an empty one; `one` where they do not differ."""
    if labels.nunique() < 2:
        return pd.Series(one, index=labels.index)
    found = names(sorted(set(labels) - {""}))
    return labels.map({**found, "": OTHER})


def note_roster(roster: Roster | None, rows: pd.DataFrame, log: Log) -> None:
    """Note what does not go together with the rows (columns `owner`, `created`, `direct`)."""
    if roster is None:
        return
    partner = rows[~rows["direct"]]
    idle = roster.partners - set(partner["owner"])
    log.add("noted", "partner on the roster without an opportunity", len(idle), "not counted as a partner")
    early = int((partner["created"] < partner["owner"].map(roster.start)).sum())
    log.add("noted", "opportunity from before its partner's start in the program", early, "kept")
