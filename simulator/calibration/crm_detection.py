"""Which CRM an export comes from, told by its columns, and how it writes dates, numbers and currencies.

A profile with `infer` names a CRM's default columns. Its columns are found whatever their case, `alternatives` stand in
for a column that is not there or is empty, and columns in `optional` may be missing. Of the formats of dates, the one
that reads the first rows is taken; where day and month could be changed round, the export is refused.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd

from simulator.calibration.profile import Profile, Source, load_profile, shipped_profiles
from simulator.calibration.read_files import FileFormat, days, read_chunks
from simulator.calibration.side_files import with_rates
from simulator.core.errors import fault

FORMATS = ("%Y-%m-%d", "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%Y/%m/%d")
SAMPLE_ROWS = 20_000
READABLE_SHARE = 0.98


def source_of(export: Path, profile: Path | str | None, rates: Path | None = None) -> Source:
    """The profile to read `export` with: the given one, or that of the CRM whose columns it has.

    Raises `InputError` where none fits, or the format of the dates cannot be told.
    """
    source = None if profile is None else load_profile(profile)
    if source is None or source.profile.infer:
        head = next(read_chunks(export, FileFormat(), rows=SAMPLE_ROWS))
        source = _recognised(head, export) if source is None else _placed(source, head)
        source = replace(source, profile=_inferred(source.profile, head, str(export)))
    return replace(source, profile=with_rates(source.profile, rates))


def _recognised(head: pd.DataFrame, export: Path) -> Source:
    """The shipped profile of a CRM of which all columns that are not optional are there."""
    sources = [load_profile(name) for name in shipped_profiles()]
    for source in sources:
        if source.profile.infer:
            placed = _placed(source, head)
            if set(placed.profile.named_columns().values()) <= set(head.columns):
                return placed
    known = ", ".join(source.profile.name for source in sources if source.profile.infer)
    hint = f"give a profile that names the columns, see docs/calibration.md; columns: {', '.join(head.columns)}"
    raise fault(str(export), "columns", None, f"are not the default columns of {known}", hint)


def _placed(source: Source, head: pd.DataFrame) -> Source:
    """The profile with the columns as this export names them, without optional ones that it lacks."""
    profile = source.profile
    filled = {name.casefold(): name for name in reversed(head.columns) if head[name].ne("").any()}
    there = {name.casefold(): name for name in reversed(head.columns)}
    columns = profile.columns.model_dump()
    for use, name in columns.items():
        if name is None:
            continue
        names = (name, *profile.alternatives.get(use, ()))
        found = [filled[n.casefold()] for n in names if n.casefold() in filled]
        found = found or [there[n.casefold()] for n in names if n.casefold() in there]
        columns[use] = found[0] if found else None if use in profile.optional else name
    if columns["engagement"] not in (None, columns["owner"]):
        columns["engagement"] = None
    update = {
        "columns": type(profile.columns)(**columns),
        "engagement": profile.engagement if columns["engagement"] else None,
        "dates": profile.dates.model_copy(update={"closed_date_valid": columns["closed"] is not None}),
    }
    return replace(source, profile=profile.model_copy(update=update))


def _inferred(profile: Profile, head: pd.DataFrame, label: str) -> Profile:
    """The profile with the format of dates, the decimal sign and the currency that the first rows have."""
    columns = profile.columns
    if not {columns.created, columns.amount} <= set(head.columns):
        return profile  # told when the columns are checked
    dates = profile.dates.model_copy(update={"format": _date_format(head, profile, label)})
    texts = head[columns.amount]
    comma, point = (int(texts.str.contains(rf"{sign}\d{{1,2}}\D*$", regex=True).sum()) for sign in (",", r"\."))
    sign = {"decimal": ",", "thousands": "."} if comma > point else {"decimal": ".", "thousands": ","}
    currency = profile.currency
    if columns.currency and (counts := head.loc[head[columns.currency].ne(""), columns.currency].value_counts()).size:
        currency = currency.model_copy(update={"scenario": str(counts.index[0])})
    amounts = profile.amounts.model_copy(update=sign)
    return profile.model_copy(update={"dates": dates, "amounts": amounts, "currency": currency})


def _date_format(head: pd.DataFrame, profile: Profile, label: str) -> str:
    """The one format that reads nearly all days on which something was created or closed."""
    columns = profile.columns
    texts = pd.concat([head[name] for name in (columns.created, columns.closed) if name is not None])
    unique = pd.Series(texts[texts.ne("")].unique())
    fits = [form for form in FORMATS if days(unique, form).notna().mean() >= READABLE_SHARE]
    if len(fits) == 1:
        return fits[0]
    if not fits:
        first = str(unique.iloc[0]) if len(unique) else ""
        raise fault(label, columns.created, first, "is in no known format of dates", "give a profile with dates.format")
    rule = f"could be {' or '.join(fits)}: day and month cannot be told apart"
    raise fault(label, columns.created, str(unique.iloc[0]), rule, "give a profile with dates.format")
