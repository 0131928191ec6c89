"""Tables from files in parts of bounded size: CSV, Parquet and Excel, every cell as stripped text, an empty one "".

So an owner called NA stays an owner, and all formats meet the same rules. Dates and numbers that a format holds as
such become text as the profile says that dates and numbers are written.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from simulator.errors import InputError, fault

CHUNK_ROWS = 100_000
PARQUET, EXCEL = (".parquet", ".pq"), (".xlsx", ".xlsm")
_SEPARATORS = (",", ";", "\t", "|")
_NO_ROWS = "the export has a header but no rows"


@dataclass(frozen=True)
class Form:
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


def chunks(path: Path, form: Form, *, rows: int = CHUNK_ROWS) -> Iterator[pd.DataFrame]:
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


def whole(path: Path, form: Form) -> pd.DataFrame:
    """A small table at once."""
    return pd.concat(chunks(path, form), ignore_index=True)


def _csv(path: Path, _form: Form, rows: int) -> Iterator[pd.DataFrame]:
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


def _parquet(path: Path, form: Form, rows: int) -> Iterator[pd.DataFrame]:
    import pyarrow.parquet as pq
    from pyarrow.lib import ArrowException

    try:
        file = pq.ParquetFile(path)
        for batch in file.iter_batches(batch_size=rows):
            part = batch.to_pandas()
            yield pd.DataFrame({name: _texts(part[name], form) for name in part.columns})
    except (ArrowException, OSError) as error:
        raise _no(path, "Parquet", error) from None


def _texts(values: pd.Series, form: Form) -> pd.Series:
    """A typed column as text; days and other repeated values are written once each."""
    codes, unique = pd.factorize(values, use_na_sentinel=True)
    written = pd.array([_text(value, form) for value in unique] + [""], dtype="str")
    return pd.Series(written[codes], index=values.index)


def _text(value: Any, form: Form) -> str:
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


def _excel(path: Path, form: Form, rows: int) -> Iterator[pd.DataFrame]:
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
        raise _no(path, "Excel", error) from None


def _sheet(lines: Iterator[Any], head: list[str], form: Form, rows: int) -> Iterator[pd.DataFrame]:
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


def _no(path: Path, kind: str, error: Exception) -> InputError:
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return fault(str(path), "export", None, f"is not a readable {kind} file: {reason}")
