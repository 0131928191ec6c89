"""Tables of results: declared once with raw values and units, then shown as text, HTML, Markdown, a data frame, a sheet
of a workbook or plain values.

    Table("Pay per partner", ["small", "large"], [Column("paid", "Paid", [got, other], unit="USD")], currency="USD")

A column holds numbers, estimates, differences or texts. What is shown has one scale per column, with as many digits as
the error allows; the data frame and the plain values are at full precision, errors as `NAME_se`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from simulator.report.formats import UNDEFINED, NumberFormat, form_of, form_of_differences, form_of_estimates
from simulator.report.text import WIDTH, text_table, with_unit
from simulator.stats.estimate import Difference, Estimate

Value = Estimate | Difference | float | str | None


@dataclass(frozen=True)
class Column:
    """Values of one meaning and unit, one per row.

    name: in data frames and JSON; label: its head; unit: the currency, `share`, `probability`, `count` or a word;
    form: how numbers are written, chosen from their size and error if None; doc: what it means; shown: whether it is
    printed, or only part of the data.
    """

    name: str
    label: str
    values: Sequence[Value]
    unit: str = ""
    form: NumberFormat | None = None
    doc: str = ""
    shown: bool = True

    def format(self, currency: str) -> NumberFormat:
        """How its numbers are written."""
        if self.form is not None:
            return self.form
        differences = [v for v in self.values if isinstance(v, Difference)]
        estimates = [v for v in self.values if isinstance(v, Estimate)]
        if differences:
            return form_of_differences(differences, self.unit, currency)
        if estimates:
            return form_of_estimates(estimates, self.unit, currency)
        numbers = [float(v) for v in self.values if isinstance(v, int | float)]
        if all(x.is_integer() for x in numbers) and self.unit != currency:
            return NumberFormat(*((100.0, 0, "%") if self.unit in ("share", "probability") else (1.0, 0, self._word())))
        return form_of(numbers, [], self.unit, currency)

    def head(self, currency: str) -> str:
        """`Program cost [k USD]`."""
        return with_unit(self.label, self.format(currency).unit)

    def cells(self, currency: str) -> list[str]:
        """The values as they are shown."""
        form = self.format(currency)
        return [_cell(value, form) for value in self.values]

    def data(self) -> dict[str, list[Any]]:
        """The values at full precision: an estimate as `NAME` and `NAME_se`, a difference with its limits too."""
        parts: dict[str, str] = {self.name: "mean"}
        if any(isinstance(v, Estimate | Difference) for v in self.values):
            parts[f"{self.name}_se"] = "se"
        if any(isinstance(v, Difference) for v in self.values):
            parts |= {f"{self.name}_low": "low", f"{self.name}_high": "high"}
        return {
            name: [getattr(v, part) if isinstance(v, Estimate | Difference) else v for v in self.values]
            for name, part in parts.items()
        }

    def _word(self) -> str:
        return "" if self.unit in ("ratio", "count") else self.unit


@dataclass(frozen=True)
class Table:
    """A table of a study.

    title: what it shows; rows: a name per row; columns: of as many values as there are rows; key: what rows are called
    in data frames, "" to leave their names out there; turned: show columns as rows; notes: how to read it.
    """

    title: str
    rows: Sequence[str]
    columns: Sequence[Column]
    currency: str = ""
    key: str = ""
    turned: bool = False
    notes: Sequence[str] = field(default=())

    @property
    def head(self) -> list[str]:
        """Heads of what is shown, that of the row names first."""
        if self.turned:
            return ["", *self.rows]
        return [self.key.replace("_", " "), *(column.head(self.currency) for column in self._shown)]

    @property
    def body(self) -> list[list[str]]:
        """Rows of what is shown, the name of each first."""
        cells = [column.cells(self.currency) for column in self._shown]
        if self.turned:
            return [[column.head(self.currency), *row] for column, row in zip(self._shown, cells, strict=True)]
        return [[name, *row] for name, *row in zip(self.rows, *cells, strict=True)]

    @property
    def meanings(self) -> list[str]:
        """What each shown row means, where columns are shown as rows and say so; else empty."""
        meanings = [column.doc for column in self._shown] if self.turned else []
        return meanings if any(meanings) else []

    def text(self, width: int = WIDTH) -> str:
        """The table for a terminal, title first."""
        rows = [(name, cells) for name, *cells in self.body]
        shown = text_table(self.head[1:], rows, width, self.head[0]) if rows else ""
        return "\n".join(part for part in (self.title, shown, *self.notes) if part)

    def markdown(self) -> str:
        """The table in Markdown, without its title."""
        lines = [self.head, ["---", *("---:" for _ in self.head[1:])], *self.body]
        return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)

    def frame(self) -> pd.DataFrame:
        """All values at full precision, a row per row of the table."""
        data: dict[str, Any] = {self.key: list(self.rows)} if self.key else {}
        for column in self.columns:
            data |= column.data()
        return pd.DataFrame({name: _series(values) for name, values in data.items()})

    def to_dict(self) -> dict[str, Any]:
        """Title, what the columns are, and rows of values at full precision; what is undefined is None."""
        columns = [{"name": c.name, "label": c.label, "unit": c.unit} for c in self.columns]
        return {"title": self.title, "columns": columns, "rows": records(self.frame())}

    @property
    def _shown(self) -> list[Column]:
        return [column for column in self.columns if column.shown]


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of a table as plain dicts; None for what is undefined."""
    found: list[dict[str, Any]] = json.loads(table.to_json(orient="records", double_precision=15))
    return found


def write_workbook(sheets: Mapping[str, pd.DataFrame], path: Path) -> None:
    """Write tables as an Excel workbook, a sheet each, at full precision."""
    with pd.ExcelWriter(path, engine="openpyxl") as book:
        for name, table in sheets.items():
            harmless(table).to_excel(book, sheet_name=name, index=False, freeze_panes=(1, 1))


def _cell(value: Value, form: NumberFormat) -> str:
    if isinstance(value, Difference):
        return form.difference(value)
    if isinstance(value, Estimate):
        return form.estimate(value)
    if value is None:
        return UNDEFINED
    return value if isinstance(value, str) else form.number(value)


def _series(values: list[Any]) -> pd.Series[Any]:
    """A column of numbers as floats where some are undefined, others as they are."""
    numeric = all(v is None or isinstance(v, float) for v in values) and any(v is not None for v in values)
    return pd.Series(values, dtype=float if numeric else None)


def harmless(table: pd.DataFrame) -> pd.DataFrame:
    """The table with an apostrophe before texts that a spreadsheet would take for formulas."""

    def text(x: object) -> object:
        return "'" + x if isinstance(x, str) and x[:1] in ("=", "+", "-", "@") else x

    named = [name for name in table.columns if not pd.api.types.is_numeric_dtype(table[name])]
    return table.assign(**{name: table[name].map(text) for name in named})
