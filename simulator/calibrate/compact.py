"""Rows of an export as numbers, a part of the file at a time: 5 million rows take some hundred megabytes.

Texts that repeat (owners, stages, currencies) become codes into a list of words, days and amounts become numbers, and
of whole rows and ids only hashes of 64 bits are kept, to find duplicates by. Among 5 million rows two different ones
share a hash with a probability of less than one in a million.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simulator.calibrate.profile import Profile
from simulator.program.numbers import Array

CODED = ("owner", "stage", "product", "segment", "currency", "engagement")
"""Columns that are kept as codes."""
_TIME = re.compile(r"^(.*\d)[T ,]+\d{1,2}:\d{2}.*$")
"""A day with a time of day behind it."""
_SIGNS = re.compile(r"^[^\d+\-.,(]+|[^\d.,)]+$")
"""What may stand around a number: currency signs and names, spaces."""
Hashes = NDArray[np.uint64]
_HASH_STEP = np.uint64(0x9E3779B97F4A7C15)


class Words:
    """Words by their codes, in order of appearance."""

    def __init__(self) -> None:
        self.list: list[str] = []
        self._codes: dict[str, int] = {}

    def encode(self, values: pd.Series) -> NDArray[np.int32]:
        """Codes of `values`, new words included."""
        codes, unique = pd.factorize(values)
        for word in unique:
            if word not in self._codes:
                self._codes[word] = len(self.list)
                self.list.append(str(word))
        return np.array([self._codes[word] for word in unique], dtype=np.int32)[codes]


class Compact:
    """An export as numbers.

    words: by coded column; repaired: rows by (column, wrong value); excluded: rows by position of the rule; total: rows
    seen; unread: first unreadable text by (use, code of the stage).
    """

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        named = profile.columns.model_dump()
        self.words = {use: Words() for use in CODED if named[use]}
        self.repaired: Counter[tuple[str, str]] = Counter()
        self.excluded: Counter[int] = Counter()
        self.total = 0
        self.unread: dict[tuple[str, int], str] = {}
        self._parts: dict[str, list[Any]] = {}

    def add(self, rows: pd.DataFrame) -> None:
        """Take in some rows of text cells."""
        self.total += len(rows)
        rows = self._kept(self._repaired(rows))
        columns = self.profile.columns
        found: dict[str, Any] = dict(zip(("alike", "id", "row"), _hashes(rows, columns.id), strict=True))
        for use, words in self.words.items():
            found[use] = words.encode(rows[getattr(columns, use)])
        if columns.account:
            found["nameless"] = rows[columns.account].eq("").to_numpy()
        for use in ("created", "closed"):
            if name := getattr(columns, use):
                found[use] = self._noted(use, rows[name], days(rows[name], self.profile.dates.format), found)
        found["amount"] = self._noted("amount", rows[columns.amount], self._amounts(rows[columns.amount]), found)
        for name, values in found.items():
            self._parts.setdefault(name, []).append(values)

    def table(self) -> pd.DataFrame:
        """All rows taken in: codes of `CODED` columns; `amount`, `created`, `closed` with nan or NaT where missing or
        unreadable and `NAME_written` where there was a text; `nameless` accounts; hashes `row`, `id`, `alike` (all
        but the id)."""
        return pd.DataFrame({name: np.concatenate(self._parts.pop(name)) for name in list(self._parts)}, copy=False)

    def _repaired(self, rows: pd.DataFrame) -> pd.DataFrame:
        for name, replacements in self.profile.repairs.items():
            for wrong, right in replacements.items():
                hit = rows[name].eq(wrong)
                rows = rows.assign(**{name: rows[name].mask(hit, right)})
                self.repaired[name, wrong] += int(hit.sum())
        return rows

    def _kept(self, rows: pd.DataFrame) -> pd.DataFrame:
        for position, rule in enumerate(self.profile.exclude):
            bad = rows[rule.column].isin(rule.values)
            self.excluded[position] += int(bad.sum())
            rows = rows[~bad]
        return rows

    def _noted(self, use: str, texts: pd.Series, values: pd.Series, found: dict[str, Any]) -> Array:
        """`values` as an array; where something was written is kept, and the first text of each stage not read."""
        written = texts.ne("").to_numpy()
        found[f"{use}_written"] = written
        bad = np.flatnonzero(written & values.isna().to_numpy())
        for row in bad[np.unique(found["stage"][bad], return_index=True)[1]]:
            self.unread.setdefault((use, int(found["stage"][row])), str(texts.iloc[row]))
        return np.asarray(values)

    def _amounts(self, texts: pd.Series) -> pd.Series:
        """Amounts as numbers, nan where missing or unreadable."""
        rule = self.profile.amounts
        cleaned = texts.str.replace(rule.thousands, "", regex=False) if rule.thousands else texts
        cleaned = cleaned.str.replace(rule.decimal, ".", regex=False) if rule.decimal != "." else cleaned
        amount = pd.to_numeric(cleaned, errors="coerce").astype(float)
        odd = amount.isna() & texts.ne("")
        if odd.any():
            bare = cleaned[odd].str.replace(_SIGNS, "", regex=True)
            amount[odd] = pd.to_numeric(bare, errors="coerce").astype(float)
        return amount.where(np.isfinite(amount))


def days(texts: pd.Series, form: str) -> pd.Series:
    """Days of texts in a strptime format, NaT where missing or unreadable; repeated texts are read once.

    A time of day behind the day is passed over where the format names none.
    """
    codes, unique = pd.factorize(texts)
    found = pd.Series(unique).astype("str")
    if "%H" not in form and "%I" not in form:
        found = found.str.replace(_TIME, r"\1", regex=True)
    read = pd.to_datetime(found, format=form, errors="coerce", utc=True).dt.tz_localize(None).dt.normalize()
    return pd.Series(read.to_numpy(dtype="datetime64[s]")[codes], index=texts.index)


def hashed(texts: pd.Series) -> Hashes:
    """Hashes of texts, the same in every part of a file and in every file."""
    return np.asarray(pd.util.hash_pandas_object(texts, index=False), dtype=np.uint64)


def _hashes(rows: pd.DataFrame, name: str | None) -> tuple[Hashes, Hashes, Hashes]:
    """Of everything but the id, of the id (0 where there is none), and of the whole row."""
    alike = np.asarray(pd.util.hash_pandas_object(rows.drop(columns=name or []), index=False), dtype=np.uint64)
    if name is None:
        return alike, np.zeros(len(rows), dtype=np.uint64), alike
    ids: Hashes = np.where(rows[name].eq(""), np.uint64(0), hashed(rows[name]))
    return alike, ids, alike ^ (ids * _HASH_STEP)
