"""Pages: one HTML file with all it needs, for the screen and for paper, that asks the network for nothing.

Every text goes through Jinja's escaping, so a name from a scenario is text, whatever it is. Figures are inline SVG.

A study as HTML: in a notebook, and as a page of its own.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, Protocol

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from simulator.report.plots import figure_of, styled
from simulator.report.tables import Column, Table

_ID = re.compile(r'(\bid="|href="#|url\(#)')


@dataclass(frozen=True)
class HtmlTable:
    """A table of texts: what it shows, heads of the columns, and rows of which the first cell names the row.

    meanings: what each row means, for a notebook's tooltips, none if empty.
    """

    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    meanings: Sequence[str] = ()


def render_page(template: str, **content: Any) -> str:
    """A whole page from a template of `templates/`."""
    return _environment().get_template(template).render(**content)


def notebook(
    name: str, sample: str, said: Sequence[str], tables: Sequence[HtmlTable], notes: Sequence[str] = ()
) -> str:
    """A study in a notebook: what it is and rests on, sentences, tables, and how to read them."""
    return render_page("notebook.html", name=name, sample=sample, said=said, tables=tables, notes=notes)


def inline(draw: Callable[[], Figure], name: str, title: str, description: str) -> Markup:
    """A figure as inline SVG. name: unique on the page; title, description: for those who do not see it."""
    with styled():
        figure, buffer = draw(), io.StringIO()
        figure.savefig(buffer, format="svg", bbox_inches="tight", metadata={"Date": None, "Creator": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    svg = _ID.sub(rf"\g<1>{name}-", svg)
    head = f'<svg role="img" aria-labelledby="{name}-title {name}-desc" '
    told = f'<title id="{name}-title">{escape(title)}</title><desc id="{name}-desc">{escape(description)}</desc>'
    opened = svg.index(">")
    return Markup(head + svg[len("<svg ") : opened + 1] + told + svg[opened + 1 :])


def facts(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Names and values as texts, those without a value left out."""
    return [(name, str(value)) for name, value in values.items() if value not in (None, "", [], ())]


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip


_ROWS = 20
"""Rows of a table that are shown in a notebook."""


class ShownStudy(Protocol):
    """What is shown of a study."""

    @property
    def title(self) -> str: ...
    @property
    def sample_text(self) -> str: ...
    @property
    def cost_text(self) -> str: ...
    def headline(self) -> list[str]: ...
    def tables(self) -> list[Table]: ...
    def table(self) -> pd.DataFrame: ...
    def notes(self) -> list[str]: ...
    def stored_figures(self) -> Mapping[str, Callable[[Axes], object]]: ...


def study_view(study: ShownStudy) -> str:
    """A study in a notebook: headline, tables of at most some rows, and notes."""
    return notebook(study.title, study.sample_text, study.headline(), _tables(study, _ROWS), study.notes())


def study_page(study: ShownStudy) -> str:
    """A study as a page of its own: headline, whole tables, notes and its figures."""
    figures = [
        inline(partial(figure_of, draw), f"figure-{k}", study.title, name.replace("_", " "))
        for k, (name, draw) in enumerate(study.stored_figures().items())
    ]
    return render_page(
        "study.html", title=study.title, sample=study.sample_text, headline=study.headline(),
        tables=_tables(study, None), notes=[*study.notes(), study.cost_text], figures=figures,
    )  # fmt: skip


def took(study: ShownStudy) -> str:
    """What it cost in time, as a paragraph."""
    return f"<p>{escape(study.cost_text)}</p>" if study.cost_text else ""


def _tables(study: ShownStudy, most: int | None) -> list[HtmlTable]:
    return [html_table(table, most) for table in study.tables() or [_plain(study.table())]]


def _plain(frame: pd.DataFrame) -> Table:
    """A data frame as a table, for studies that declare none."""
    values = {str(name): [_value(x) for x in frame[name]] for name in frame.columns}
    columns = [Column(name, name, found) for name, found in values.items()]
    return Table("", [str(name) for name in frame.index], columns)


def _value(x: object) -> str | float | None:
    if x is None or (isinstance(x, float) and math.isnan(x)):
        return None
    return f"{x:,.4g}" if isinstance(x, float) else str(x)


def html_table(table: Table, most: int | None = None) -> HtmlTable:
    """A table for HTML, of at most so many rows."""
    body, left = table.body, 0
    if most is not None and len(body) > most:
        body, left = body[:most], len(body) - most
    more = f"; {left:,} more rows in table()" if left else ""
    caption = " ".join((f"{table.title}{more}".removeprefix("; "), *table.notes)).strip()
    return HtmlTable(caption, table.head, body, table.meanings[: len(body)])
