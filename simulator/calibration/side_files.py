"""Files that may go with an export: partner roster, past payouts, stage history, conversion rates.

A partner segment of a scenario works in one territory, so a segment of the roster that works in several becomes one for
each. Where the roster has no segments, tiers stand in for them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from simulator.calibration.profile import Currency, Profile
from simulator.calibration.read_files import FileFormat, days, hashed, in_one_spelling, read_chunks, spellings, whole
from simulator.calibration.remarks import RemarkLog
from simulator.calibration.sales_cycle import MILESTONES
from simulator.calibration.segments import OTHER, PARTNERS, TERRITORY, names
from simulator.core.errors import InputError, Problem, fault


@dataclass(frozen=True)
class CompanionFiles:
    """Files that go with an export.

    roster: who is a partner, in which segment and territory; deals of others are the vendor's own. payouts: what was
    paid. history: stages entered; the day on which a deal entered its last won or lost stage is its close date. rates:
    columns `Currency` and `Rate`, what one unit is worth in the scenario currency. plan: a scenario file whose programs
    are taken over; its baseline was in force.
    """

    roster: Path | None = None
    payouts: Path | None = None
    history: Path | None = None
    rates: Path | None = None
    plan: Path | None = None

    @property
    def paths(self) -> tuple[Path, ...]:
        """Those that are given."""
        return tuple(
            path for path in (self.roster, self.payouts, self.history, self.rates, self.plan) if path is not None
        )


UNREADABLE_SHARE = 0.5
"""With more than this share of dates or amounts unreadable, the format is taken to be wrong, not the rows."""
NO_COMPANIONS = CompanionFiles()
"""An export that nothing goes with."""


def read_payouts(path: Path | None, profile: Profile, owners: set[str], log: RemarkLog) -> pd.DataFrame | None:
    """Past payouts: `partner`, `end`, `paid`; unreadable ones are dropped and counted."""
    if path is None:
        return None
    named, form = profile.payouts, FileFormat(profile.dates.format, profile.amounts.decimal)
    table = whole(path, form)
    require(table, path, {"payouts.partner": named.partner, "payouts.end": named.end, "payouts.paid": named.paid})
    text = table[named.paid].str.replace(profile.amounts.thousands, "", regex=False)
    paid = pd.to_numeric(text.str.replace(profile.amounts.decimal, ".", regex=False), errors="coerce")
    found = pd.DataFrame({
        "partner": table[named.partner], "end": days(table[named.end], profile.dates.format), "paid": paid,
    })  # fmt: skip
    read, hint = len(found), "see dates.format and amounts of the profile"
    found = log.drop(found, found["end"].isna() | found["paid"].isna(), "payout with an unreadable date or amount")
    if len(found) < UNREADABLE_SHARE * read:
        raise fault(str(path), "payouts", len(found), f"is all that can be read of {read} payouts", hint)
    log.add("noted", "payout the same as an earlier one", int(found.duplicated().sum()), "kept: may be real")
    found["partner"] = in_one_spelling(found["partner"], owners)
    strangers = ~found["partner"].isin(owners)
    log.add("noted", "payout to a partner without opportunities", int(strangers.sum()))
    return found.reset_index(drop=True)


def read_history(path: Path | None, profile: Profile, ids: pd.Series, log: RemarkLog) -> pd.DataFrame | None:
    """By row of `ids`, hashes of opportunity ids: `decided`, the last day on which it entered a won or lost stage, and
    the first on which it passed each of `MILESTONES`; NaT if none."""
    if path is None:
        return None
    named, form = profile.history, FileFormat(profile.dates.format)
    if profile.columns.id is None:
        raise fault(str(path), "history", None, "a stage history needs columns.id in the profile")
    found, unread, undated = [], 0, 0
    for part in read_chunks(path, form):
        require(part, path, {"history.id": named.id, "history.stage": named.stage, "history.entered": named.entered})
        stages = part[named.stage].unique()
        means = {stage: profile.outcome_of(stage) for stage in stages}
        passed = {stage: profile.milestone_of(stage) or 0 for stage in stages}
        is_end = part[named.stage].map({s: m in ("won", "lost") for s, m in means.items()})
        unread += int(part[named.stage].map({s: m is None for s, m in means.items()}).sum())
        kept = is_end | part[named.stage].map(passed).gt(0)
        entered = days(part[named.entered][kept], form.date)
        undated += int(entered.isna().sum())
        rows = pd.DataFrame({"id": hashed(part[named.id][kept]), "day": entered.to_numpy()})
        rows["passed"] = part[named.stage][kept].map(passed).mask(is_end[kept], 0).to_numpy(dtype=np.int8)
        found.append(rows.dropna())
    log.add("noted", "stage history in a stage that the profile does not know", unread, "not used")
    log.add("noted", "stage history without a readable date", undated, "not used")
    table = pd.concat(found)
    if not table["id"].isin(ids).any():
        hint = "are the ids written as in the export?"
        raise fault(str(path), named.id, None, "holds no opportunity of the export that was decided or moved on", hint)
    told = {"decided": table[table["passed"] == 0].groupby("id")["day"].max()}
    for k, name in enumerate(MILESTONES, start=1):
        told[name] = table[table["passed"] == k].groupby("id")["day"].min()
    return pd.DataFrame({name: day.reindex(ids.to_numpy()).to_numpy() for name, day in told.items()}, index=ids.index)


def with_rates(profile: Profile, path: Path | None) -> Profile:
    """The profile with the rates of a file, which win over its own.

    Where the currency was inferred, the scenario's is the one worth 1.
    """
    if path is None:
        return profile
    table = whole(path, FileFormat())
    require(table, path, {"Currency": "Currency", "Rate": "Rate"})
    rate = pd.to_numeric(table["Rate"], errors="coerce")
    bad = ~(rate > 0) | ~np.isfinite(rate)
    if bad.any():
        raise InputError([
            Problem(str(path), f"Rate of {name}", repr(text), "must be a positive number")
            for name, text in zip(table["Currency"][bad], table["Rate"][bad], strict=True)
        ])  # fmt: skip
    rates = {**profile.currency.rates, **dict(zip(table["Currency"], rate.astype(float), strict=True))}
    own = profile.currency.scenario
    if profile.infer and rates.get(own) != 1.0:
        own = next((name for name, value in rates.items() if value == 1.0), own)
    if own in rates and rates[own] != 1.0:
        raise fault(str(path), f"Rate of {own}", rates[own], f"must be 1, as {own} is the scenario currency")
    source = "; ".join(part for part in (path.name, profile.currency.rates_source) if part)
    return profile.model_copy(update={"currency": Currency(scenario=own, rates=rates, rates_source=source)})


def require(table: pd.DataFrame, path: Path, named: dict[str, str]) -> None:
    """Refuse a table without the columns `named`, by the path in the profile that names them."""
    known = ", ".join(str(name) for name in table.columns)
    problems = [
        Problem(str(path), use, repr(name), "is not a column", f"name it in the profile, or use one of: {known}")
        for use, name in named.items()
        if name not in table.columns
    ]
    if problems:
        raise InputError(problems)


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


def read_roster(path: Path | None, profile: Profile, log: RemarkLog) -> Roster | None:
    """The partners; of several rows of a partner the first counts."""
    if path is None:
        return None
    table, named = whole(path, FileFormat(profile.dates.format)), profile.roster
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


def _one_spelling(use: str, labels: pd.Series, log: RemarkLog) -> pd.Series:
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


def note_roster(roster: Roster | None, rows: pd.DataFrame, log: RemarkLog) -> None:
    """Note what does not go together with the rows (columns `owner`, `created`, `direct`)."""
    if roster is None:
        return
    partner = rows[~rows["direct"]]
    idle = roster.partners - set(partner["owner"])
    log.add("noted", "partner on the roster without an opportunity", len(idle), "not counted as a partner")
    early = int((partner["created"] < partner["owner"].map(roster.start)).sum())
    log.add("noted", "opportunity from before its partner's start in the program", early, "kept")
