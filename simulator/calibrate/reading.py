"""From a CRM export to checked rows: what is unusable is dropped or set aside, and every such row is counted.

Faults of single rows are counted; faults that put the whole reading in doubt (unknown stages, amounts
without a rate of conversion, dates in another format) end it with a message.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd

from simulator.calibrate.findings import Kind, Remark
from simulator.calibrate.profile import Profile, Source
from simulator.errors import InputError, Problem, fault
from simulator.scenario.finding import suggestion

UNREADABLE_SHARE = 0.5
"""With more than this share of dates or amounts unreadable, the format is taken to be wrong, not the rows."""


@dataclass(frozen=True)
class Export:
    """Checked rows of an export.

    rows: columns `owner`, `outcome` (won, lost, open), `amount` (scenario currency, nan where not usable),
    `created`, `closed` (NaT where not usable), `product`, `segment`, `direct`. end: the last day the export
    knows of.
    """

    label: str
    sha256: str
    total: int
    rows: pd.DataFrame
    remarks: tuple[Remark, ...]
    end: pd.Timestamp


class _Log:
    """Collects remarks in the order of reading; a count of zero is not worth one unless asked for."""

    def __init__(self) -> None:
        self.remarks: list[Remark] = []

    def add(self, kind: Kind, reason: str, count: int, detail: str = "", *, always: bool = False) -> None:
        if count or always:
            self.remarks.append(Remark(kind, reason, int(count), detail))

    def drop(self, table: pd.DataFrame, bad: pd.Series, reason: str) -> pd.DataFrame:
        """`table` without the rows marked `bad`, counted under `reason`."""
        self.add("dropped", reason, int(bad.sum()))
        return table[~bad]


def read_export(export: Path, *, source: Source) -> Export:
    """Read and check `export` as the profile says."""
    profile, log, label = source.profile, _Log(), str(export)
    content = _content(export)
    table = _table(content, label)
    total = len(table)
    _require_columns(table, source, label)
    table = _distinct(_kept(_repaired(table, profile, log), profile, log), profile, log)
    _require_meaning(table, source, label)
    rows = pd.DataFrame(_plain_columns(table, profile), index=table.index)
    rows = log.drop(rows, rows["owner"].eq("") & ~rows["direct"], "owner missing")
    table = table.loc[rows.index]
    rows["amount"] = _amounts(table, rows["outcome"], source, log, label)
    rows["created"] = _dates(table[profile.columns.created], profile, label, "created")
    rows = _with_valid_creation(rows, table[profile.columns.created], profile, log)
    rows["closed"] = _closed(rows, table, profile, log, label)
    if rows.empty:
        raise fault(
            label,
            "rows",
            0,
            f"no usable row is left of {total}",
            "see the profile's stages, dates and exclude",
        )
    if profile.columns.account:
        nameless = table.loc[rows.index, profile.columns.account].eq("")
        log.add("noted", "account missing", int(nameless.sum()), "accounts are not used")
    log.add("noted", "open opportunities", int(rows["outcome"].eq("open").sum()), "they count as volume only")
    digest = hashlib.sha256(content).hexdigest()
    return Export(export.name, digest, total, rows.reset_index(drop=True), tuple(log.remarks), _end(rows, profile))


def _content(export: Path) -> bytes:
    try:
        return export.read_bytes()
    except OSError as error:
        raise fault(str(export), "export", None, f"cannot be read: {error.strerror}") from None


def _table(content: bytes, label: str) -> pd.DataFrame:
    """All cells as stripped text; an empty cell is "", so that an owner called NA stays an owner."""
    try:
        table = pd.read_csv(BytesIO(content), dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise fault(label, "export", None, f"is not a UTF-8 CSV file with a header: {reason}") from None
    if table.empty:
        raise fault(label, "rows", 0, "the export has a header but no rows")
    table.columns = table.columns.str.strip()
    return pd.DataFrame({name: table[name].str.strip() for name in table.columns})


def _require_columns(table: pd.DataFrame, source: Source, label: str) -> None:
    known = [str(name) for name in table.columns]
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


def _repaired(table: pd.DataFrame, profile: Profile, log: _Log) -> pd.DataFrame:
    for name, replacements in profile.repairs.items():
        for wrong, right in replacements.items():
            hit = table[name].eq(wrong)
            table = table.assign(**{name: table[name].mask(hit, right)})
            log.add("repaired", f"{name}: '{wrong}' written as '{right}'", int(hit.sum()), always=True)
    return table


def _kept(table: pd.DataFrame, profile: Profile, log: _Log) -> pd.DataFrame:
    for rule in profile.exclude:
        bad = table[rule.column].isin(rule.values)
        log.add("dropped", f"excluded by the profile: {rule.reason}", int(bad.sum()), always=True)
        table = table[~bad]
    return table


def _distinct(table: pd.DataFrame, profile: Profile, log: _Log) -> pd.DataFrame:
    """Without repeated rows and repeated ids. Rows that differ in their id only may be real: they stay."""
    table = log.drop(table, table.duplicated(), "exact duplicate of an earlier row")
    name = profile.columns.id
    if name is None:
        return table
    bad = table[name].duplicated() & table[name].ne("")
    table = log.drop(table, bad, "opportunity id seen before, with other content")
    alike = table.duplicated(subset=[column for column in table.columns if column != name])
    log.add("noted", "same as an earlier row in everything but the id", int(alike.sum()), "kept: may be real")
    return table


def _require_meaning(table: pd.DataFrame, source: Source, label: str) -> None:
    """Every stage, engagement and currency must be known; all unknown ones are reported at once."""
    profile, problems = source.profile, []
    stages = (*profile.stages.won, *profile.stages.lost, *profile.stages.open)
    rule = "stages that the profile does not know: {}"
    problems += _unknown(table, profile.columns.stage, stages, rule, label, "add them to [stages] as won, lost or open")
    if profile.engagement and profile.engagement.partner and profile.columns.engagement:
        known = (*profile.engagement.partner, *profile.engagement.direct)
        rule = "values that the profile does not know: {}"
        problems += _unknown(table, profile.columns.engagement, known, rule, label, "add them to [engagement]")
    if profile.columns.currency:
        known = ("", profile.currency.scenario, *profile.currency.rates)
        rule = f"amounts without a rate to {profile.currency.scenario}: {{}}"
        hint = f"add rates to [currency.rates]; all currencies: {_counted(table[profile.columns.currency])}"
        problems += _unknown(table, profile.columns.currency, known, rule, label, hint)
    if problems:
        raise InputError(problems)


def _unknown(table: pd.DataFrame, name: str, known: tuple[str, ...], rule: str, label: str, hint: str) -> list[Problem]:
    """A problem that lists the values of a column outside `known` with their counts, if there are any."""
    odd = table.loc[~table[name].isin(known), name]
    return [] if odd.empty else [Problem(label, name, "", rule.format(_counted(odd)), hint)]


def _counted(values: pd.Series) -> str:
    """`'EUR' (12 rows), 'USD' (3 rows)`, most frequent first."""
    counts = [(-int(count), str(value)) for value, count in values.value_counts().items()]
    return ", ".join(f"'{value}' ({-count} rows)" for count, value in sorted(counts))


def _plain_columns(table: pd.DataFrame, profile: Profile) -> dict[str, pd.Series | bool | str]:
    stage, columns = table[profile.columns.stage], profile.columns
    outcome = pd.Series("open", index=table.index)
    outcome = outcome.mask(stage.isin(profile.stages.won), "won").mask(stage.isin(profile.stages.lost), "lost")
    direct: pd.Series | bool = False
    if profile.engagement and columns.engagement:
        direct = table[columns.engagement].isin(profile.engagement.direct)
    return {
        "owner": table[columns.owner],
        "outcome": outcome,
        "product": table[columns.product] if columns.product else "",
        "segment": table[columns.segment] if columns.segment else "",
        "direct": direct,
    }


def _amounts(table: pd.DataFrame, outcome: pd.Series, source: Source, log: _Log, label: str) -> pd.Series:
    """Amounts in the scenario currency, nan where missing, unreadable, not positive or without a currency."""
    profile, text = source.profile, table[source.profile.columns.amount]
    cleaned = text.str.replace(profile.amounts.thousands, "", regex=False) if profile.amounts.thousands else text
    cleaned = cleaned.str.replace(profile.amounts.decimal, ".", regex=False)
    amount = pd.to_numeric(cleaned, errors="coerce").astype(float)
    amount = amount.where(np.isfinite(amount))
    written = text.ne("")
    _require_readable(amount.notna(), text, label, profile.columns.amount, "see [amounts] decimal and thousands")
    log.add("set aside", "amount unreadable", int((written & amount.isna()).sum()))
    decided = outcome.ne("open")
    if profile.amounts.lost_amount_is_zero:
        decided = outcome.eq("won")
        log.add(
            "set aside",
            "amount of a lost deal, as the profile says it is not recorded",
            int(outcome.eq("lost").sum()),
        )
        amount = amount.mask(outcome.eq("lost"))
    log.add("set aside", "amount missing (decided deals)", int((decided & ~written).sum()))
    log.add("set aside", "amount zero or negative (decided deals)", int((decided & amount.le(0)).sum()))
    return amount.where(amount > 0) * _rates(table, profile, log)


def _rates(table: pd.DataFrame, profile: Profile, log: _Log) -> pd.Series:
    """Scenario currency per unit of each row's currency; nan where a row names none."""
    if profile.columns.currency is None:
        return pd.Series(1.0, index=table.index)
    currency = table[profile.columns.currency]
    log.add("set aside", "amount without a currency", int(currency.eq("").sum()))
    for name, count in sorted(currency[currency.ne("")].value_counts().items()):
        if name != profile.currency.scenario:
            rate = profile.currency.rates[str(name)]
            log.add(
                "repaired",
                f"amount converted from {name}",
                count,
                f"1 {name} = {rate} {profile.currency.scenario}",
            )
    return currency.map({profile.currency.scenario: 1.0, **profile.currency.rates}).astype(float)


def _dates(text: pd.Series, profile: Profile, label: str, use: str) -> pd.Series:
    days = pd.to_datetime(text, format=profile.dates.format, errors="coerce", utc=True).dt.tz_localize(None)
    hint = f"see dates.format in the profile, now '{profile.dates.format}'"
    _require_readable(days.notna(), text, label, str(text.name), hint)
    return days.dt.normalize().rename(use)


def _require_readable(readable: pd.Series, text: pd.Series, label: str, name: str, hint: str) -> None:
    """Refuse a column of which most written cells cannot be read: then the format is wrong, not the rows."""
    written = text.ne("")
    bad = written & ~readable
    if bad.sum() > UNREADABLE_SHARE * max(written.sum(), 1):
        first = str(text[bad].iloc[0])
        raise fault(label, name, first, f"{bad.sum()} of {written.sum()} values cannot be read", hint)


def _with_valid_creation(rows: pd.DataFrame, text: pd.Series, profile: Profile, log: _Log) -> pd.DataFrame:
    rows = log.drop(rows, text.eq(""), "created date missing")
    rows = log.drop(rows, rows["created"].isna(), "created date unreadable")
    if profile.dates.export_date is None:
        return rows
    return log.drop(rows, rows["created"] > pd.Timestamp(profile.dates.export_date), "created after the export")


def _closed(rows: pd.DataFrame, table: pd.DataFrame, profile: Profile, log: _Log, label: str) -> pd.Series:
    """Close dates of decided rows; NaT where missing, unreadable, before creation or after the export."""
    if profile.columns.closed is None:
        return pd.Series(pd.NaT, index=rows.index, dtype="datetime64[ns]")
    text = table.loc[rows.index, profile.columns.closed].where(rows["outcome"].ne("open"), "")
    closed = _dates(text, profile, label, "closed")
    decided = rows["outcome"].ne("open")
    log.add("set aside", "closed date missing (decided deals)", int((decided & text.eq("")).sum()))
    log.add("set aside", "closed date unreadable", int((text.ne("") & closed.isna()).sum()))
    early = closed < rows["created"]
    log.add("set aside", "closed before created: the close date is not used", int(early.sum()))
    late = pd.Series(False, index=rows.index)
    if profile.dates.export_date is not None:
        late = closed > pd.Timestamp(profile.dates.export_date)
        log.add("set aside", "closed after the export: the close date is not used", int(late.sum()))
    return closed.mask(early | late)


def _end(rows: pd.DataFrame, profile: Profile) -> pd.Timestamp:
    """The day of the export; where the profile does not know it, the last date seen."""
    if profile.dates.export_date is not None:
        return pd.Timestamp(profile.dates.export_date)
    return pd.Timestamp(max(rows[["created", "closed"]].max().dropna()))
