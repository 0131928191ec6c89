"""Small pictures as SVG text, for what is drawn anew many times a second: a panel with axes and a few kinds of marks.

Everything else is drawn by matplotlib, which takes some hundred times as long.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

import numpy as np
from matplotlib.ticker import MaxNLocator

from simulator.core.arrays import Array
from simulator.report.plots import QUIET

_GRID = "#D9D9D9"


def text(x: float, y: float, words: str, *, size: int = 12, anchor: str = "start", colour: str = "#000000") -> str:
    """Words at a point, in pixels."""
    at = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    halo = 'stroke="#FFFFFF" stroke-width="3" paint-order="stroke"'
    return f'<text {at} font-size="{size}" fill="{colour}" {halo}>{escape(words)}</text>'


def drawing(width: float, height: float, parts: Sequence[str], label: str) -> str:
    """A whole picture; label: what it shows, for those who do not see it."""
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" role="img"'
    style = 'style="width:100%;height:auto;font-family:system-ui,sans-serif"'
    return f'{head} aria-label="{escape(label)}" {style}>{"".join(parts)}</svg>'


@dataclass
class SvgPanel:
    """A plot in a rectangle of pixels: left, top, width, height; across, up: ranges of the data."""

    left: float
    top: float
    width: float
    height: float
    across: tuple[float, float]
    up: tuple[float, float] = (0.0, 1.0)
    parts: list[str] = field(default_factory=list)

    def x(self, value: float) -> float:
        """Pixel of a value, kept within the panel."""
        low, high = self.across
        share = (min(max(value, low), high) - low) / ((high - low) or 1.0)
        return self.left + share * self.width

    def y(self, value: float) -> float:
        """Pixel of a value, kept within the panel."""
        low, high = self.up
        share = (min(max(value, low), high) - low) / ((high - low) or 1.0)
        return self.top + (1 - share) * self.height

    def axis(self, title: str, *, ticks: int = 5) -> None:
        """The axis below, with grid lines."""
        bottom = self.top + self.height
        for at in _ticks(self.across, ticks):
            self.line(at, 0.0, at, 1.0, colour=_GRID, width=1, unit=True)
            self.parts.append(text(self.x(at), bottom + 14, f"{at:,.10g}", size=11, anchor="middle", colour=QUIET))
        self.parts.append(text(self.left + self.width, bottom + 30, title, size=11, anchor="end", colour=QUIET))

    def upright(self, title: str, *, ticks: int = 4) -> None:
        """The axis on the left, with grid lines."""
        for at in _ticks(self.up, ticks):
            y = self.y(at)
            self._stroke(self.left, y, self.left + self.width, y, _GRID, 1)
            self.parts.append(text(self.left - 6, y + 4, f"{at:,.10g}", size=11, anchor="end", colour=QUIET))
        self.parts.append(text(self.left - 6, self.top - 8, title, size=11, colour=QUIET))

    def line(
        self, x0: float, y0: float, x1: float, y1: float, *, colour: str, width: float = 1.5, dash: str = "",
        unit: bool = False,
    ) -> None:  # fmt: skip
        """A line between two points of the data; unit: y in parts of the panel's height."""
        ends = [self.top + (1 - y) * self.height if unit else self.y(y) for y in (y0, y1)]
        self._stroke(self.x(x0), ends[0], self.x(x1), ends[1], colour, width, dash)

    def curve(self, x: Array, y: Array, *, colour: str, width: float = 2.0, dash: str = "") -> None:
        """A line through many points."""
        points = " ".join(f"{self.x(a):.1f},{self.y(b):.1f}" for a, b in zip(x, y, strict=True))
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        self.parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="{width}"{dashed}/>')

    def stairs(self, heights: Array, *, colour: str, most: float = 1.0) -> None:
        """Bars of equal width all along the bottom, the highest `most` of the panel's height."""
        width, top = self.width / len(heights), max(float(heights.max()), 1e-9)
        bottom = self.top + self.height
        path = "".join(f"h{width:.2f}V{bottom - h / top * most * self.height:.1f}" for h in [*heights, 0.0])
        path = path.removeprefix(f"h{width:.2f}")
        self.parts.append(f'<path d="M{self.left:.1f},{bottom:.1f}{path}" fill="{colour}" opacity="0.25"/>')

    def strokes(self, values: Array, at: float, half: float, *, colour: str) -> None:
        """A short upright stroke for each value, at a height, in pixels from the top of the panel."""
        y, opacity = self.top + at, max(0.12, min(0.7, 6 / max(len(values), 1)))
        path = " ".join(f"M{self.x(v):.1f},{y - half:.1f}v{2 * half:.1f}" for v in values)
        self.parts.append(f'<path d="{path}" stroke="{colour}" stroke-width="1.6" opacity="{opacity:.2f}"/>')

    def bar(self, low: float, high: float, at: float, *, colour: str, width: float = 2.0, cap: float = 0.0) -> None:
        """A level line from low to high, at a height in pixels; an arrow in place of the cap where it leaves."""
        y = self.top + at
        self._stroke(self.x(low), y, self.x(high), y, colour, width)
        for value, way in ((low, 1), (high, -1)):
            end = self.x(value)
            outside = not self.across[0] <= value <= self.across[1]
            if outside:
                tip = f"{end:.1f},{y:.1f} {end + 8 * way:.1f},{y - 6:.1f} {end + 8 * way:.1f},{y + 6:.1f}"
                self.parts.append(f'<polygon points="{tip}" fill="{colour}"/>')
            elif cap:
                self._stroke(end, y - cap, end, y + cap, colour, width)

    def dot(self, value: float, at: float, *, colour: str, fill: str, radius: float = 5.0) -> None:
        """A circle at a height in pixels."""
        place = f'cx="{self.x(value):.1f}" cy="{self.top + at:.1f}" r="{radius}"'
        self.parts.append(f'<circle {place} fill="{fill}" stroke="{colour}" stroke-width="2"/>')

    def _stroke(self, x0: float, y0: float, x1: float, y1: float, colour: str, width: float, dash: str = "") -> None:
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        ends = f'x1="{x0:.1f}" y1="{y0:.1f}" x2="{x1:.1f}" y2="{y1:.1f}"'
        self.parts.append(f'<line {ends} stroke="{colour}" stroke-width="{width}"{dashed}/>')


def _ticks(across: tuple[float, float], count: int) -> Sequence[float]:
    low, high = across
    found = MaxNLocator(count, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
    edge = 1e-9 * (high - low)
    return [round(float(t), 10) + 0.0 for t in np.asarray(found) if low - edge <= t <= high + edge]
