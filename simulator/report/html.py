"""Pages: one HTML file with all it needs, for the screen and for paper, that asks the network for nothing.

Every text goes through Jinja's escaping, so a name from a scenario is text, whatever it is. Figures are inline SVG.

A study as HTML: in a notebook, and as a page of its own.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape as html_escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from matplotlib.figure import Figure

from simulator.report.plots import figure_of, styled

if TYPE_CHECKING:
    from simulator.studies.base import Study


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


_UNSAID = ("Creator", "Date", "Format", "Type")
"""What a drawing would tell of itself."""
_ROWS = 20
"""Rows of a table that are shown."""
_STYLE = (
    "body{font-family:system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em}svg{max-width:100%;height:auto}"
)


def study_html(study: Study) -> str:
    """Headline, sample and table."""
    said = "".join(f"<li>{html_escape(line)}</li>" for line in study.headline())
    table = study.table()
    left = f"<p>{len(table) - _ROWS:,} more rows in <code>table()</code>.</p>" if len(table) > _ROWS else ""
    shown = table.head(_ROWS).to_html(border=0, na_rep="\u2013", float_format=lambda x: f"{x:,.4g}", index=False)
    title = f"<p><strong>{html_escape(study.title)}</strong>: {html_escape(study.sample_text)}</p>"
    return f"<div>{title}<ul>{said}</ul>{shown}{left}</div>"


def took(study: Study) -> str:
    """What it cost in time, as a paragraph."""
    return f"<p>{html_escape(study.cost_text)}</p>" if study.cost_text else ""


def study_page(study: Study) -> str:
    """A whole page, with the figure within it."""
    drawn = io.StringIO()
    with styled():
        figure = figure_of(lambda ax: study.plot(ax=ax))
        figure.savefig(drawn, format="svg", bbox_inches="tight", metadata=dict.fromkeys(_UNSAID))
    picture = drawn.getvalue()
    title = html_escape(study.title)
    head = f'<meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
    drawing = f'<figure role="img" aria-label="{title}">{picture[picture.index("<svg") :]}</figure>'
    body = f"<main><h1>{title}</h1>{study._html()}{took(study)}{drawing}</main>"
    return f'<!DOCTYPE html><html lang="en"><head>{head}</head><body>{body}</body></html>'
