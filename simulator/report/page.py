"""Pages: one HTML file with all it needs, for the screen and for paper, that asks the network for nothing.

Every text goes through Jinja's escaping, so a name from a scenario is text, whatever it is. Figures are inline SVG.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from matplotlib.figure import Figure

from simulator.report.style import styled

_ID = re.compile(r'(\bid="|href="#|url\(#)')


@dataclass(frozen=True)
class Table:
    """A table of texts: what it shows, heads of the columns, and rows of which the first cell names the row.

    meanings: what each row means, for a notebook's tooltips, none if empty.
    """

    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    meanings: Sequence[str] = ()


def page(template: str, **content: Any) -> str:
    """A whole page from a template of `templates/`."""
    return _environment().get_template(template).render(**content)


def notebook(name: str, sample: str, said: Sequence[str], tables: Sequence[Table], notes: Sequence[str] = ()) -> str:
    """A study in a notebook: what it is and rests on, sentences, tables, and how to read them."""
    return page("notebook.html", name=name, sample=sample, said=said, tables=tables, notes=notes)


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
