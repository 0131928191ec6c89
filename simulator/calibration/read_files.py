"""Tables from files in parts of bounded size, and rows of an export as numbers.

CSV, Parquet and Excel come with every cell as stripped text, an empty one as "": so an owner called NA stays an owner,
and all formats meet the same rules. Dates and numbers that a format holds as such become text as the profile says that
dates and numbers are written.

Of an export, texts that repeat (owners, stages, currencies) become codes into a list of words, days and amounts become
numbers, and of whole rows and ids only hashes of 64 bits are kept, to find duplicates by: 5 million rows take some
hundred megabytes. Among them two different rows share a hash with a probability of less than one in a million.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simulator.calibration.profile import Profile
from simulator.calibration.remarks import RemarkLog
from simulator.core.arrays import Array
from simulator.core.errors import InputError, fault

CHUNK_ROWS = 100_000
PARQUET, EXCEL = (".parquet", ".pq"), (".xlsx", ".xlsm")
_SEPARATORS = (",", ";", "\t", "|")
_NO_ROWS = "the export has a header but no rows"


@dataclass(frozen=True)
class FileFormat:
    """How dates and numbers are written as text."""

    date: str = "%Y-%m-%d"
    decimal: str = "."


def sha256_of(path: Path) -> str:
    """Checksum of a file; raises `InputError` if it cannot be read."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except OSError as error:
        raise fault(str(path), "export", None, f"cannot be read: {error.strerror}") from None
    return digest.hexdigest()


def read_chunks(path: Path, form: FileFormat, *, rows: int = CHUNK_ROWS) -> Iterator[pd.DataFrame]:
    """The table in `path` in parts of up to `rows` rows, by the file's ending: Parquet, Excel (first sheet), else CSV.

    Raises `InputError` for a file that is none of these, has no header or no rows.
    """
    read = {**dict.fromkeys(PARQUET, _parquet), **dict.fromkeys(EXCEL, _excel)}.get(path.suffix.lower(), _csv)
    empty = True
    for part in read(path, form, rows):
        empty = empty and part.empty
        part.columns = part.columns.astype(str).str.strip()
        if not part.empty:
            yield pd.DataFrame({name: part[name].str.strip() for name in part.columns})
    if empty:
        raise fault(str(path), "rows", 0, _NO_ROWS)


def whole(path: Path, form: FileFormat) -> pd.DataFrame:
    """A small table at once."""
    return pd.concat(read_chunks(path, form), ignore_index=True)


def _csv(path: Path, _form: FileFormat, rows: int) -> Iterator[pd.DataFrame]:
    try:
        with path.open(encoding="utf-8-sig") as file:
            head = file.readline()
        separator = max(_SEPARATORS, key=head.count)
        with pd.read_csv(
            path, dtype=str, keep_default_na=False, encoding="utf-8-sig", sep=separator, chunksize=rows
        ) as parts:  # fmt: skip
            yield from parts
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise fault(str(path), "export", None, f"is not a UTF-8 CSV file with a header: {reason}") from None
    except OSError as error:
        raise fault(str(path), "export", None, f"cannot be read: {error.strerror}") from None


def _parquet(path: Path, form: FileFormat, rows: int) -> Iterator[pd.DataFrame]:
    import pyarrow.parquet as pq
    from pyarrow.lib import ArrowException

    try:
        file = pq.ParquetFile(path)
        for batch in file.iter_batches(batch_size=rows):
            part = batch.to_pandas()
            yield pd.DataFrame({name: _texts(part[name], form) for name in part.columns})
    except (ArrowException, OSError) as error:
        raise _unreadable(path, "Parquet", error) from None


def _texts(values: pd.Series, form: FileFormat) -> pd.Series:
    """A typed column as text; days and other repeated values are written once each."""
    codes, unique = pd.factorize(values, use_na_sentinel=True)
    written = pd.array([_text(value, form) for value in unique] + [""], dtype="str")
    return pd.Series(written[codes], index=values.index)


def _text(value: Any, form: FileFormat) -> str:
    """A cell as text: whole numbers without a point, days without a time."""
    if value is None or value != value:
        return ""
    if isinstance(value, datetime | date):
        return value.strftime(form.date)
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value).replace(".", form.decimal)
    return str(value)


def _excel(path: Path, form: FileFormat, rows: int) -> Iterator[pd.DataFrame]:
    import zipfile

    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and extensions that do not concern values
            book = load_workbook(path, read_only=True, data_only=True)
            lines = book.worksheets[0].iter_rows(values_only=True)
            head = [_text(cell, form) for cell in next(lines, ())]
            if not any(head):
                raise fault(str(path), "export", None, "the first sheet has no header in its first row")
            yield from _sheet(lines, head, form, rows)
            book.close()
    except (InvalidFileException, zipfile.BadZipFile, KeyError, OSError) as error:
        raise _unreadable(path, "Excel", error) from None


def _sheet(lines: Iterator[Any], head: list[str], form: FileFormat, rows: int) -> Iterator[pd.DataFrame]:
    """Rows of a sheet in parts; empty ones, of which sheets often have a tail, are left out."""
    named = [k for k, name in enumerate(head) if name]
    part: list[list[str]] = []
    for line in lines:
        cells = [_text(line[k], form) if k < len(line) else "" for k in named]
        if any(cells):
            part.append(cells)
        if len(part) == rows:
            yield pd.DataFrame(part, columns=[head[k] for k in named], dtype="str")
            part = []
    if part:
        yield pd.DataFrame(part, columns=[head[k] for k in named], dtype="str")


def _unreadable(path: Path, kind: str, error: Exception) -> InputError:
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return fault(str(path), "export", None, f"is not a readable {kind} file: {reason}")


CODED = ("owner", "stage", "product", "segment", "currency", "engagement")
"""Columns that are kept as codes."""
_TIME = re.compile(r"^(.*\d)[T ,]+\d{1,2}:\d{2}.*$")
"""A day with a time of day behind it."""
_SIGNS = re.compile(r"^[^\d+\-.,(]+|[^\d.,)]+$")
"""What may stand around a number: currency signs and names, spaces."""
Hashes = NDArray[np.uint64]
_HASH_STEP = np.uint64(0x9E3779B97F4A7C15)


class CodedWords:
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


class CodedRows:
    """An export as numbers.

    words: by coded column; repaired: rows by (column, wrong value); excluded: rows by position of the rule; total: rows
    seen; unread: first unreadable text by (use, code of the stage).
    """

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        named = profile.columns.model_dump()
        self.words = {use: CodedWords() for use in CODED if named[use]}
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


_RECORD_ID = re.compile(r"(?=.*\d)[A-Za-z0-9]{15}([A-Za-z0-9]{3})?")
"""Record ids, in which upper and lower case differ."""


def spellings(
    use: str, words: Sequence[str], codes: pd.Series, known: frozenset[str] | None, log: RemarkLog
) -> list[str]:
    """`words` with one spelling, the known or most frequent, for those that differ in case, spaces and signs only."""
    counts = np.bincount(codes.to_numpy(), minlength=len(words))
    groups: dict[str, list[int]] = {}
    for code, word in enumerate(words):
        if word and not _RECORD_ID.fullmatch(word):
            groups.setdefault(_letters(word), []).append(code)
    chosen, told, rows = list(words), [], 0
    named = {_letters(name): name for name in known or ()}
    for key, group in groups.items():
        best = named.get(key) or max((int(counts[code]), words[code]) for code in group)[1]
        odd = [code for code in group if words[code] != best and counts[code]]
        rows += sum(int(counts[code]) for code in odd)
        told += [f"'{words[code]}' as '{best}'" for code in odd]
        for code in odd:
            chosen[code] = best
    more = f" and {len(told) - 3} more" if len(told) > 3 else ""
    log.add("repaired", f"{use} written in several ways", rows, ", ".join(told[:3]) + more)
    return chosen


def in_one_spelling(words: pd.Series, known: Iterable[str]) -> pd.Series:
    """`words` as the one of `known` that they differ from in case, spaces and signs only, if there is one."""
    named = {_letters(name): name for name in known}
    return words.map({word: named.get(_letters(word), word) for word in words.unique()})


def _letters(word: str) -> str:
    """Letters and digits alone, in one case; digits that were apart stay apart."""
    plain = unicodedata.normalize("NFKC", word).casefold()
    return re.sub(r"[^\w~]|_", "", re.sub(r"(?<=\d)[\W_]+(?=\d)", "~", plain))
