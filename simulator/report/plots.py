"""One look for all figures: readable in grey and for colour-blind readers, drawn the same at every run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from simulator.core.errors import fault
from simulator.runs.run_directory import Writer
from simulator.scenario.validation.finding import suggestion

# Okabe and Ito's palette (Color Universal Design, 2008) in an order in which neighbours differ in lightness.
COLOURS = ("#000000", "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#7F7F7F")
MARKERS = ("s", "o", "^", "D", "v", "P", "X", "*")
LINES: tuple[Any, ...] = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)), (0, (7, 3)))
QUIET = "#595959"
_RC: Any = {
    "font.size": 10.0,
    "axes.titlesize": 11.0,
    "axes.titlelocation": "left",
    "axes.titlepad": 10.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#D9D9D9",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "figure.dpi": 100.0,
    "savefig.dpi": 150.0,
    "svg.hashsalt": "incentive-sim",
    "svg.fonttype": "path",
}


@contextmanager
def styled() -> Iterator[None]:
    """Our settings for what is drawn inside; those of the caller afterwards."""
    with mpl.rc_context(_RC):
        yield
        interactive = mpl.rcParams["interactive"]
    mpl.rcParams["interactive"] = interactive  # a notebook's backend, loaded by the first figure, sets it for good


def colour(position: int) -> str:
    """Colour of the program at a position."""
    return COLOURS[position % len(COLOURS)]


def marker(position: int) -> str:
    """Marker of the program at a position."""
    return MARKERS[position % len(MARKERS)]


def line(position: int) -> Any:
    """Line style of the program at a position."""
    return LINES[position % len(LINES)]


def new_axes(rows: int | None = None) -> Axes:
    """Axes of a new figure; rows: that it must have room for."""
    # pyplot only here: a notebook shows its figures, files are written from figures without it.
    from matplotlib import pyplot

    height = 4.2 if rows is None else max(2.6, 1.6 + 0.45 * rows)
    return pyplot.subplots(figsize=(7.2, height))[1]


def figure_of(paint: Callable[[Axes], object], width: float = 7.2, height: float = 4.2) -> Figure:
    """A figure of what `paint` draws on its axes, in inches, kept out of pyplot."""
    with styled():
        figure = Figure(figsize=(width, height))
        paint(figure.subplots())
    return figure


def draw_kind(
    kinds: Mapping[str, Callable[..., Axes]], study: object, kind: str, ax: Axes | None, **options: Any
) -> Axes:
    """Draw a figure of `kind` on `ax` or a new figure; raises `InputError` for an unknown kind."""
    if kind not in kinds:
        raise fault("options", "kind", kind, f"must be one of {', '.join(kinds)}", suggestion(kind, kinds))
    with styled():
        return kinds[kind](study, new_axes() if ax is None else ax, **options)


def rows_for(ax: Axes, names: Sequence[str], above: float = 0.6) -> list[int]:
    """A row for each name, the first on top; `above`: room over it, in rows."""
    rows = list(range(len(names) - 1, -1, -1))
    ax.set_yticks(rows, list(names))
    ax.set_ylim(-0.6, len(names) - 1 + above)
    ax.grid(False, axis="y")
    return rows


def interval(
    ax: Axes, limits: Sequence[float], row: float, shade: str, *, fmt: str = "o", sure: bool = True, label: str = ""
) -> None:
    """A value between its limits, (value, low, high), in a row; open unless it is sure to differ from 0."""
    value, low, high = limits
    ax.errorbar(
        value, row, xerr=[[value - low], [high - value]], fmt=fmt, color=shade, elinewidth=1.6, capsize=3,
        markersize=7, markerfacecolor=shade if sure else "white", label=label or None,
    )  # fmt: skip


def legend_beside(ax: Axes, **options: Any) -> None:
    """The legend to the right of the axes, where it hides nothing."""
    ax.legend(loc="upper left", **{"bbox_to_anchor": (1.02, 1.0), "borderaxespad": 0.0, **options})


def mark_zero(ax: Axes) -> None:
    """Show where 0 is, and keep it in view."""
    ax.axvline(0.0, color=QUIET, linewidth=1.0, zorder=0)
    ax.margins(x=0.1)


def sample_note(ax: Axes, text: str) -> None:
    """State below the axes what a figure rests on."""
    ax.annotate(
        text,
        (1.0, 0.0),
        (0.0, -42.0),
        xycoords="axes fraction",
        textcoords="offset points",
        ha="right",
        va="top",
        fontsize=8,
        color=QUIET,
    )


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure; the same figure gives the same bytes on one machine and library set."""
    vector = path.suffix == ".svg"
    with styled():
        figure.savefig(path, bbox_inches="tight", metadata={"Date": None} if vector else {"Software": None})


def figure_files(figures: Mapping[str, Callable[[], Figure]]) -> dict[str, Writer]:
    """Files of figures by their names, as PNG and as SVG; each figure is drawn once."""

    def written(make: Callable[[], Figure]) -> Writer:
        return lambda path: save_figure(make(), path)

    drawn = {name: written(cache(make)) for name, make in figures.items()}
    return {f"figures/{name}.{end}": write for name, write in drawn.items() for end in ("png", "svg")}
