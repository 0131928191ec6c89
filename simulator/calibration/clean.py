"""From a CRM export to checked rows: what is unusable is dropped or set aside, and every such row is counted.

Faults of single rows are counted; faults that put the whole reading in doubt (unknown stages, amounts
without a rate of conversion, dates in another format) end it with a message.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from simulator.calibration.profile import Profile, Source
from simulator.calibration.read_files import CodedRows, FileFormat, read_chunks, sha256_of, spellings
from simulator.calibration.remarks import Remark, RemarkLog
from simulator.calibration.sales_cycle import MILESTONES
from simulator.calibration.segments import PARTNERS, TERRITORY
from simulator.calibration.side_files import (
    NO_COMPANIONS,
    UNREADABLE_SHARE,
    CompanionFiles,
    Roster,
    note_roster,
    read_history,
    read_payouts,
    read_roster,
)
from simulator.core.arrays import Array, Ints
from simulator.core.errors import InputError, Problem, fault
from simulator.scenario.validation.finding import suggestion

FUTURE_GAP, FUTURE_SHARE = pd.Timedelta(days=180), 0.01
"""Without a known day of export, up to this share of the dates, this long after all others, is in the future."""
BULK_SHARE, BULK_ROWS = 0.05, 20
"""Creations on one day that are an import, not that day's business; judgement."""
TRUNCATED_ROWS = 20
"""Deals that were open for a median cycle before the first close of all: by chance once in a million."""
TAIL, TAIL_VALUE = 0.01, 0.3
"""A hundredth of the deals with more than this share of the value is worth a word."""


@dataclass(frozen=True)
class Export:
    """Checked rows of an export.

    rows: columns `owner`, `outcome` (won, lost, open), `amount` (scenario currency, nan where not usable),
    `created`, `closed` (NaT where not usable), `product`, `segment`, `direct`, `group` (partner segment); with a
    stage history `MILESTONES`, the days on which they were passed. end: the last day the export knows of;
    complete_from: where the export was cut by closing date, deals created before that day are in it only if they took
    long; payouts: `partner`, `end`, `paid`, where given; territories: by partner segment.
    """

    label: str
    sha256: str
    total: int
    rows: pd.DataFrame
    remarks: tuple[Remark, ...]
    end: pd.Timestamp
    complete_from: pd.Timestamp | None = None
    payouts: pd.DataFrame | None = None
    territories: Mapping[str, str] = field(default_factory=lambda: {PARTNERS: TERRITORY})


def read_export(export: Path, *, source: Source, companions: CompanionFiles = NO_COMPANIONS) -> Export:
    """Read and check `export` as the profile says, with the files that go with it."""
    profile, log, label = source.profile, RemarkLog(), str(export)
    digest, compact = sha256_of(export), CodedRows(source.profile)
    for part in read_chunks(export, FileFormat(profile.dates.format, profile.amounts.decimal)):
        if not compact.total:
            _require_columns(part, source, label)
        compact.add(part)
    table = compact.table()
    _note_repairs(compact, log)
    table = _distinct(table, profile, log)
    table["outcome"] = _outcomes(table, compact, source, label, log)
    _require_currencies(table, compact, source, label)
    words = {use: list(w.list) for use, w in compact.words.items()}
    roster = read_roster(companions.roster, profile, log)
    for use in ("owner", "product"):
        if use in words:
            words[use] = spellings(use, words[use], table[use], roster.partners if roster else None, log)
    table = _with_owner(table, words, profile, roster, log)
    table["amount"] = _amounts(table, words, source, compact, label, log)
    table = _with_creation(table, profile, compact, label, log)
    told = read_history(companions.history, profile, table["id"], log)
    table["closed"] = _closed(table, profile, compact, told, label, log)
    if table.empty:
        hint = "see the profile's stages, dates and exclude"
        raise fault(label, "rows", 0, f"no usable row is left of {compact.total}", hint)
    rows = _plain(table, words)
    if told is not None:
        rows = rows.assign(**{name: told[name].to_numpy() for name in MILESTONES})
    group = PARTNERS if roster is None else rows["owner"].map(roster.group).fillna(PARTNERS)
    rows["group"] = pd.Series(group, index=rows.index).astype("category")
    note_roster(roster, rows, log)
    _note_rest(table, rows, log)
    cut = complete_from(rows, log)
    payouts = read_payouts(companions.payouts, profile, set(rows["owner"]), log)
    end = _end(rows, profile)
    territories = roster.territories if roster else {PARTNERS: TERRITORY}
    return Export(export.name, digest, compact.total, rows, tuple(log.remarks), end, cut, payouts, territories)


def _require_columns(part: pd.DataFrame, source: Source, label: str) -> None:
    known = [str(name) for name in part.columns]
    problems = [
        Problem(
            source.label,
            path,
            repr(name),
            f"is not a column of {label}",
            suggestion(name, known) or f"columns: {', '.join(known)}",
        )
        for path, name in source.profile.named_columns().items()
        if name not in known
    ]
    if problems:
        raise InputError(problems)


def _note_repairs(compact: CodedRows, log: RemarkLog) -> None:
    for (name, wrong), count in compact.repaired.items():
        right = compact.profile.repairs[name][wrong]
        log.add("repaired", f"{name}: '{wrong}' written as '{right}'", count, always=True)
    for position, count in compact.excluded.items():
        reason = compact.profile.exclude[position].reason
        log.add("dropped", f"excluded by the profile: {reason}", count, always=True)


def _distinct(table: pd.DataFrame, profile: Profile, log: RemarkLog) -> pd.DataFrame:
    """Without repeated rows and repeated ids. Rows that differ in their id only may be real: they stay."""
    table = log.drop(table, table["row"].duplicated(), "exact duplicate of an earlier row")
    if profile.columns.id is not None:
        bad = table["id"].duplicated() & table["id"].ne(0)
        table = log.drop(table, bad, "opportunity id seen before, with other content")
        alike = int(table["alike"].duplicated().sum())
        log.add("noted", "same as an earlier row in everything but the id", alike, "kept: may be real")
    return table.drop(columns=["row", "alike"])


def _outcomes(table: pd.DataFrame, compact: CodedRows, source: Source, label: str, log: RemarkLog) -> pd.Series:
    """won, lost or open; every unknown stage and engagement is reported at once."""
    profile, stages = source.profile, compact.words["stage"].list
    means = [profile.outcome_of(stage) for stage in stages]
    known = np.array([m is not None for m in means], dtype=bool)[table["stage"]]
    problems = []
    if not known.all():
        found = _counted(table["stage"][~known], stages)
        hint = "add them to [stages] as won, lost or open"
        problems += [Problem(label, profile.columns.stage, "", f"stages that the profile does not know: {found}", hint)]
    engagement = compact.words.get("engagement")
    if engagement and profile.engagement and profile.engagement.partner:
        values = (*profile.engagement.partner, *profile.engagement.direct)
        known = np.isin(engagement.list, values)[table["engagement"]]
        if not known.all():
            found = _counted(table["engagement"][~known], engagement.list)
            rule = f"values that the profile does not know: {found}"
            problems += [Problem(label, str(profile.columns.engagement), "", rule, "add them to [engagement]")]
    if problems:
        raise InputError(problems)
    _note_stages(table["stage"], stages, profile, log)
    return pd.Series(np.array(means, dtype=object)[table["stage"]], index=table.index, dtype="str")


def _note_stages(codes: pd.Series, stages: Sequence[str], profile: Profile, log: RemarkLog) -> None:
    """Note the stages that the profile does not list, and what they were taken for."""
    listed = (*profile.stages.won, *profile.stages.lost, *profile.stages.open)
    counts = codes.value_counts()
    new = [
        (word, profile.outcome_of(word)) for code, word in enumerate(stages) if word not in listed and code in counts
    ]
    rows = sum(int(counts[code]) for code, word in enumerate(stages) if (word, profile.outcome_of(word)) in new)
    log.add("noted", "stage that the profile does not list", rows, ", ".join(f"'{w}' is {m}" for w, m in new))


def _require_currencies(table: pd.DataFrame, compact: CodedRows, source: Source, label: str) -> None:
    """A rate for every currency."""
    profile, currency = source.profile, compact.words.get("currency")
    if currency is None:
        return
    known = np.isin(currency.list, ["", profile.currency.scenario, *profile.currency.rates])[table["currency"]]
    if not known.all():
        rule = f"amounts without a rate to {profile.currency.scenario}: "
        found = rule + _counted(table["currency"][~known], currency.list)
        every = _counted(table["currency"], currency.list)
        hint = f"add rates to [currency.rates] or give a table of rates; all currencies: {every}"
        raise InputError([Problem(label, str(profile.columns.currency), "", found, hint)])


def _counted(codes: pd.Series, words: Sequence[str]) -> str:
    """`'EUR' (12 rows), 'USD' (3 rows)`, most frequent first."""
    counts = sorted((-int(n), words[k]) for k, n in enumerate(_tally(codes, words)) if n)
    return ", ".join(f"'{word}' ({-count} rows)" for count, word in counts)


def _tally(codes: pd.Series, words: Sequence[str]) -> Ints:
    """Rows by code."""
    return np.bincount(codes.to_numpy(), minlength=len(words))


def _with_owner(
    table: pd.DataFrame, words: dict[str, list[str]], profile: Profile, roster: Roster | None, log: RemarkLog
) -> pd.DataFrame:
    """Rows with an owner, and which of them are direct."""
    direct = np.zeros(len(table), dtype=bool)
    if profile.engagement and "engagement" in words:
        direct = np.isin(words["engagement"], profile.engagement.direct)[table["engagement"]]
    table["direct"] = direct
    blank = np.array([not word for word in words["owner"]], dtype=bool)[table["owner"]]
    table = log.drop(table, pd.Series(blank & ~direct, index=table.index), "owner missing")
    if roster is not None:
        off = ~np.isin(words["owner"], list(roster.partners))[table["owner"]] & ~table["direct"]
        log.add("noted", "owner not on the partner roster", int(off.sum()), "read as the vendor's own deals")
        table["direct"] |= off
    return table


def _amounts(
    table: pd.DataFrame, words: dict[str, list[str]], source: Source, compact: CodedRows, label: str, log: RemarkLog
) -> pd.Series:
    """Amounts in the scenario currency, nan where missing, unreadable, not positive or without a currency."""
    profile, amount, written = source.profile, table["amount"], table["amount_written"]
    bad = written & amount.isna()
    hint = "see [amounts] decimal and thousands"
    _require_readable(table, bad, written, compact, "amount", label, hint)
    log.add("set aside", "amount unreadable", int(bad.sum()))
    decided = table["outcome"].ne("open")
    if profile.amounts.lost_amount_is_zero:
        lost = table["outcome"].eq("lost")
        decided = table["outcome"].eq("won")
        log.add("set aside", "amount of a lost deal, as the profile says it is not recorded", int(lost.sum()))
        amount = amount.mask(lost)
    log.add("set aside", "amount missing (decided deals)", int((decided & ~written).sum()))
    log.add("set aside", "amount zero or negative (decided deals)", int((decided & amount.le(0)).sum()))
    return amount.where(amount > 0) * _rates(table, words, profile, log)


def _rates(table: pd.DataFrame, words: dict[str, list[str]], profile: Profile, log: RemarkLog) -> Array | float:
    """Scenario currency per unit of each row's currency; nan where a row names none."""
    if "currency" not in words:
        return 1.0
    rates = {profile.currency.scenario: 1.0, **profile.currency.rates}
    tally = _tally(table["currency"], words["currency"])
    found = sorted((name, int(n)) for name, n in zip(words["currency"], tally, strict=True) if n)
    log.add("set aside", "amount without a currency", dict(found).get("", 0))
    for name, count in found:
        if name not in ("", profile.currency.scenario):
            detail = f"1 {name} = {rates[name]} {profile.currency.scenario}"
            log.add("repaired", f"amount converted from {name}", count, detail)
    return np.array([rates.get(word, np.nan) for word in words["currency"]], dtype=float)[table["currency"]]


def _require_readable(
    table: pd.DataFrame, bad: pd.Series, written: pd.Series, compact: CodedRows, use: str, label: str, hint: str
) -> None:  # fmt: skip
    """Refuse a column of which most written cells cannot be read: then the format is wrong, not the rows."""
    if bad.sum() > UNREADABLE_SHARE * max(written.sum(), 1):
        first = compact.unread[use, int(table.loc[bad, "stage"].iloc[0])]
        name = getattr(compact.profile.columns, use)
        raise fault(label, name, first, f"{bad.sum()} of {written.sum()} values cannot be read", hint)


def _with_creation(
    table: pd.DataFrame, profile: Profile, compact: CodedRows, label: str, log: RemarkLog
) -> pd.DataFrame:
    written, created = table["created_written"], table["created"]
    bad = written & created.isna()
    _require_readable(table, bad, written, compact, "created", label, _format_hint(profile))
    table = log.drop(table, ~written, "created date missing")
    table = log.drop(table, table["created"].isna(), "created date unreadable")
    last, reason = last_day(table["created"], profile)
    if last is not None:
        table = log.drop(table, table["created"] > last, f"created {reason}")
    bulk_created(table["created"], log)
    return table


def _format_hint(profile: Profile) -> str:
    return f"see dates.format in the profile, now '{profile.dates.format}'"


def _closed(
    table: pd.DataFrame, profile: Profile, compact: CodedRows, history: pd.DataFrame | None, label: str, log: RemarkLog
) -> pd.Series:
    """Close dates of decided rows; NaT where missing, unreadable, before creation or after the export."""
    decided = table["outcome"].ne("open")
    if "closed" not in table:
        return pd.Series(pd.NaT, index=table.index, dtype="datetime64[s]")
    closed, written = table["closed"].where(decided), table["closed_written"] & decided
    bad = written & closed.isna()
    _require_readable(table, bad, written, compact, "closed", label, _format_hint(profile))
    if history is not None:
        told = history["decided"].where(decided)
        log.add("repaired", "close date taken from the stage history", int((told.notna() & (told != closed)).sum()))
        closed, written, bad = closed.mask(told.notna(), told), written | told.notna(), bad & told.isna()
    log.add("set aside", "closed date missing (decided deals)", int((decided & ~written).sum()))
    log.add("set aside", "closed date unreadable", int(bad.sum()))
    early = closed < table["created"]
    log.add("set aside", "closed before created: the close date is not used", int(early.sum()))
    last, reason = last_day(pd.concat([table["created"], closed]), profile)
    late = closed.notna() & False if last is None else closed > last
    log.add("set aside", f"closed {reason}: the close date is not used", int(late.sum()))
    return closed.mask(early | late)


def _plain(table: pd.DataFrame, words: dict[str, list[str]]) -> pd.DataFrame:
    """Rows as `Export` describes them."""
    texts = {
        use: pd.array(words[use], dtype="str")[table[use].to_numpy()] if use in words else ""
        for use in ("owner", "product", "segment")
    }
    plain = {name: table[name].to_numpy() for name in ("amount", "created", "closed", "direct")}
    rows = pd.DataFrame({**texts, **plain})
    return rows.assign(outcome=table["outcome"].array)


def _note_rest(table: pd.DataFrame, rows: pd.DataFrame, log: RemarkLog) -> None:
    if "nameless" in table:
        log.add("noted", "account missing", int(table["nameless"].sum()), "accounts are not used")
    log.add("noted", "open opportunities", int(rows["outcome"].eq("open").sum()), "they count as volume only")
    note_tail(rows, log)


def _end(rows: pd.DataFrame, profile: Profile) -> pd.Timestamp:
    """The day of the export; where the profile does not know it, the last date seen."""
    if profile.dates.export_date is not None:
        return pd.Timestamp(profile.dates.export_date)
    return pd.Timestamp(max(rows[["created", "closed"]].max().dropna()))


def last_day(days: pd.Series, profile: Profile) -> tuple[pd.Timestamp | None, str]:
    """The last day that can be, and what later ones are; None where none is too late."""
    if profile.dates.export_date is not None:
        return pd.Timestamp(profile.dates.export_date), "after the export"
    unique, counts = np.unique(days.dropna().to_numpy(), return_counts=True)
    after = counts.sum() - counts.cumsum()
    apart = np.diff(unique) > FUTURE_GAP.to_timedelta64()
    few = unique[:-1][apart & (after[:-1] <= FUTURE_SHARE * counts.sum())]
    if not len(few):
        return None, ""
    day = pd.Timestamp(few[0])
    return day, f"in the future, more than {FUTURE_GAP.days} days after {day:%Y-%m-%d}, the last day of all others"


def bulk_created(created: pd.Series, log: RemarkLog) -> None:
    """Note a day on which so many opportunities were created that they were imported."""
    counts = created.value_counts()
    if counts.empty or counts.iloc[0] <= max(BULK_SHARE * len(created), BULK_ROWS):
        return
    detail = "their age is that of the import: exclude them by a rule of the profile, or repair the dates"
    log.add("noted", f"created on {counts.index[0]:%Y-%m-%d}, a bulk import", int(counts.iloc[0]), detail)


def complete_from(rows: pd.DataFrame, log: RemarkLog) -> pd.Timestamp | None:
    """The day from which cohorts are whole, where an export was cut by closing date; None where it was not.

    Half of all decided deals are decided within the median cycle. So where many were created more than that before the
    first close of all, those that closed sooner have been cut off.
    """
    closed = rows["closed"].dropna()
    if closed.empty:
        return None
    first, cycle = closed.min(), (closed - rows.loc[closed.index, "created"]).median()
    if int((rows["created"] < first - cycle).sum()) < TRUNCATED_ROWS:
        return None
    detail = f"of deals created before {first:%Y-%m-%d}, the first close, only slow ones are there"
    log.add("noted", "cohorts cut off by the closing date", int((rows["created"] < first).sum()), detail)
    return pd.Timestamp(first)


def note_tail(rows: pd.DataFrame, log: RemarkLog) -> None:
    """Note how much of the value is in the largest hundredth of the deals, where that is much."""
    amounts = np.sort(rows["amount"].dropna().to_numpy())[::-1]
    count = int(np.ceil(TAIL * len(amounts)))
    share = float(amounts[:count].sum() / amounts.sum()) if len(amounts) else 0.0
    if share > TAIL_VALUE:
        log.add("noted", "largest hundredth of the amounts", count, f"{share:.0%} of all value: sums are ruled by few")
