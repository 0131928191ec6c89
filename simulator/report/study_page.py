"""A study as HTML: in a notebook, and as a page of its own."""

from __future__ import annotations

import io
from html import escape
from typing import TYPE_CHECKING

from simulator.report.style import figure_of, styled

if TYPE_CHECKING:
    from simulator.studies.study import Study

_UNSAID = ("Creator", "Date", "Format", "Type")
"""What a drawing would tell of itself."""
_ROWS = 20
"""Rows of a table that are shown."""
_STYLE = (
    "body{font-family:system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em}svg{max-width:100%;height:auto}"
)


def html(study: Study) -> str:
    """Headline, sample and table."""
    said = "".join(f"<li>{escape(line)}</li>" for line in study.headline())
    table = study.table()
    left = f"<p>{len(table) - _ROWS:,} more rows in <code>table()</code>.</p>" if len(table) > _ROWS else ""
    shown = table.head(_ROWS).to_html(border=0, na_rep="\u2013", float_format=lambda x: f"{x:,.4g}", index=False)
    title = f"<p><strong>{escape(study.title)}</strong>: {escape(study.sample_text)}</p>"
    return f"<div>{title}<ul>{said}</ul>{shown}{left}</div>"


def took(study: Study) -> str:
    """What it cost in time, as a paragraph."""
    return f"<p>{escape(study.cost_text)}</p>" if study.cost_text else ""


def page(study: Study) -> str:
    """A whole page, with the figure within it."""
    drawn = io.StringIO()
    with styled():
        figure = figure_of(lambda ax: study.plot(ax=ax))
        figure.savefig(drawn, format="svg", bbox_inches="tight", metadata=dict.fromkeys(_UNSAID))
    picture = drawn.getvalue()
    title = escape(study.title)
    head = f'<meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
    drawing = f'<figure role="img" aria-label="{title}">{picture[picture.index("<svg") :]}</figure>'
    body = f"<main><h1>{title}</h1>{study._html()}{took(study)}{drawing}</main>"
    return f'<!DOCTYPE html><html lang="en"><head>{head}</head><body>{body}</body></html>'
